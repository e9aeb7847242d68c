/* Which dynamic loader a program gets, and what is compiled into that loader: read from the loader's own file
 * where it is there, since every distribution builds in other directories. */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "format/ldcache.h"
#include "sys/root.h"

enum loader_kind { LOADER_GLIBC, LOADER_MUSL };

struct loader_platform {
    uint16_t machine; /* EM_* */
    bool wide;
    enum loader_kind kind;
    const char *interpreter;   /* "/lib64/ld-linux-x86-64.so.2" */
    bool interpreter_found;    /* that file is there */
    const char *soname;        /* the interpreter's: "ld-linux-x86-64.so.2" */
    struct texts directories;  /* default directories, without the last slash */
    const char *cache_path;    /* "/etc/ld.so.cache"; NixOS has it elsewhere */
    const char *lib;           /* $LIB */
    const char *platform;      /* $PLATFORM */
    struct texts legacy_names; /* before glibc 2.37: subdirectories that some CPU has ("tls", "haswell") */
    uint32_t cache_flags;      /* LDCACHE_* */
    int glibc_minor;           /* 36 of 2.36; 0: not known */
    /* what this CPU can use; only after platform_cpu */
    bool cpu_known;
    struct texts subdirectories;            /* glibc-hwcaps, best first: "glibc-hwcaps/x86-64-v3" */
    struct texts capabilities;              /* the same without "glibc-hwcaps/" */
    struct texts legacy;                    /* in the order ld.so combines them */
    uint64_t legacy_hwcap, legacy_platform; /* their bits in ld.so.cache */
};

/* Describes the loader at `interpreter` (NULL: the usual one of the machine). 0, or -ENOTSUP for a machine whose
 * rules are not known here (x86_64, i386 and aarch64 are). */
int platform_read(struct loader_platform *ret_platform, struct arena *arena, const struct root *root,
                  uint16_t machine, bool wide, const char *interpreter);
/* Fills the part on the CPU, once; few machines have libraries for which it matters. */
void platform_cpu(struct loader_platform *platform, struct arena *arena, const struct root *root);
/* EM_* of the machine's own programs, by uname; EM_NONE when not known. */
uint16_t platform_machine(const struct root *root);
