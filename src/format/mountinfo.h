/* /proc/self/mountinfo (proc(5)). */
#pragma once

#include "base/span.h"

struct mount {
    struct span root;  /* what of the file system is mounted: "/", "/nvidia0", "/usr/lib/libcuda.so.550.54" */
    struct span point; /* where; escapes (\040) stay as they are */
    struct span type;  /* overlay, tmpfs, devtmpfs, ext4 … */
    struct span source;
    struct span options; /* of the file system: rw,size=65536k */
};
/* Cuts lines off *rest until one is a mount. False when nothing is left. */
bool mountinfo_next(struct span *rest, struct mount *ret_mount);

/* The value of "size=" among options in KiB (k, m, g or bytes), -1: there is none. */
int64_t mount_size_kib(struct span options);
