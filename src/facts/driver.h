/* Link 2: the kernel driver and its user-space libraries. */
#pragma once
#include "facts/fact.h"

#define KERNEL_MODULE_FIELDS(T, N, F, L, R)                                                                       \
    T(name, PLAIN, "module: nvidia, nvidia-uvm, nouveau")                                                         \
    T(kernel, PLAIN, "kernel release it was built for")                                                           \
    T(path, PLAIN, "file")                                                                                        \
    T(version, PLAIN, "version in its modinfo")                                                                   \
    T(flavour, PLAIN, "open or proprietary, from its licence")                                                    \
    T(vermagic, PLAIN, "kernel it says it fits")                                                                  \
    T(compression, PLAIN, "xz, zstd, gzip; absent: none")                                                         \
    F(is_signed, PLAIN, "carries a signature")                                                                    \
    F(indexed, PLAIN, "modules.dep lists it, so that modprobe finds it")

RECORD(kernel_module, KERNEL_MODULE_FIELDS)

#define DKMS_MODULE_FIELDS(T, N, F, L, R)                                                                         \
    T(name, PLAIN, "nvidia, nvidia-current …")                                                                    \
    T(version, PLAIN, "version")                                                                                  \
    T(kernel, PLAIN, "kernel release; absent: added only")                                                        \
    T(state, PLAIN, "added, built, installed, failed, broken (its source is gone)")                               \
    T(log, PLAIN, "first error of its make.log")

RECORD(dkms_module, DKMS_MODULE_FIELDS)

#define LOG_LINE_FIELDS(T, N, F, L, R)                                                                            \
    T(id, PLAIN, "message id: api_mismatch, xid, gsp_missing … (data/kernel_messages.csv)")                       \
    N(xid, PLAIN, "Xid number")                                                                                   \
    T(address, PLAIN, "PCI address named in the line")                                                            \
    T(text, PATH, "the line")                                                                                     \
    N(count, PLAIN, "lines of this kind, Xid and address")

RECORD(log_line, LOG_LINE_FIELDS)

#define DRIVER_PACKAGE_FIELDS(T, N, F, L, R)                                                                      \
    T(name, PLAIN, "package")                                                                                     \
    T(version, PLAIN, "version")                                                                                  \
    T(state, PLAIN, "installed, half-configured, unpacked, removed")                                              \
    T(manager, PLAIN, "dpkg, rpm, pacman, portage, runfile")                                                      \
    T(piece, PLAIN, "what it brings: module, library, compat, firmware, tools, container, other")

RECORD(driver_package, DRIVER_PACKAGE_FIELDS)

#define DRIVER_LIBRARY_FIELDS(T, N, F, L, R)                                                                      \
    T(soname, PLAIN, "libcuda.so.1 or libnvidia-ml.so.1")                                                         \
    T(path, PATH, "as the loader finds it")                                                                       \
    T(real_path, PATH, "behind symlinks")                                                                         \
    T(version, PLAIN, "driver version it belongs to")                                                             \
    N(bits, PLAIN, "32 or 64")                                                                                    \
    T(machine, PLAIN, "x86_64, aarch64")                                                                          \
    F(whole, PLAIN, "file as long as its headers say")                                                            \
    F(stub, PLAIN, "the toolkit's stub, for linking only")                                                        \
    T(compat_cuda, PLAIN, "CUDA version of a forward-compatibility libcuda; absent: an ordinary one")             \
    L(compat_branches, PLAIN, "kernel driver branches its note allows")                                           \
    F(wsl, PLAIN, "the one Windows brings to WSL")                                                                \
    F(wins, PLAIN, "the copy a program gets")                                                                     \
    T(found_by, PLAIN, "loader rule: ld_library_path, cache, default …; absent: none leads there")

RECORD(driver_library, DRIVER_LIBRARY_FIELDS)

#define DRIVER_FIELDS(T, N, F, L, R)                                                                              \
    F(module_loaded, PLAIN, "nvidia.ko is loaded")                                                                \
    T(module_version, PLAIN, "version of the loaded nvidia.ko")                                                   \
    T(module_flavour, PLAIN, "open or proprietary")                                                               \
    F(uvm_loaded, PLAIN, "nvidia_uvm is loaded")                                                                  \
    F(modeset_loaded, PLAIN, "nvidia_modeset is loaded")                                                          \
    F(nouveau_loaded, PLAIN, "nouveau is loaded")                                                                 \
    R(modules, kernel_module, "NVIDIA modules on disk, for any kernel")                                           \
    R(dkms, dkms_module, "DKMS states of NVIDIA modules")                                                         \
    F(headers_present, PLAIN, "headers of the running kernel are installed")                                      \
    L(blacklists, PLAIN, "modprobe lines that keep nvidia from loading, with their file")                         \
    F(nouveau_blacklisted, PLAIN, "modprobe lines keep nouveau from loading")                                     \
    L(module_options, UUID, "modprobe options of the nvidia modules, with their file")                            \
    L(module_parameters, UUID, "what the loaded nvidia.ko was told of GPUs and nodes: DeviceFileMode: 438 …")     \
    T(prime_profile, PLAIN, "prime-select: nvidia, on-demand, intel")                                             \
    F(secure_boot, PLAIN, "Secure Boot is on")                                                                    \
    F(lockdown, PLAIN, "the kernel takes signed modules only")                                                    \
    R(kernel_log, log_line, "lines of the kernel log about the driver")                                           \
    R(packages, driver_package, "installed packages that own driver pieces")                                      \
    L(gsp_firmware, PLAIN, "driver versions whose GSP firmware is installed")                                     \
    R(libraries, driver_library, "every libcuda and NVML the loader could reach")                                 \
    R(unreached, driver_library, "copies at usual places that the loader does not come by")                       \
    T(library_version, PLAIN, "version of the libcuda that wins")                                                 \
    T(nvml_version, PLAIN, "version of the NVML that wins")                                                       \
    T(cuda_version, PLAIN, "newest CUDA the driver library offers: 12.4")                                         \
    F(smi_present, PLAIN, "nvidia-smi is installed")

RECORD(driver_facts, DRIVER_FIELDS)
