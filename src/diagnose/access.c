/* Link 3: may this process use the GPU? */
#include "diagnose/access.h"

#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct rule rules[] = {
    {"wsl1", LINK_ACCESS, rule_wsl1, false},
    {"scheduler-no-gpu", LINK_ACCESS, rule_scheduler_no_gpu, false},
    {"container-no-gpu", LINK_ACCESS, rule_container_no_gpu, false},
    {"container-capability-missing", LINK_ACCESS, rule_container_capability_missing, false},
    {"container-cgroup-lost", LINK_ACCESS, rule_container_cgroup_lost, false},
    {"wsl-linux-driver-inside", LINK_ACCESS, rule_wsl_linux_driver_inside, false},
    {"wsl-driver-old-or-missing", LINK_ACCESS, rule_wsl_driver_old_or_missing, false},
    {"device-nodes-missing", LINK_ACCESS, rule_device_nodes_missing, false},
    {"device-permission", LINK_ACCESS, rule_device_permission, false},
    {"uvm-broken", LINK_ACCESS, rule_uvm_broken, false},
    {"mig-misconfigured", LINK_ACCESS, rule_mig_misconfigured, false},
    {"fabric-manager-down", LINK_ACCESS, rule_fabric_manager_down, false},
    {"no-vgpu-license", LINK_ACCESS, rule_no_vgpu_license, false},
    {"compute-mode-or-in-use", LINK_ACCESS, rule_compute_mode_or_in_use, false},
    {"gpu-memory-exhausted", LINK_ACCESS, rule_gpu_memory_exhausted, false},
    {"visible-devices-hidden", LINK_ACCESS, rule_visible_devices_hidden, false},
    {"visible-devices-invalid", LINK_ACCESS, rule_visible_devices_invalid, false},
};

static bool node_opens(const struct judge *judge, const char *start) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_starts(text_of(nodes->items[i].path), start) && absent(nodes->items[i].open_error))
            return true;
    return false;
}

/* The first one that does not open, or hangs. */
static const struct device_node *first_shut(const struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct device_node *node = &nodes->items[i];
        if (text_of(node->path) && (known(node->open_error) || node_hangs(node)) &&
            !text_starts(node->path.value, "/dev/nvidia-caps"))
            return node;
    }
    return NULL;
}

static bool nodes_open(const struct judge *judge) {
    if (on_wsl(judge))
        return node_opens(judge, "/dev/dxg");
    if (on_jetson(judge))
        return node_opens(judge, "/dev/nvhost") || node_opens(judge, "/dev/nvgpu") ||
               node_opens(judge, "/dev/nvmap");
    return node_opens(judge, "/dev/nvidiactl") && node_opens(judge, "/dev/nvidia0") &&
           node_opens(judge, "/dev/nvidia-uvm");
}

/* Nodes that are not there yet, and will be: at first use, by the setuid nvidia-modprobe or by root. */
static bool nodes_come(const struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    bool maker = is_true(facts->access.modprobe_setuid) || number_of(facts->system.uid, -1) == 0;
    return !unknown(facts->access.nodes) && is_true(facts->driver.module_loaded) && maker &&
           !in_container(judge) && !on_wsl(judge) && !on_jetson(judge) && !has_node(judge, "/dev/nvidia-uvm");
}

static void note_access(struct judge *judge, struct link_state *state) {
    const struct access_facts *access = &judge->facts->access;
    struct visible_devices visible;
    if (visible_devices_of(judge, &visible) && visible.count && visible.end != VISIBLE_END_NONE)
        link_note(judge, state, "CUDA_VISIBLE_DEVICES is cut at \"%.*s\": %s", (int)visible.wrong.len,
                  visible.wrong.ptr, visible_end_words(visible.end));
    if (known(access->gpu_passed_by))
        link_note(judge, state, "the container got the GPU by %s", access->gpu_passed_by.value);
    if (is_true(access->mig_enabled))
        link_note(judge, state, "MIG mode is on%s",
                  known(access->mig_instances)
                      ? arena_printf(judge->arena, ", %lld instance%s", (long long)access->mig_instances.value,
                                     access->mig_instances.value == 1 ? "" : "s")
                      : "");
    if (known(access->mps))
        link_note(judge, state, "MPS is used (%s)%s", access->mps.value,
                  is_false(access->mps_running) ? "; no daemon runs" : "");
    if (text_has_nocase(text_of(access->compute_mode), "exclusive"))
        link_note(judge, state, "compute mode %s: one process at a time", access->compute_mode.value);
    if (known(access->shm_mib) && access->shm_mib.value < 256 && in_container(judge))
        link_note(judge, state,
                  "/dev/shm has %lld MiB: DataLoader workers and NCCL want more (--shm-size, --ipc=host)",
                  (long long)access->shm_mib.value);
    for (size_t i = 0; i < access->cdi_specs.count; i++) {
        const struct cdi_spec *row = &access->cdi_specs.items[i];
        if (row->missing.count)
            link_note(
                judge, state,
                "%s names %s%s, which is not there: containers with CDI would not start (sudo nvidia-ctk cdi "
                "generate --output=%s)",
                text_of(row->path), row->missing.items[0],
                row->missing.count > 1 ? arena_printf(judge->arena, " and %zu more", row->missing.count - 1) : "",
                text_of(row->path));
        const char *spec = text_of(access->cdi_specs.items[i].driver_version);
        const char *module = text_of(judge->facts->driver.module_version);
        if (spec && module && !text_eq(spec, module))
            link_note(judge, state, "%s describes driver %s, loaded is %s: generate it anew",
                      text_of(access->cdi_specs.items[i].path), spec, module);
    }
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct access_facts *access = &judge->facts->access;
    note_access(judge, state);
    const char *where = in_container(judge) ? arena_printf(judge->arena, ", in a container (%s)",
                                                           judge->facts->system.container.value)
                        : on_wsl(judge)     ? ", under WSL"
                                            : "";
    if (cuda_lists_gpus(judge) || program_ran(judge)) {
        state->state = STATE_OK;
        link_say(judge, state, "CUDA opens it%s", where);
    } else if (nodes_open(judge)) {
        state->state = STATE_OK;
        link_say(judge, state, on_wsl(judge) ? "/dev/dxg opens%s" : "device nodes open%s", where);
    } else if (nodes_come(judge) && !judge_found(judge, "device-nodes-missing")) {
        state->state = STATE_OK;
        link_say(judge, state, "device nodes are made at first use%s", where);
    } else if (!unknown(access->nodes) && !access->nodes.count) {
        link_say(judge, state, "no device nodes%s", where);
    } else if (!unknown(access->nodes)) {
        const struct device_node *shut = first_shut(judge);
        const char *why = !shut ? "" : text_of(shut->open_error) ? text_of(shut->open_error) : node_hangs(shut);
        link_say(judge, state, "%zu device nodes%s%s%s%s%s", access->nodes.count, where, shut ? "; " : "",
                 shut ? text_of(shut->path) : "", shut ? ": " : "", why);
    } else {
        link_say(judge, state, "not known%s%s%s", access->nodes.is.reason ? ": " : "",
                 access->nodes.is.reason ? access->nodes.is.reason : "", where);
    }
}

const struct link_room room_access = {rules, sizeof rules / sizeof *rules, describe};
