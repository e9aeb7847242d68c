/* Asks NVML about the driver and its GPUs. Unlike libcuda it sees every GPU, whatever CUDA_VISIBLE_DEVICES says.
 *
 * The answer: {
 *   "library" or "open_error", "init": 0 (the nvmlReturn_t of nvmlInit_v2),
 *   "driver_version": "550.163.01" (the kernel module's), "nvml_version": "12.550.163.01", "cuda_version": 12040,
 *   "count", "devices": [ {
 *     "index", "name", "uuid", "pci", "minor", "capability",
 *     "memory_total", "memory_used", "memory_free",
 *     "compute_mode" (as live/cuda.h), "persistence",
 *     "ecc", "ecc_pending", "ecc_uncorrected" (since the driver was loaded), "ecc_uncorrected_total",
 *     "retired_pages", "retired_pending", "remapped_rows", "remapped_uncorrectable", "remap_pending",
 *     "remap_failed", "recovery_action": "none|reset|reboot|drain-p2p|drain-and-reset|N",
 *     "throttle": ["sw-power-cap", …], "temperature", "power_mw", "power_limit_mw",
 *     "pcie_width", "pcie_width_max", "pcie_generation", "pcie_generation_max",
 *     "mig", "mig_pending", "mig_instances": [ { "uuid", "name", "memory_total" } ],
 *     "nvlinks", "nvlinks_active",
 *     "fabric_state": "not-supported|not-started|in-progress|completed|N", "fabric_status": 0,
 *     "virtualization": "none|passthrough|vgpu|host-vgpu|host-vsga|N",
 *     "licensed" (of a vGPU), "licensed_product",
 *     "processes": [ { "pid", "memory", "graphics" } ] } ],
 *   "refused": see live/ask.h; what a GPU merely does not support is left out of it } */
#pragma once

#include "sys/child.h"

struct live_nvml_question {
    const char *path; /* of libnvidia-ml; NULL: libnvidia-ml.so.1, as the loader finds it */
};

/* For struct child_task; `argument` is a struct live_nvml_question. */
void live_nvml(struct child_reply *reply, const void *argument);
