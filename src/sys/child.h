/* Foreign code at arm's length: libcuda, NVML or a user's Python runs in a child with a deadline.
 *
 * Two processes stand between whycuda and the foreign code. The worker, in a session of its own, runs the function
 * or the program. The supervisor, which runs nothing foreign, waits for it, ends it at the deadline and reaps
 * whatever it leaves behind, so that there are no zombies and no strays. Should whycuda itself die, the
 * supervisor's lifeline breaks and it ends the worker too.
 *
 * The worker is forked, not started anew: that needs neither /proc nor the program's file, works from within the
 * library, and dlopen in it searches as it would in any program of this environment. It gets the user's
 * environment and working directory, no input, no core file, and no descriptor but its three and CHILD_ANSWER.
 *
 * The answer comes as JSON lines on that descriptor, so that what was said before a crash is not lost:
 *   {"at":"cuInit","i":0}     about to make this call (of device i)
 *   {"set":{...}}             members of the answer; objects are merged one level deep
 *   {"add":{"devices":{...}}} one more item of an array of the answer
 *   {"end":true}              that was all; without it the answer is not complete */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum { CHILD_ANSWER = 3 }; /* the descriptor that the answer is written to */

enum child_end {
    CHILD_OK,          /* a complete answer */
    CHILD_EXIT,        /* ended by itself without one; code is its exit status */
    CHILD_SIGNAL,      /* a signal ended it; code is the signal */
    CHILD_TIMEOUT,     /* ended at its deadline */
    CHILD_STUCK,       /* could not be ended: in uninterruptible sleep; left behind */
    CHILD_GARBAGE,     /* answered something that is not an answer */
    CHILD_TOO_MUCH,    /* answered more than CHILD_ANSWER_MAX */
    CHILD_MEMORY,      /* ended for using more memory than it was allowed */
    CHILD_NOT_STARTED, /* code is the errno */
};

struct child_reply; /* the worker's end of the pipe */

struct child_task {
    const char *name;                                             /* for messages: "libcuda" */
    void (*run)(struct child_reply *reply, const void *argument); /* what the worker does; or */
    const void *argument;
    const char *const *program;     /* what it starts instead: argv, NULL at the end, argv[0] found by PATH */
    const char *const *environment; /* changes: "NAME=value" sets, "NAME" unsets; NULL at the end; or NULL */
    unsigned milliseconds;          /* the deadline; 0: CHILD_DEADLINE */
    uint64_t memory;                /* resident bytes allowed; 0: half of what is free */
    bool restricted;                /* may gain no privileges, make no device nodes, load no kernel modules */
};

struct child_result {
    enum child_end end;
    int code;
    const char *at;   /* the last call it announced, as "cuInit" or "cuDeviceGetName of device 3"; NULL: none */
    json_t *answer;   /* an object, also when it ended badly: what came until then */
    const char *said; /* what it printed, cleaned; at most CHILD_SAID_MAX bytes of it */
    unsigned strays;  /* processes it left behind, which were ended */
    unsigned elapsed; /* milliseconds */
};

enum {
    CHILD_DEADLINE = 10 * 1000,         /* milliseconds */
    CHILD_GRACE = 500,                  /* milliseconds a killed worker gets before it counts as stuck */
    CHILD_ANSWER_MAX = 4 * 1024 * 1024, /* bytes */
    CHILD_SAID_MAX = 64 * 1024,         /* bytes */
    CHILD_MAX = 64,                     /* tasks of one call */
    CHILD_STRAYS = 4096,                /* strays ended after one worker */
};

/* Called in whycuda when a child announces a call; may be NULL. */
typedef void child_progress(void *context, size_t task, const char *at);

/* Runs the tasks side by side and returns when each has ended, at the latest one second after the longest
 * deadline. results[i].at and .said live in the arena; the answers are for the caller to json_decref
 * (child_release). 0, or -E2BIG for more than CHILD_MAX tasks. */
int child_run(struct arena *arena, const struct child_task *tasks, size_t count, struct child_result *results,
              child_progress *progress, void *context);
void child_release(struct child_result *results, size_t count);

/* "timeout", "signal", … as it stands in snapshots. */
const char *child_end_name(enum child_end end);
/* One sentence: "libcuda did not answer within 10 s (in cuInit)". */
const char *child_explain(struct arena *arena, const struct child_task *task, const struct child_result *result);

/* --- in the worker ---------------------------------------------------------------------------------------- */

/* Announces a call, before it is made. `device` -1: of no device. `call` is a plain name. */
void child_at(struct child_reply *reply, const char *call, int device);
/* Sends members, or an item; takes the reference. */
void child_set(struct child_reply *reply, json_t *members);
void child_add(struct child_reply *reply, const char *array, json_t *item);
