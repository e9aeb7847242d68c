/* Asks libcuda what a process would get from it: versions, devices and their attributes. No context is made, so
 * nothing is allocated on a GPU, and free memory is not among the answers (live/compute.h asks that).
 *
 * The answer: {
 *   "library", or "open_error" (the loader's words),
 *   "driver_version": 12040, "init": 0 (the CUresult of cuInit), "init_error": its name, "count": 2,
 *   "devices": [ {
 *     "index", "name", "uuid", "mig_uuid" (of a MIG instance), "pci", "capability": "8.0", "memory_total",
 *     "compute_mode": "Default|Exclusive_Thread|Prohibited|Exclusive_Process|N", "ecc", "integrated",
 *     "timeout" (a display driver limits run time), "multiprocessors", "clock_khz", "memory_clock_khz",
 *     "memory_bus_bits" } ],
 *   "refused": see live/ask.h } */
#pragma once

#include "live/ask.h"
#include "live/cuda_api.h"

struct live_cuda_question {
    const char *path; /* of libcuda; NULL: libcuda.so.1, as the loader finds it */
};

/* For struct child_task; `argument` is a struct live_cuda_question. */
void live_cuda(struct child_reply *reply, const void *argument);

/* Shared with live/compute.c: finds the functions that are there; the name of an error. */
void live_cuda_bind(void *library, struct cuda_api *ret_api);
const char *live_cuda_error_name(struct ask *ask, int code);
/* Calls cuInit and tells "init"; false when it did not work. */
bool live_cuda_init(struct ask *ask, const struct cuda_api *api);
/* Name, identity and attributes of one device, into the facts. */
void live_cuda_describe(struct ask *ask, const struct cuda_api *api, int device);
