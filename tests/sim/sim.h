/* A driver without a GPU: libcuda.so.1 and libnvidia-ml.so.1 made from the function lists of src/live, playing the
 * scenario that the file named in WHYCUDA_SIM describes. One item a line:
 *
 *   cuda_version 12040            what cuDriverGetVersion answers
 *   driver_version 550.163.01     the kernel module's, as NVML tells it
 *   nvml_version 12.550.163.01
 *   kernel_ms 60                  what each kernel is said to have taken
 *   fault CALL[#DEVICE][@N] KIND  at this call, of this device only, from its Nth time on:
 *         error CODE | hang | spin | crash | abort | exit STATUS | garbage | changes | missing | noise | slow MS
 *   plant KERNEL KIND N           in its Nth store: flip (one bit), lost (not made), index (one element further)
 *   plant copy KIND N             the same in the Nth copy from the device
 *   gpu                           from here on lines describe one more GPU: name, uuid, pci, capability, memory,
 * used, compute_mode, ecc, integrated, multiprocessors, …: see scenario.c
 *
 * `garbage` answers success with nonsense in every result; `changes` answers otherwise every second time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIM_GPUS = 16, SIM_FAULTS = 32, SIM_PLANTS = 8, SIM_INSTANCES = 7, SIM_PROCESSES = 8 };

enum sim_kind {
    SIM_ERROR,
    SIM_HANG,
    SIM_SPIN,
    SIM_CRASH,
    SIM_ABORT,
    SIM_EXIT,
    SIM_GARBAGE,
    SIM_CHANGES,
    SIM_MISSING,
    SIM_NOISE,
    SIM_SLOW
};

struct sim_fault_row {
    char call[64];
    int device; /* -1: any */
    int from, times;
    enum sim_kind kind;
    int argument;
};

struct sim_plant {
    char where[32], kind[16];
    uint64_t at;
};

struct sim_gpu {
    char name[96], uuid[64], pci[32];
    int major, minor;
    uint64_t memory, used;
    int compute_mode, ecc, integrated, timeout, multiprocessors, clock_khz, memory_clock_khz, bus_bits;
    /* NVML only */
    int persistence, ecc_errors, retired, retired_pending, remapped, remap_pending, remap_failed, recovery,
        temperature;
    int power_mw, power_limit_mw, pcie_width, pcie_width_max, pcie_generation, pcie_generation_max;
    int mig, nvlinks, nvlinks_active, fabric, fabric_status, virtualization, licensed;
    unsigned long long throttle;
    int instance_count;
    struct {
        char uuid[64], name[96];
        uint64_t memory;
    } instances[SIM_INSTANCES];
    int process_count;
    struct {
        unsigned pid;
        unsigned long long memory;
    } processes[SIM_PROCESSES];
};

struct sim {
    int cuda_version;
    char driver_version[64], nvml_version[64];
    int kernel_ms;
    int gpu_count, fault_count, plant_count;
    struct sim_gpu gpus[SIM_GPUS];
    struct sim_fault_row faults[SIM_FAULTS];
    struct sim_plant plants[SIM_PLANTS];
};

extern struct sim sim;

/* What a call does before its own work: true when it must return *ret_code at once. Also sets what the OUT macros
 * do. */
bool sim_enter(const char *call, int device, int *ret_code);
extern bool sim_garbage, sim_changed;

#define ENTER(device)                                                                                             \
    do {                                                                                                          \
        int code_;                                                                                                \
        if (sim_enter(__func__, (device), &code_))                                                                \
            return code_;                                                                                         \
    } while (0)

/* One result: its value; or, as the scenario says, all bits set, or another value than last time. */
#define OUT(pointer, ...)                                                                                         \
    do {                                                                                                          \
        if (sim_garbage)                                                                                          \
            memset((pointer), 0xff, sizeof *(pointer));                                                           \
        else                                                                                                      \
            *(pointer) = (__VA_ARGS__);                                                                           \
        if (sim_changed)                                                                                          \
            ((unsigned char *)(pointer))[0] ^= 1;                                                                 \
    } while (0)
void sim_text(char *to, size_t size, const char *text);
/* True once, when the plant's turn has come. */
bool sim_plant_due(struct sim_plant *plant, uint64_t now);
struct sim_plant *sim_plant_for(const char *where);
