/* Reads the scenario, plays the faults, hides the functions that are to be missing. */
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim.h"

struct sim sim;
bool sim_garbage, sim_changed;

static const struct {
    const char *name;
    size_t offset;
} gpu_numbers[] = {
#define N(member)                                                                                                 \
    { #member, offsetof(struct sim_gpu, member) }
    N(compute_mode),
    N(ecc),
    N(integrated),
    N(timeout),
    N(multiprocessors),
    N(clock_khz),
    N(memory_clock_khz),
    N(bus_bits),
    N(persistence),
    N(ecc_errors),
    N(retired),
    N(retired_pending),
    N(remapped),
    N(remap_pending),
    N(remap_failed),
    N(recovery),
    N(temperature),
    N(power_mw),
    N(power_limit_mw),
    N(pcie_width),
    N(pcie_width_max),
    N(pcie_generation),
    N(pcie_generation_max),
    N(mig),
    N(nvlinks),
    N(nvlinks_active),
    N(fabric),
    N(fabric_status),
    N(virtualization),
    N(licensed),
#undef N
};

static _Noreturn void bad_scenario(const char *line) {
    fprintf(stderr, "scenario: cannot read '%s'\n", line);
    _exit(99);
}

static void new_gpu(void) {
    if (sim.gpu_count == SIM_GPUS)
        bad_scenario("gpu");
    int i = sim.gpu_count++;
    sim.gpus[i] = (struct sim_gpu){.name = "NVIDIA A100-SXM4-40GB",
                                   .major = 8,
                                   .memory = 48u << 20,
                                   .ecc = 1,
                                   .multiprocessors = 108,
                                   .clock_khz = 1410000,
                                   .memory_clock_khz = 1215000,
                                   .bus_bits = 5120,
                                   .persistence = 1,
                                   .temperature = 31,
                                   .power_mw = 52000,
                                   .power_limit_mw = 400000,
                                   .pcie_width = 16,
                                   .pcie_width_max = 16,
                                   .pcie_generation = 4,
                                   .pcie_generation_max = 4,
                                   .throttle = 1};
    snprintf(sim.gpus[i].uuid, sizeof sim.gpus[i].uuid, "%08x-1111-2222-3333-444444444444",
             0xa0000000u + (unsigned)i);
    snprintf(sim.gpus[i].pci, sizeof sim.gpus[i].pci, "0000:%02X:00.0", i + 1);
}

static void gpu_line(struct sim_gpu *gpu, const char *key, const char *value, const char *line) {
    for (size_t i = 0; i < sizeof gpu_numbers / sizeof *gpu_numbers; i++)
        if (strcmp(key, gpu_numbers[i].name) == 0) {
            *(int *)(void *)((char *)gpu + gpu_numbers[i].offset) = (int)strtol(value, NULL, 0);
            return;
        }
    if (strcmp(key, "name") == 0)
        snprintf(gpu->name, sizeof gpu->name, "%s", value);
    else if (strcmp(key, "uuid") == 0)
        snprintf(gpu->uuid, sizeof gpu->uuid, "%s", value);
    else if (strcmp(key, "pci") == 0)
        snprintf(gpu->pci, sizeof gpu->pci, "%s", value);
    else if (strcmp(key, "capability") == 0 && sscanf(value, "%d.%d", &gpu->major, &gpu->minor) == 2)
        ;
    else if (strcmp(key, "memory") == 0)
        gpu->memory = strtoull(value, NULL, 0);
    else if (strcmp(key, "used") == 0)
        gpu->used = strtoull(value, NULL, 0);
    else if (strcmp(key, "throttle") == 0)
        gpu->throttle = strtoull(value, NULL, 0);
    else if (strcmp(key, "instance") == 0 && gpu->instance_count < SIM_INSTANCES) {
        int i = gpu->instance_count++;
        gpu->instances[i].memory = gpu->memory / 7;
        snprintf(gpu->instances[i].uuid, sizeof gpu->instances[i].uuid, "%s", value);
        char name[sizeof gpu->name];
        memcpy(name, gpu->name, sizeof name);
        snprintf(gpu->instances[i].name, sizeof gpu->instances[i].name, "%.60s MIG 1g.5gb", name);
    } else if (strcmp(key, "process") == 0 && gpu->process_count < SIM_PROCESSES) {
        int i = gpu->process_count++;
        sscanf(value, "%u %llu", &gpu->processes[i].pid, &gpu->processes[i].memory);
    } else
        bad_scenario(line);
}

static void fault_line(const char *value, const char *line) {
    static const char *const kinds[] = {"error",   "hang",    "spin",    "crash", "abort", "exit",
                                        "garbage", "changes", "missing", "noise", "slow"};
    char call[64], kind[16];
    struct sim_fault_row *row = &sim.faults[sim.fault_count];
    if (sim.fault_count == SIM_FAULTS || sscanf(value, "%63s %15s %d", call, kind, &row->argument) < 2)
        bad_scenario(line);
    row->device = -1;
    row->from = 1;
    char *times = strchr(call, '@');
    if (times)
        row->from = (int)strtol(times + 1, NULL, 10), *times = '\0';
    char *device = strchr(call, '#');
    if (device)
        row->device = (int)strtol(device + 1, NULL, 10), *device = '\0';
    snprintf(row->call, sizeof row->call, "%s", call);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0) {
            row->kind = (enum sim_kind)i;
            sim.fault_count++;
            return;
        }
    bad_scenario(line);
}

static void read_line(char *line) {
    line[strcspn(line, "\r\n")] = '\0';
    char *key = line + strspn(line, " \t");
    if (!*key || *key == '#')
        return;
    char *value = key + strcspn(key, " \t");
    if (*value)
        *value++ = '\0';
    value += strspn(value, " \t");
    if (strcmp(key, "gpu") == 0)
        new_gpu();
    else if (strcmp(key, "fault") == 0)
        fault_line(value, line);
    else if (strcmp(key, "plant") == 0) {
        struct sim_plant *plant = &sim.plants[sim.plant_count];
        unsigned long long at;
        if (sim.plant_count == SIM_PLANTS || sscanf(value, "%31s %15s %llu", plant->where, plant->kind, &at) != 3)
            bad_scenario(line);
        plant->at = at;
        sim.plant_count++;
    } else if (strcmp(key, "cuda_version") == 0)
        sim.cuda_version = (int)strtol(value, NULL, 10);
    else if (strcmp(key, "kernel_ms") == 0)
        sim.kernel_ms = (int)strtol(value, NULL, 10);
    else if (strcmp(key, "driver_version") == 0)
        snprintf(sim.driver_version, sizeof sim.driver_version, "%s", value);
    else if (strcmp(key, "nvml_version") == 0)
        snprintf(sim.nvml_version, sizeof sim.nvml_version, "%s", value);
    else if (sim.gpu_count)
        gpu_line(&sim.gpus[sim.gpu_count - 1], key, value, line);
    else
        bad_scenario(line);
}

/* dlsym compares names: one whose first letter is changed is no longer found. */
static void hide(const char *name) {
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((void *)(uintptr_t)&sim_enter, &info, (void **)&map, RTLD_DL_LINKMAP))
        return;
    char *strings = NULL;
    size_t size = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRTAB)
            strings = (char *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_STRSZ)
            size = entry->d_un.d_val;
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)strings & ~(page - 1);
    mprotect((void *)start, (uintptr_t)strings + size - start, PROT_READ | PROT_WRITE);
    for (char *at = strings; at < strings + size; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            at[0] = '?';
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WHYCUDA_SIM");
    sim = (struct sim){
        .cuda_version = 12040, .driver_version = "550.163.01", .nvml_version = "12.550.163.01", .kernel_ms = 60};
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) {
        fprintf(stderr, "WHYCUDA_SIM names no scenario\n");
        _exit(98);
    }
    char line[512];
    while (fgets(line, sizeof line, file))
        read_line(line);
    fclose(file);
    for (int i = 0; i < sim.fault_count; i++)
        if (sim.faults[i].kind == SIM_MISSING)
            hide(sim.faults[i].call);
}

static bool play(struct sim_fault_row *row, int *ret_code) {
    switch (row->kind) {
    case SIM_ERROR:
        *ret_code = row->argument;
        return true;
    case SIM_HANG:
        for (;;)
            pause();
    case SIM_SPIN:
        for (volatile int i = 0;; i++)
            ;
    case SIM_CRASH:
        raise(SIGSEGV);
        return true;
    case SIM_ABORT:
        fprintf(stderr, "simulated driver: assertion failed\n");
        abort();
    case SIM_EXIT:
        exit(row->argument);
    case SIM_GARBAGE:
        sim_garbage = true;
        return false;
    case SIM_CHANGES:
        sim_changed = row->times & 1;
        return false;
    case SIM_NOISE:
        for (int i = 0; i < 20000; i++)
            printf("simulated driver says %d\n", i);
        fprintf(stderr, "and on stderr\n");
        return false;
    case SIM_SLOW:
        usleep((unsigned)row->argument * 1000);
        return false;
    case SIM_MISSING:
        return false;
    }
    return false;
}

bool sim_enter(const char *call, int device, int *ret_code) {
    sim_garbage = sim_changed = false;
    for (int i = 0; i < sim.fault_count; i++) {
        struct sim_fault_row *row = &sim.faults[i];
        if (strcmp(row->call, call) != 0 || (row->device >= 0 && device >= 0 && row->device != device))
            continue;
        if (++row->times >= row->from && play(row, ret_code))
            return true;
    }
    return false;
}

void sim_text(char *to, size_t size, const char *text) {
    if (sim_garbage) {
        memset(to, 0xff, size); /* no end */
        return;
    }
    snprintf(to, size, "%s%s", text, sim_changed ? "?" : "");
}

struct sim_plant *sim_plant_for(const char *where) {
    for (int i = 0; i < sim.plant_count; i++)
        if (strcmp(sim.plants[i].where, where) == 0)
            return &sim.plants[i];
    return NULL;
}

bool sim_plant_due(struct sim_plant *plant, uint64_t now) {
    return plant && plant->at == now;
}
