#include "format/ldcache.h"

#include <errno.h>

#include "base/limits.h"
#include "format/bytes.h"

static const char OLD_MAGIC[] = "ld.so-1.7.0";
static const char NEW_MAGIC[] = "glibc-ld.so.cache1.1";
static const uint32_t EXTENSION_MAGIC = 0xeaa42174;

enum {
    OLD_HEADER = 16, /* magic, one byte of padding, count */
    OLD_ENTRY = 12,
    NEW_HEADER = 48,
    NEW_ENTRY = 24,
    EXTENSION_HEADER = 8,
    EXTENSION_SECTION = 16,
    EXTENSION_GLIBC_HWCAPS = 1, /* tag of the section that lists the subdirectories */
};

static const uint64_t HWCAP_EXTENSION = 1ull << 62; /* the low 32 bits are an index of a subdirectory */
static const uint64_t HWCAP_TLS = 1ull << 63;
static const uint64_t HWCAP_PLATFORM = 0xffull << 48;

static uint32_t u32(const struct ldcache *cache, size_t at) {
    return cache->big ? bytes_be32(cache->bytes.ptr + at) : bytes_le32(cache->bytes.ptr + at);
}

static uint64_t u64(const struct ldcache *cache, size_t at) {
    return cache->big ? bytes_be64(cache->bytes.ptr + at) : bytes_le64(cache->bytes.ptr + at);
}

static bool table_fits(const struct ldcache *cache, size_t start, uint64_t count, size_t entry) {
    return start <= cache->bytes.len && count <= (cache->bytes.len - start) / entry;
}

/* Before glibc 2.33 nothing says in which byte order a cache is; only one of the two counts fits the file. */
static bool order_by_count(const struct ldcache *cache, size_t at, size_t header, size_t entry) {
    return !table_fits(cache, header, bytes_le32(cache->bytes.ptr + at), entry) &&
           table_fits(cache, header, bytes_be32(cache->bytes.ptr + at), entry);
}

/* The list of glibc-hwcaps names. Its absence is no error: caches before 2.33 have none. */
static int extension_open(struct ldcache *cache, uint32_t at) {
    if (!at)
        return 0;
    if (at % 4 || at > cache->bytes.len || cache->bytes.len - at < EXTENSION_HEADER)
        return -EBADMSG;
    if (u32(cache, at) != EXTENSION_MAGIC)
        return 0; /* ld.so takes it as absent */
    uint32_t count = u32(cache, at + 4);
    if (count > LIMIT_LDCACHE || !table_fits(cache, at + EXTENSION_HEADER, count, EXTENSION_SECTION))
        return -EBADMSG;
    for (uint32_t i = 0; i < count; i++) {
        size_t section = at + EXTENSION_HEADER + (size_t)i * EXTENSION_SECTION;
        uint32_t offset = u32(cache, section + 8), size = u32(cache, section + 12);
        if (offset > cache->bytes.len || size > cache->bytes.len - offset)
            return -EBADMSG;
        if (u32(cache, section) == EXTENSION_GLIBC_HWCAPS) {
            if (size % 4 || size / 4 > LIMIT_LDCACHE)
                return -EBADMSG;
            cache->hwcaps = offset;
            cache->hwcap_count = size / 4;
        }
    }
    return 0;
}

static int new_open(struct ldcache *cache, struct span bytes) {
    cache->bytes = bytes;
    if (bytes.len < NEW_HEADER)
        return -ENODATA;
    uint8_t order = (uint8_t)bytes.ptr[28] & 3;
    cache->wide = true;
    cache->big = order == 3 || (order == 0 && order_by_count(cache, 20, NEW_HEADER, NEW_ENTRY));
    cache->count = u32(cache, 20);
    cache->entries = NEW_HEADER;
    cache->strings = 0;
    if (!table_fits(cache, NEW_HEADER, cache->count, NEW_ENTRY))
        return -ENODATA;
    return extension_open(cache, u32(cache, 32));
}

static int old_open(struct ldcache *cache, struct span bytes) {
    cache->bytes = bytes;
    if (bytes.len < OLD_HEADER)
        return -ENODATA;
    cache->big = order_by_count(cache, 12, OLD_HEADER, OLD_ENTRY);
    cache->count = u32(cache, 12);
    cache->entries = OLD_HEADER;
    if (!table_fits(cache, OLD_HEADER, cache->count, OLD_ENTRY))
        return -ENODATA;
    cache->strings = OLD_HEADER + (size_t)cache->count * OLD_ENTRY;
    size_t behind = (cache->strings + 7) & ~(size_t)7;
    struct span rest = span_slice(bytes, behind, bytes.len);
    if (!span_starts(rest, NEW_MAGIC))
        return 0;
    *cache = (struct ldcache){0};
    return new_open(cache, rest);
}

int ldcache_open(struct ldcache *ret_cache, struct span bytes) {
    struct ldcache cache = {0};
    int r = -ENOEXEC;
    if (span_starts(bytes, NEW_MAGIC))
        r = new_open(&cache, bytes);
    else if (span_starts(bytes, OLD_MAGIC))
        r = old_open(&cache, bytes);
    if (r < 0)
        return r;
    if (cache.count > LIMIT_LDCACHE)
        return -EFBIG;
    *ret_cache = cache;
    return 0;
}

uint32_t ldcache_damaged(const struct ldcache *cache) {
    uint32_t damaged = 0;
    struct ldcache_entry entry;
    for (uint32_t i = 0; i < cache->count; i++)
        damaged += ldcache_entry(cache, i, &entry) == -EBADMSG;
    return damaged;
}

/* A string at an offset of the table; the NUL behind the file ends the last one. */
static const char *string_at(const struct ldcache *cache, uint32_t offset) {
    return offset < cache->bytes.len - cache->strings ? cache->bytes.ptr + cache->strings + offset : NULL;
}

int ldcache_entry(const struct ldcache *cache, uint32_t index, struct ldcache_entry *ret_entry) {
    if (index >= cache->count)
        return -ENOENT;
    size_t at = cache->entries + (size_t)index * (cache->wide ? NEW_ENTRY : OLD_ENTRY);
    struct ldcache_entry entry = {.flags = u32(cache, at),
                                  .name = string_at(cache, u32(cache, at + 4)),
                                  .path = string_at(cache, u32(cache, at + 8)),
                                  .hwcap = cache->wide ? u64(cache, at + 16) : 0};
    if (!entry.name || !entry.path)
        return -EBADMSG;
    if (entry.hwcap & HWCAP_EXTENSION) {
        uint32_t number = (uint32_t)entry.hwcap;
        if (number >= cache->hwcap_count)
            return -EBADMSG;
        /* these offsets count from the start of the file, which is the table's own wherever they are used */
        uint32_t offset = u32(cache, cache->hwcaps + (size_t)number * 4);
        entry.subdirectory = offset < cache->bytes.len ? cache->bytes.ptr + offset : NULL;
        if (!entry.subdirectory)
            return -EBADMSG;
        entry.hwcap = 0;
    }
    *ret_entry = entry;
    return 0;
}

/* As ldconfig sorts: runs of digits as numbers. Wraps where glibc's int does. */
static int compare_names(const char *a, const char *b) {
    while (*a) {
        bool digit_a = *a >= '0' && *a <= '9', digit_b = *b >= '0' && *b <= '9';
        if (digit_a != digit_b)
            return digit_a ? 1 : -1;
        if (!digit_a) {
            if (*a != *b)
                return (signed char)*a - (signed char)*b;
            a++, b++;
            continue;
        }
        uint32_t number_a = 0, number_b = 0;
        for (; *a >= '0' && *a <= '9'; a++)
            number_a = number_a * 10 + (uint32_t)(*a - '0');
        for (; *b >= '0' && *b <= '9'; b++)
            number_b = number_b * 10 + (uint32_t)(*b - '0');
        if (number_a != number_b)
            return (int32_t)(number_a - number_b);
    }
    return -(int)*b;
}

/* Rank of a subdirectory for this CPU: 1 is best, 0 not usable. */
static size_t subdirectory_rank(const struct ldcache_match *match, const char *name) {
    for (size_t i = 0; i < match->subdirectory_count; i++)
        if (strcmp(match->subdirectories[i], name) == 0)
            return i + 1;
    return 0;
}

bool ldcache_usable(const struct ldcache_entry *entry, const struct ldcache_match *match) {
    if (entry->flags != match->flags)
        return false;
    if (entry->subdirectory)
        return subdirectory_rank(match, entry->subdirectory) > 0;
    if (entry->hwcap & ~(match->hwcap | HWCAP_TLS | HWCAP_PLATFORM))
        return false;
    uint64_t platform = entry->hwcap & HWCAP_PLATFORM;
    return !platform || platform == match->platform;
}

/* In a cache that is not sorted this misses what ld.so misses. */
uint32_t ldcache_first(const struct ldcache *cache, const char *name) {
    uint32_t left = 0, right = cache->count;
    struct ldcache_entry entry;
    while (left < right) {
        uint32_t middle = left + (right - left - 1) / 2;
        if (ldcache_entry(cache, middle, &entry) < 0)
            return cache->count;
        int order = compare_names(name, entry.name);
        if (order == 0) {
            while (middle > 0 && ldcache_entry(cache, middle - 1, &entry) == 0 &&
                   compare_names(name, entry.name) == 0)
                middle--;
            return middle;
        }
        if (order < 0) /* the table runs downwards */
            left = middle + 1;
        else
            right = middle;
    }
    return cache->count;
}

const char *ldcache_find(const struct ldcache *cache, const char *name, const struct ldcache_match *match) {
    return ldcache_best(cache, ldcache_first(cache, name), name, match);
}

const char *ldcache_best(const struct ldcache *cache, uint32_t first, const char *name,
                         const struct ldcache_match *match) {
    const char *best = NULL;
    size_t best_rank = 0;
    struct ldcache_entry entry;
    for (uint32_t i = first; ldcache_entry(cache, i, &entry) == 0; i++) {
        if (compare_names(name, entry.name) != 0)
            break;
        if (!entry.subdirectory && best)
            break; /* entries of subdirectories stand first */
        if (!ldcache_usable(&entry, match))
            continue;
        if (!entry.subdirectory)
            return entry.path;
        size_t rank = subdirectory_rank(match, entry.subdirectory);
        if (!best || rank < best_rank) {
            best = entry.path;
            best_rank = rank;
        }
    }
    return best;
}
