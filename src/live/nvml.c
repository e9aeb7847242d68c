#include "live/nvml.h"

#include "base/text.h"
#include "live/ask.h"
#include "live/nvml_api.h"
#include "sys/dl.h"

enum { PROCESSES_MAX = 256, MIG_MAX = 16 /* instances of one GPU; there are 7 at most today */ };

static void bind_functions(void *library, struct nvml_api *ret_api) {
#define NVML_BIND(name, parameters) ret_api->name = (int(*) parameters)dl_symbol(library, #name);
    NVML_FUNCTIONS(NVML_BIND)
#undef NVML_BIND
}

/* nvmlReturn_t; NVML's own nvmlErrorString has sentences, not names */
static const char *error_name(struct ask *ask, int code) {
    static const char *const names[] = {
        "NVML_SUCCESS",
        "NVML_ERROR_UNINITIALIZED",
        "NVML_ERROR_INVALID_ARGUMENT",
        "NVML_ERROR_NOT_SUPPORTED",
        "NVML_ERROR_NO_PERMISSION",
        "NVML_ERROR_ALREADY_INITIALIZED",
        "NVML_ERROR_NOT_FOUND",
        "NVML_ERROR_INSUFFICIENT_SIZE",
        "NVML_ERROR_INSUFFICIENT_POWER",
        "NVML_ERROR_DRIVER_NOT_LOADED",
        "NVML_ERROR_TIMEOUT",
        "NVML_ERROR_IRQ_ISSUE",
        "NVML_ERROR_LIBRARY_NOT_FOUND",
        "NVML_ERROR_FUNCTION_NOT_FOUND",
        "NVML_ERROR_CORRUPTED_INFOROM",
        "NVML_ERROR_GPU_IS_LOST",
        "NVML_ERROR_RESET_REQUIRED",
        "NVML_ERROR_OPERATING_SYSTEM",
        "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
        "NVML_ERROR_IN_USE",
        "NVML_ERROR_MEMORY",
        "NVML_ERROR_NO_DATA",
        "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED",
        "NVML_ERROR_INSUFFICIENT_RESOURCES",
        "NVML_ERROR_FREQ_NOT_SUPPORTED",
        "NVML_ERROR_ARGUMENT_VERSION_MISMATCH",
        "NVML_ERROR_DEPRECATED",
        "NVML_ERROR_NOT_READY",
        "NVML_ERROR_GPU_NOT_FOUND",
        "NVML_ERROR_INVALID_STATE",
    };
    (void)ask;
    if (code >= 0 && code < (int)(sizeof names / sizeof *names))
        return names[code];
    return code == 999 ? "NVML_ERROR_UNKNOWN" : NULL;
}

/* As ask_worked, but what this GPU does not have is no refusal: the member is simply not there. */
static bool worked(struct ask *ask, const char *field, const char *call, int code) {
    return code != NVML_NOT_SUPPORTED && ask_worked(ask, field, call, code);
}

#define CALL(function, field, ...) worked(ask, field, #function, ASK(ask, api, function, __VA_ARGS__))

static void named(struct ask *ask, const char *field, unsigned value, const char *const *names, size_t count) {
    ask_text(ask, field, value < count ? names[value] : arena_printf(ask->arena, "%u", value), 32);
}
#define NAMED(field, value, ...)                                                                                  \
    do {                                                                                                          \
        static const char *const names_[] = {__VA_ARGS__};                                                        \
        named(ask, field, value, names_, sizeof names_ / sizeof *names_);                                         \
    } while (0)

static void identity(struct ask *ask, const struct nvml_api *api, void *device) {
    char text[512] = "";
    struct nvml_pci pci[4] = {{{0}}}; /* room for a layout that grew */
    unsigned number = 0;
    int major = 0, minor = 0;
    if (CALL(nvmlDeviceGetName, "name", device, text, 96))
        ask_text(ask, "name", text, 96);
    text[0] = '\0';
    if (CALL(nvmlDeviceGetUUID, "uuid", device, text, 96))
        ask_text(ask, "uuid", text, 96);
    if (CALL(nvmlDeviceGetPciInfo_v3, "pci", device, pci))
        ask_text(ask, "pci", pci->address, sizeof pci->address);
    if (CALL(nvmlDeviceGetMinorNumber, "minor", device, &number))
        ask_number(ask, "minor", number);
    if (CALL(nvmlDeviceGetCudaComputeCapability, "capability", device, &major, &minor))
        ask_text(ask, "capability", arena_printf(ask->arena, "%d.%d", major, minor), 32);
}

static void memory(struct ask *ask, const struct nvml_api *api, void *device) {
    struct nvml_memory bytes[4] = {{0}};
    if (!CALL(nvmlDeviceGetMemoryInfo, "memory_total", device, bytes))
        return;
    ask_number(ask, "memory_total", (json_int_t)bytes->total);
    ask_number(ask, "memory_used", (json_int_t)bytes->used);
    ask_number(ask, "memory_free", (json_int_t)bytes->free);
}

static void modes(struct ask *ask, const struct nvml_api *api, void *device) {
    unsigned one = 0, two = 0;
    if (CALL(nvmlDeviceGetComputeMode, "compute_mode", device, &one))
        NAMED("compute_mode", one, "Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process");
    if (CALL(nvmlDeviceGetPersistenceMode, "persistence", device, &one))
        ask_flag(ask, "persistence", one);
    if (CALL(nvmlDeviceGetEccMode, "ecc", device, &one, &two)) {
        ask_flag(ask, "ecc", one);
        ask_flag(ask, "ecc_pending", two);
    }
    if (CALL(nvmlDeviceGetVirtualizationMode, "virtualization", device, &one))
        NAMED("virtualization", one, "none", "passthrough", "vgpu", "host-vgpu", "host-vsga");
}

static void memory_errors(struct ask *ask, const struct nvml_api *api, void *device) {
    unsigned long long errors = 0;
    unsigned single = 0, twice = 0, pending = 0, failed = 0;
    if (CALL(nvmlDeviceGetTotalEccErrors, "ecc_uncorrected", device, NVML_UNCORRECTED, NVML_VOLATILE, &errors))
        ask_number(ask, "ecc_uncorrected", (json_int_t)errors);
    if (CALL(nvmlDeviceGetTotalEccErrors, "ecc_uncorrected_total", device, NVML_UNCORRECTED, NVML_AGGREGATE,
             &errors))
        ask_number(ask, "ecc_uncorrected_total", (json_int_t)errors);
    /* asked for no addresses it answers with the count, and INSUFFICIENT_SIZE where that is not zero */
    int first = ASK(ask, api, nvmlDeviceGetRetiredPages, device, NVML_CAUSE_SINGLE_BIT, &single, NULL);
    int second = ASK(ask, api, nvmlDeviceGetRetiredPages, device, NVML_CAUSE_DOUBLE_BIT, &twice, NULL);
    first = first == NVML_INSUFFICIENT_SIZE ? 0 : first;
    second = second == NVML_INSUFFICIENT_SIZE ? 0 : second;
    if (worked(ask, "retired_pages", "nvmlDeviceGetRetiredPages", first ? first : second))
        ask_number(ask, "retired_pages", (json_int_t)single + twice);
    if (CALL(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pending", device, &pending))
        ask_flag(ask, "retired_pending", pending);
    if (CALL(nvmlDeviceGetRemappedRows, "remapped_rows", device, &single, &twice, &pending, &failed)) {
        ask_number(ask, "remapped_rows", (json_int_t)single + twice);
        ask_number(ask, "remapped_uncorrectable", twice);
        ask_flag(ask, "remap_pending", pending);
        ask_flag(ask, "remap_failed", failed);
    }
}

/* Since driver 565: what must be done before the GPU works again. Older ones answer NOT_SUPPORTED within the
 * field. */
static void recovery(struct ask *ask, const struct nvml_api *api, void *device) {
    struct nvml_field field = {.field = NVML_FIELD_RECOVERY_ACTION};
    if (!CALL(nvmlDeviceGetFieldValues, "recovery_action", device, 1, &field))
        return;
    if (field.result == 0)
        NAMED("recovery_action", field.value.number, "none", "reset", "reboot", "drain-p2p", "drain-and-reset");
}

static void throttle(struct ask *ask, const struct nvml_api *api, void *device) {
    static const char *const names[] = {"idle",        "application-clocks", "sw-power-cap",
                                        "hw-slowdown", "sync-boost",         "sw-thermal",
                                        "hw-thermal",  "hw-power-brake",     "display-clocks"};
    unsigned long long reasons = 0;
    if (!CALL(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle", device, &reasons))
        return;
    json_t *list = json_array();
    for (size_t bit = 0; bit < sizeof names / sizeof *names; bit++)
        if (reasons >> bit & 1)
            json_array_append_new(list, json_string(names[bit]));
    json_object_set_new(ask->facts, "throttle", list);
}

static void numbers(struct ask *ask, const struct nvml_api *api, void *device) {
    unsigned value = 0;
    if (CALL(nvmlDeviceGetTemperature, "temperature", device, NVML_TEMPERATURE_GPU, &value))
        ask_number(ask, "temperature", value);
#define NUMBER(function, field)                                                                                   \
    if (CALL(function, field, device, &value))                                                                    \
        ask_number(ask, field, value);
    NUMBER(nvmlDeviceGetPowerUsage, "power_mw")
    NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw")
    NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
    NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "pcie_width_max")
    NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation")
    NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_generation_max")
#undef NUMBER
}

static json_t *mig_instance(struct ask *ask, const struct nvml_api *api, void *mig) {
    json_t *device = ask->facts;
    char text[512] = "";
    ask->facts = json_object();
    if (CALL(nvmlDeviceGetUUID, "mig_instances", mig, text, 96))
        ask_text(ask, "uuid", text, 96);
    text[0] = '\0';
    if (CALL(nvmlDeviceGetName, "mig_instances", mig, text, 96))
        ask_text(ask, "name", text, 96);
    struct nvml_memory bytes[4] = {{0}};
    if (CALL(nvmlDeviceGetMemoryInfo, "mig_instances", mig, bytes))
        ask_number(ask, "memory_total", (json_int_t)bytes->total);
    json_t *instance = ask->facts;
    ask->facts = device;
    return instance;
}

static void mig(struct ask *ask, const struct nvml_api *api, void *device) {
    unsigned current = 0, pending = 0, count = 0;
    if (!CALL(nvmlDeviceGetMigMode, "mig", device, &current, &pending))
        return;
    ask_flag(ask, "mig", current);
    ask_flag(ask, "mig_pending", pending);
    if (!current || !CALL(nvmlDeviceGetMaxMigDeviceCount, "mig_instances", device, &count))
        return;
    json_t *list = json_array();
    for (unsigned i = 0; i < count && i < MIG_MAX; i++) {
        void *handle = NULL;
        int code = ASK(ask, api, nvmlDeviceGetMigDeviceHandleByIndex, device, i, &handle);
        if (code == NVML_NOT_FOUND) /* the places need not be filled in order */
            continue;
        if (!worked(ask, "mig_instances", "nvmlDeviceGetMigDeviceHandleByIndex", code))
            break;
        json_array_append_new(list, mig_instance(ask, api, handle));
    }
    json_object_set_new(ask->facts, "mig_instances", list);
}

static void links(struct ask *ask, const struct nvml_api *api, void *device) {
    unsigned there = 0, active = 0;
    int code = 0;
    for (unsigned link = 0; link < NVML_LINKS_MAX; link++) {
        unsigned state = 0;
        code = ASK(ask, api, nvmlDeviceGetNvLinkState, device, link, &state);
        if (code != 0) /* past the last link: INVALID_ARGUMENT or NOT_SUPPORTED */
            break;
        there++;
        active += state != 0;
    }
    if (!there && code != 2 && !worked(ask, "nvlinks", "nvmlDeviceGetNvLinkState", code))
        return;
    ask_number(ask, "nvlinks", there);
    ask_number(ask, "nvlinks_active", active);
}

static void fabric(struct ask *ask, const struct nvml_api *api, void *device) {
    struct nvml_fabric state[4] = {{{0}}};
    if (!api->nvmlDeviceGetGpuFabricInfo) /* before driver 515 */
        return;
    if (!CALL(nvmlDeviceGetGpuFabricInfo, "fabric_state", device, state))
        return;
    NAMED("fabric_state", state->state, "not-supported", "not-started", "in-progress", "completed");
    ask_number(ask, "fabric_status", state->status);
}

static void licence(struct ask *ask, const struct nvml_api *api, void *device) {
    struct nvml_licences licences[2] = {{0}};
    unsigned mode = 0;
    if (!api->nvmlDeviceGetVirtualizationMode ||
        ASK(ask, api, nvmlDeviceGetVirtualizationMode, device, &mode) != 0 || mode != NVML_VIRTUALIZATION_VGPU)
        return;
    if (!CALL(nvmlDeviceGetGridLicensableFeatures_v4, "licensed", device, licences) || !licences->supported)
        return;
    bool licensed = false;
    for (unsigned i = 0; i < licences->count && i < 3; i++)
        if (licences->features[i].state) {
            licensed = true;
            ask_text(ask, "licensed_product", licences->features[i].product, sizeof licences->features[i].product);
        }
    ask_flag(ask, "licensed", licensed);
}

static void add_processes(json_t *list, const struct nvml_process *processes, unsigned count, bool graphics) {
    for (unsigned i = 0; i < count && i < PROCESSES_MAX; i++) {
        json_t *one = json_pack("{s:I, s:b}", "pid", (json_int_t)processes[i].pid, "graphics", graphics);
        if (processes[i].memory <= INT64_MAX)
            json_object_set_new(one, "memory", json_integer((json_int_t)processes[i].memory));
        json_array_append_new(list, one);
    }
}

static void processes(struct ask *ask, const struct nvml_api *api, void *device) {
    static struct nvml_process found[PROCESSES_MAX * 2]; /* twice: a layout that grew */
    json_t *list = json_array();
    unsigned count = PROCESSES_MAX;
    bool known = CALL(nvmlDeviceGetComputeRunningProcesses_v2, "processes", device, &count, found);
    if (known)
        add_processes(list, found, count, false);
    count = PROCESSES_MAX;
    if (CALL(nvmlDeviceGetGraphicsRunningProcesses_v2, "processes", device, &count, found)) {
        add_processes(list, found, count, true);
        known = true;
    }
    if (known)
        json_object_set(ask->facts, "processes", list);
    json_decref(list);
}

static void describe(struct ask *ask, const struct nvml_api *api, void *device) {
    identity(ask, api, device);
    memory(ask, api, device);
    modes(ask, api, device);
    memory_errors(ask, api, device);
    recovery(ask, api, device);
    throttle(ask, api, device);
    numbers(ask, api, device);
    mig(ask, api, device);
    links(ask, api, device);
    fabric(ask, api, device);
    licence(ask, api, device);
    processes(ask, api, device);
}

static void system_versions(struct ask *ask, const struct nvml_api *api) {
    char text[512] = "";
    int version = 0;
    if (CALL(nvmlSystemGetDriverVersion, "driver_version", text, 80))
        ask_text(ask, "driver_version", text, 80);
    text[0] = '\0';
    if (CALL(nvmlSystemGetNVMLVersion, "nvml_version", text, 80))
        ask_text(ask, "nvml_version", text, 80);
    if (CALL(nvmlSystemGetCudaDriverVersion_v2, "cuda_version", &version))
        ask_number(ask, "cuda_version", version);
    ask_send(ask);
}

static void devices(struct ask *ask, const struct nvml_api *api) {
    unsigned count = 0;
    if (!CALL(nvmlDeviceGetCount_v2, "count", &count))
        return;
    if (count > ASK_DEVICES_MAX) {
        ask_nonsense(ask, "count", "nvmlDeviceGetCount_v2", arena_printf(ask->arena, "%u", count));
        return;
    }
    ask_number(ask, "count", count);
    ask_send(ask);
    for (unsigned i = 0; i < count; i++) {
        void *device = NULL;
        ask->device = (int)i;
        ask_number(ask, "index", i);
        if (CALL(nvmlDeviceGetHandleByIndex_v2, "handle", i, &device))
            describe(ask, api, device);
        ask_send_item(ask, "devices");
    }
    ask->device = -1;
}

void live_nvml(struct child_reply *reply, const void *argument) {
    const struct live_nvml_question *question = argument;
    AUTO_ARENA arena = {0};
    struct nvml_api functions = {0}, *api = &functions;
    struct ask one = {.reply = reply,
                      .arena = &arena,
                      .device = -1,
                      .facts = json_object(),
                      .error_name = error_name},
               *ask = &one;
    if (ask_open(ask, question->path, "libnvidia-ml.so.1")) {
        bind_functions(ask->handle, api);
        int code = ASK(ask, api, nvmlInit_v2);
        if (code != ASK_MISSING)
            child_set(reply, json_pack("{s:i}", "init", code));
        if (ask_worked(ask, "init", "nvmlInit_v2", code)) {
            system_versions(ask, api);
            devices(ask, api);
            if (api->nvmlShutdown)
                ASK(ask, api, nvmlShutdown);
        }
    }
    json_decref(ask->facts);
}
