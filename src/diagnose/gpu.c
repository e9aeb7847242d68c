/* Link 1: is there an NVIDIA GPU, is it alive, who has it? */
#include "base/text.h"
#include "diagnose/judge.h"

/* No display function of vendor 10de on a readable bus, no /dev/dxg, no Tegra: also in a virtual machine. Stray
 * device nodes change nothing. Pasted text has no bus, so there the program's own words are needed. */
static void judge_absent(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    if (!is_true(facts->gpu.bus_readable) || !known(facts->gpu.devices) || facts->gpu.devices.count)
        return;
    if (known(facts->gpu.tegra) || known(facts->system.wsl))
        return;
    struct cause *cause =
        judge_find(judge, "gpu-absent", CERTAIN, "There is no NVIDIA GPU on this machine's PCI bus.");
    cause_evidence(judge, cause, "gpu.devices", "no display or 3D function of vendor 10de",
                   facts->gpu.devices.is.source);
    for (size_t i = 0; i < facts->gpu.others.count; i++)
        cause_fact(judge, cause, "gpu.others.name", &facts->gpu.others.items[i].name);
    cause_fact(judge, cause, "system.virtual_machine", &facts->system.virtual_machine);
}

static const struct rule rules[] = {
    {"gpu-absent", LINK_GPU, judge_absent},
};

static void describe(struct judge *judge, struct link_state *state) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    if (!known(gpu->devices)) {
        link_say(judge, state, "not known: %s", gpu->devices.is.reason ? gpu->devices.is.reason : "nobody looked");
        return;
    }
    if (!gpu->devices.count) {
        link_say(judge, state, "no NVIDIA GPU");
        return;
    }
    state->state = STATE_OK;
    const char *name = text_of(gpu->devices.items[0].name);
    link_say(judge, state, "%s%s", name ? name : "NVIDIA GPU",
             gpu->devices.count > 1 ? arena_printf(judge->arena, " and %zu more", gpu->devices.count - 1) : "");
}

const struct link_room room_gpu = {rules, sizeof rules / sizeof *rules, describe};
