/* Link 1 and 8, what NVML tells of a GPU's health: what ends its use, and what is only worth knowing. */
#include "diagnose/gpu_health.h"
#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const char *place_of(struct judge *judge, const struct nvml_gpu *gpu) {
    const char *name = text_of(gpu->name), *address = text_of(gpu->address);
    return arena_printf(judge->arena, "GPU %lld (%s%s%s)", (long long)number_of(gpu->index, 0),
                        name ? name : "no name", address ? " at " : "", address ? address : "");
}

/* nvmlDeviceGpuRecoveryAction_t: "none" and the two that only ask to drain it are no fault yet */
static bool asks_for_restart(const struct nvml_gpu *gpu) {
    const char *action = text_of(gpu->recovery_action);
    return text_eq(action, "reset") || text_eq(action, "reboot") || text_eq(action, "drain-and-reset");
}

static void worn_out(struct judge *judge, const struct nvml_gpu *gpu) {
    struct cause *cause =
        judge_find(judge, "gpu-faulty", CERTAIN,
                   "The memory of %s is worn out: a bad row could not be replaced, no spare one is left.",
                   place_of(judge, gpu));
    cause_fact(judge, cause, "compute.gpus.remap_failed", &gpu->remap_failed);
    cause_fact(judge, cause, "compute.gpus.remapped_rows", &gpu->remapped_rows);
    cause_fix(judge, cause,
              "Have the card exchanged; until then leave it out: CUDA_VISIBLE_DEVICES with the others", NULL);
}

static void wants_restart(struct judge *judge, const struct nvml_gpu *gpu) {
    bool reboot = text_eq(text_of(gpu->recovery_action), "reboot");
    struct cause *cause = judge_find(
        judge, "gpu-faulty", LIKELY, "%s must be reset before it can be used again%s.", place_of(judge, gpu),
        asks_for_restart(gpu) ? ": the driver asks for it" : ": its memory had errors it could not correct");
    cause_fact(judge, cause, "compute.gpus.recovery_action", &gpu->recovery_action);
    cause_fact(judge, cause, "compute.gpus.ecc_uncorrected", &gpu->ecc_uncorrected);
    cause_fact(judge, cause, "compute.gpus.remap_pending", &gpu->remap_pending);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html");
    cause_fact(judge, cause, "compute.gpus.retired_pending", &gpu->retired_pending);
    if (reboot)
        cause_fix(judge, cause, "Reboot", "sudo reboot", NULL)->reboot = true;
    else
        cause_fix(judge, cause, "Reset it while nothing uses it", "sudo nvidia-smi --gpu-reset", NULL)
            ->needs_root = true;
}

/* Errors that could not be corrected since the driver was loaded, in rows or pages that wait for a reset to be taken
 * out of use. nvidia-smi -q counts those after uncorrectable errors apart; NVML's numbers are of both kinds, and a
 * row that waits after correctable errors is no fault. */
static bool bad_memory_waits(const struct judge *judge, const struct nvml_gpu *gpu) {
    if (is_true(gpu->remap_pending) && number_of(gpu->ecc_uncorrected, 0) > 0)
        return true;
    return from_text(judge) && ((is_true(gpu->remap_pending) && number_of(gpu->remapped_rows, 0) > 0) ||
                                (is_true(gpu->retired_pending) && number_of(gpu->retired_pages, 0) > 0));
}

void rule_gpu_health(struct judge *judge) {
    const struct nvml_gpu_rows *gpus = &judge->facts->compute.gpus;
    for (size_t i = 0; i < gpus->count; i++) {
        const struct nvml_gpu *gpu = &gpus->items[i];
        if (is_true(gpu->remap_failed))
            worn_out(judge, gpu);
        else if (asks_for_restart(gpu) || bad_memory_waits(judge, gpu))
            wants_restart(judge, gpu);
    }
}

/* Clocks are lowered for a reason that is neither idleness nor a limit that was set: heat or too little power. */
static bool suffers(const struct nvml_gpu *gpu, const char **ret_reason) {
    static const char *const bad[] = {"hw-slowdown", "hw-thermal", "hw-power-brake", "sw-thermal"};
    for (size_t i = 0; i < gpu->throttle.count; i++)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
            if (text_eq(gpu->throttle.items[i], bad[k])) {
                *ret_reason = bad[k];
                return true;
            }
    return false;
}

static void note_one(struct judge *judge, struct link_state *state, const struct nvml_gpu *gpu) {
    const char *place = place_of(judge, gpu), *reason;
    if (is_true(gpu->retired_pending) || is_true(gpu->remap_pending))
        link_note(judge, state, "%s: bad memory waits for a reset to be taken out of use (nvidia-smi --gpu-reset)",
                  place);
    if (number_of(gpu->ecc_uncorrected, 0) > 0)
        link_note(judge, state, "%s: %lld uncorrectable memory errors since the driver was loaded", place,
                  (long long)gpu->ecc_uncorrected.value);
    if (suffers(gpu, &reason))
        link_note(judge, state, "%s: its clocks are lowered now (%s)", place, reason);
    if (known(gpu->pcie_width) && known(gpu->pcie_width_max) && gpu->pcie_width.value < gpu->pcie_width_max.value)
        link_note(judge, state, "%s: %lld of %lld PCIe lanes are in use, copies are slower", place,
                  (long long)gpu->pcie_width.value, (long long)gpu->pcie_width_max.value);
    if (number_of(gpu->nvlinks_active, 0) > 0 && gpu->nvlinks_active.value < number_of(gpu->nvlinks, 0))
        link_note(judge, state, "%s: %lld of %lld NVLinks are up", place, (long long)gpu->nvlinks_active.value,
                  (long long)gpu->nvlinks.value);
    if (is_true(gpu->mig_pending) != is_true(gpu->mig) && known(gpu->mig_pending))
        link_note(judge, state, "%s: MIG mode is turned %s with the next reset", place,
                  is_true(gpu->mig_pending) ? "on" : "off");
}

void gpu_health_notes(struct judge *judge, struct link_state *state) {
    size_t before = state->notes.count;
    for (size_t i = 0; i < judge->facts->compute.gpus.count; i++)
        note_one(judge, state, &judge->facts->compute.gpus.items[i]);
    if (state->notes.count > before && (state->state == STATE_OK || state->state == STATE_UNKNOWN))
        state->state = STATE_NOTE;
}
