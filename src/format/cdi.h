/* Container Device Interface specifications (YAML or JSON), as nvidia-ctk writes them. A line reader, no YAML: it
 * sees keys wherever they stand, which is enough for files of that one author. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "format/version.h"

struct cdi {
    bool nvidia;                   /* its kind is nvidia.com/… */
    struct driver_version version; /* of the first libcuda.so.N.N it mounts; count 0: none */
    size_t devices;                /* names listed; "all" counts as one */
    struct texts host_paths;       /* mounts' and nodes' paths on the host, at most LIMIT_ROWS */
};
void cdi_parse(struct span text, struct arena *arena, struct cdi *ret_cdi);
