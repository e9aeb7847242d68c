#include "sys/kernel_log.h"

#include <errno.h>
#include <sys/klog.h>

#include "base/limits.h"
#include "sys/fault.h"
#include "sys/root.h"

enum { KLOG_READ_ALL = 3, KLOG_SIZE = 10 }; /* syslog(2) */

int root_kernel_log(const struct root *root, struct arena *arena, struct span *ret_log) {
    *ret_log = (struct span){0};
    if (!root_is_live(root))
        return -ENOENT;
    int fault = fault_next("kernel log");
    if (fault)
        return fault;
    int size = klogctl(KLOG_SIZE, NULL, 0);
    if (size < 0)
        return -errno;
    if (size > LIMIT_LOG)
        size = LIMIT_LOG;
    char *bytes = arena_bytes(arena, (size_t)size + 1);
    int got = klogctl(KLOG_READ_ALL, bytes, size);
    if (got < 0)
        return -errno;
    *ret_log = span_from(bytes, (size_t)got);
    return 0;
}
