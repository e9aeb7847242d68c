#include "sys/fault.h"

#ifdef WHYCUDA_TEST_HOOKS
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long reads;
static int shorten_this;

static void tell_count(void) {
    char text[48];
    int len = snprintf(text, sizeof text, "reads: %ld\n", reads);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        return;
}

int fault_next(const char *path) {
    (void)path;
    const char *plan = getenv("WHYCUDA_FAULT");
    if (plan && strcmp(plan, "count") == 0) {
        if (!reads++)
            atexit(tell_count);
        return 0;
    }
    if (!plan || ++reads != strtol(plan, NULL, 10))
        return 0;
    const char *kind = strchr(plan, ':');
    shorten_this = kind && strcmp(kind, ":short") == 0;
    if (shorten_this)
        return 0;
    return kind && strcmp(kind, ":EACCES") == 0 ? -EACCES : -EIO;
}

size_t fault_shorten(const char *path, size_t length) {
    (void)path;
    if (!shorten_this)
        return length;
    shorten_this = 0;
    return length / 2;
}

void fault_hang(const char *path) {
    const char *name = getenv("WHYCUDA_HANG");
    while (name && strcmp(name, path) == 0)
        pause();
}

unsigned fault_deadline(unsigned milliseconds) {
    const char *text = getenv("WHYCUDA_DEADLINE");
    return text ? (unsigned)strtoul(text, NULL, 10) : milliseconds;
}
#else
typedef int fault_no_empty_unit;
#endif
