/* The kernel's ring buffer of the live machine. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

struct root;

/* All of it as text, at most LIMIT_LOG bytes, oldest first. 0; -ENOENT under --root; -EPERM where only root may
 * read it (kernel.dmesg_restrict); or -errno. */
int root_kernel_log(const struct root *root, struct arena *arena, struct span *ret_log);
