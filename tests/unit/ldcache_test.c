#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "format/ldcache.h"
#include "support/unit.h"
#include "sys/root.h"

/* --- caches made here ---------------------------------------------------------------------------------------- */

struct maker {
    char bytes[4096];
    size_t len;
    bool big;
};

static void put(struct maker *m, size_t at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        m->bytes[at + (m->big ? width - 1 - i : i)] = (char)(value >> (8 * i));
    m->len = m->len > at + width ? m->len : at + width;
}

static uint32_t put_text(struct maker *m, size_t base, const char *text) {
    size_t at = m->len;
    memcpy(m->bytes + at, text, strlen(text) + 1);
    m->len += strlen(text) + 1;
    return (uint32_t)(at - base);
}

struct row {
    const char *name, *path;
    uint32_t flags;
    uint64_t hwcap;
};

/* The tables of the new layout at `base`; rows must stand in ldconfig's (descending) order. */
static void make_new(struct maker *m, size_t base, const struct row *rows, uint32_t count,
                     const char *const *hwcaps, uint32_t hwcap_count) {
    memcpy(m->bytes + base, "glibc-ld.so.cache1.1", 20);
    put(m, base + 20, count, 4);
    m->bytes[base + 28] = m->big ? 3 : 2;
    size_t strings = base + 48 + count * 24;
    m->len = strings;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = base + 48 + i * 24;
        put(m, at, rows[i].flags, 4);
        put(m, at + 4, put_text(m, base, rows[i].name), 4);
        put(m, at + 8, put_text(m, base, rows[i].path), 4);
        put(m, at + 16, rows[i].hwcap, 8);
    }
    put(m, base + 24, m->len - strings, 4);
    if (!hwcap_count)
        return;
    uint32_t texts[8];
    for (uint32_t i = 0; i < hwcap_count; i++)
        texts[i] = put_text(m, base, hwcaps[i]);
    size_t extension = (m->len + 3) & ~3ul;
    put(m, base + 32, extension - base, 4);
    put(m, extension, 0xeaa42174, 4);
    put(m, extension + 4, 1, 4);
    put(m, extension + 8, 1, 4); /* the list of hwcaps */
    put(m, extension + 12, 0, 4);
    put(m, extension + 16, extension + 24 - base, 4);
    put(m, extension + 20, hwcap_count * 4, 4);
    for (uint32_t i = 0; i < hwcap_count; i++)
        put(m, extension + 24 + i * 4, texts[i], 4);
}

static void make_old(struct maker *m, const struct row *rows, uint32_t count) {
    memcpy(m->bytes, "ld.so-1.7.0", 11);
    put(m, 12, count, 4);
    size_t strings = 16 + count * 12;
    m->len = strings;
    for (uint32_t i = 0; i < count; i++) {
        put(m, 16 + i * 12, rows[i].flags, 4);
        put(m, 20 + i * 12, put_text(m, strings, rows[i].name), 4);
        put(m, 24 + i * 12, put_text(m, strings, rows[i].path), 4);
    }
}

#define EXTENSION (1ull << 62)
static const struct row ROWS[] = {
    {"libz.so.1", "/lib64/libz.so.1", LDCACHE_X86_64, 0},
    {"libm.so.10", "/lib64/libm.so.10", LDCACHE_X86_64, 0},
    {"libm.so.6", "/v3/libm.so.6", LDCACHE_X86_64, EXTENSION | 1},
    {"libm.so.6", "/v2/libm.so.6", LDCACHE_X86_64, EXTENSION | 0},
    {"libm.so.6", "/avx/libm.so.6", LDCACHE_X86_64, 4},
    {"libm.so.6", "/lib64/libm.so.6", LDCACHE_X86_64, 0},
    {"libm.so.6", "/lib/libm.so.6", LDCACHE_I386, 0},
    {"libc.so.6", "/lib64/libc.so.6", LDCACHE_X86_64, 0},
};
static const char *const HWCAPS[] = {"x86-64-v2", "x86-64-v3"};
static const char *const V3[] = {"x86-64-v3", "x86-64-v2"};
static const char *const V2[] = {"x86-64-v2"};

static void both_layouts_and_orders(void **state) {
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct maker m = {.big = kind & 1};
        if (kind / 2 == 0)
            make_new(&m, 0, ROWS, 8, HWCAPS, 2);
        else
            make_old(&m, ROWS, 8);
        if (kind / 2 == 2) /* the new layout behind the old one, as ldconfig wrote it for years */
            make_new(&m, (16 + 8 * 12 + 7) & ~7ul, ROWS, 8, HWCAPS, 2);
        struct ldcache cache;
        assert_int_equal(ldcache_open(&cache, span_from(m.bytes, m.len)), 0);
        assert_int_equal(cache.count, 8);
        assert_int_equal(ldcache_damaged(&cache), 0);
        assert_int_equal(cache.big, kind & 1);
        assert_int_equal(cache.wide, kind / 2 != 1);
        struct ldcache_match plain = {.flags = LDCACHE_X86_64};
        assert_string_equal(ldcache_find(&cache, "libz.so.1", &plain), "/lib64/libz.so.1");
        assert_string_equal(ldcache_find(&cache, "libc.so.6", &plain), "/lib64/libc.so.6");
        assert_string_equal(ldcache_find(&cache, "libm.so.10", &plain), "/lib64/libm.so.10");
        assert_null(ldcache_find(&cache, "libm.so.7", &plain));
        struct ldcache_match i386 = {.flags = LDCACHE_I386};
        assert_string_equal(ldcache_find(&cache, "libm.so.6", &i386), "/lib/libm.so.6");
        if (!cache.wide)
            continue;
        assert_string_equal(ldcache_find(&cache, "libm.so.6", &plain), "/lib64/libm.so.6");
        struct ldcache_match v3 = {LDCACHE_X86_64, 0, 0, V3, 2}, v2 = {LDCACHE_X86_64, 0, 0, V2, 1};
        assert_string_equal(ldcache_find(&cache, "libm.so.6", &v3), "/v3/libm.so.6");
        assert_string_equal(ldcache_find(&cache, "libm.so.6", &v2), "/v2/libm.so.6");
        struct ldcache_match avx = {.flags = LDCACHE_X86_64, .hwcap = 4};
        assert_string_equal(ldcache_find(&cache, "libm.so.6", &avx), "/avx/libm.so.6");
    }
}

/* One field at a time set to what it cannot be, and the file cut at every length: an error or a smaller answer,
 * and never a read outside (the sanitizers watch). */
static void lies(void **state) {
    (void)state;
    struct maker good = {0};
    make_new(&good, 0, ROWS, 8, HWCAPS, 2);
    struct ldcache cache;
    struct ldcache_match v3 = {LDCACHE_X86_64, 0, 0, V3, 2};
    for (size_t len = 0; len < good.len; len++) {
        char *copy = malloc(len + 1); /* its own block, so that a read behind it is seen */
        memcpy(copy, good.bytes, len);
        copy[len] = '\0';
        int r = ldcache_open(&cache, span_from(copy, len));
        assert_int_equal(r == 0, 0); /* the list of hwcaps stands last */
        free(copy);
    }
    for (size_t at = 20; at + 4 <= good.len; at += 4) {
        char *copy = malloc(good.len + 1);
        memcpy(copy, good.bytes, good.len);
        memset(copy + at, 0xff, 4);
        copy[good.len] = '\0';
        if (ldcache_open(&cache, span_from(copy, good.len)) == 0)
            for (size_t i = 0; i < 8; i++)
                ldcache_find(&cache, ROWS[i].name, &v3);
        free(copy);
    }
    struct maker m = good;
    put(&m, 20, 9999, 4);
    assert_int_equal(ldcache_open(&cache, span_from(m.bytes, m.len)), -ENODATA);
    m = good;
    put(&m, 48 + 7 * 24 + 8, 0xfffffff0, 4); /* the path of libc */
    assert_int_equal(ldcache_open(&cache, span_from(m.bytes, m.len)), 0);
    assert_int_equal(ldcache_damaged(&cache), 1);
    assert_null(ldcache_find(&cache, "libc.so.6", &v3));
    m = good;
    put(&m, 32, good.len - 2, 4);
    assert_int_equal(ldcache_open(&cache, span_from(m.bytes, m.len)), -EBADMSG);
    assert_int_equal(ldcache_open(&cache, span_of("no cache at all")), -ENOEXEC);
}

/* Every entry of this machine's own cache is found where `ldconfig -p` says. */
static void as_ldconfig_prints(void **state) {
    (void)state;
    struct root *root;
    AUTO_ARENA arena = {0};
    struct span bytes;
    struct ldcache cache;
    assert_int_equal(root_open(&root, NULL), 0);
    FILE *listing = popen("/sbin/ldconfig -p 2>/dev/null", "r");
    if (root_read(root, &arena, "/etc/ld.so.cache", LIMIT_FILE, &bytes) < 0 || !listing) {
        root_close(root);
        skip();
    }
    assert_int_equal(ldcache_open(&cache, bytes), 0);
    char line[4096], name[1024], kind[1024], path[2048];
    uint32_t index = 0, compared = 0;
    while (fgets(line, sizeof line, listing)) {
        if (sscanf(line, "\t%1023s (%1023[^)]) => %2047s", name, kind, path) != 3)
            continue;
        struct ldcache_entry entry;
        assert_int_equal(ldcache_entry(&cache, index++, &entry), 0);
        assert_string_equal(entry.name, name);
        assert_string_equal(entry.path, path);
        compared++;
    }
    pclose(listing);
    assert_int_equal(compared, cache.count);
    root_close(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_layouts_and_orders), cmocka_unit_test(lies),
                                       cmocka_unit_test(as_ldconfig_prints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
