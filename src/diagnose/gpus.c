/* The GPUs as rules see them: from the bus, else as CUDA or PyTorch list them; capability as told, else by the
 * tables. */
#include "base/text.h"
#include "diagnose/read.h"
#include "knowledge/gpu.h"

static unsigned device_number(const char *device_id) {
    struct span vendor, device;
    int64_t number;
    if (!device_id || !span_cut(span_of(device_id), ':', &vendor, &device) || !span_eq_nocase(vendor, "10de"))
        return 0;
    return span_to_number(device, 16, &number) == 0 ? (unsigned)number : 0;
}

/* By PCI id, which is exact; by name where that is all there is. */
bool gpu_model_of(struct judge *judge, const struct gpu_view *view, struct gpu_model *ret_model) {
    struct knowledge *knowledge = judge->options.knowledge;
    if (!knowledge)
        return false;
    if (view->device_id && knowledge_gpu_by_id(knowledge, view->device_id, ret_model) == 0)
        return true;
    return view->name && knowledge_gpu_by_name(knowledge, span_of(view->name), ret_model) == 0;
}

/* Doubtful rows do not count. */
static void ask_tables(struct judge *judge, struct gpu_view *view, const char *name, const char *source) {
    struct gpu_model model;
    if (view->capability || !gpu_model_of(judge, view, &model))
        return;
    if (!name)
        view->name = model.name;
    if (!model.confirmed || !model.capability)
        return;
    view->capability = model.capability;
    view->from_table = true;
    view->fact = "gpu.devices.name";
    view->source = source;
}

static void read_capability(struct gpu_view *view, const struct text_fact *fact, const char *name) {
    if (!known(*fact) || capability_parse(span_of(fact->value), &view->capability) < 0)
        return;
    view->fact = name;
    view->source = fact->is.source;
}

static struct gpu_view view_of_device(struct judge *judge, const struct gpu_device *device, size_t index) {
    struct gpu_view view = {.driver = text_of(device->kernel_driver),
                            .device_id = device_number(text_of(device->device_id))};
    read_capability(&view, &device->compute_capability, "gpu.devices.compute_capability");
    view.name = text_of(device->name);
    ask_tables(judge, &view, view.name, device->name.is.source);
    if (!view.name)
        view.name = arena_printf(judge->arena, "GPU %zu", index);
    return view;
}

static struct gpu_view view_of_compute(struct judge *judge, const struct compute_device *device, size_t index) {
    struct gpu_view view = {.name = text_of(device->name)};
    read_capability(&view, &device->compute_capability, "compute.devices.compute_capability");
    ask_tables(judge, &view, view.name, device->name.is.source);
    if (!view.name)
        view.name = arena_printf(judge->arena, "GPU %zu", index);
    return view;
}

struct gpu_views gpus(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    struct gpu_views views = {0};
    for (size_t i = 0; i < facts->gpu.devices.count; i++)
        LIST_PUSH(judge->arena, &views) = view_of_device(judge, &facts->gpu.devices.items[i], i);
    for (size_t i = 0; !facts->gpu.devices.count && i < facts->compute.devices.count; i++)
        LIST_PUSH(judge->arena, &views) = view_of_compute(judge, &facts->compute.devices.items[i], i);
    if (!views.count && known(facts->gpu.tegra_capability)) {
        struct gpu_view view = {.name = known(facts->gpu.tegra) ? facts->gpu.tegra.value : "Tegra"};
        read_capability(&view, &facts->gpu.tegra_capability, "gpu.tegra_capability");
        LIST_PUSH(judge->arena, &views) = view;
    }
    if (!views.count && known(facts->compute.device_name)) {
        struct gpu_view view = {.name = facts->compute.device_name.value};
        ask_tables(judge, &view, view.name, facts->compute.device_name.is.source);
        LIST_PUSH(judge->arena, &views) = view;
    }
    return views;
}

bool gpu_present(const struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    return facts->gpu.devices.count || facts->compute.devices.count || cuda_lists_gpus(judge) ||
           nvml_lists_gpus(judge);
}
