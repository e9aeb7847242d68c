/* Any bytes as ld.so.cache: what is handed out lies in the file, and the search finds nothing that is not in it. */
#include <stdint.h>
#include <stdlib.h>

#include "format/ldcache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const LEVELS[] = {"x86-64-v4", "x86-64-v3", "x86-64-v2"};

static void look_up(const struct ldcache *cache, const char *name) {
    static const uint32_t flags[] = {LDCACHE_X86_64, LDCACHE_AARCH64, LDCACHE_I386};
    for (size_t i = 0; i < 3; i++) {
        struct ldcache_match match = {flags[i], 1 << 1, 1ull << 48, LEVELS, 3};
        const char *found = ldcache_find(cache, name, &match);
        bool listed = !found;
        struct ldcache_entry entry;
        for (uint32_t n = 0; !listed && n < cache->count; n++)
            listed = ldcache_entry(cache, n, &entry) == 0 && entry.path == found && ldcache_usable(&entry, &match);
        if (!listed)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size + 1); /* as root_read gives them */
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    struct ldcache cache;
    if (ldcache_open(&cache, span_from(bytes, size)) == 0) {
        struct ldcache_entry entry;
        uint32_t bad = 0;
        for (uint32_t i = 0; i < cache.count; i++) {
            if (ldcache_entry(&cache, i, &entry) < 0) {
                bad++;
                continue;
            }
            const char *ends[] = {entry.name, entry.path, entry.subdirectory};
            for (size_t n = 0; n < 3; n++)
                if (ends[n] && (ends[n] < bytes || ends[n] + strlen(ends[n]) > bytes + size))
                    abort();
            if (i < 8)
                look_up(&cache, entry.name);
        }
        if (bad != ldcache_damaged(&cache) || ldcache_entry(&cache, cache.count, &entry) == 0)
            abort();
        look_up(&cache, "libc.so.6");
        look_up(&cache, "");
    }
    free(bytes);
    return 0;
}
