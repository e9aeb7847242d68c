/* Asks PyTorch itself: live/torch.py runs in the chosen interpreter, as a child.
 *
 * The answer: { "python", "executable", "prefix", "version", "version_cuda" (null: None), "version_hip", "file",
 *   "import_ms", "is_available", "device_count", "arch_list", "arch_flags",
 *   "devices": [ { "index", "name", "capability", "product": { "device", "result_device", "size", "wrong",
 * "microseconds", "memory_before", "memory_during" } } ], "cpu_product": the same on the CPU, where there is no
 * GPU, "warnings": [ { "category", "message", "file" } ], "errors": [ { "step", "type", "message", "traceback" }
 * ], "libraries": [ paths of the CUDA and PyTorch libraries that were mapped ] } A failed import is an error with
 * the step "import torch"; there is no "version" then. */
#pragma once

#include "sys/child.h"

enum { LIVE_TORCH_DEADLINE = 60 * 1000 /* milliseconds: the import is slow on cold and on network disks */ };

/* The task that asks `interpreter` (its file) and lets it multiply matrices of `size`. Memory is the arena's. */
struct child_task live_torch_task(struct arena *arena, const char *interpreter, unsigned size);
