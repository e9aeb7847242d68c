/* All probes in order: one line each. */
#include "probe/probe.h"

static void (*const probes[])(struct probe *) = {
    probe_system, probe_gpu, probe_driver, probe_access, probe_toolkit, probe_environment, probe_torch,
};

struct snapshot *probe_machine(const struct root *root, struct probe_options options) {
    struct snapshot *snapshot = snapshot_new(root_is_live(root) ? "live" : "root");
    struct probe probe = {.root = root, .options = options, .out = snapshot, .arena = &snapshot->arena};
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        probes[i](&probe);
    return snapshot;
}
