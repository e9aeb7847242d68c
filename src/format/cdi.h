/* Container Device Interface specifications, as nvidia-ctk writes them: JSON, or YAML with one key a line. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "format/version.h"

struct cdi {
    bool nvidia;                   /* its kind is nvidia.com/… */
    struct driver_version version; /* of the first libcuda.so.N.N it mounts; count 0: none */
    size_t devices;                /* names listed; "all" counts as one */
    struct texts mounts;           /* host paths of its mounts */
    struct texts nodes;            /* device nodes that every container gets, whatever device it asks for */
};
/* At most LIMIT_ROWS of each list. 0, or -EINVAL: it begins like JSON and is none. */
int cdi_parse(struct span text, struct arena *arena, struct cdi *ret_cdi);
