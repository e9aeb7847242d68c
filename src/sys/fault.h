/* Failure injection for tests: builds with WHYCUDA_TEST_HOOKS make the Nth read fail as WHYCUDA_FAULT says
 * ("N:EIO", "N:EACCES", "N:short"); "count" writes "reads: N" to standard error at the end. Other builds compile
 * it away. */
#pragma once

#include <stddef.h>

#ifdef WHYCUDA_TEST_HOOKS
int fault_next(const char *path);                      /* 0, or the -errno that this read must give */
size_t fault_shorten(const char *path, size_t length); /* the length that this read pretends */
#else
static inline int fault_next(const char *path) {
    (void)path;
    return 0;
}
static inline size_t fault_shorten(const char *path, size_t length) {
    (void)path;
    return length;
}
#endif
