/* Uses one GPU as PyTorch would: its primary context, memory, copies, kernels, a matrix product, and back. Each
 * step is checked; the first that fails ends the test and stands in "refused", with the step as its field:
 * "context", "memory", "copy", "module", "pattern", "product", "burn" (see live/ask.h).
 *
 * The answer: {
 *   "library", "init", "device": as one device of live/cuda.h,
 *   "memory": { "total", "free_before", "free_during", "free_after" } in bytes,
 *   "copy": { "bytes", "wrong" (bytes), "to_device_mb_s", "from_device_mb_s", "on_device_mb_s",
 *             "on_device_max_mb_s" },
 *   "pattern": { "elements", "wrong" },
 *   "product": { "size", "wrong", "wrong_rows", "first_wrong", "microseconds", "gflops", "gflops_max" },
 *   "burn": { "seconds", "products", "wrong", "bad_products" },
 *   "jit_log": what the driver's compiler said,
 *   "refused": see live/ask.h }
 * What the card could do at most is calculated from its clocks, and left out where those are not known. */
#pragma once

#include <stddef.h>

#include "sys/child.h"

struct live_compute_question {
    const char *path; /* of libcuda; NULL: as the loader finds it */
    int device;
    size_t size;      /* of the product */
    unsigned seconds; /* of products one after the other; 0: one is enough */
};

/* For struct child_task; `argument` is a struct live_compute_question. */
void live_compute(struct child_reply *reply, const void *argument);

/* The same product on the CPU: { "product": { "size", "wrong", "microseconds", "gflops" } }. */
void live_cpu(struct child_reply *reply, const void *argument);
