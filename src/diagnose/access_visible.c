/* Link 3, CUDA_VISIBLE_DEVICES: which GPUs may this process see? Its grammar is in format/visible_devices.h. */
#include "diagnose/access.h"

#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static int gpu_nodes(const struct judge *judge) {
    int count = 0;
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        const char *path = text_of(nodes->items[i].path);
        count += text_starts(path, "/dev/nvidia") && path[11] >= '0' && path[11] <= '9';
    }
    return count;
}

/* GPUs that the value chooses among; -1: not known. In a container the bus shows the host's, the nodes show its
 * own. */
static int gpus_to_choose_from(const struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    if (known(facts->compute.cuda_devices_unmasked))
        return (int)facts->compute.cuda_devices_unmasked.value;
    if (known(facts->compute.nvml_devices))
        return (int)facts->compute.nvml_devices.value;
    if (in_container(judge))
        return known(facts->access.nodes) && gpu_nodes(judge) ? gpu_nodes(judge) : -1;
    return known(facts->gpu.devices) && facts->gpu.devices.count ? (int)facts->gpu.devices.count : -1;
}

bool visible_devices_of(struct judge *judge, struct visible_devices *ret_visible) {
    const struct snapshot *facts = judge->facts;
    if (!known(facts->environment.visible_devices))
        return false;
    int count = gpus_to_choose_from(judge);
    const char **uuids = NULL;
    if (count > 0 && facts->gpu.devices.count == (size_t)count) {
        uuids = arena_alloc(judge->arena, sizeof *uuids * (size_t)count);
        for (int i = 0; i < count; i++)
            uuids[i] = text_of(facts->gpu.devices.items[i].uuid);
    }
    visible_devices_parse(span_of(facts->environment.visible_devices.value),
                          (struct visible_machine){count, uuids}, ret_visible);
    return true;
}

static void mend_variable(struct judge *judge, struct cause *cause) {
    const struct text_fact *value = &judge->facts->environment.visible_devices;
    cause_fact(judge, cause, "environment.visible_devices", value);
    cause_fact(judge, cause, "compute.cuda_devices", &judge->facts->compute.cuda_devices);
    cause_fact(judge, cause, "compute.cuda_devices_unmasked", &judge->facts->compute.cuda_devices_unmasked);
    evidence_printed(judge, cause, "no_gpus");
    if (on_windows(judge)) {
        cause_fix(judge, cause, "Unset it, to show all GPUs (PowerShell)", "Remove-Item Env:CUDA_VISIBLE_DEVICES",
                  NULL);
    } else {
        cause_fix(judge, cause, "Unset it, to show all GPUs", "unset CUDA_VISIBLE_DEVICES", NULL);
        cause_fix(judge, cause, "Name a GPU that is there: its number or its UUID (nvidia-smi -L)",
                  "export CUDA_VISIBLE_DEVICES=0", NULL);
    }
    if (text_starts(value->is.source, "line ") || !value->is.source)
        cause_fix(judge, cause,
                  "Where a program or a service sets it itself, change it there, before its first CUDA call",
                  NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables");
}

static bool hides_on_purpose(struct span value) {
    value = span_trim(value);
    return !value.len || value.ptr[0] == '-' || span_eq_nocase(value, "none") || span_eq_nocase(value, "void") ||
           span_eq_nocase(value, "NoDevFiles");
}

/* A value that leaves nothing and that reads as if it should. */
void rule_visible_devices_hidden(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    struct visible_devices visible;
    if (is_true(facts->compute.is_available) && printed(judge, "no_gpus")) {
        /* one process sees the GPU, another of the same machine does not: it was told so before its first CUDA
         * call */
        struct cause *cause = judge_find(
            judge, "visible-devices-hidden", POSSIBLE,
            "One Python sees the GPU and the program does not: most likely CUDA_VISIBLE_DEVICES hides it there.");
        cause_fact(judge, cause, "compute.is_available", &facts->compute.is_available);
        mend_variable(judge, cause);
        return;
    }
    if (cuda_lists_gpus(judge) || judge_found(judge, "scheduler-no-gpu") || !visible_devices_of(judge, &visible))
        return;
    const char *value = facts->environment.visible_devices.value;
    if (visible.count || !hides_on_purpose(span_of(value)))
        return;
    struct cause *cause = judge_find(judge, "visible-devices-hidden", CERTAIN,
                                     "CUDA_VISIBLE_DEVICES is %s%s%s, which hides every GPU from this program.",
                                     *value ? "\"" : "set but empty", *value ? value : "", *value ? "\"" : "");
    mend_variable(judge, cause);
}

/* Ultralytics sets the variable itself from its option device=: one that CUDA lists fewer GPUs for. */
static void invalid_by_program(struct judge *judge) {
    const struct printed_message *asked = printed(judge, "bad_device_string");
    if (!asked || !is_true(judge->facts->compute.is_available))
        return;
    struct cause *cause =
        judge_find(judge, "visible-devices-invalid", LIKELY,
                   "The program was asked for device %s, and PyTorch sees no GPU of that number.",
                   text_of(asked->argument) ? text_of(asked->argument) : "of a number");
    evidence_printed(judge, cause, "bad_device_string");
    cause_fact(judge, cause, "compute.device_count", &judge->facts->compute.device_count);
    cause_fix(judge, cause, "Ask for one that is there: they are numbered from 0",
              "python -c \"import torch; print(torch.cuda.device_count())\"", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables");
}

/* A value that names something that is not there. A list that is only cut short is a note of the link. */
void rule_visible_devices_invalid(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    struct visible_devices visible;
    const struct printed_message *unknown_device = printed(judge, "ctk_unknown_device");
    if (unknown_device) {
        struct cause *cause =
            judge_find(judge, "visible-devices-invalid", CERTAIN,
                       "The container was asked for a GPU named \"%s\", and there is none of that name.",
                       text_of(unknown_device->argument) ? text_of(unknown_device->argument) : "?");
        evidence_printed(judge, cause, "ctk_unknown_device");
        cause_fact(judge, cause, "access.nvidia_visible_devices", &facts->access.nvidia_visible_devices);
        cause_fix(judge, cause, "Ask for all GPUs, or for one by its number or UUID (nvidia-smi -L)",
                  "nvidia-smi -L", NULL);
        cause_see(
            judge, cause,
            "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html");
    }
    invalid_by_program(judge);
    if (cuda_lists_gpus(judge) || judge_found(judge, "scheduler-no-gpu") || !visible_devices_of(judge, &visible))
        return;
    const char *value = facts->environment.visible_devices.value;
    bool none = !visible.count && !hides_on_purpose(span_of(value));
    /* how many GPUs there are is not told; but CUDA answered that none of them is visible */
    bool none_seen = visible.count && !visible.checked && (printed(judge, "no_gpus") || cuda_said(judge, 100));
    if (!none && !none_seen)
        return;
    struct cause *cause =
        none ? judge_find(judge, "visible-devices-invalid", CERTAIN,
                          "CUDA_VISIBLE_DEVICES is \"%s\", which names no GPU of this machine: %s.", value,
                          visible_end_words(visible.end))
             : judge_find(judge, "visible-devices-invalid", LIKELY,
                          "CUDA_VISIBLE_DEVICES is \"%s\", and CUDA finds no such GPU.", value);
    evidence_cuda(judge, cause, 100);
    mend_variable(judge, cause);
}
