/* Link 8 on a live machine: starts the children, and puts what they answer among the facts. All files are read
 * before. */
#pragma once

#include "facts/snapshot.h"
#include "sys/child.h"
#include "sys/root.h"

enum { LIVE_SIZE = 1000 /* of the products, unless asked otherwise */ };

struct live_options {
    bool torch;         /* also import PyTorch and ask it */
    const char *python; /* what the user named, where the probes do not know it as a Python: a wrapper; or NULL */
    bool use;           /* put the GPUs to work (`whycuda test`); the driver may then make device nodes, too */
    int gpu;            /* only this one, by CUDA's index; -1: all */
    size_t size;        /* of the products; 0: LIVE_SIZE */
    unsigned seconds;   /* of products on each GPU, one after the other */
    unsigned milliseconds; /* deadline of each child; 0: CHILD_DEADLINE, and LIVE_TORCH_DEADLINE for PyTorch */
    /* Called when a child announces a call, with the child's name; may be NULL. */
    void (*progress)(void *context, const char *child, const char *at);
    void *context;
};

/* Fills the compute record, and facts of other links that only the driver can tell, where files did not. First
 * libcuda and NVML side by side (and libcuda without CUDA_VISIBLE_DEVICES, where that is set), then all GPUs side
 * by side, or the CPU where there is none, then PyTorch. */
void live_ask(struct snapshot *snapshot, const struct root *root, const struct live_options *options);

/* No child was to be started: says so of the facts that stay unknown. */
void live_leave(struct snapshot *snapshot, const char *reason);

/* Under --root: the answers recorded in DIR/.whycuda/live.json, records of a snapshot. 0, -ENOENT, or -EINVAL with
 * words in *ret_message. */
int live_recorded(struct snapshot *snapshot, const struct root *root, const char **ret_message);
