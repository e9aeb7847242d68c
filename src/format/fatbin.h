/* Fatbins: the containers in which CUDA programs carry their GPU code. One container is one module (one
 * translation unit, or what a device link made of several); its entries hold the same code for different targets:
 * SASS (a cubin) for one kind of GPU, PTX to be compiled by the driver, LTO intermediate code to be linked first.
 *
 * Only headers are read; payloads, compressed or not, never are: kind, architecture and suffix stand in clear.
 * The layout, little endian on every host (what is not cited was measured over files of CUDA 8.0 to 13.0):
 *   container: u32 0xBA55ED50, u16 version 1, u16 header size 16, u64 bytes of entries that follow
 *   entry:     u16 kind, u16 -, u32 header size (64 and more), u64 payload size, u32 -, u32 -, u16 code version
 * minor, u16 code version major (of PTX: its ISA), u32 architecture, u32 -, u32 -, u64 flags, u64 -, u64 -
 * fatbinary_section.h of the toolkit has the wrapper in .nvFatBinSegment, whose pointers lead here once relocated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "format/window.h"

enum {
    FATBIN_OTHER = 0, /* for fatbin_sorted: every kind but these three */
    FATBIN_PTX = 1,
    FATBIN_SASS = 2,
    FATBIN_LTO = 8 /* NVVM intermediate code */
    /* other numbers are kept as they are */
};

struct fatbin_target {
    unsigned kind;
    unsigned arch;                 /* 75, 90, 120 */
    char suffix;                   /* 'a' that very architecture only, 'f' its family, '\0' */
    unsigned isa_major, isa_minor; /* of PTX, else 0; the same target with another ISA is another item */
    uint64_t entries;
};

struct fatbin_targets {
    struct fatbin_target *items;
    size_t count;
};

enum { FATBIN_TARGETS = 256 }; /* different targets that are told apart in one file; a large library has 20 */

/* Modules that have code for the same set of targets. */
struct fatbin_mix {
    uint64_t targets[FATBIN_TARGETS / 64]; /* bit i: items[i] of the targets */
    uint64_t modules;
    uint64_t first; /* number of the first such module in the file, from 0 */
};

struct fatbin_mixes {
    struct fatbin_mix *items;
    size_t count;
};

/* What was found in one place or several. */
struct fatbin_code {
    unsigned every;                /* set before: look into every so many modules only; 0: into all */
    struct fatbin_targets targets; /* in the order met; fatbin_sorted orders them */
    struct fatbin_mixes mixes;
    uint64_t modules, entries;
    bool full; /* a limit was met: more targets, mixes, modules or entries than are told apart */
    /* The first damage and the byte of the file where it stands. 0; -EBADMSG: sizes or numbers that cannot be;
     * -ENODATA: the bytes end before the sizes say; -EPROTONOSUPPORT: a version not known; or the -errno of
     * reading. What could be read around it is there all the same. */
    int error;
    uint64_t error_offset;
    const char *problem; /* static; NULL without error */
};

/* Walks [start, end) of the file, which is filled with containers and zeros between them (a section, a bare file).
 * Anything else there is damage; the walk goes on at the next container. */
void fatbin_walk(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t start,
                 uint64_t end);
/* Hunts through [start, end), which may hold anything, for whole and sound containers; nothing there is damage. */
void fatbin_hunt(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t start,
                 uint64_t end);

/* Counts a bare cubin or PTX file as one module with one entry. */
void fatbin_add_single(struct fatbin_code *code, struct arena *arena, struct fatbin_target target);
/* Whether these bytes start a container, and of how many bytes after the 16. */
bool fatbin_is_container(const char bytes[16], uint64_t *ret_size);

/* "sm_90a", "compute_120", "lto_75"; another kind: "kind16_75". */
const char *fatbin_target_name(struct arena *arena, const struct fatbin_target *target);
/* Items of that kind by architecture, then suffix, then ISA; the order of `targets.items` itself stays. */
void fatbin_sorted(const struct fatbin_code *code, struct arena *arena, unsigned kind,
                   struct fatbin_targets *ret_list);
