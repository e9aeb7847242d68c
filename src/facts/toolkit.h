/* Link 4: CUDA toolkits and host compilers. PyTorch's wheels need none of them to run. */
#pragma once
#include "facts/fact.h"

#define CUDA_TOOLKIT_FIELDS(T, N, F, L, R)                                                                        \
    T(path, PATH, "directory: /usr/local/cuda-12.4")                                                              \
    T(real_path, PATH, "behind symlinks")                                                                         \
    T(version, PLAIN, "version: 12.4.131 or 12.4")                                                                \
    T(origin, PLAIN, "runfile, apt, rpm, conda, pip, hpc-sdk, module")                                            \
    F(has_nvcc, PLAIN, "bin/nvcc")                                                                                \
    F(has_headers, PLAIN, "include/cuda_runtime.h")                                                               \
    F(has_runtime, PLAIN, "libcudart")                                                                            \
    F(has_libdevice, PLAIN, "nvvm/libdevice/libdevice.10.bc")                                                     \
    L(missing, PLAIN, "pieces a build needs that are not there")                                                  \
    N(gcc_limit, PLAIN, "newest GCC major its host_config.h takes")                                               \
    N(clang_limit, PLAIN, "newest Clang major its host_config.h takes")                                           \
    T(host_compiler, PATH, "compiler beside its nvcc, which nvcc takes before the one on PATH; absent: none")

RECORD(cuda_toolkit, CUDA_TOOLKIT_FIELDS)

#define HOST_COMPILER_FIELDS(T, N, F, L, R)                                                                       \
    T(path, PATH, "file")                                                                                         \
    T(real_path, PATH, "behind symlinks")                                                                         \
    T(name, PLAIN, "gcc, g++, clang, clang++, cl")                                                                \
    T(version, PLAIN, "version")                                                                                  \
    F(is_default, PLAIN, "the one a build takes: CC/CXX, else g++ or c++ on PATH")

RECORD(host_compiler, HOST_COMPILER_FIELDS)

#define TOOLKIT_FIELDS(T, N, F, L, R)                                                                             \
    R(toolkits, cuda_toolkit, "every toolkit found")                                                              \
    T(nvcc_path, PATH, "nvcc on PATH")                                                                            \
    T(nvcc_version, PLAIN, "its version: 12.4")                                                                   \
    T(build_home, PATH, "the toolkit PyTorch's extension builder would take")                                     \
    T(build_home_by, PLAIN, "CUDA_HOME, CUDA_PATH, nvcc on PATH, /usr/local/cuda")                                \
    T(build_version, PLAIN, "its version")                                                                        \
    R(compilers, host_compiler, "host compilers")                                                                 \
    F(needed, PLAIN, "an extension is to be compiled")

RECORD(toolkit_facts, TOOLKIT_FIELDS)
