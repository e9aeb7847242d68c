/* libnvidia-ml.so.1 of the simulated driver. */
#include "live/nvml_api.h"
#include "sim.h"

#define PUBLIC __attribute__((visibility("default")))
#define DECLARE(name, parameters) PUBLIC int name parameters;
NVML_FUNCTIONS(DECLARE)

enum { INVALID_ARGUMENT = 2, NO_PERMISSION = 4 };

/* Handles: GPU i is i + 1, its MIG instance k is 1000 * (i + 1) + k + 1. */
static int gpu_of(const void *device) {
    uintptr_t handle = (uintptr_t)device;
    return (int)(handle >= 1000 ? handle / 1000 : handle) - 1;
}
static int instance_of(const void *device) {
    uintptr_t handle = (uintptr_t)device;
    return handle >= 1000 ? (int)(handle % 1000) - 1 : -1;
}
#define GPU (&sim.gpus[gpu_of(device)])

int nvmlInit_v2(void) {
    ENTER(-1);
    return 0;
}
int nvmlShutdown(void) {
    ENTER(-1);
    return 0;
}
int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    ENTER(-1);
    sim_text(version, length, sim.driver_version);
    return 0;
}
int nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    ENTER(-1);
    sim_text(version, length, sim.nvml_version);
    return 0;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    ENTER(-1);
    OUT(version, sim.cuda_version);
    return 0;
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    ENTER(-1);
    OUT(count, (unsigned)sim.gpu_count);
    return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    ENTER((int)index);
    if (index >= (unsigned)sim.gpu_count)
        return INVALID_ARGUMENT;
    *device =
        (void *)(uintptr_t)(index + 1); /* a handle is not an answer: garbage here would only crash ourselves */
    return 0;
}
int nvmlDeviceGetName(void *device, char *name, unsigned length) {
    ENTER(gpu_of(device));
    sim_text(name, length, instance_of(device) >= 0 ? GPU->instances[instance_of(device)].name : GPU->name);
    return 0;
}
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) {
    ENTER(gpu_of(device));
    char text[80];
    int instance = instance_of(device);
    snprintf(text, sizeof text, "%s-%s", instance >= 0 ? "MIG" : "GPU",
             instance >= 0 ? GPU->instances[instance].uuid : GPU->uuid);
    sim_text(uuid, length, text);
    return 0;
}
int nvmlDeviceGetPciInfo_v3(void *device, struct nvml_pci *pci) {
    ENTER(gpu_of(device));
    memset(pci, sim_garbage ? 0xff : 0, sizeof *pci);
    char text[32];
    snprintf(text, sizeof text, "0000%.20s", GPU->pci); /* NVML's domain has eight digits */
    sim_text(pci->address, sizeof pci->address, text);
    return 0;
}
int nvmlDeviceGetMinorNumber(void *device, unsigned *minor_number) {
    ENTER(gpu_of(device));
    OUT(minor_number, (unsigned)gpu_of(device));
    return 0;
}
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    ENTER(gpu_of(device));
    OUT(major, GPU->major);
    OUT(minor, GPU->minor);
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, struct nvml_memory *memory) {
    ENTER(gpu_of(device));
    int instance = instance_of(device);
    uint64_t total = instance >= 0 ? GPU->instances[instance].memory : GPU->memory,
             used = instance >= 0 ? 0 : GPU->used;
    OUT(memory, (struct nvml_memory){total, total - used, used});
    return 0;
}

#define SIMPLE(function, member)                                                                                  \
    int function(void *device, unsigned *value) {                                                                 \
        ENTER(gpu_of(device));                                                                                    \
        OUT(value, (unsigned)GPU->member);                                                                        \
        return 0;                                                                                                 \
    }
SIMPLE(nvmlDeviceGetComputeMode, compute_mode)
SIMPLE(nvmlDeviceGetPersistenceMode, persistence)
SIMPLE(nvmlDeviceGetRetiredPagesPendingStatus, retired_pending)
SIMPLE(nvmlDeviceGetPowerUsage, power_mw)
SIMPLE(nvmlDeviceGetEnforcedPowerLimit, power_limit_mw)
SIMPLE(nvmlDeviceGetCurrPcieLinkWidth, pcie_width)
SIMPLE(nvmlDeviceGetMaxPcieLinkWidth, pcie_width_max)
SIMPLE(nvmlDeviceGetCurrPcieLinkGeneration, pcie_generation)
SIMPLE(nvmlDeviceGetMaxPcieLinkGeneration, pcie_generation_max)
SIMPLE(nvmlDeviceGetVirtualizationMode, virtualization)

int nvmlDeviceGetEccMode(void *device, unsigned *current, unsigned *pending) {
    ENTER(gpu_of(device));
    if (GPU->ecc < 0)
        return NVML_NOT_SUPPORTED;
    OUT(current, (unsigned)GPU->ecc);
    OUT(pending, (unsigned)GPU->ecc);
    return 0;
}
int nvmlDeviceGetTotalEccErrors(void *device, int type, int counter, unsigned long long *count) {
    ENTER(gpu_of(device));
    (void)counter;
    OUT(count, type == NVML_UNCORRECTED ? (unsigned long long)GPU->ecc_errors : 0);
    return 0;
}
int nvmlDeviceGetRetiredPages(void *device, int cause, unsigned *count, unsigned long long *addresses) {
    ENTER(gpu_of(device));
    (void)addresses;
    OUT(count, cause == NVML_CAUSE_DOUBLE_BIT ? (unsigned)GPU->retired : 0u);
    return sim_garbage || !*count ? 0 : NVML_INSUFFICIENT_SIZE;
}
int nvmlDeviceGetRemappedRows(void *device, unsigned *correctable, unsigned *uncorrectable, unsigned *pending,
                              unsigned *failed) {
    ENTER(gpu_of(device));
    OUT(correctable, 0u);
    OUT(uncorrectable, (unsigned)GPU->remapped);
    OUT(pending, (unsigned)GPU->remap_pending);
    OUT(failed, (unsigned)GPU->remap_failed);
    return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    ENTER(gpu_of(device));
    OUT(reasons, GPU->throttle);
    return 0;
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    ENTER(gpu_of(device));
    (void)sensor;
    OUT(celsius, (unsigned)GPU->temperature);
    return 0;
}
int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    ENTER(gpu_of(device));
    if (GPU->mig < 0)
        return NVML_NOT_SUPPORTED;
    OUT(current, (unsigned)GPU->mig);
    OUT(pending, (unsigned)GPU->mig);
    return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) {
    ENTER(gpu_of(device));
    OUT(count, (unsigned)SIM_INSTANCES);
    return 0;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **mig) {
    ENTER(gpu_of(device));
    if (index >= (unsigned)GPU->instance_count)
        return NVML_NOT_FOUND;
    *mig = (void *)(uintptr_t)(1000 * ((unsigned)gpu_of(device) + 1) + index + 1);
    return 0;
}
int nvmlDeviceGetNvLinkState(void *device, unsigned link, unsigned *active) {
    ENTER(gpu_of(device));
    if ((int)link >= GPU->nvlinks)
        return GPU->nvlinks ? INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
    OUT(active, (int)link < GPU->nvlinks_active ? 1u : 0u);
    return 0;
}
int nvmlDeviceGetGpuFabricInfo(void *device, struct nvml_fabric *fabric) {
    ENTER(gpu_of(device));
    OUT(fabric, (struct nvml_fabric){.status = GPU->fabric_status, .state = (unsigned char)GPU->fabric});
    return 0;
}
int nvmlDeviceGetGridLicensableFeatures_v4(void *device, struct nvml_licences *licences) {
    ENTER(gpu_of(device));
    struct nvml_licences value = {.supported = 1, .count = 1};
    value.features[0].feature = 2;
    value.features[0].state = (unsigned)GPU->licensed;
    snprintf(value.features[0].product, sizeof value.features[0].product, "NVIDIA Virtual Compute Server");
    OUT(licences, value);
    return 0;
}
int nvmlDeviceGetFieldValues(void *device, int count, struct nvml_field *fields) {
    ENTER(gpu_of(device));
    for (int i = 0; i < count; i++) {
        unsigned field = fields[i].field;
        struct nvml_field value = {.field = field,
                                   .result = field == NVML_FIELD_RECOVERY_ACTION ? 0 : NVML_NOT_SUPPORTED};
        value.value.number = (unsigned)GPU->recovery;
        OUT(&fields[i], value);
    }
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v2(void *device, unsigned *count, struct nvml_process *processes) {
    ENTER(gpu_of(device));
    unsigned room = *count;
    OUT(count, (unsigned)GPU->process_count);
    if (room < (unsigned)GPU->process_count)
        return NVML_INSUFFICIENT_SIZE;
    for (int i = 0; i < GPU->process_count; i++)
        OUT(&processes[i], (struct nvml_process){GPU->processes[i].pid, GPU->processes[i].memory, -1u, -1u});
    return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v2(void *device, unsigned *count, struct nvml_process *processes) {
    ENTER(gpu_of(device));
    (void)processes;
    OUT(count, 0u);
    return 0;
}
