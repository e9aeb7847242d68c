/* What libcuda answered, and what using the GPUs showed. */
#include "base/limits.h"
#include "base/text.h"
#include "live/record.h"

static const char *version_text(struct arena *arena, json_int_t number) {
    return arena_printf(arena, "%d.%d", (int)(number / 1000), (int)(number % 1000 / 10));
}

/* Why nothing more is known: the child's end, or the library that would not open. */
static const char *why_not(struct arena *arena, const struct child_task *task, const struct child_result *result) {
    const char *words = json_string_value(json_object_get(result->answer, "open_error"));
    if (words)
        return text_clean(arena, span_of(words));
    if (result->end == CHILD_OK)
        return "not answered";
    return child_explain(arena, task, result);
}

static struct compute_device *device_at(struct compute_facts *compute, int index) {
    for (size_t i = 0; i < compute->devices.count; i++)
        if (number_of(compute->devices.items[i].index, -1) == index)
            return &compute->devices.items[i];
    return NULL;
}

/* The members that a device has in both answers. */
static void describe(struct record_from from, struct compute_device *device) {
    record_text(&from, &device->name, "name", "cuDeviceGetName");
    record_text(&from, &device->compute_capability, "capability", "cuDeviceGetAttribute");
    record_text(&from, &device->compute_mode, "compute_mode", "cuDeviceGetAttribute");
    record_mib(&from, &device->memory_total_mib, "memory_total", "cuDeviceTotalMem");
    record_flag(&from, &device->ecc, "ecc", "cuDeviceGetAttribute");
    record_flag(&from, &device->integrated, "integrated", "cuDeviceGetAttribute");
    record_flag(&from, &device->run_time_limit, "timeout", "cuDeviceGetAttribute");
    record_text(&from, &device->uuid, "uuid", "cuDeviceGetUuid");
    record_text(&from, &device->address, "pci", "cuDeviceGetPCIBusId");
    if (known(device->address))
        device->address.value = record_address(from.arena, device->address.value);
    from.otherwise = NULL;
    record_text(&from, &device->mig_uuid, "mig_uuid", "cuDeviceGetUuid_v2");
}

static void describe_devices(struct snapshot *snapshot, const json_t *answer, const char *otherwise) {
    struct compute_facts *compute = &snapshot->compute;
    size_t i;
    json_t *object;
    set_listed(&compute->devices, "libcuda");
    json_array_foreach(json_object_get(answer, "devices"), i, object) {
        if (compute->devices.count >= LIMIT_ROWS)
            return;
        struct compute_device *device = &LIST_PUSH(&snapshot->arena, &compute->devices);
        int index = (int)json_integer_value(json_object_get(object, "index"));
        struct record_from from = {&snapshot->arena, answer, object, index, otherwise};
        set_number(&device->index, index, "cuDeviceGet");
        describe(from, device);
        const char *error = record_reason(&snapshot->arena, answer, "handle", index);
        if (error)
            set_text(&device->error, error, "cuDeviceGet");
    }
}

void record_cuda(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    const json_t *answer = result->answer;
    struct record_from from = {arena, answer, answer, -1, why_not(arena, task, result)};
    set_text(&compute->cuda_child, record_end(arena, result), "libcuda");
    record_text(&from, &compute->cuda_library, "library", "dlopen");
    record_number(&from, &compute->cuda_init, "init", "cuInit");
    const json_t *version = json_object_get(answer, "driver_version");
    if (json_is_integer(version) && json_integer_value(version) > 0)
        set_text(&compute->driver_version, version_text(arena, json_integer_value(version)), "cuDriverGetVersion");
    else
        record_text(&from, &compute->driver_version, "driver_version", "cuDriverGetVersion");
    if (known(compute->driver_version) && unknown(snapshot->driver.cuda_version))
        snapshot->driver.cuda_version = compute->driver_version;
    if (known(compute->cuda_init) && compute->cuda_init.value != 0)
        from.otherwise = "cuInit did not work";
    record_number(&from, &compute->cuda_devices, "count", "cuDeviceGetCount");
    if (known(compute->cuda_devices))
        describe_devices(snapshot, answer, from.otherwise);
    else
        compute->devices.is = compute->cuda_devices.is;
    record_said(snapshot, result);
    record_refused(snapshot, "libcuda", answer);
}

void record_cuda_unmasked(struct snapshot *snapshot, const struct child_task *task,
                          const struct child_result *result) {
    struct record_from from = {&snapshot->arena, result->answer, result->answer, -1,
                               why_not(&snapshot->arena, task, result)};
    record_number(&from, &snapshot->compute.cuda_devices_unmasked, "count",
                  "cuDeviceGetCount without CUDA_VISIBLE_DEVICES");
    /* no device at all is an answer: the count is not asked after it */
    const json_t *init = json_object_get(result->answer, "init");
    if (json_is_integer(init) && json_integer_value(init) == 100)
        set_number(&snapshot->compute.cuda_devices_unmasked, 0, "cuInit without CUDA_VISIBLE_DEVICES");
}

/* --- using them -------------------------------------------------------------------------------------------- */

static void measured(struct record_from from, const char *object, struct compute_device *device) {
    const struct {
        struct number_fact *fact;
        const char *object, *member, *source;
    } numbers[] = {
        {&device->copy_bytes, "copy", "bytes", "cuMemcpy"},
        {&device->copy_wrong, "copy", "wrong", "cuMemcpy"},
        {&device->to_device_mb_s, "copy", "to_device_mb_s", "cuMemcpyHtoD"},
        {&device->from_device_mb_s, "copy", "from_device_mb_s", "cuMemcpyDtoH"},
        {&device->on_device_mb_s, "copy", "on_device_mb_s", "cuMemcpyDtoD"},
        {&device->on_device_max_mb_s, "copy", "on_device_max_mb_s", "cuDeviceGetAttribute"},
        {&device->pattern_wrong, "pattern", "wrong", "pattern kernel"},
        {&device->product_size, "product", "size", "matrix product"},
        {&device->product_wrong, "product", "wrong", "matrix product"},
        {&device->product_us, "product", "microseconds", "matrix product"},
        {&device->gflops, "product", "gflops", "matrix product"},
        {&device->gflops_max, "product", "gflops_max", "cuDeviceGetAttribute"},
        {&device->burn_seconds, "burn", "seconds", "repeated matrix product"},
        {&device->burn_products, "burn", "products", "repeated matrix product"},
        {&device->burn_wrong, "burn", "wrong", "repeated matrix product"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (text_eq(numbers[i].object, object))
            record_number(&from, numbers[i].fact, numbers[i].member, numbers[i].source);
}

/* The error that ended the use of a GPU: of the last refusal, since nothing is tried after the first failed step,
 * other than attributes that a device may lack. */
static const char *last_refusal(struct arena *arena, const json_t *answer) {
    static const char *const steps[] = {"init",   "handle",  "context", "memory", "copy",
                                        "module", "pattern", "product", "burn"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t k;
        json_t *refusal;
        json_array_foreach(json_object_get(answer, "refused"), k, refusal) {
            if (!text_eq(json_string_value(json_object_get(refusal, "field")), steps[i]))
                continue;
            const json_t *device = json_object_get(refusal, "device");
            found = record_reason(arena, answer, steps[i], device ? (int)json_integer_value(device) : -1);
        }
    }
    return found;
}

static void judge_use(struct snapshot *snapshot, struct compute_device *device, const struct child_task *task,
                      const struct child_result *result) {
    struct arena *arena = &snapshot->arena;
    const char *error = last_refusal(arena, result->answer);
    const char *open_error = json_string_value(json_object_get(result->answer, "open_error"));
    if (result->end != CHILD_OK)
        error = child_explain(arena, task, result);
    else if (open_error)
        error = text_clean(arena, span_of(open_error));
    const char *first_wrong =
        json_string_value(json_object_get(json_object_get(result->answer, "product"), "first_wrong"));
    if (first_wrong)
        set_text(&device->product_first_wrong, text_clean(arena, span_of(first_wrong)), "matrix product");
    else
        set_absent(&device->product_first_wrong, "matrix product");
    bool wrong = number_of(device->product_wrong, 0) || number_of(device->pattern_wrong, 0) ||
                 number_of(device->copy_wrong, 0) || number_of(device->burn_wrong, 0);
    bool complete = known(device->product_wrong) && known(device->pattern_wrong) && known(device->copy_wrong);
    if (wrong)
        set_flag(&device->product_right, false, "comparison with the CPU");
    else if (complete && !error)
        set_flag(&device->product_right, true, "comparison with the CPU");
    else
        set_unknown(&device->product_right, error ? error : "not finished", "comparison with the CPU");
    if (error)
        set_text(&device->error, error, "using the GPU");
    else
        set_absent(&device->error, "using the GPU");
}

void record_compute(struct snapshot *snapshot, int index, const struct child_task *task,
                    const struct child_result *result) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    const json_t *answer = result->answer;
    struct compute_device *device = device_at(compute, index);
    const char *otherwise = result->end == CHILD_OK ? "not reached" : child_explain(arena, task, result);
    if (!device) {
        device = &LIST_PUSH(arena, &compute->devices);
        set_number(&device->index, index, "cuDeviceGet");
        struct record_from from = {arena, answer, json_object_get(answer, "device"), index, otherwise};
        describe(from, device);
    }
    set_text(&device->child, record_end(arena, result), "using the GPU");
    struct record_from from = {arena, answer, json_object_get(answer, "memory"), index, otherwise};
    record_mib(&from, &device->memory_free_mib, "free_before", "cuMemGetInfo");
    record_mib(&from, &device->memory_during_mib, "free_during", "cuMemGetInfo");
    record_mib(&from, &device->memory_after_mib, "free_after", "cuMemGetInfo");
    static const char *const objects[] = {"copy", "pattern", "product", "burn"};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        from.object = json_object_get(answer, objects[i]);
        if (from.object || i < 3) /* a burn is only there when it was asked for */
            measured(from, objects[i], device);
    }
    judge_use(snapshot, device, task, result);
    record_refused(snapshot, "using the GPU", answer);
}

void record_cpu(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result) {
    struct compute_facts *compute = &snapshot->compute;
    const char *otherwise =
        result->end == CHILD_OK ? "not finished" : child_explain(&snapshot->arena, task, result);
    struct record_from from = {&snapshot->arena, result->answer, json_object_get(result->answer, "product"), -1,
                               otherwise};
    record_number(&from, &compute->cpu_product_us, "microseconds", "matrix product on the CPU");
    record_number(&from, &compute->cpu_product_wrong, "wrong", "matrix product on the CPU");
    record_number(&from, &compute->cpu_gflops, "gflops", "matrix product on the CPU");
}
