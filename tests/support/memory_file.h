/* Bytes as a file, for readers of descriptors. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One descriptor for the whole run where `path` is asked for again and again; emptied and filled anew. The caller
 * closes a duplicate. */
static inline int memory_file(const uint8_t *data, size_t size) {
    static int kept = -1;
    if (kept < 0)
        kept = memfd_create("input", MFD_CLOEXEC);
    if (kept < 0 || ftruncate(kept, 0) != 0 || (size && pwrite(kept, data, size, 0) != (ssize_t)size))
        abort();
    return dup(kept);
}
