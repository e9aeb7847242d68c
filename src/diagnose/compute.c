/* Link 8: does it compute? */
#include "base/text.h"
#include "diagnose/gpu_health.h"
#include "diagnose/read.h"

static void describe_devices(struct judge *judge, struct link_state *state) {
    const struct compute_device_rows *devices = &judge->facts->compute.devices;
    size_t right = 0, wrong = 0;
    const char *error = NULL;
    for (size_t i = 0; i < devices->count; i++) {
        right += is_true(devices->items[i].product_right);
        wrong += is_false(devices->items[i].product_right);
        if (known(devices->items[i].error) && !error)
            error = devices->items[i].error.value;
    }
    if (right && !wrong && !error) {
        state->state = STATE_OK;
        link_say(judge, state, "a matrix product came out right on %zu GPU%s", right, right > 1 ? "s" : "");
    } else if (wrong || error) {
        state->state = STATE_WARNING;
        link_say(judge, state, "%s", error ? error : "a matrix product came out wrong");
    }
}

static void describe_answers(struct judge *judge, struct link_state *state) {
    const struct compute_facts *compute = &judge->facts->compute;
    if (torch_worked(judge)) {
        state->state = STATE_OK;
        link_say(judge, state, "PyTorch finished work on the GPU");
    } else if (known(compute->cuda_child) && !text_eq(compute->cuda_child.value, "answered")) {
        link_say(judge, state, "asking the driver ended with: %s", compute->cuda_child.value);
    } else if (known(compute->cuda_init) && compute->cuda_init.value == 0) {
        link_say(judge, state, "not tried; the driver lists %lld GPU%s",
                 (long long)number_of(compute->cuda_devices, 0),
                 number_of(compute->cuda_devices, 0) == 1 ? "" : "s");
    } else if (known(compute->cuda_init)) {
        link_say(judge, state, "not tried; cuInit answers %lld", (long long)compute->cuda_init.value);
    } else {
        link_say(judge, state, "not tried");
    }
}

static void describe(struct judge *judge, struct link_state *state) {
    describe_devices(judge, state);
    if (!state->summary)
        describe_answers(judge, state);
    gpu_health_notes(judge, state);
}

const struct link_room room_compute = {NULL, 0, describe};
