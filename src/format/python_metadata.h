/* METADATA and PKG-INFO of an installed package (the core metadata specification, headers as of mail). */
#pragma once

#include "base/arena.h"
#include "base/span.h"

struct span_list {
    struct span *items;
    size_t count;
};

/* Everything points into the bytes that were read. */
struct python_metadata {
    struct span name, version, requires_python;
    struct span_list requirements; /* Requires-Dist, in order, as written; at most LIMIT_ROWS */
};

/* Reads up to the empty line before the description. Always answers: what is not there stays empty. */
void python_metadata_parse(struct arena *arena, struct span bytes, struct python_metadata *ret_metadata);
