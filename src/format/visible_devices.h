/* CUDA_VISIBLE_DEVICES, read as CUDA reads it.
 *
 * Unset shows all GPUs, an empty value none. Otherwise a comma-separated list of indices, or of UUIDs
 * ("GPU-8f2a…", a unique beginning is enough), or of MIG instances; the GPUs are then numbered in that order. The
 * first entry that is wrong ends the list without a word: "0,5,1" on a machine with two GPUs shows GPU 0 only,
 * "all" shows none. A number is read as strtoul does ("1gpu" is 1); one that comes twice makes the whole list
 * empty. Of MIG instances only the first one counts. Sources: CUDA programming guide 5.2, torch/cuda/__init__.py
 * (_parse_visible_devices). */
#pragma once

#include <stdbool.h>

#include "base/span.h"

enum visible_end {
    VISIBLE_END_NONE,      /* every entry counts */
    VISIBLE_END_EMPTY,     /* the value is empty */
    VISIBLE_END_NEGATIVE,  /* "-1" */
    VISIBLE_END_WORD,      /* neither number nor UUID: "all", "cuda:0", "" between two commas */
    VISIBLE_END_RANGE,     /* there are not so many GPUs */
    VISIBLE_END_REPEATED,  /* an entry came twice: nothing is visible at all */
    VISIBLE_END_UNKNOWN,   /* no GPU has this UUID */
    VISIBLE_END_AMBIGUOUS, /* several GPUs' UUIDs begin so */
    VISIBLE_END_KIND,      /* an index after UUIDs, or the reverse */
    VISIBLE_END_MIG        /* a second MIG instance: passed over, not wrong */
};

enum { VISIBLE_MAX = 64 };

struct visible_entry {
    int index;        /* of the machine's GPUs; -1: by UUID and not known which */
    struct span text; /* as written */
};
struct visible_devices {
    struct visible_entry entries[VISIBLE_MAX];
    size_t count;         /* GPUs that a program sees, as far as the value tells */
    bool mig;             /* entries name MIG instances */
    bool checked;         /* the machine's GPUs were known, so that range and UUIDs were checked */
    enum visible_end end; /* why the list ends where it ends */
    struct span wrong;    /* the entry that ends it; empty span otherwise */
};

/* The machine's GPUs in CUDA's order (CUDA_DEVICE_ORDER); count -1: not known. `uuids` may be NULL, or hold NULLs.
 */
struct visible_machine {
    int count;
    const char *const *uuids;
};

/* Of a value that is set. Always answers. */
void visible_devices_parse(struct span value, struct visible_machine machine, struct visible_devices *ret_visible);
/* "the list holds no number": why it ended, as the middle of a sentence. */
const char *visible_end_words(enum visible_end end);
