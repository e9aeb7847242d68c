/* The part of NVML that whycuda calls: names, signatures and layouts from NVIDIA's documentation ("NVML API
 * Reference", checked against nvml.h 12.9 by tests/sim). nvmlReturn_t and enumerations are int, a device handle is
 * a pointer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NVML_FUNCTIONS(X)                                                                                         \
    X(nvmlInit_v2, (void))                                                                                        \
    X(nvmlShutdown, (void))                                                                                       \
    X(nvmlSystemGetDriverVersion, (char *version, unsigned length))                                               \
    X(nvmlSystemGetNVMLVersion, (char *version, unsigned length))                                                 \
    X(nvmlSystemGetCudaDriverVersion_v2, (int *version))                                                          \
    X(nvmlDeviceGetCount_v2, (unsigned *count))                                                                   \
    X(nvmlDeviceGetHandleByIndex_v2, (unsigned index, void **device))                                             \
    X(nvmlDeviceGetName, (void *device, char *name, unsigned length))                                             \
    X(nvmlDeviceGetUUID, (void *device, char *uuid, unsigned length))                                             \
    X(nvmlDeviceGetPciInfo_v3, (void *device, struct nvml_pci *pci))                                              \
    X(nvmlDeviceGetMinorNumber, (void *device, unsigned *minor_number))                                           \
    X(nvmlDeviceGetCudaComputeCapability, (void *device, int *major, int *minor))                                 \
    X(nvmlDeviceGetMemoryInfo, (void *device, struct nvml_memory *memory))                                        \
    X(nvmlDeviceGetComputeMode, (void *device, unsigned *mode))                                                   \
    X(nvmlDeviceGetPersistenceMode, (void *device, unsigned *mode))                                               \
    X(nvmlDeviceGetEccMode, (void *device, unsigned *current, unsigned *pending))                                 \
    X(nvmlDeviceGetTotalEccErrors, (void *device, int type, int counter, unsigned long long *count))              \
    X(nvmlDeviceGetRetiredPages, (void *device, int cause, unsigned *count, unsigned long long *addresses))       \
    X(nvmlDeviceGetRetiredPagesPendingStatus, (void *device, unsigned *pending))                                  \
    X(nvmlDeviceGetRemappedRows,                                                                                  \
      (void *device, unsigned *correctable, unsigned *uncorrectable, unsigned *pending, unsigned *failed))        \
    X(nvmlDeviceGetCurrentClocksThrottleReasons, (void *device, unsigned long long *reasons))                     \
    X(nvmlDeviceGetTemperature, (void *device, int sensor, unsigned *celsius))                                    \
    X(nvmlDeviceGetPowerUsage, (void *device, unsigned *milliwatts))                                              \
    X(nvmlDeviceGetEnforcedPowerLimit, (void *device, unsigned *milliwatts))                                      \
    X(nvmlDeviceGetCurrPcieLinkWidth, (void *device, unsigned *lanes))                                            \
    X(nvmlDeviceGetMaxPcieLinkWidth, (void *device, unsigned *lanes))                                             \
    X(nvmlDeviceGetCurrPcieLinkGeneration, (void *device, unsigned *generation))                                  \
    X(nvmlDeviceGetMaxPcieLinkGeneration, (void *device, unsigned *generation))                                   \
    X(nvmlDeviceGetMigMode, (void *device, unsigned *current, unsigned *pending))                                 \
    X(nvmlDeviceGetMaxMigDeviceCount, (void *device, unsigned *count))                                            \
    X(nvmlDeviceGetMigDeviceHandleByIndex, (void *device, unsigned index, void **mig))                            \
    X(nvmlDeviceGetNvLinkState, (void *device, unsigned link, unsigned *active))                                  \
    X(nvmlDeviceGetGpuFabricInfo, (void *device, struct nvml_fabric *fabric))                                     \
    X(nvmlDeviceGetVirtualizationMode, (void *device, unsigned *mode))                                            \
    X(nvmlDeviceGetGridLicensableFeatures_v4, (void *device, struct nvml_licences *licences))                     \
    X(nvmlDeviceGetFieldValues, (void *device, int count, struct nvml_field *fields))                             \
    X(nvmlDeviceGetComputeRunningProcesses_v2, (void *device, unsigned *count, struct nvml_process *processes))   \
    X(nvmlDeviceGetGraphicsRunningProcesses_v2, (void *device, unsigned *count, struct nvml_process *processes))

struct nvml_pci {
    char legacy_address[16];
    unsigned domain, bus, device;
    unsigned device_id, subsystem_id;
    char address[32];
};

struct nvml_memory { /* version 1: what is reserved counts as used */
    unsigned long long total, free, used;
};

/* nvmlProcessInfo_v2_t. The _v2 functions have had this layout since 470; that of _v3 had one member more in the
 * first releases of 535 (nvidia-ml-py 12.535.77, taken back in 12.535.108). */
struct nvml_process {
    unsigned pid;
    unsigned long long memory; /* bytes; all ones: not known */
    unsigned gpu_instance, compute_instance;
};

struct nvml_fabric { /* nvmlGpuFabricInfo_t */
    unsigned char cluster[16];
    int status;
    unsigned clique;
    unsigned char state;
};

struct nvml_licence {
    int feature;
    unsigned state;
    char info[128], product[128];
    unsigned enabled;
    struct {
        unsigned year;
        unsigned short month, day, hour, minute, second;
        unsigned char status;
    } expiry;
};

struct nvml_licences {
    int supported;
    unsigned count;
    struct nvml_licence features[3];
};

struct nvml_field {
    unsigned field, scope;
    long long timestamp, latency;
    int type, result;
    union {
        double real;
        unsigned number;
        unsigned long long wide;
    } value;
};

struct nvml_api {
#define NVML_POINTER(name, parameters) int(*name) parameters;
    NVML_FUNCTIONS(NVML_POINTER)
#undef NVML_POINTER
};

enum {
    NVML_NOT_SUPPORTED = 3,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_UNCORRECTED = 1, /* nvmlMemoryErrorType_t */
    NVML_VOLATILE = 0,    /* nvmlEccCounterType_t */
    NVML_AGGREGATE = 1,
    NVML_CAUSE_SINGLE_BIT = 0, /* nvmlPageRetirementCause_t */
    NVML_CAUSE_DOUBLE_BIT = 1,
    NVML_TEMPERATURE_GPU = 0,
    NVML_FIELD_RECOVERY_ACTION = 230,
    NVML_LINKS_MAX = 18,
    NVML_VIRTUALIZATION_VGPU = 2,
};
