/* Link 4: which CUDA toolkits are there, which one would be used, and does anyone need it? */
#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct rule rules[] = {
    {"toolkit-incomplete", LINK_TOOLKIT, rule_toolkit_incomplete, false},
    {"toolkit-mismatch", LINK_TOOLKIT, rule_toolkit_mismatch, false},
    {"toolkit-host-compiler", LINK_TOOLKIT, rule_toolkit_host_compiler, false},
    {"toolkit-missing", LINK_TOOLKIT, rule_toolkit_missing,
     true}, /* after toolkit-path-wrong, which is the narrower one */
};

static void note_toolkits(struct judge *judge, struct link_state *state) {
    const struct toolkit_facts *toolkit = &judge->facts->toolkit;
    for (size_t i = 0; i < toolkit->toolkits.count && i < 12; i++) {
        const struct cuda_toolkit *row = &toolkit->toolkits.items[i];
        link_note(judge, state, "%s%s%s%s", known(row->version) ? row->version.value : "CUDA",
                  known(row->path) ? " in " : "", known(row->path) ? row->path.value : "",
                  is_false(row->has_nvcc) ? " (no nvcc)" : "");
    }
    int build = 0, torch = torch_cuda(judge);
    if (known(toolkit->build_version))
        cuda_version_parse(span_of(toolkit->build_version.value), &build);
    if (!building(judge) && build && torch && cuda_major(build) != cuda_major(torch))
        link_note(judge, state,
                  "of another CUDA than PyTorch's: of no account to run it, wrong to build extensions for it");
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct toolkit_facts *toolkit = &judge->facts->toolkit;
    const char *use = building(judge) ? "" : "; PyTorch runs without it";
    note_toolkits(judge, state);
    state->state =
        building(judge) && unknown(toolkit->toolkits) && !known(toolkit->nvcc_version) ? STATE_UNKNOWN : STATE_OK;
    if (known(toolkit->nvcc_version)) {
        link_say(judge, state, "nvcc %s on PATH%s", toolkit->nvcc_version.value, use);
    } else if (known(toolkit->build_version)) {
        link_say(judge, state, "CUDA %s%s%s, nvcc not on PATH%s", toolkit->build_version.value,
                 known(toolkit->build_home) ? " in " : "",
                 known(toolkit->build_home) ? toolkit->build_home.value : "", use);
    } else if (!unknown(toolkit->toolkits) && !toolkit->toolkits.count) {
        state->state = STATE_NOTE;
        link_say(judge, state, "none%s", use);
    } else if (toolkit->toolkits.count) {
        link_say(judge, state, "%zu found, nvcc not on PATH%s", toolkit->toolkits.count, use);
    } else {
        state->state = STATE_UNKNOWN;
        link_say(judge, state, "not known%s", use);
    }
}

const struct link_room room_toolkit = {rules, sizeof rules / sizeof *rules, describe};
