/* Link 8: what the driver and PyTorch answered when asked. */
#pragma once
#include "facts/fact.h"

#define COMPUTE_DEVICE_FIELDS(T, N, F, L, R)                                                                 \
    N(index, PLAIN, "index CUDA gives it")                                                                   \
    T(name, PLAIN, "name")                                                                                   \
    T(uuid, UUID, "UUID")                                                                                    \
    T(address, PLAIN, "PCI address")                                                                         \
    T(compute_capability, PLAIN, "compute capability: 8.9")                                                  \
    N(memory_total_mib, PLAIN, "memory, MiB")                                                                \
    N(memory_free_mib, PLAIN, "free memory, MiB")                                                            \
    N(memory_reserved_mib, PLAIN, "memory that the process itself holds, MiB")                               \
    N(memory_wanted_mib, PLAIN, "memory of the allocation that failed, MiB")                                 \
    T(compute_mode, PLAIN, "Default, Exclusive_Process, Prohibited")                                         \
    F(product_right, PLAIN, "the matrix product was right")                                                  \
    T(error, PLAIN, "the first error it gave")

RECORD(compute_device, COMPUTE_DEVICE_FIELDS)

#define COMPUTE_FIELDS(T, N, F, L, R)                                                                        \
    T(cuda_child, PLAIN, "how asking libcuda ended: answered, timeout, signal 11, stuck, no library")        \
    N(cuda_init, PLAIN, "CUresult of cuInit")                                                                \
    T(driver_version, PLAIN, "cuDriverGetVersion: 12.4")                                                     \
    N(cuda_devices, PLAIN, "cuDeviceGetCount")                                                               \
    N(cuda_devices_unmasked, PLAIN, "the same without CUDA_VISIBLE_DEVICES")                                 \
    T(nvml_child, PLAIN, "how asking NVML ended")                                                            \
    N(nvml_init, PLAIN, "nvmlReturn of nvmlInit")                                                            \
    N(nvml_devices, PLAIN, "nvmlDeviceGetCount")                                                             \
    R(devices, compute_device, "per GPU")                                                                    \
    T(torch_child, PLAIN, "how asking PyTorch ended")                                                        \
    T(torch_version, PLAIN, "torch.__version__ as PyTorch said it")                                          \
    T(torch_cuda, PLAIN, "torch.version.cuda as PyTorch said it; absent: None")                              \
    F(is_available, PLAIN, "torch.cuda.is_available() as PyTorch said it")                                   \
    N(device_count, PLAIN, "torch.cuda.device_count() as PyTorch said it")                                   \
    T(device_name, PLAIN, "torch.cuda.get_device_name(0) as PyTorch said it")                                \
    L(arch_list, PLAIN, "torch.cuda.get_arch_list() as PyTorch said it")                                     \
    F(torch_computed, PLAIN, "PyTorch finished work on the GPU")

RECORD(compute_facts, COMPUTE_FIELDS)
