/* Link 1: the GPUs on the bus. */
#pragma once
#include "facts/fact.h"

#define GPU_DEVICE_FIELDS(T, N, F, L, R)                                                                          \
    T(address, PLAIN, "PCI address: 0000:01:00.0")                                                                \
    T(device_id, PLAIN, "PCI vendor and device: 10de:2684")                                                       \
    T(subsystem_id, PLAIN, "PCI subsystem vendor and device")                                                     \
    T(class, PLAIN, "PCI class: 0300 VGA, 0302 3D")                                                               \
    T(name, PLAIN, "marketing name")                                                                              \
    T(chip, PLAIN, "chip: AD102")                                                                                 \
    T(compute_capability, PLAIN, "compute capability: 8.9")                                                       \
    T(kernel_driver, PLAIN, "bound kernel driver: nvidia, nouveau, vfio-pci; absent: none")                       \
    F(enabled, PLAIN, "enabled in sysfs")                                                                         \
    T(power_state, PLAIN, "D0, D3hot, D3cold")                                                                    \
    F(bars_assigned, PLAIN, "memory was assigned to its BARs")                                                    \
    F(config_dead, PLAIN, "configuration space reads as ff: fell off the bus")                                    \
    N(minor, PLAIN, "minor number of its device node, from /proc/driver/nvidia")                                  \
    F(excluded, PLAIN, "the driver leaves it out, as NVreg_ExcludedGpus told it")                                 \
    T(uuid, UUID, "UUID as the driver tells it")                                                                  \
    N(memory_total_mib, PLAIN, "memory, MiB")                                                                     \
    N(memory_used_mib, PLAIN, "memory in use, MiB")                                                               \
    T(driver_model, PLAIN, "Windows: WDDM, TCC or MCDM")                                                          \
    T(fault, PLAIN, "what the driver says of it instead of an answer: ERR!, Unknown Error, is lost")

RECORD(gpu_device, GPU_DEVICE_FIELDS)

#define OTHER_GPU_FIELDS(T, N, F, L, R)                                                                           \
    T(address, PLAIN, "PCI address")                                                                              \
    T(vendor, PLAIN, "AMD, Intel …")                                                                              \
    T(device_id, PLAIN, "PCI vendor and device")                                                                  \
    T(name, PLAIN, "name, where known")                                                                           \
    T(kernel_driver, PLAIN, "bound kernel driver")

RECORD(other_gpu, OTHER_GPU_FIELDS)

#define GPU_FIELDS(T, N, F, L, R)                                                                                 \
    F(bus_readable, PLAIN, "the PCI bus could be listed")                                                         \
    R(devices, gpu_device, "NVIDIA display and 3D functions")                                                     \
    R(others, other_gpu, "GPUs of other vendors")                                                                 \
    T(tegra, PLAIN, "model of a Tegra board, from the device tree")                                               \
    T(tegra_chip, PLAIN, "Tegra: tegra194, tegra234 …")                                                           \
    T(tegra_capability, PLAIN, "compute capability of the Tegra's own GPU: 8.7")                                  \
    N(nvswitches, PLAIN, "NVSwitch bridges on the bus")

RECORD(gpu_facts, GPU_FIELDS)
