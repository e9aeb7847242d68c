#include "diagnose/pytorch.h"

#include "base/text.h"

static void predict_device(struct judge *judge, struct pytorch_answers *answers) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    answers->known_available = answers->known_count = true;
    answers->is_available = true;
    answers->device_count = (int)gpu->devices.count;
    if (gpu->devices.count && known(gpu->devices.items[0].name)) {
        answers->device_name = gpu->devices.items[0].name.value;
        answers->known_name = true;
    }
}

/* Causes that leave PyTorch with a device and yet without a result: is_available() is True with them. */
static bool leaves_available(const char *id) {
    static const char *const ids[] = {
        "gpu-too-new",          "gpu-too-old",        "gpu-memory-exhausted", "torch-companion-mismatch",
        "toolkit-missing",      "toolkit-incomplete", "toolkit-mismatch",     "toolkit-path-wrong",
        "toolkit-host-compiler"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

static void predict(struct judge *judge, struct pytorch_answers *answers) {
    const struct diagnosis *out = judge->out;
    if (out->verdict == VERDICT_HEALTHY || out->verdict == VERDICT_DEGRADED) {
        predict_device(judge, answers);
        return;
    }
    bool root = false, available = true;
    for (size_t i = 0; i < out->causes.count; i++) {
        const struct cause *cause = &out->causes.items[i];
        if (cause->role != ROLE_ROOT || cause->link == LINK_PROGRAM)
            continue;
        root = true;
        available &= leaves_available(cause->id);
    }
    if (root && !available) {
        answers->known_available = answers->known_count = answers->known_name = true; /* False, 0, None */
    }
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
    if (known(compute->is_available)) {
        answers->observed = answers->known_available = true;
        answers->is_available = compute->is_available.value;
        answers->known_count = !compute->is_available.value;
        answers->device_count = 0;
        answers->known_name = !compute->is_available.value;
        answers->device_name = NULL;
    }
    if (known(compute->device_count)) {
        answers->known_count = true;
        answers->device_count = (int)compute->device_count.value;
    }
    if (known(compute->device_name)) {
        answers->known_name = true;
        answers->device_name = compute->device_name.value;
    }
}
