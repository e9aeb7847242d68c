/* Scattered small reads of one open file, through one buffer: a reader that hops from header to header asks for a
 * few bytes at a time, and this decides how much to read with them: 80 bytes (a container's header and its first
 * entry's), or, where several reads in a row fell into the same page or the next, what is left of the page. A cold
 * file costs one page a hop, and the memory that is touched stays small. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { WINDOW_BYTES = 64 * 1024 }; /* the most that one call may ask for */

struct window {
    int fd;
    uint64_t size; /* of the file */
    char *bytes;
    uint64_t at; /* where in the file the buffer stands */
    size_t have;
    uint64_t last;   /* offset of the last call */
    unsigned near;   /* hops in a row that were short */
    uint64_t budget; /* bytes that may still be read: structures that overlap do not make work without end */
    uint64_t reads, bytes_read;
};

/* The descriptor stays the caller's. The kernel is told not to read ahead. */
void window_init(struct window *window, struct arena *arena, int fd, uint64_t size);
/* `len` bytes at `offset`, good until the next call. 0; -ENODATA: beyond the end; -EBADMSG: wraps around; -EFBIG:
 * the budget of four times the file is used up; or the -errno of reading. */
int window_get(struct window *window, uint64_t offset, size_t len, const char **ret_bytes);
