/* Link 8: what the driver and PyTorch answered when asked. */
#pragma once
#include "facts/fact.h"

#define COMPUTE_DEVICE_FIELDS(T, N, F, L, R)                                                                      \
    N(index, PLAIN, "index CUDA gives it")                                                                        \
    T(name, PLAIN, "name")                                                                                        \
    T(uuid, UUID, "UUID")                                                                                         \
    T(address, PLAIN, "PCI address")                                                                              \
    T(compute_capability, PLAIN, "compute capability: 8.9")                                                       \
    N(memory_total_mib, PLAIN, "memory, MiB")                                                                     \
    N(memory_free_mib, PLAIN, "free memory, MiB")                                                                 \
    N(memory_reserved_mib, PLAIN, "memory that the process itself holds, MiB")                                    \
    N(memory_wanted_mib, PLAIN, "memory of the allocation that failed, MiB")                                      \
    T(compute_mode, PLAIN, "Default, Exclusive_Process, Prohibited")                                              \
    F(product_right, PLAIN, "the matrix product was right")                                                       \
    T(error, PLAIN, "the first error it gave")                                                                    \
    T(mig_uuid, UUID, "UUID of the MIG instance, where it is one")                                                \
    F(ecc, PLAIN, "ECC is on")                                                                                    \
    F(integrated, PLAIN, "shares the machine's memory")                                                           \
    F(run_time_limit, PLAIN, "kernels are ended after some seconds: it drives a display")                         \
    T(child, PLAIN, "how using it ended: answered, timeout, signal 11 …")                                         \
    N(memory_during_mib, PLAIN, "free memory while it was used, MiB")                                             \
    N(memory_after_mib, PLAIN, "free memory afterwards, MiB")                                                     \
    N(copy_bytes, PLAIN, "bytes copied to it, within it and back")                                                \
    N(copy_wrong, PLAIN, "bytes that came back changed")                                                          \
    N(to_device_mb_s, PLAIN, "copying to it, MB/s")                                                               \
    N(from_device_mb_s, PLAIN, "copying from it, MB/s")                                                           \
    N(on_device_mb_s, PLAIN, "reading and writing its own memory, MB/s")                                          \
    N(on_device_max_mb_s, PLAIN, "the same at most, from its memory clock and width")                             \
    N(pattern_wrong, PLAIN, "elements a kernel left wrong or unwritten")                                          \
    N(product_size, PLAIN, "rows and columns of the product")                                                     \
    N(product_wrong, PLAIN, "wrong elements of it, in at most 64 rows")                                           \
    T(product_first_wrong, PLAIN, "the first wrong element")                                                      \
    N(product_us, PLAIN, "microseconds of the fastest one")                                                       \
    N(gflops, PLAIN, "10^9 operations per second")                                                                \
    N(gflops_max, PLAIN, "the same at most, from its clock and multiprocessors")                                  \
    N(burn_seconds, PLAIN, "seconds of one product after the other")                                              \
    N(burn_products, PLAIN, "products made in them")                                                              \
    N(burn_wrong, PLAIN, "wrong elements in all of them")

RECORD(compute_device, COMPUTE_DEVICE_FIELDS)

#define NVML_GPU_FIELDS(T, N, F, L, R)                                                                            \
    N(index, PLAIN, "index NVML gives it: PCI order, whatever CUDA_VISIBLE_DEVICES says")                         \
    T(name, PLAIN, "name")                                                                                        \
    T(uuid, UUID, "UUID")                                                                                         \
    T(address, PLAIN, "PCI address")                                                                              \
    N(minor, PLAIN, "minor number of its device node")                                                            \
    T(compute_capability, PLAIN, "compute capability")                                                            \
    T(error, PLAIN, "the first error it gave")                                                                    \
    N(memory_total_mib, PLAIN, "memory, MiB")                                                                     \
    N(memory_used_mib, PLAIN, "memory in use, MiB")                                                               \
    T(compute_mode, PLAIN, "Default, Exclusive_Process, Prohibited")                                              \
    F(persistence, PLAIN, "persistence mode is on")                                                               \
    F(ecc, PLAIN, "ECC is on; absent: it has none")                                                               \
    N(ecc_uncorrected, PLAIN, "uncorrectable errors since the driver was loaded")                                 \
    N(ecc_uncorrected_total, PLAIN, "uncorrectable errors in its life")                                           \
    N(retired_pages, PLAIN, "memory pages taken out of use")                                                      \
    F(retired_pending, PLAIN, "pages wait for a restart to be taken out of use")                                  \
    N(remapped_rows, PLAIN, "memory rows replaced by spare ones")                                                 \
    F(remap_pending, PLAIN, "rows wait for a reset to be replaced")                                               \
    F(remap_failed, PLAIN, "no spare row was left")                                                               \
    T(recovery_action, PLAIN, "none, reset, reboot, drain-p2p, drain-and-reset")                                  \
    L(throttle, PLAIN, "why its clocks are lowered: idle, sw-power-cap, hw-thermal …")                            \
    N(temperature, PLAIN, "degrees Celsius")                                                                      \
    N(power_mw, PLAIN, "power drawn, mW")                                                                         \
    N(power_limit_mw, PLAIN, "power limit, mW")                                                                   \
    N(pcie_width, PLAIN, "PCIe lanes in use")                                                                     \
    N(pcie_width_max, PLAIN, "PCIe lanes it and its slot have")                                                   \
    N(pcie_generation, PLAIN, "PCIe generation in use; lower when idle")                                          \
    N(pcie_generation_max, PLAIN, "PCIe generation at most")                                                      \
    F(mig, PLAIN, "MIG mode is on; absent: it has none")                                                          \
    F(mig_pending, PLAIN, "MIG mode after the next reset")                                                        \
    L(mig_instances, UUID, "UUIDs of its MIG instances")                                                          \
    N(nvlinks, PLAIN, "NVLinks")                                                                                  \
    N(nvlinks_active, PLAIN, "NVLinks that are up")                                                               \
    T(fabric_state, PLAIN, "not-supported, not-started, in-progress, completed")                                  \
    N(fabric_status, PLAIN, "nvmlReturn of its registration with the fabric manager")                             \
    T(virtualization, PLAIN, "none, passthrough, vgpu, host-vgpu, host-vsga")                                     \
    F(licensed, PLAIN, "the vGPU has a licence")                                                                  \
    T(licensed_product, PLAIN, "what the licence is for")

RECORD(nvml_gpu, NVML_GPU_FIELDS)

#define REFUSED_CALL_FIELDS(T, N, F, L, R)                                                                        \
    T(asked, PLAIN, "libcuda, NVML, or the GPU that was used")                                                    \
    T(fact, PLAIN, "what is not known because of it")                                                             \
    N(device, PLAIN, "device asked about; absent: none")                                                          \
    T(call, PLAIN, "function")                                                                                    \
    N(code, PLAIN, "what it returned; absent: the library has no such function, or it answered nonsense")         \
    T(error, PLAIN, "name of the code, or what was wrong")

RECORD(refused_call, REFUSED_CALL_FIELDS)

#define TORCH_ERROR_FIELDS(T, N, F, L, R)                                                                         \
    T(step, PLAIN, "what was tried: import torch, torch.cuda.is_available() …")                                   \
    T(type, PLAIN, "exception")                                                                                   \
    T(message, PATH, "its words in full")                                                                         \
    T(traceback, PATH, "where it came from")

RECORD(torch_error, TORCH_ERROR_FIELDS)

#define COMPUTE_FIELDS(T, N, F, L, R)                                                                             \
    T(cuda_child, PLAIN, "how asking libcuda ended: answered, timeout, signal 11, stuck, no library")             \
    N(cuda_init, PLAIN, "CUresult of cuInit")                                                                     \
    T(driver_version, PLAIN, "cuDriverGetVersion: 12.4")                                                          \
    N(cuda_devices, PLAIN, "cuDeviceGetCount")                                                                    \
    N(cuda_devices_unmasked, PLAIN, "the same without CUDA_VISIBLE_DEVICES")                                      \
    T(nvml_child, PLAIN, "how asking NVML ended")                                                                 \
    N(nvml_init, PLAIN, "nvmlReturn of nvmlInit")                                                                 \
    N(nvml_devices, PLAIN, "nvmlDeviceGetCount")                                                                  \
    R(devices, compute_device, "per GPU")                                                                         \
    T(torch_child, PLAIN, "how asking PyTorch ended")                                                             \
    T(torch_version, PLAIN, "torch.__version__ as PyTorch said it")                                               \
    T(torch_cuda, PLAIN, "torch.version.cuda as PyTorch said it; absent: None")                                   \
    F(is_available, PLAIN, "torch.cuda.is_available() as PyTorch said it")                                        \
    N(device_count, PLAIN, "torch.cuda.device_count() as PyTorch said it")                                        \
    T(device_name, PLAIN, "torch.cuda.get_device_name(0) as PyTorch said it")                                     \
    L(arch_list, PLAIN, "torch.cuda.get_arch_list() as PyTorch said it")                                          \
    F(torch_computed, PLAIN, "PyTorch finished work on the GPU")                                                  \
    T(cuda_library, PATH, "libcuda that was asked")                                                               \
    T(driver_said, PATH, "what libcuda and NVML printed while they were asked; absent: nothing")                  \
    T(nvml_library, PATH, "NVML that was asked")                                                                  \
    T(nvml_driver_version, PLAIN, "version of the kernel driver as NVML tells it")                                \
    T(nvml_version, PLAIN, "version of NVML as it tells it")                                                      \
    R(gpus, nvml_gpu, "per GPU, as NVML sees it")                                                                 \
    R(refused, refused_call, "calls that gave no answer")                                                         \
    N(cpu_product_us, PLAIN, "microseconds of the same product on the CPU")                                       \
    N(cpu_product_wrong, PLAIN, "wrong elements of it")                                                           \
    N(cpu_gflops, PLAIN, "10^9 operations per second of the CPU")                                                 \
    T(torch_file, PATH, "the torch that was imported")                                                            \
    T(torch_python, PATH, "the interpreter, as it tells it")                                                      \
    N(torch_import_ms, PLAIN, "milliseconds of import torch")                                                     \
    L(arch_flags, PLAIN, "torch._C._cuda_getArchFlags(), which answers without a GPU too")                        \
    L(torch_names, PLAIN, "torch.cuda.get_device_name() of each device")                                          \
    L(torch_capabilities, PLAIN, "torch.cuda.get_device_capability() of each device")                             \
    T(torch_product_device, PLAIN, "where PyTorch's product lay: cuda:0, cpu")                                    \
    N(torch_product_wrong, PLAIN, "wrong elements of PyTorch's products")                                         \
    N(torch_product_us, PLAIN, "microseconds of the first of them")                                               \
    N(torch_memory_allocated, PLAIN, "torch.cuda.memory_allocated() with the product in memory, bytes")           \
    R(torch_errors, torch_error, "exceptions PyTorch raised")                                                     \
    L(torch_warnings, PATH, "warnings PyTorch gave, in full")                                                     \
    T(torch_said, PATH, "what the Python process printed")                                                        \
    L(torch_libraries, PATH, "CUDA and PyTorch libraries that were mapped")

RECORD(compute_facts, COMPUTE_FIELDS)
