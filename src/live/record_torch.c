/* What PyTorch answered. */
#include "base/limits.h"
#include "base/text.h"
#include "live/record.h"

static const char source[] = "PyTorch, asked";

static const char *member_text(struct arena *arena, const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? text_lines(arena, span_of(value)) : NULL;
}

static void errors(struct snapshot *snapshot, const json_t *answer) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    size_t i;
    json_t *object;
    set_listed(&compute->torch_errors, source);
    json_array_foreach(json_object_get(answer, "errors"), i, object) {
        if (compute->torch_errors.count >= LIMIT_ROWS)
            return;
        struct torch_error *error = &LIST_PUSH(arena, &compute->torch_errors);
        struct record_from from = {arena, answer, object, -1, "not told"};
        record_text(&from, &error->step, "step", source);
        record_text(&from, &error->type, "type", source);
        record_text(&from, &error->message, "message", source);
        record_text(&from, &error->traceback, "traceback", source);
    }
    set_listed(&compute->torch_warnings, source);
    json_array_foreach(json_object_get(answer, "warnings"), i, object) {
        const char *words = member_text(arena, object, "message"), *kind = member_text(arena, object, "category");
        if (words && compute->torch_warnings.count < LIMIT_ROWS)
            texts_push(arena, &compute->torch_warnings,
                       arena_printf(arena, "%s: %s", kind ? kind : "Warning", words));
    }
}

/* Of each device, and of the first product, which also tells where it lay. */
static void products(struct snapshot *snapshot, const json_t *answer) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    const json_t *list = json_object_get(answer, "devices"), *first = json_object_get(answer, "cpu_product");
    int64_t wrong = 0;
    size_t i, done = 0;
    json_t *device;
    set_listed(&compute->torch_names, source);
    set_listed(&compute->torch_capabilities, source);
    json_array_foreach(list, i, device) {
        const char *name = member_text(arena, device, "name"),
                   *capability = member_text(arena, device, "capability");
        texts_push(arena, &compute->torch_names, name ? name : "not told");
        texts_push(arena, &compute->torch_capabilities, capability ? capability : "not told");
        if (i == 0 && name)
            set_text(&compute->device_name, name, source);
        const json_t *product = json_object_get(device, "product");
        if (!product)
            continue;
        done++;
        first = first ? first : product;
        wrong += json_integer_value(json_object_get(product, "wrong"));
    }
    if (json_array_size(list))
        set_flag(&compute->torch_computed, done == json_array_size(list), source);
    struct record_from from = {arena, answer, first, -1, "PyTorch made no product"};
    record_text(&from, &compute->torch_product_device, "result_device", source);
    record_number(&from, &compute->torch_product_us, "microseconds", source);
    record_number(&from, &compute->torch_product_wrong, "wrong", source);
    if (known(compute->torch_product_wrong) && done)
        compute->torch_product_wrong.value = wrong;
    from.otherwise = NULL;
    record_number(&from, &compute->torch_memory_allocated, "memory_during", source);
}

void record_torch(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result) {
    struct compute_facts *compute = &snapshot->compute;
    struct arena *arena = &snapshot->arena;
    const json_t *answer = result->answer;
    const char *otherwise =
        result->end == CHILD_OK ? "PyTorch did not answer" : child_explain(arena, task, result);
    struct record_from from = {arena, answer, answer, -1, otherwise};
    set_text(&compute->torch_child, record_end(arena, result), source);
    record_text(&from, &compute->torch_version, "version", source);
    record_text(&from, &compute->torch_file, "file", source);
    record_text(&from, &compute->torch_python, "executable", source);
    record_number(&from, &compute->torch_import_ms, "import_ms", source);
    record_text(&from, &compute->torch_cuda, "version_cuda", source);
    if (json_is_null(json_object_get(answer, "version_cuda")))
        set_absent(&compute->torch_cuda, source);
    record_flag(&from, &compute->is_available, "is_available", source);
    record_number(&from, &compute->device_count, "device_count", source);
    record_texts(&from, &compute->arch_flags, "arch_flags", source);
    record_texts(&from, &compute->arch_list, "arch_list", source);
    if (known(compute->arch_list) && !compute->arch_list.count && known(compute->arch_flags))
        compute->arch_list = compute->arch_flags; /* get_arch_list() is empty wherever there is no GPU */
    record_texts(&from, &compute->torch_libraries, "libraries", source);
    errors(snapshot, answer);
    products(snapshot, answer);
    if (*result->said)
        set_text(&compute->torch_said, arena_copy(arena, result->said), source);
    else
        set_absent(&compute->torch_said, source);
}
