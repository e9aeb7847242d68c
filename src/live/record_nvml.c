/* What NVML answered; and what only it can tell of other links, where files did not. */
#include "base/limits.h"
#include "base/text.h"
#include "live/record.h"
#include "sys/root.h"

static void describe(struct record_from from, struct nvml_gpu *gpu) {
    const char *source = "NVML";
    record_text(&from, &gpu->name, "name", "nvmlDeviceGetName");
    record_text(&from, &gpu->uuid, "uuid", "nvmlDeviceGetUUID");
    record_text(&from, &gpu->address, "pci", "nvmlDeviceGetPciInfo");
    if (known(gpu->address))
        gpu->address.value = record_address(from.arena, gpu->address.value);
    record_number(&from, &gpu->minor, "minor", source);
    record_text(&from, &gpu->compute_capability, "capability", source);
    record_mib(&from, &gpu->memory_total_mib, "memory_total", source);
    record_mib(&from, &gpu->memory_used_mib, "memory_used", source);
    record_text(&from, &gpu->compute_mode, "compute_mode", source);
    record_flag(&from, &gpu->persistence, "persistence", source);
    record_flag(&from, &gpu->ecc, "ecc", source);
    record_number(&from, &gpu->ecc_uncorrected, "ecc_uncorrected", source);
    record_number(&from, &gpu->ecc_uncorrected_total, "ecc_uncorrected_total", source);
    record_number(&from, &gpu->retired_pages, "retired_pages", source);
    record_flag(&from, &gpu->retired_pending, "retired_pending", source);
    record_number(&from, &gpu->remapped_rows, "remapped_rows", source);
    record_flag(&from, &gpu->remap_pending, "remap_pending", source);
    record_flag(&from, &gpu->remap_failed, "remap_failed", source);
    record_text(&from, &gpu->recovery_action, "recovery_action", source);
    record_texts(&from, &gpu->throttle, "throttle", source);
    record_number(&from, &gpu->temperature, "temperature", source);
    record_number(&from, &gpu->power_mw, "power_mw", source);
    record_number(&from, &gpu->power_limit_mw, "power_limit_mw", source);
    record_number(&from, &gpu->pcie_width, "pcie_width", source);
    record_number(&from, &gpu->pcie_width_max, "pcie_width_max", source);
    record_number(&from, &gpu->pcie_generation, "pcie_generation", source);
    record_number(&from, &gpu->pcie_generation_max, "pcie_generation_max", source);
    record_flag(&from, &gpu->mig, "mig", source);
    record_flag(&from, &gpu->mig_pending, "mig_pending", source);
    record_number(&from, &gpu->nvlinks, "nvlinks", source);
    record_number(&from, &gpu->nvlinks_active, "nvlinks_active", source);
    record_text(&from, &gpu->fabric_state, "fabric_state", source);
    record_number(&from, &gpu->fabric_status, "fabric_status", source);
    record_text(&from, &gpu->virtualization, "virtualization", source);
    record_flag(&from, &gpu->licensed, "licensed", source);
    record_text(&from, &gpu->licensed_product, "licensed_product", source);
}

static void instances(struct record_from from, struct nvml_gpu *gpu) {
    const json_t *list = json_object_get(from.object, "mig_instances");
    size_t i;
    json_t *instance;
    if (!list) {
        gpu->mig_instances.is = gpu->mig.is;
        if (known(gpu->mig))
            set_absent(&gpu->mig_instances, "NVML");
        return;
    }
    set_listed(&gpu->mig_instances, "NVML");
    json_array_foreach(list, i, instance) {
        const char *uuid = json_string_value(json_object_get(instance, "uuid"));
        texts_push(from.arena, &gpu->mig_instances, uuid ? text_clean(from.arena, span_of(uuid)) : "?");
    }
}

/* --- other links ------------------------------------------------------------------------------------------- */

static void processes(struct snapshot *snapshot, const struct root *root, const json_t *object, int index) {
    struct gpu_process_rows *rows = &snapshot->access.processes;
    const json_t *list = json_object_get(object, "processes");
    size_t i;
    json_t *one;
    if (!list)
        return;
    set_listed(rows, "NVML");
    json_array_foreach(list, i, one) {
        if (rows->count >= LIMIT_ROWS)
            return;
        struct gpu_process *process = &LIST_PUSH(&snapshot->arena, rows);
        const json_t *memory = json_object_get(one, "memory");
        json_int_t pid = json_integer_value(json_object_get(one, "pid"));
        const char *path = arena_printf(&snapshot->arena, "/proc/%lld/comm", (long long)pid), *name;
        set_number(&process->pid, pid, NULL);
        set_number(&process->gpu, index, NULL);
        if (memory)
            set_number(&process->memory_mib, json_integer_value(memory) >> 20, NULL);
        /* in a container its pid is another, or its name is nobody's business here */
        int r = root_read_line(root, &snapshot->arena, path, &name);
        if (r == 0)
            set_text(&process->name, name, path);
        else
            set_unknown(&process->name, "the process is not of this container or user", path);
    }
}

static void fill_access(struct snapshot *snapshot, const struct root *root, const json_t *answer) {
    struct access_facts *access = &snapshot->access;
    const struct nvml_gpu_rows *gpus = &snapshot->compute.gpus;
    bool mig = false, mig_known = false, read_processes = unknown(access->processes);
    int64_t instances_found = 0;
    for (size_t i = 0; i < gpus->count; i++) {
        const struct nvml_gpu *gpu = &gpus->items[i];
        mig |= is_true(gpu->mig);
        mig_known |= !unknown(gpu->mig);
        instances_found += (int64_t)gpu->mig_instances.count;
        if (read_processes)
            processes(snapshot, root, json_array_get(json_object_get(answer, "devices"), i), (int)i);
        /* the first GPU that is not as usual says most */
        if (known(gpu->compute_mode) &&
            (unknown(access->compute_mode) || text_eq(text_of(access->compute_mode), "Default")))
            access->compute_mode = gpu->compute_mode;
        if (unknown(access->persistence))
            access->persistence = gpu->persistence;
        if (text_eq(text_of(gpu->virtualization), "vgpu")) {
            set_flag(&access->vgpu, true, "NVML");
            if (known(gpu->licensed))
                set_text(&access->vgpu_license, gpu->licensed.value ? "Licensed" : "Unlicensed", "NVML");
        }
    }
    if (mig_known && unknown(access->mig_enabled))
        set_flag(&access->mig_enabled, mig, "NVML");
    if (mig && unknown(access->mig_instances))
        set_number(&access->mig_instances, instances_found, "NVML");
}

/* The GPUs of the bus, by their address. */
static void fill_gpus(struct snapshot *snapshot) {
    const struct nvml_gpu_rows *gpus = &snapshot->compute.gpus;
    for (size_t i = 0; i < snapshot->gpu.devices.count; i++)
        for (size_t k = 0; k < gpus->count; k++) {
            struct gpu_device *device = &snapshot->gpu.devices.items[i];
            const struct nvml_gpu *gpu = &gpus->items[k];
            if (!known(gpu->address) || !text_eq(text_of(device->address), gpu->address.value))
                continue;
            if (unknown(device->uuid))
                device->uuid = gpu->uuid;
            if (unknown(device->memory_total_mib))
                device->memory_total_mib = gpu->memory_total_mib;
            if (unknown(device->memory_used_mib))
                device->memory_used_mib = gpu->memory_used_mib;
            if (unknown(device->name))
                device->name = gpu->name;
            if (unknown(device->compute_capability))
                device->compute_capability = gpu->compute_capability;
        }
}

/* What NVML says of a GPU instead of an answer, at the GPU of the bus: by the address where it gave one, and where
 * it would not even give a handle, at the only GPU of the bus that it gave no address of. */
static const char *fault_words(const struct nvml_gpu *gpu) {
    const char *error = text_of(gpu->error);
    if (text_has(error, "GPU_IS_LOST"))
        return "is lost";
    return text_has(error, "RESET_REQUIRED") ? "requires reset" : error;
}

static void fill_faults(struct snapshot *snapshot) {
    const struct nvml_gpu_rows *gpus = &snapshot->compute.gpus;
    const struct nvml_gpu *nameless = NULL;
    struct gpu_device *missing = NULL;
    size_t nameless_count = 0, missing_count = 0;
    for (size_t k = 0; k < gpus->count; k++)
        if (!known(gpus->items[k].address)) {
            nameless = &gpus->items[k];
            nameless_count++;
        }
    for (size_t i = 0; i < snapshot->gpu.devices.count; i++) {
        struct gpu_device *device = &snapshot->gpu.devices.items[i];
        const struct nvml_gpu *gpu = NULL;
        for (size_t k = 0; k < gpus->count && !gpu; k++)
            if (known(gpus->items[k].address) && text_eq(text_of(device->address), gpus->items[k].address.value))
                gpu = &gpus->items[k];
        if (!gpu) {
            missing = device;
            missing_count++;
        } else if (known(gpu->error) && unknown(device->fault)) {
            set_text(&device->fault, fault_words(gpu), "NVML");
        }
    }
    if (nameless_count == 1 && missing_count == 1 && known(nameless->error) && unknown(missing->fault))
        set_text(&missing->fault, fault_words(nameless), "NVML");
}

/* --- all of it --------------------------------------------------------------------------------------------- */

static void devices(struct snapshot *snapshot, const json_t *answer, const char *otherwise) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    size_t i;
    json_t *object;
    set_listed(&compute->gpus, "NVML");
    json_array_foreach(json_object_get(answer, "devices"), i, object) {
        if (compute->gpus.count >= LIMIT_ROWS)
            return;
        struct nvml_gpu *gpu = &LIST_PUSH(arena, &compute->gpus);
        int index = (int)json_integer_value(json_object_get(object, "index"));
        set_number(&gpu->index, index, "nvmlDeviceGetHandleByIndex");
        const char *error = record_reason(arena, answer, "handle", index);
        /* what did not come although the device answered, it does not have */
        struct record_from from = {arena, answer, object, index, error ? error : otherwise};
        describe(from, gpu);
        instances(from, gpu);
        error = error ? error : record_reason(arena, answer, "memory_total", index);
        if (error)
            set_text(&gpu->error, error, "NVML");
        else
            set_absent(&gpu->error, "NVML");
    }
}

void record_nvml(struct snapshot *snapshot, const struct root *root, const struct child_task *task,
                 const struct child_result *result) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    const json_t *answer = result->answer;
    const char *ended = result->end == CHILD_OK ? NULL : child_explain(arena, task, result);
    const char *words = json_string_value(json_object_get(answer, "open_error"));
    const char *otherwise = words ? text_clean(arena, span_of(words)) : ended ? ended : "not answered";
    struct record_from from = {arena, answer, answer, -1, otherwise};
    set_text(&compute->nvml_child, record_end(arena, result), "NVML");
    record_text(&from, &compute->nvml_library, "library", "dlopen");
    record_number(&from, &compute->nvml_init, "init", "nvmlInit_v2");
    if (known(compute->nvml_init) && compute->nvml_init.value != 0)
        from.otherwise = "nvmlInit_v2 did not work";
    record_text(&from, &compute->nvml_driver_version, "driver_version", "nvmlSystemGetDriverVersion");
    record_text(&from, &compute->nvml_version, "nvml_version", "nvmlSystemGetNVMLVersion");
    record_number(&from, &compute->nvml_devices, "count", "nvmlDeviceGetCount");
    if (known(compute->nvml_devices))
        devices(snapshot, answer, ended);
    else
        compute->gpus.is = compute->nvml_devices.is;
    if (unknown(snapshot->driver.module_version) && known(compute->nvml_driver_version))
        snapshot->driver.module_version = compute->nvml_driver_version;
    fill_access(snapshot, root, answer);
    fill_gpus(snapshot);
    fill_faults(snapshot);
    record_said(snapshot, result);
    record_refused(snapshot, "NVML", answer);
}
