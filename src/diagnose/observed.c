#include "diagnose/observed.h"

#include "diagnose/pytorch.h"
#include "diagnose/read.h"

void observed_success(struct judge *judge) {
    struct diagnosis *out = judge->out;
    if (from_text(judge) || !torch_worked(judge))
        return;
    for (size_t i = 0; i < out->causes.count; i++) {
        struct cause *cause = &out->causes.items[i];
        bool chain = cause->link == LINK_DRIVER || cause->link == LINK_ACCESS || cause->link == LINK_TORCH ||
                     cause->link == LINK_MATCH;
        if (cause->role != ROLE_ROOT || !chain || cause_leaves_available(cause->id))
            continue;
        cause->role = ROLE_RISK;
        cause->confidence = POSSIBLE;
        cause_evidence(judge, cause, "compute.torch_computed", "PyTorch finished work on the GPU all the same",
                       judge->facts->compute.torch_computed.is.source);
    }
}

void observed_failure(struct judge *judge, bool foretold) {
    struct diagnosis *out = judge->out;
    struct link_state *state = &out->links[LINK_COMPUTE];
    if (state->state == STATE_OK || state->state == STATE_NOTE || state->state == STATE_UNKNOWN)
        state->state = STATE_WARNING;
    if (!foretold || (out->verdict != VERDICT_HEALTHY && out->verdict != VERDICT_DEGRADED))
        return;
    out->verdict = VERDICT_UNKNOWN;
    judge_cannot_tell(judge, "compute.is_available",
                      "PyTorch answers False, and nothing that was looked at explains it; please report this with "
                      "`whycuda snapshot`");
}
