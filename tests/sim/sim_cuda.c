/* libcuda.so.1 of the simulated driver. Device memory is host memory with its own addresses, so that a wrong index
 * in a kernel is caught; kernels are run by ptx.c. */
#include <stdlib.h>

#include "live/cuda_api.h"
#include "ptx.h"
#include "sim.h"

#define PUBLIC __attribute__((visibility("default")))
#define DECLARE(name, parameters) PUBLIC int name parameters;
CUDA_FUNCTIONS(DECLARE)

enum {
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX = 222,
    NO_BINARY = 209,
    NOT_FOUND = 500
};
enum { ALLOCATIONS = 64 };

static struct {
    bool initialized;
    int visible[SIM_GPUS], count; /* ordinals to GPUs */
    int instance;                 /* of the GPU, where it is a MIG one */
    int current;                  /* ordinal of the context, -1: none */
    double clock_ms;
    struct {
        uint64_t address;
        char *memory;
        size_t bytes;
    } allocations[ALLOCATIONS];
    uint64_t next;
    uint64_t stores, copies;
    const char *kernel;
} state = {.current = -1, .next = 0x7000000000};

static const struct sim_gpu *gpu_at(int ordinal) {
    return &sim.gpus[state.visible[ordinal]];
}

/* As the driver reads it: indices and UUID prefixes, the first invalid entry ends the list, each GPU once. */
static void find_visible(void) {
    int usable[SIM_GPUS], count = 0;
    for (int i = 0; i < sim.gpu_count; i++)
        if (sim.gpus[i].mig <= 0 || sim.gpus[i].instance_count)
            usable[count++] = i;
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    if (!list) {
        memcpy(state.visible, usable, sizeof usable);
        state.count = count;
        return;
    }
    char *copy = strdup(list), *rest = copy;
    for (char *entry; (entry = strsep(&rest, ","));) {
        char *end;
        int found = -1;
        long index = strtol(entry, &end, 10);
        if (strncmp(entry, "GPU-", 4) == 0 || strncmp(entry, "MIG-", 4) == 0) {
            for (int i = 0; i < count; i++) {
                const struct sim_gpu *gpu = &sim.gpus[usable[i]];
                const char *uuid = entry[0] == 'M' && gpu->instance_count ? gpu->instances[0].uuid : gpu->uuid;
                if (strncmp(uuid, entry + 4, strlen(entry + 4)) == 0)
                    found = usable[i];
            }
        } else if (end != entry && index >= 0 && index < count) {
            found = usable[index];
        }
        bool twice = false;
        for (int i = 0; i < state.count; i++)
            twice |= state.visible[i] == found;
        if (found < 0 || twice)
            break;
        state.visible[state.count++] = found;
    }
    free(copy);
}

int cuDriverGetVersion(int *version) {
    ENTER(-1);
    OUT(version, sim.cuda_version);
    return 0;
}
int cuInit(unsigned flags) {
    ENTER(-1);
    if (flags)
        return INVALID_VALUE;
    if (!state.initialized)
        find_visible();
    state.initialized = true;
    return state.count ? 0 : NO_DEVICE;
}

static const struct {
    int code;
    const char *name;
} names[] = {{1, "CUDA_ERROR_INVALID_VALUE"},
             {2, "CUDA_ERROR_OUT_OF_MEMORY"},
             {3, "CUDA_ERROR_NOT_INITIALIZED"},
             {34, "CUDA_ERROR_STUB_LIBRARY"},
             {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
             {100, "CUDA_ERROR_NO_DEVICE"},
             {101, "CUDA_ERROR_INVALID_DEVICE"},
             {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
             {218, "CUDA_ERROR_INVALID_PTX"},
             {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
             {304, "CUDA_ERROR_OPERATING_SYSTEM"},
             {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
             {719, "CUDA_ERROR_LAUNCH_FAILED"},
             {802, "CUDA_ERROR_SYSTEM_NOT_READY"},
             {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
             {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"},
             {999, "CUDA_ERROR_UNKNOWN"}};

int cuGetErrorName(int error, const char **name) {
    ENTER(-1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == error) {
            *name = names[i].name;
            return 0;
        }
    return INVALID_VALUE;
}
int cuGetErrorString(int error, const char **words) {
    ENTER(-1);
    (void)error;
    *words = "simulated";
    return 0;
}

#define NEED_INIT                                                                                                 \
    if (!state.initialized || !state.count)                                                                       \
    return NOT_INITIALIZED
#define NEED_DEVICE(device)                                                                                       \
    NEED_INIT;                                                                                                    \
    if ((device) < 0 || (device) >= state.count)                                                                  \
    return INVALID_DEVICE
#define NEED_CONTEXT                                                                                              \
    NEED_INIT;                                                                                                    \
    if (state.current < 0)                                                                                        \
    return INVALID_CONTEXT

int cuDeviceGetCount(int *count) {
    ENTER(-1);
    NEED_INIT;
    OUT(count, state.count);
    return 0;
}
int cuDeviceGet(int *device, int ordinal) {
    ENTER(ordinal);
    NEED_DEVICE(ordinal);
    OUT(device, ordinal);
    return 0;
}
int cuDeviceGetName(char *name, int size, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    const struct sim_gpu *gpu = gpu_at(device);
    sim_text(name, (size_t)size, gpu->mig > 0 ? gpu->instances[0].name : gpu->name);
    return 0;
}

static void uuid_bytes(const char *text, unsigned char bytes[16]) {
    for (int i = 0; i < 16 && *text;) {
        unsigned value;
        if (*text == '-')
            text++;
        else if (sscanf(text, "%2x", &value) == 1) {
            bytes[i++] = (unsigned char)value;
            text += 2;
        } else
            break;
    }
}
int cuDeviceGetUuid(void *uuid, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    struct {
        unsigned char bytes[16];
    } value = {{0}};
    uuid_bytes(gpu_at(device)->uuid, value.bytes);
    OUT((__typeof__(value) *)uuid, value);
    return 0;
}
int cuDeviceGetUuid_v2(void *uuid, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    struct {
        unsigned char bytes[16];
    } value = {{0}};
    uuid_bytes(gpu_at(device)->mig > 0 ? gpu_at(device)->instances[0].uuid : gpu_at(device)->uuid, value.bytes);
    OUT((__typeof__(value) *)uuid, value);
    return 0;
}
int cuDeviceGetPCIBusId(char *address, int size, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    sim_text(address, (size_t)size, gpu_at(device)->pci);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    OUT(bytes, gpu_at(device)->memory);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    const struct sim_gpu *gpu = gpu_at(device);
    switch (attribute) {
    case CUDA_ATTRIBUTE_CLOCK_RATE:
        OUT(value, gpu->clock_khz);
        return 0;
    case CUDA_ATTRIBUTE_MULTIPROCESSORS:
        OUT(value, gpu->multiprocessors);
        return 0;
    case CUDA_ATTRIBUTE_KERNEL_TIMEOUT:
        OUT(value, gpu->timeout);
        return 0;
    case CUDA_ATTRIBUTE_INTEGRATED:
        OUT(value, gpu->integrated);
        return 0;
    case CUDA_ATTRIBUTE_COMPUTE_MODE:
        OUT(value, gpu->compute_mode);
        return 0;
    case CUDA_ATTRIBUTE_ECC:
        OUT(value, gpu->ecc > 0);
        return 0;
    case CUDA_ATTRIBUTE_MEMORY_CLOCK_RATE:
        OUT(value, gpu->memory_clock_khz);
        return 0;
    case CUDA_ATTRIBUTE_MEMORY_BUS_WIDTH:
        OUT(value, gpu->bus_bits);
        return 0;
    case CUDA_ATTRIBUTE_CAPABILITY_MAJOR:
        OUT(value, gpu->major);
        return 0;
    case CUDA_ATTRIBUTE_CAPABILITY_MINOR:
        OUT(value, gpu->minor);
        return 0;
    default:
        return INVALID_VALUE;
    }
}

/* --- contexts and memory ----------------------------------------------------------------------------------- */

int cuDevicePrimaryCtxRetain(void **context, int device) {
    ENTER(device);
    NEED_DEVICE(device);
    if (gpu_at(device)->compute_mode == 2 || (gpu_at(device)->compute_mode == 3 && gpu_at(device)->process_count))
        return 46;
    *context = (void *)(uintptr_t)(0x1000 + device);
    return 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
    ENTER(device);
    NEED_DEVICE(device);
    state.current = -1;
    return 0;
}
int cuCtxSetCurrent(void *context) {
    ENTER(-1);
    NEED_INIT;
    state.current = context ? (int)((uintptr_t)context - 0x1000) : -1;
    return 0;
}
int cuCtxSynchronize(void) {
    ENTER(state.current);
    NEED_CONTEXT;
    return 0;
}

static uint64_t allocated(void) {
    uint64_t sum = 0;
    for (int i = 0; i < ALLOCATIONS; i++)
        sum += state.allocations[i].bytes;
    return sum;
}

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    ENTER(state.current);
    NEED_CONTEXT;
    const struct sim_gpu *gpu = gpu_at(state.current);
    OUT(free_bytes, gpu->memory - gpu->used - allocated());
    OUT(total, gpu->memory);
    return 0;
}
int cuMemAlloc_v2(uint64_t *memory, size_t bytes) {
    ENTER(state.current);
    NEED_CONTEXT;
    const struct sim_gpu *gpu = gpu_at(state.current);
    if (!bytes)
        return INVALID_VALUE;
    if (bytes > gpu->memory - gpu->used - allocated())
        return OUT_OF_MEMORY;
    for (int i = 0; i < ALLOCATIONS; i++)
        if (!state.allocations[i].bytes) {
            char *host = malloc(bytes);
            if (!host)
                return OUT_OF_MEMORY;
            memset(host, 0xcd, bytes);
            state.allocations[i].address = state.next;
            state.allocations[i].memory = host;
            state.allocations[i].bytes = bytes;
            state.next += (bytes + 0x1fffff) & ~(uint64_t)0xfffff; /* a gap behind each */
            *memory = state.allocations[i].address;
            return 0;
        }
    return OUT_OF_MEMORY;
}
int cuMemFree_v2(uint64_t memory) {
    ENTER(state.current);
    NEED_CONTEXT;
    for (int i = 0; i < ALLOCATIONS; i++)
        if (state.allocations[i].bytes && state.allocations[i].address == memory) {
            free(state.allocations[i].memory);
            state.allocations[i].bytes = 0;
            return 0;
        }
    return INVALID_VALUE;
}

static char *at_address(uint64_t address, size_t bytes) {
    static int last;
    for (int n = 0, i = last; n < ALLOCATIONS; n++, i = (i + 1) % ALLOCATIONS) {
        uint64_t offset = address - state.allocations[i].address;
        if (state.allocations[i].bytes && address >= state.allocations[i].address &&
            offset < state.allocations[i].bytes && state.allocations[i].bytes - offset >= bytes) {
            last = i;
            return state.allocations[i].memory + offset;
        }
    }
    return NULL;
}

int cuMemAllocHost_v2(void **memory, size_t bytes) {
    ENTER(state.current);
    NEED_CONTEXT;
    *memory = malloc(bytes);
    return *memory ? 0 : OUT_OF_MEMORY;
}
int cuMemFreeHost(void *memory) {
    ENTER(state.current);
    NEED_CONTEXT;
    free(memory);
    return 0;
}
int cuMemsetD8_v2(uint64_t memory, unsigned char value, size_t count) {
    ENTER(state.current);
    NEED_CONTEXT;
    char *to = at_address(memory, count);
    if (!to)
        return INVALID_VALUE;
    memset(to, value, count);
    return 0;
}
int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
    ENTER(state.current);
    NEED_CONTEXT;
    char *memory = at_address(to, bytes);
    if (!memory)
        return INVALID_VALUE;
    memcpy(memory, from, bytes);
    return 0;
}
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
    ENTER(state.current);
    NEED_CONTEXT;
    const char *memory = at_address(from, bytes);
    if (!memory)
        return INVALID_VALUE;
    if (sim_garbage) {
        memset(to, 0xff, bytes);
        return 0;
    }
    memcpy(to, memory, bytes);
    if (sim_changed || sim_plant_due(sim_plant_for("copy"), ++state.copies))
        ((char *)to)[bytes / 2] ^= 0x10;
    return 0;
}
int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) {
    ENTER(state.current);
    NEED_CONTEXT;
    char *target = at_address(to, bytes);
    const char *source = at_address(from, bytes);
    if (!target || !source)
        return INVALID_VALUE;
    memmove(target, source, bytes);
    state.clock_ms += (double)bytes / 1e6 / 500; /* 500 GB/s */
    return 0;
}

/* --- modules and kernels ----------------------------------------------------------------------------------- */

static void write_log(unsigned options, const int *option, void **values, const char *words) {
    char *log = NULL;
    size_t size = 0;
    for (unsigned i = 0; i < options; i++) {
        if (option[i] == CUDA_JIT_ERROR_LOG)
            log = values[i];
        if (option[i] == CUDA_JIT_ERROR_LOG_SIZE)
            size = (size_t)(uintptr_t)values[i];
    }
    if (log && size)
        snprintf(log, size, "ptxas simulated; %s", words);
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned options, int *option, void **values) {
    ENTER(state.current);
    NEED_CONTEXT;
    char words[128] = "";
    int isa = 0, target = 0;
    struct ptx_kernel *kernel = ptx_parse(image, words, sizeof words, &isa, &target);
    if (!kernel) {
        write_log(options, option, values, words);
        return INVALID_PTX;
    }
    /* CUDA 8 reads ISA 5.0 ("PTX ISA", release notes), 9 and 10 read 6.x, 11 reads 7.x, 12 reads 8.x, 13 reads 9.x
     */
    int major = sim.cuda_version / 1000, newest = major < 9    ? 50
                                                  : major == 9 ? 60
                                                               : (major - 4) * 10 + sim.cuda_version % 1000 / 10;
    const struct sim_gpu *gpu = gpu_at(state.current);
    int refused = isa > newest ? UNSUPPORTED_PTX : target > gpu->major * 10 + gpu->minor ? NO_BINARY : 0;
    if (refused) {
        write_log(options, option, values, "not for this device");
        free(kernel);
        return refused;
    }
    *module = kernel;
    return 0;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
    ENTER(state.current);
    NEED_CONTEXT;
    if (strcmp(ptx_name(module), name) != 0)
        return NOT_FOUND;
    *function = module;
    return 0;
}
int cuModuleUnload(void *module) {
    ENTER(state.current);
    NEED_CONTEXT;
    free(module);
    return 0;
}

static bool on_store(uint64_t *address, void *bytes, size_t size) {
    struct sim_plant *plant = sim_plant_for(state.kernel);
    if (!sim_plant_due(plant, ++state.stores))
        return true;
    if (strcmp(plant->kind, "lost") == 0)
        return false;
    if (strcmp(plant->kind, "index") == 0)
        *address += size;
    else
        ((unsigned char *)bytes)[1] ^= 1; /* far down in the mantissa */
    return true;
}

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared, void *stream, void **parameters,
                   void **extra) {
    ENTER(state.current);
    NEED_CONTEXT;
    if (stream || extra || shared)
        return INVALID_VALUE;
    state.kernel = ptx_name(function) + strlen("whycuda_");
    struct ptx_launch launch = {.grid = {grid_x, grid_y, grid_z},
                                .block = {block_x, block_y, block_z},
                                .parameters = parameters,
                                .memory = at_address,
                                .store = sim_plant_for(state.kernel) ? on_store : NULL};
    state.clock_ms += sim.kernel_ms;
    return ptx_run(function, &launch);
}
int cuEventCreate(void **event, unsigned flags) {
    ENTER(state.current);
    NEED_CONTEXT;
    (void)flags;
    *event = calloc(1, sizeof(double));
    return 0;
}
int cuEventRecord(void *event, void *stream) {
    ENTER(state.current);
    NEED_CONTEXT;
    (void)stream;
    memcpy(event, &state.clock_ms, sizeof state.clock_ms);
    return 0;
}
int cuEventSynchronize(void *event) {
    ENTER(state.current);
    NEED_CONTEXT;
    (void)event;
    return 0;
}
int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
    ENTER(state.current);
    NEED_CONTEXT;
    double first, last;
    memcpy(&first, start, sizeof first);
    memcpy(&last, end, sizeof last);
    OUT(milliseconds, (float)(last - first));
    return 0;
}
int cuEventDestroy_v2(void *event) {
    ENTER(state.current);
    NEED_CONTEXT;
    free(event);
    return 0;
}
