#include "live/live.h"

#include <errno.h>

#include "base/limits.h"
#include "base/text.h"
#include "facts/snapshot_json.h"
#include "live/compute.h"
#include "live/cuda.h"
#include "live/nvml.h"
#include "live/record.h"
#include "live/torch.h"

enum { UNMASKED = 2, QUERIES = 3 };

struct progress {
    const struct live_options *options;
    const struct child_task *tasks;
};

static void on_progress(void *context, size_t task, const char *at) {
    const struct progress *progress = context;
    progress->options->progress(progress->options->context, progress->tasks[task].name, at);
}

static void run(struct snapshot *snapshot, const struct live_options *options, const struct child_task *tasks,
                size_t count, struct child_result *results) {
    struct progress progress = {options, tasks};
    child_run(&snapshot->arena, tasks, count, results, options->progress ? on_progress : NULL, &progress);
}

/* The libcuda that PyTorch would load, where that is another than the loader's first: its RPATH comes before
 * everything. */
static const char *library_for_torch(const struct snapshot *snapshot) {
    const struct python_environment *python = snapshot_python(snapshot);
    for (size_t i = 0; python && i < python->libraries.count; i++)
        if (text_eq(text_of(python->libraries.items[i].name), "libcuda.so.1"))
            return text_of(python->libraries.items[i].path);
    return NULL;
}

static void query(struct snapshot *snapshot, const struct root *root, const struct live_options *options,
                  const char *libcuda) {
    static const char *const unmasked[] = {"CUDA_VISIBLE_DEVICES", NULL};
    const struct live_cuda_question cuda = {libcuda};
    const struct live_nvml_question nvml = {NULL};
    const struct child_task tasks[QUERIES] = {
        {.name = "libcuda", .run = live_cuda, .argument = &cuda},
        {.name = "NVML", .run = live_nvml, .argument = &nvml},
        {.name = "libcuda without CUDA_VISIBLE_DEVICES",
         .run = live_cuda,
         .argument = &cuda,
         .environment = unmasked},
    };
    struct child_task mine[QUERIES];
    struct child_result results[QUERIES];
    size_t count = root_env(root, "CUDA_VISIBLE_DEVICES", NULL) ? QUERIES : UNMASKED;
    for (size_t i = 0; i < count; i++) {
        mine[i] = tasks[i];
        mine[i].milliseconds = options->milliseconds;
        mine[i].restricted = !options->use;
    }
    run(snapshot, options, mine, count, results);
    record_cuda(snapshot, &mine[0], &results[0]);
    record_nvml(snapshot, root, &mine[1], &results[1]);
    if (count == QUERIES)
        record_cuda_unmasked(snapshot, &mine[UNMASKED], &results[UNMASKED]);
    else
        snapshot->compute.cuda_devices_unmasked = snapshot->compute.cuda_devices;
    child_release(results, count);
}

static void use_cpu(struct snapshot *snapshot, const struct live_options *options, size_t size) {
    const struct live_compute_question question = {.size = size};
    struct child_task task = {.name = "CPU",
                              .run = live_cpu,
                              .argument = &question,
                              .milliseconds = options->milliseconds ? options->milliseconds : LIVE_TORCH_DEADLINE,
                              .restricted = true};
    struct child_result result;
    run(snapshot, options, &task, 1, &result);
    record_cpu(snapshot, &task, &result);
    child_release(&result, 1);
}

/* All GPUs side by side: a machine with eight takes no longer than one with one. */
static void use_gpus(struct snapshot *snapshot, const struct live_options *options, const char *libcuda,
                     size_t size) {
    struct live_compute_question questions[CHILD_MAX];
    struct child_task tasks[CHILD_MAX];
    struct child_result results[CHILD_MAX];
    size_t count = 0;
    int64_t found = number_of(snapshot->compute.cuda_devices, 0);
    for (int64_t i = 0; i < found && count < CHILD_MAX; i++) {
        if (options->gpu >= 0 && options->gpu != i)
            continue;
        questions[count] = (struct live_compute_question){libcuda, (int)i, size, options->seconds};
        unsigned deadline = options->milliseconds ? options->milliseconds : CHILD_DEADLINE;
        /* large products take long, also to fill and to check: a second for each 2^24 elements more */
        unsigned large = (unsigned)(size * size >> 24) * 1000;
        tasks[count] = (struct child_task){.name = arena_printf(&snapshot->arena, "GPU %d", (int)i),
                                           .run = live_compute,
                                           .argument = &questions[count],
                                           .milliseconds = deadline + large + options->seconds * 1000};
        count++;
    }
    if (!count) {
        use_cpu(snapshot, options, size);
        return;
    }
    run(snapshot, options, tasks, count, results);
    for (size_t i = 0; i < count; i++)
        record_compute(snapshot, questions[i].device, &tasks[i], &results[i]);
    child_release(results, count);
}

static void ask_torch(struct snapshot *snapshot, const struct live_options *options, size_t size) {
    const char *interpreter = text_of(snapshot->torch.interpreter);
    interpreter = interpreter ? interpreter : options->python;
    if (!interpreter) {
        set_absent(&snapshot->compute.torch_child, "no Python to ask");
        return;
    }
    struct child_task task = live_torch_task(&snapshot->arena, interpreter, (unsigned)size);
    struct child_result result;
    task.restricted = !options->use;
    task.milliseconds = options->milliseconds ? options->milliseconds : task.milliseconds;
    run(snapshot, options, &task, 1, &result);
    record_torch(snapshot, &task, &result);
    child_release(&result, 1);
}

void live_ask(struct snapshot *snapshot, const struct root *root, const struct live_options *options) {
    size_t size = options->size ? options->size : LIVE_SIZE;
    const char *libcuda = library_for_torch(snapshot);
    query(snapshot, root, options, libcuda);
    if (options->use)
        use_gpus(snapshot, options, libcuda, size);
    if (options->torch)
        ask_torch(snapshot, options, size);
}

void live_leave(struct snapshot *snapshot, const char *reason) {
    struct compute_facts *compute = &snapshot->compute;
    struct text_fact *const texts[] = {&compute->cuda_child, &compute->nvml_child};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (unknown(*texts[i]))
            set_unknown(texts[i], reason, NULL);
}

int live_recorded(struct snapshot *snapshot, const struct root *root, const char **ret_message) {
    struct span text;
    json_error_t where;
    struct snapshot_error error = {0};
    int r = root_recorded(root, &snapshot->arena, "live.json", LIMIT_SNAPSHOT, &text);
    if (r < 0)
        return r;
    json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(json)) {
        *ret_message =
            arena_printf(&snapshot->arena, "line %d: %s", where.line, json ? "not an object" : where.text);
        json_decref(json);
        return -EINVAL;
    }
    for (size_t i = 0; i < snapshot_part_count && r >= 0; i++) {
        const json_t *part = json_object_get(json, snapshot_parts[i].name);
        if (part)
            r = snapshot_read_part(snapshot, snapshot_parts[i].name, part, &error);
    }
    json_decref(json);
    if (r < 0)
        *ret_message = arena_copy(&snapshot->arena, error.message);
    return r < 0 ? r : 0;
}
