/* What whycuda knows beforehand: the tables of data/, compiled into the program, or read from a directory.
 *
 * Tables advise: they name GPUs and say which build to install. What an installed PyTorch needs is read from its
 * files. Every row carries `confirmed`: a row without it (no public source, or doubtful) may be shown, but must
 * never decide a verdict or print a command; the functions of compat.h and recommend.h skip such rows.
 *
 * Nothing is parsed when opening: each table is read at its first look-up, PCI ids by a scan of the bytes.
 * Look-ups answer 0, -ENOENT (the tables do not know; *ret is untouched) or -EINVAL (the question makes no sense).
 * Strings and rows they hand out live until knowledge_close. One thread at a time. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/span.h"
#include "format/version.h"

struct knowledge;

/* The compiled-in tables (data_dir NULL), or those of a directory of the host: a table that the directory lacks is
 * taken from the program. 0; -errno of the directory; -EINVAL when it is none of tables (no *.csv of ours in it). */
int knowledge_open(struct knowledge **ret_knowledge, const char *data_dir);
void knowledge_close(struct knowledge *knowledge);

static inline void knowledge_close_pointer(struct knowledge **knowledge) {
    knowledge_close(*knowledge);
}
#define AUTO_KNOWLEDGE __attribute__((cleanup(knowledge_close_pointer))) struct knowledge *

/* Rows that could not be understood so far, counted at each look-up that met them. Not 0: --data wants mending. */
size_t knowledge_bad_rows(const struct knowledge *knowledge);

/* A compute capability as one number: 8.6 is 86, 12.1 is 121. 0 is "not known". */
static inline int capability_of(int major, int minor) {
    return major * 10 + minor;
}
static inline int capability_major(int capability) {
    return capability / 10;
}
static inline int capability_minor(int capability) {
    return capability % 10;
}
/* "8.6", "sm_86", "86", "sm_90a", "compute_120" (suffixes are dropped). 0 or -EINVAL. */
int capability_parse(struct span text, int *ret_capability);
/* "8.6" into a buffer of at least 8 bytes; returns it. */
const char *capability_text(int capability, char *buffer);

/* Where software runs, as far as builds differ. */
enum platform {
    PLATFORM_UNKNOWN,
    PLATFORM_LINUX_X86_64,
    PLATFORM_LINUX_AARCH64, /* servers (SBSA), and Jetson from JetPack 7 */
    PLATFORM_JETSON,        /* JetPack 6 and older: NVIDIA's own wheels, the driver is part of the system */
    PLATFORM_WINDOWS,
    PLATFORM_MACOS
};
/* "linux_x86_64", "linux_aarch64", "jetson", "windows_amd64", "macos", "unknown". */
const char *platform_name(enum platform platform);
