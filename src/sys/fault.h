/* Failure injection for tests: builds with WHYCUDA_TEST_HOOKS make the Nth read fail as WHYCUDA_FAULT says
 * ("N:EIO", "N:EACCES", "N:short"); "count" writes "reads: N" to standard error at the end. Other builds compile
 * it away. */
#pragma once

#include <stddef.h>

#ifdef WHYCUDA_TEST_HOOKS
int fault_next(const char *path);                      /* 0, or the -errno that this read must give */
size_t fault_shorten(const char *path, size_t length); /* the length that this read pretends */
/* Opening the device node named in WHYCUDA_HANG never ends; WHYCUDA_DEADLINE is every deadline of that, in ms. */
void fault_hang(const char *path);
unsigned fault_deadline(unsigned milliseconds);
#else
static inline int fault_next(const char *path) {
    (void)path;
    return 0;
}
static inline size_t fault_shorten(const char *path, size_t length) {
    (void)path;
    return length;
}
static inline void fault_hang(const char *path) {
    (void)path;
}
static inline unsigned fault_deadline(unsigned milliseconds) {
    return milliseconds;
}
#endif
