#include "live/cuda.h"

#include <stdio.h>

#include "base/text.h"
#include "sys/dl.h"

void live_cuda_bind(void *library, struct cuda_api *ret_api) {
#define CUDA_BIND(name, parameters) ret_api->name = (int(*) parameters)dl_symbol(library, #name);
    CUDA_FUNCTIONS(CUDA_BIND)
#undef CUDA_BIND
}

const char *live_cuda_error_name(struct ask *ask, int code) {
    const struct cuda_api *api = ask->api;
    const char *name = NULL;
    if (ASK(ask, api, cuGetErrorName, code, &name) != 0)
        return NULL;
    return name;
}

bool live_cuda_init(struct ask *ask, const struct cuda_api *api) {
    int code = ASK(ask, api, cuInit, 0);
    if (code != ASK_MISSING)
        child_set(ask->reply, json_pack("{s:i}", "init", code));
    return ask_worked(ask, "init", "cuInit", code);
}

static void attribute(struct ask *ask, const struct cuda_api *api, int device, int number, const char *field) {
    int value = 0;
    if (ask_worked(ask, field, "cuDeviceGetAttribute",
                   ASK(ask, api, cuDeviceGetAttribute, &value, number, device)))
        ask_number(ask, field, value);
}

static void flag(struct ask *ask, const struct cuda_api *api, int device, int number, const char *field) {
    int value = 0;
    if (ask_worked(ask, field, "cuDeviceGetAttribute",
                   ASK(ask, api, cuDeviceGetAttribute, &value, number, device)))
        ask_flag(ask, field, value != 0);
}

/* CUcomputemode; 1 was exclusive to a thread, until CUDA 8 */
static void compute_mode(struct ask *ask, const struct cuda_api *api, int device) {
    static const char *const names[] = {"Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process"};
    int mode = 0, code = ASK(ask, api, cuDeviceGetAttribute, &mode, CUDA_ATTRIBUTE_COMPUTE_MODE, device);
    if (!ask_worked(ask, "compute_mode", "cuDeviceGetAttribute", code))
        return;
    bool known = mode >= 0 && mode < (int)(sizeof names / sizeof *names);
    const char *name = known ? names[mode] : arena_printf(ask->arena, "%d", mode);
    ask_text(ask, "compute_mode", name, 32);
}

static void capability(struct ask *ask, const struct cuda_api *api, int device) {
    int major = 0, minor = 0;
    int code = ASK(ask, api, cuDeviceGetAttribute, &major, CUDA_ATTRIBUTE_CAPABILITY_MAJOR, device);
    if (code == 0)
        code = ASK(ask, api, cuDeviceGetAttribute, &minor, CUDA_ATTRIBUTE_CAPABILITY_MINOR, device);
    if (!ask_worked(ask, "capability", "cuDeviceGetAttribute", code))
        return;
    const char *text = arena_printf(ask->arena, "%d.%d", major, minor);
    if (major < 1 || major > 99 || minor < 0 || minor > 9)
        ask_nonsense(ask, "capability", "cuDeviceGetAttribute", text);
    else
        ask_text(ask, "capability", text, 32);
}

static void uuid_text(const unsigned char uuid[16], const char *kind, char text[64]) {
    static const int groups[] = {4, 2, 2, 2, 6};
    int used = snprintf(text, 64, "%s", kind);
    for (int g = 0, i = 0; g < 5; g++) {
        used += snprintf(text + used, 64 - (size_t)used, "-");
        for (int n = 0; n < groups[g]; n++, i++)
            used += snprintf(text + used, 64 - (size_t)used, "%02x", uuid[i]);
    }
}

/* The plain call gives the GPU's, the _v2 one, since CUDA 11.4, that of the MIG instance where the device is one. */
static void identity(struct ask *ask, const struct cuda_api *api, int device) {
    unsigned char uuid[64] = {0}, instance[64] = {0}; /* 16 bytes are used */
    char text[64];
    if (!ask_worked(ask, "uuid", "cuDeviceGetUuid", ASK(ask, api, cuDeviceGetUuid, uuid, device)))
        return;
    uuid_text(uuid, "GPU", text);
    ask_text(ask, "uuid", text, sizeof text);
    if (ASK(ask, api, cuDeviceGetUuid_v2, instance, device) == 0 && memcmp(uuid, instance, 16) != 0) {
        uuid_text(instance, "MIG", text);
        ask_text(ask, "mig_uuid", text, sizeof text);
    }
}

void live_cuda_describe(struct ask *ask, const struct cuda_api *api, int device) {
    char text[512] = "";
    size_t bytes = 0;
    if (ask_worked(ask, "name", "cuDeviceGetName", ASK(ask, api, cuDeviceGetName, text, 256, device)))
        ask_text(ask, "name", text, 256);
    identity(ask, api, device);
    text[0] = '\0';
    if (ask_worked(ask, "pci", "cuDeviceGetPCIBusId", ASK(ask, api, cuDeviceGetPCIBusId, text, 32, device)))
        ask_text(ask, "pci", text, 32);
    capability(ask, api, device);
    if (ask_worked(ask, "memory_total", "cuDeviceTotalMem_v2",
                   ASK(ask, api, cuDeviceTotalMem_v2, &bytes, device))) {
        if (bytes <= INT64_MAX)
            ask_number(ask, "memory_total", (json_int_t)bytes);
        else
            ask_nonsense(ask, "memory_total", "cuDeviceTotalMem_v2", arena_printf(ask->arena, "%zu", bytes));
    }
    compute_mode(ask, api, device);
    flag(ask, api, device, CUDA_ATTRIBUTE_ECC, "ecc");
    flag(ask, api, device, CUDA_ATTRIBUTE_INTEGRATED, "integrated");
    flag(ask, api, device, CUDA_ATTRIBUTE_KERNEL_TIMEOUT, "timeout");
    attribute(ask, api, device, CUDA_ATTRIBUTE_MULTIPROCESSORS, "multiprocessors");
    attribute(ask, api, device, CUDA_ATTRIBUTE_CLOCK_RATE, "clock_khz");
    attribute(ask, api, device, CUDA_ATTRIBUTE_MEMORY_CLOCK_RATE, "memory_clock_khz");
    attribute(ask, api, device, CUDA_ATTRIBUTE_MEMORY_BUS_WIDTH, "memory_bus_bits");
}

static void devices(struct ask *ask, const struct cuda_api *api) {
    int count = 0;
    if (!ask_worked(ask, "count", "cuDeviceGetCount", ASK(ask, api, cuDeviceGetCount, &count)))
        return;
    if (count < 0 || count > ASK_DEVICES_MAX) {
        ask_nonsense(ask, "count", "cuDeviceGetCount", arena_printf(ask->arena, "%d", count));
        return;
    }
    ask_number(ask, "count", count);
    ask_send(ask);
    for (int i = 0; i < count; i++) {
        int device = -1;
        ask->device = i;
        ask_number(ask, "index", i);
        if (ask_worked(ask, "handle", "cuDeviceGet", ASK(ask, api, cuDeviceGet, &device, i)))
            live_cuda_describe(ask, api, device);
        ask_send_item(ask, "devices");
    }
}

void live_cuda(struct child_reply *reply, const void *argument) {
    const struct live_cuda_question *question = argument;
    AUTO_ARENA arena = {0};
    struct cuda_api api = {0};
    struct ask ask = {.reply = reply,
                      .arena = &arena,
                      .device = -1,
                      .facts = json_object(),
                      .error_name = live_cuda_error_name,
                      .api = &api};
    if (ask_open(&ask, question->path, "libcuda.so.1")) {
        live_cuda_bind(ask.handle, &api);
        int version = 0; /* answers before cuInit, and without a driver */
        if (ask_worked(&ask, "driver_version", "cuDriverGetVersion",
                       ASK(&ask, &api, cuDriverGetVersion, &version)))
            child_set(reply, json_pack("{s:i}", "driver_version", version));
        if (live_cuda_init(&ask, &api))
            devices(&ask, &api);
    }
    json_decref(ask.facts);
}
