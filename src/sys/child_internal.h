/* Shared by the files that make up sys/child; nobody else includes this. */
#pragma once

#include <sys/types.h>
#include <time.h>

#include "sys/child.h"

/* What the supervisor tells whycuda in the end. */
struct child_status {
    enum child_end end; /* OK stands for: the worker ended with exit status 0 */
    int code;
    unsigned strays;
};

struct child_pipes {
    int answer, said; /* written by the worker */
    int status;       /* written by the supervisor */
    int lifeline;     /* read by the supervisor: at its end the worker is ended too */
};

/* The supervisor's whole life. */
_Noreturn void child_supervise(const struct child_task *task, const struct child_pipes *pipes);
/* The worker's: limits, privileges, descriptors, then the function or the program. `parent` is the supervisor. */
_Noreturn void child_work(const struct child_task *task, const struct child_pipes *pipes, pid_t parent);
void child_close_from(int first);

static inline int64_t child_now(void) { /* milliseconds */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
