/* /etc/ld.so.cache: which file ldconfig found for which soname. Both layouts (the old "ld.so-1.7.0", the new
 * "glibc-ld.so.cache1.1", and the new behind the old), both byte orders, glibc-hwcaps of glibc 2.33 and later, the
 * hwcap bits before that. Sources: glibc's sysdeps/generic/dl-cache.h, elf/dl-cache.c, elf/cache.c.
 *
 * Every count and offset is checked: a table that does not fit the file is an error, a single entry that points
 * outside is never handed out (ld.so passes over it likewise). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Flags of an entry: what kind of library ldconfig took it for. */
enum {
    LDCACHE_I386 = 0x0003, /* also what 32-bit x86 of every age has */
    LDCACHE_X86_64 = 0x0303,
    LDCACHE_X32 = 0x0803,
    LDCACHE_AARCH64 = 0x0a03,
};

struct ldcache {
    struct span bytes;       /* from the table's own start on; offsets count from here or from `strings` */
    bool wide;               /* the new layout: entries of 24 bytes with hwcap */
    bool big;                /* byte order */
    uint32_t count;          /* entries */
    size_t entries, strings; /* where they start */
    size_t hwcaps, hwcap_count;
};

struct ldcache_entry {
    const char *name, *path; /* bytes as they are: clean before printing */
    uint32_t flags;
    uint64_t hwcap;           /* 0 for a subdirectory entry */
    const char *subdirectory; /* "x86-64-v3": the file is in glibc-hwcaps/ of that name; NULL for most */
};

/* What the CPU and its ld.so can use. */
struct ldcache_match {
    uint32_t flags;                    /* LDCACHE_* */
    uint64_t hwcap;                    /* legacy bits that are usable, bit 63 (tls) aside */
    uint64_t platform;                 /* legacy platform bit (1 << 48 …), 0 for none */
    const char *const *subdirectories; /* usable glibc-hwcaps, best first */
    size_t subdirectory_count;
};

/* Reads the tables. `bytes` must outlive the cache and be followed by a NUL (as root_read gives them). 0;
 * -ENOEXEC: not a cache; -ENODATA: it ends before its tables do; -EBADMSG: absurd; -EFBIG: more than
 * LIMIT_LDCACHE entries. */
int ldcache_open(struct ldcache *ret_cache, struct span bytes);
/* 0; -ENOENT behind the last; -EBADMSG: it points outside the file. */
int ldcache_entry(const struct ldcache *cache, uint32_t index, struct ldcache_entry *ret_entry);
/* How many entries point outside the file. */
uint32_t ldcache_damaged(const struct ldcache *cache);
/* What ld.so would take for a soname, found by the same search (the order of the table matters). NULL: nothing. */
const char *ldcache_find(const struct ldcache *cache, const char *name, const struct ldcache_match *match);
/* The same in two steps: where the entries of a name start (`count`: there are none), and the best from there. */
uint32_t ldcache_first(const struct ldcache *cache, const char *name);
const char *ldcache_best(const struct ldcache *cache, uint32_t first, const char *name,
                         const struct ldcache_match *match);
/* Whether an entry can be used at all by that CPU and loader. */
bool ldcache_usable(const struct ldcache_entry *entry, const struct ldcache_match *match);
