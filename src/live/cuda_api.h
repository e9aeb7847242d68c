/* The part of the driver API that whycuda calls: names, signatures and numbers from NVIDIA's documentation ("CUDA
 * Driver API", checked against cuda.h 13.0 by tests/sim). Types are spelled out, so that no CUDA header is needed:
 * CUresult, CUdevice and enumerations are int, CUdeviceptr is uint64_t, contexts, modules, functions, streams and
 * events are pointers.
 *
 * X(name, (parameters)); the _v2 names are what cuda.h makes of the plain ones. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CUDA_QUERY_FUNCTIONS(X)                                                                                   \
    X(cuDriverGetVersion, (int *version))                                                                         \
    X(cuInit, (unsigned flags))                                                                                   \
    X(cuGetErrorName, (int error, const char **name))                                                             \
    X(cuGetErrorString, (int error, const char **words))                                                          \
    X(cuDeviceGetCount, (int *count))                                                                             \
    X(cuDeviceGet, (int *device, int ordinal))                                                                    \
    X(cuDeviceGetName, (char *name, int size, int device))                                                        \
    X(cuDeviceGetUuid, (void *uuid, int device))                                                                  \
    X(cuDeviceGetUuid_v2, (void *uuid, int device))                                                               \
    X(cuDeviceGetPCIBusId, (char *address, int size, int device))                                                 \
    X(cuDeviceTotalMem_v2, (size_t * bytes, int device))                                                          \
    X(cuDeviceGetAttribute, (int *value, int attribute, int device))

#define CUDA_COMPUTE_FUNCTIONS(X)                                                                                 \
    X(cuDevicePrimaryCtxRetain, (void **context, int device))                                                     \
    X(cuDevicePrimaryCtxRelease_v2, (int device))                                                                 \
    X(cuCtxSetCurrent, (void *context))                                                                           \
    X(cuCtxSynchronize, (void))                                                                                   \
    X(cuMemGetInfo_v2, (size_t * free_bytes, size_t * total))                                                     \
    X(cuMemAlloc_v2, (uint64_t * memory, size_t bytes))                                                           \
    X(cuMemFree_v2, (uint64_t memory))                                                                            \
    X(cuMemAllocHost_v2, (void **memory, size_t bytes))                                                           \
    X(cuMemFreeHost, (void *memory))                                                                              \
    X(cuMemsetD8_v2, (uint64_t memory, unsigned char value, size_t count))                                        \
    X(cuMemcpyHtoD_v2, (uint64_t to, const void *from, size_t bytes))                                             \
    X(cuMemcpyDtoH_v2, (void *to, uint64_t from, size_t bytes))                                                   \
    X(cuMemcpyDtoD_v2, (uint64_t to, uint64_t from, size_t bytes))                                                \
    X(cuModuleLoadDataEx, (void **module, const void *image, unsigned options, int *names, void **values))        \
    X(cuModuleGetFunction, (void **function, void *module, const char *name))                                     \
    X(cuModuleUnload, (void *module))                                                                             \
    X(cuLaunchKernel,                                                                                             \
      (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,     \
       unsigned block_z, unsigned shared, void *stream, void **parameters, void **extra))                         \
    X(cuEventCreate, (void **event, unsigned flags))                                                              \
    X(cuEventRecord, (void *event, void *stream))                                                                 \
    X(cuEventSynchronize, (void *event))                                                                          \
    X(cuEventElapsedTime, (float *milliseconds, void *start, void *end))                                          \
    X(cuEventDestroy_v2, (void *event))

#define CUDA_FUNCTIONS(X) CUDA_QUERY_FUNCTIONS(X) CUDA_COMPUTE_FUNCTIONS(X)

struct cuda_api {
#define CUDA_POINTER(name, parameters) int(*name) parameters;
    CUDA_FUNCTIONS(CUDA_POINTER)
#undef CUDA_POINTER
};

enum { /* CUdevice_attribute */
       CUDA_ATTRIBUTE_CLOCK_RATE = 13,
       CUDA_ATTRIBUTE_MULTIPROCESSORS = 16,
       CUDA_ATTRIBUTE_KERNEL_TIMEOUT = 17,
       CUDA_ATTRIBUTE_INTEGRATED = 18,
       CUDA_ATTRIBUTE_COMPUTE_MODE = 20,
       CUDA_ATTRIBUTE_ECC = 32,
       CUDA_ATTRIBUTE_MEMORY_CLOCK_RATE = 36,
       CUDA_ATTRIBUTE_MEMORY_BUS_WIDTH = 37,
       CUDA_ATTRIBUTE_CAPABILITY_MAJOR = 75,
       CUDA_ATTRIBUTE_CAPABILITY_MINOR = 76,
};

enum { /* CUresult, those that are handled here; all others only pass through */
       CUDA_ERROR_NO_DEVICE = 100,
};

enum { /* CUjit_option */
       CUDA_JIT_ERROR_LOG = 5,
       CUDA_JIT_ERROR_LOG_SIZE = 6,
};
