#include "diagnose/pytorch.h"

#include "base/text.h"
#include "diagnose/access.h"
#include "diagnose/observed.h"
#include "diagnose/read.h"

/* Causes that leave PyTorch with a device and yet without a result: cudaGetDeviceCount makes no context, runs no
 * code and takes no memory, so is_available() is True with them. */
bool cause_leaves_available(const char *id) {
    static const char *const ids[] = {"gpu-too-new",          "gpu-too-old",
                                      "gpu-memory-exhausted", "compute-mode-or-in-use",
                                      "no-vgpu-license",      "torch-companion-mismatch",
                                      "toolkit-missing",      "toolkit-incomplete",
                                      "toolkit-mismatch",     "toolkit-path-wrong",
                                      "toolkit-host-compiler"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

/* A sick GPU may be one of several, or answer until it is used: neither True nor False can be foretold. */
static bool leaves_open(const char *id) {
    return text_eq(id, "gpu-faulty");
}

static int count_before_mask(const struct snapshot *facts) {
    if (known(facts->compute.cuda_devices_unmasked))
        return (int)facts->compute.cuda_devices_unmasked.value;
    if (facts->compute.devices.count && !known(facts->environment.visible_devices))
        return (int)facts->compute.devices.count;
    if (unknown(facts->gpu.devices) && !facts->gpu.devices.count)
        return known(facts->gpu.tegra) ? 1 : -1;
    int count = 0;
    for (size_t i = 0; i < facts->gpu.devices.count; i++) {
        const struct text_fact *driver = &facts->gpu.devices.items[i].kernel_driver;
        count += !known(*driver) || text_starts(driver->value, "nvidia");
    }
    return count;
}

/* The first device's name: where all are alike, where CUDA listed them, or where their order is the bus's. */
static const char *first_name(struct judge *judge, const struct visible_devices *visible, bool masked) {
    const struct snapshot *facts = judge->facts;
    struct gpu_views views = gpus(judge);
    bool alike = views.count > 0;
    for (size_t i = 1; i < views.count; i++)
        alike &= text_eq(views.items[i].name, views.items[0].name);
    if (alike)
        return text_starts(views.items[0].name, "GPU ") ? NULL : views.items[0].name;
    int index = masked && visible->count ? visible->entries[0].index : 0;
    for (size_t i = 0; i < facts->compute.devices.count && !masked; i++)
        if (number_of(facts->compute.devices.items[i].index, -1) == 0)
            return text_of(facts->compute.devices.items[i].name);
    bool bus_order = text_eq(text_of(facts->environment.device_order), "PCI_BUS_ID");
    return bus_order && index >= 0 && (size_t)index < facts->gpu.devices.count
               ? text_of(facts->gpu.devices.items[index].name)
               : NULL;
}

static void predict_device(struct judge *judge, struct pytorch_answers *answers) {
    struct visible_devices visible = {0};
    bool masked = visible_devices_of(judge, &visible);
    int count = count_before_mask(judge->facts);
    answers->known_available = true;
    answers->is_available = true;
    if (masked && !visible.mig && (visible.checked || count < 0))
        count = (int)visible.count;
    else if (is_true(judge->facts->access.mig_enabled))
        count = 1; /* a process sees one MIG instance */
    if (known(judge->facts->compute.cuda_devices))
        count = (int)judge->facts->compute.cuda_devices.value;
    if (count > 0) {
        answers->known_count = true;
        answers->device_count = count;
    }
    answers->device_name = first_name(judge, &visible, masked);
    answers->known_name = answers->device_name != NULL;
}

static void predict(struct judge *judge, struct pytorch_answers *answers) {
    const struct diagnosis *out = judge->out;
    bool root = false, available = true, open = false;
    for (size_t i = 0; i < out->causes.count; i++) {
        const struct cause *cause = &out->causes.items[i];
        if (cause->role != ROLE_ROOT || cause->link == LINK_PROGRAM)
            continue;
        root = true;
        open |= leaves_open(cause->id);
        available &= cause_leaves_available(cause->id) || leaves_open(cause->id);
    }
    bool whole = out->verdict == VERDICT_HEALTHY || out->verdict == VERDICT_DEGRADED;
    if (root && !available)
        answers->known_available = answers->known_count = answers->known_name = true; /* False, 0, None */
    else if (whole || (root && !open && gpu_present(judge)))
        predict_device(judge, answers);
}

static void take_observed(struct judge *judge, struct pytorch_answers *answers) {
    const struct compute_facts *compute = &judge->facts->compute;
    struct pytorch_answers predicted = *answers;
    if (known(compute->is_available)) {
        answers->observed = answers->known_available = true;
        answers->is_available = compute->is_available.value;
        answers->known_count = answers->known_name = !compute->is_available.value;
        answers->device_count = 0;
        answers->device_name = NULL;
    }
    if (known(compute->device_count)) {
        answers->observed = answers->known_count = true;
        answers->device_count = (int)compute->device_count.value;
    }
    if (known(compute->device_name)) {
        answers->known_name = true;
        answers->device_name = compute->device_name.value;
    }
    struct link_state *state = &judge->out->links[LINK_COMPUTE];
    if (predicted.known_available && known(compute->is_available) &&
        predicted.is_available != answers->is_available) {
        link_note(
            judge, state,
            "foretold was is_available() %s; what PyTorch said counts, and the difference is a fault of whycuda's",
            predicted.is_available ? "True" : "False");
        observed_failure(judge, predicted.is_available);
    } else if (predicted.known_count && known(compute->device_count) &&
               predicted.device_count != answers->device_count)
        link_note(judge, state, "foretold were %d devices; what PyTorch said counts", predicted.device_count);
}

void pytorch_answer(struct judge *judge) {
    const struct compute_facts *compute = &judge->facts->compute;
    const struct python_environment *python = snapshot_python(judge->facts);
    struct pytorch_answers *answers = &judge->out->pytorch;
    const struct text_fact *version = known(compute->torch_version) ? &compute->torch_version : NULL;
    if (!version && python && known(python->torch_version))
        version = &python->torch_version;
    answers->version = version ? version->value : NULL;
    answers->known_version = version || (python && absent(python->torch_version));
    const struct text_fact *cuda = !unknown(compute->torch_cuda) ? &compute->torch_cuda
                                   : python                      ? &python->cuda
                                                                 : NULL;
    answers->version_cuda = cuda ? text_of(*cuda) : NULL;
    answers->known_version_cuda = cuda && !unknown(*cuda);
    predict(judge, answers);
    take_observed(judge, answers);
}
