/* Link 3, the device nodes: are they there, may this user open them, does nvidia-uvm answer? */
#include "base/text.h"
#include "diagnose/driver_option.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct device_node *node_of(const struct judge *judge, const char *path) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_eq(text_of(nodes->items[i].path), path))
            return &nodes->items[i];
    return NULL;
}

static bool has_gpu_node(const struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        const char *path = text_of(nodes->items[i].path);
        if (text_starts(path, "/dev/nvidia") && path[strlen("/dev/nvidia")] >= '0' &&
            path[strlen("/dev/nvidia")] <= '9')
            return true;
    }
    return false;
}

static bool any_nvidia_node(const struct judge *judge) {
    return has_gpu_node(judge) || node_of(judge, "/dev/nvidiactl") || node_of(judge, "/dev/nvidia-uvm");
}

static bool nodes_matter(const struct judge *judge) {
    return !on_wsl(judge) && !on_windows(judge) && !on_macos(judge) && !on_jetson(judge) &&
           !cuda_lists_gpus(judge);
}

static void see_nodes(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
}

/* --- device-nodes-missing ------------------------------------------------------------------------------------ */

static const char *missing_node(const struct judge *judge) {
    if (!node_of(judge, "/dev/nvidiactl"))
        return "/dev/nvidiactl";
    if (!has_gpu_node(judge))
        return "/dev/nvidia0";
    if (!node_of(judge, "/dev/nvidia-uvm"))
        return "/dev/nvidia-uvm";
    return NULL;
}

/* The module's option NVreg_ModifyDeviceFiles=0: neither libcuda nor nvidia-modprobe makes a node. */
static bool nodes_forbidden(struct judge *judge) {
    struct module_option option;
    return module_option(judge, "ModifyDeviceFiles", &option) && option.loaded && option.number == 0;
}

/* libcuda makes the nodes at first use: itself as root, else through the setuid nvidia-modprobe. In a container it
 * may not. */
static bool made_at_first_use(struct judge *judge) {
    if (in_container(judge) || nodes_forbidden(judge))
        return false;
    return is_true(judge->facts->access.modprobe_setuid) || number_of(judge->facts->system.uid, -1) == 0;
}

static const struct cdi_spec *spec_without_uvm(const struct judge *judge) {
    const struct cdi_spec_rows *specs = &judge->facts->access.cdi_specs;
    for (size_t i = 0; i < specs->count; i++) {
        const struct cdi_spec *spec = &specs->items[i];
        bool uvm = false;
        for (size_t n = 0; n < spec->nodes.count; n++)
            uvm |= text_eq(spec->nodes.items[n], "/dev/nvidia-uvm");
        if (known(spec->nodes) && spec->nodes.count && !uvm)
            return spec;
    }
    return NULL;
}

static struct cause *nodes_missing_by_facts(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    const char *missing = !unknown(facts->access.nodes) ? missing_node(judge) : NULL;
    bool at_work = is_true(facts->driver.module_loaded) || (nvml_lists_gpus(judge) && torch_sees_none(judge));
    if (!missing || !at_work)
        return NULL;
    if (in_container(judge) && !any_nvidia_node(judge))
        return NULL; /* container-no-gpu */
    if (text_eq(missing, "/dev/nvidia-uvm") && is_false(facts->driver.uvm_loaded))
        return NULL; /* uvm-broken, where nothing would load it */
    if (made_at_first_use(judge))
        return NULL;
    bool settled_makers = in_container(judge) || is_false(facts->access.modprobe_setuid) || nodes_forbidden(judge);
    if (!settled_makers && !from_text(judge)) {
        settled(judge, "access.modprobe_setuid", &facts->access.modprobe_setuid.is);
        return NULL;
    }
    return judge_find(judge, "device-nodes-missing", settled_makers ? CERTAIN : LIKELY,
                      "The device node %s does not exist%s.", missing,
                      in_container(judge)      ? " in this container"
                      : nodes_forbidden(judge) ? ", and NVreg_ModifyDeviceFiles=0 forbids the driver to make it"
                                               : ", and nothing here makes it at first use");
}

void rule_device_nodes_missing(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    if (!nodes_matter(judge))
        return;
    struct cause *cause = nodes_missing_by_facts(judge);
    const struct printed_message *missing = printed_about(judge, "ctk_mount_missing", "/dev/nvidia");
    if (!missing)
        missing = printed_about(judge, "file_missing", "/dev/nvidia");
    if (missing)
        cause = judge_find(judge, "device-nodes-missing", CERTAIN, "The device node %s does not exist.",
                           text_of(missing->argument));
    const struct cdi_spec *spec = spec_without_uvm(judge);
    if (spec && (torch_sees_none(judge) || in_container(judge)))
        cause = judge_find(
            judge, "device-nodes-missing", LIKELY,
            "The CDI description of the GPUs passes no /dev/nvidia-uvm to containers, and CUDA needs it.");
    if (!cause)
        return;
    for (size_t i = 0; i < access->nodes.count && i < 12; i++)
        if (text_starts(text_of(access->nodes.items[i].path), "/dev/nvidia"))
            cause_evidence(judge, cause, "access.nodes",
                           arena_printf(judge->arena, "%s is there", access->nodes.items[i].path.value),
                           access->nodes.is.source);
    if (!unknown(access->nodes) && !any_nvidia_node(judge))
        cause_evidence(judge, cause, "access.nodes", "no /dev/nvidia*", access->nodes.is.source);
    evidence_printed(judge, cause, "ctk_mount_missing");
    evidence_printed(judge, cause, "file_missing");
    if (spec)
        cause_fact(judge, cause, "access.cdi_specs.path", &spec->path);
    if (!in_container(judge))
        cause_fact(judge, cause, "access.modprobe_setuid", &access->modprobe_setuid);
    if (!in_container(judge))
        evidence_option(judge, cause, "ModifyDeviceFiles");
    if (nodes_forbidden(judge) && !in_container(judge)) {
        fix_option_away(judge, cause, "ModifyDeviceFiles");
        cause_fix(judge, cause, "Make the nodes by hand, as the option wants it (until the next start)",
                  "sudo mknod -m 666 /dev/nvidiactl c 195 255", "sudo mknod -m 666 /dev/nvidia0 c 195 0",
                  "sudo mknod -m 666 /dev/nvidia-uvm c $(awk '$2==\"nvidia-uvm\"{print $1}' /proc/devices) 0",
                  NULL)
            ->needs_root = true;
    } else if (spec)
        fix_table_of(judge, cause, "podman", "configure-runtime");
    else if (in_container(judge) && !printed(judge, "ctk_mount_missing")) /* the hook looks on the host */
        fix_container_run(judge, cause);
    else if (missing && text_eq(text_of(missing->argument), "/dev/nvidia-modeset"))
        cause_fix(judge, cause, "Make the device node", "sudo nvidia-modprobe -m", NULL)->needs_root = true;
    else
        fix_table_or(judge, cause, "make-device-nodes", "Make them: nvidia-modprobe -c 0 -u");
    see_nodes(judge, cause);
}

/* --- device-permission --------------------------------------------------------------------------------------- */

static const struct device_node *refused_node(const struct judge *judge, const char *error) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_eq(text_of(nodes->items[i].open_error), error))
            return &nodes->items[i];
    return NULL;
}

static bool mode_has_group(const char *mode) {
    return mode && strlen(mode) == 4 && (mode[2] == '6' || mode[2] == '7');
}

static void fix_permission(struct judge *judge, struct cause *cause, const struct device_node *node) {
    const char *path = node ? text_of(node->path) : "/dev/nvidia0";
    bool group = !node || (mode_has_group(text_of(node->mode)) && number_of(node->gid, 1) != 0);
    if (group && !in_container(judge))
        cause_fix(judge, cause,
                  "Join the group that owns the nodes (often video or render), log in anew, see that it is listed",
                  node ? arena_printf(judge->arena, "sudo usermod -aG $(stat -c %%G %s) $USER", path)
                       : "sudo usermod -aG video $USER",
                  "id -nG", NULL)
            ->needs_root = true;
    if (in_container(judge)) {
        cause_fix(
            judge, cause, "Start the container with the group that owns the nodes",
            arena_printf(judge->arena, "%s run --group-add $(stat -c %%g %s) ...", container_engine(judge), path),
            NULL);
        return;
    }
    if (!text_starts(path, "/dev/nvidia"))
        return;
    cause_fix(judge, cause, "Let everybody use the GPU until the driver makes the nodes anew",
              "sudo chmod 0666 /dev/nvidia[0-9]* /dev/nvidiactl /dev/nvidia-uvm*", NULL)
        ->needs_root = true;
    fix_option(
        judge, cause,
        "Let everybody use the GPU for good: NVreg_DeviceFileMode=0666, then load the module anew while nothing "
        "uses the GPU (or reboot)",
        "DeviceFileMode", "0666");
}

/* EPERM where mode and owner allow it is the device filter of a control group: outside of containers that of a systemd
 * unit (DeviceAllow=, DevicePolicy=closed) or of a scheduler's job, which leaves at least one GPU. */
static bool filtered_by_unit(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    size_t open = 0;
    if (!is_true(access->cgroup_denied) || !absent(judge->facts->system.container) || cuda_lists_gpus(judge) ||
        judge_found(judge, "scheduler-no-gpu") || known(access->scheduler) || on_wsl(judge))
        return false;
    for (size_t i = 0; i < access->nodes.count; i++) {
        const char *path = text_of(access->nodes.items[i].path);
        bool gpu = text_starts(path, "/dev/nvidia") && path[11] >= '0' && path[11] <= '9';
        open += gpu && absent(access->nodes.items[i].open_error);
    }
    if (open)
        return false;
    struct cause *cause =
        judge_find(judge, "device-permission", CERTAIN,
                   "This session's control group refuses the GPU's device nodes, though owner and "
                   "mode allow them: a systemd unit with a device filter, or a scheduler's.");
    for (size_t i = 0; i < access->nodes.count; i++)
        if (text_eq(text_of(access->nodes.items[i].open_error), "EPERM"))
            cause_evidence(judge, cause, "access.nodes.open_error",
                           arena_printf(judge->arena, "%s: EPERM", text_of(access->nodes.items[i].path)),
                           access->nodes.is.source);
    cause_fact(judge, cause, "access.cgroup_denied", &access->cgroup_denied);
    cause_fix(judge, cause,
              "See which unit it is, and allow the nodes in it: [Service] DeviceAllow=char-nvidia* rw (and "
              "DeviceAllow=char-nvidia-uvm rw)",
              "cat /proc/self/cgroup", "systemctl show -p DevicePolicy -p DeviceAllow UNIT",
              "sudo systemctl edit UNIT", "sudo systemctl restart UNIT", NULL)
        ->needs_root = true;
    cause_see(judge, cause,
              "https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html");
    return true;
}

void rule_device_permission(struct judge *judge) {
    if (filtered_by_unit(judge))
        return;
    const struct device_node *node = refused_node(judge, "EACCES");
    const struct printed_message *denied = printed(judge, "node_permission");
    bool nvml = nvml_said(judge, 4) || denied;
    if ((!node && !nvml) || cuda_lists_gpus(judge))
        return;
    const char *path = node ? text_of(node->path) : "/dev/nvidia*";
    struct cause *cause = judge_find(judge, "device-permission", CERTAIN,
                                     "This user may not open %s: its owner and mode do not allow it.", path);
    if (node) {
        cause_evidence(judge, cause, "access.nodes.open_error", arena_printf(judge->arena, "%s: EACCES", path),
                       judge->facts->access.nodes.is.source);
        cause_fact(judge, cause, "access.nodes.mode", &node->mode);
        cause_fact(judge, cause, "access.nodes.gid", &node->gid);
    }
    static const char *const options[] = {"DeviceFileMode", "DeviceFileUID", "DeviceFileGID"};
    for (size_t i = 0; i < 3 && !in_container(judge); i++) {
        struct module_option option;
        if (module_option(judge, options[i], &option) && option.number != (i ? 0 : 0666)) /* not the default */
            evidence_option(judge, cause, options[i]);
    }
    evidence_nvml(judge, cause, 4);
    evidence_printed(judge, cause, "node_permission");
    for (size_t i = 0; i < judge->facts->access.groups.count && i < 16; i++)
        cause_evidence(judge, cause, "access.groups", judge->facts->access.groups.items[i],
                       judge->facts->access.groups.is.source);
    fix_permission(judge, cause, node);
    see_nodes(judge, cause);
}

/* --- uvm-broken ---------------------------------------------------------------------------------------------- */

static const char *uvm_node_error(const struct judge *judge) {
    const struct device_node *node = node_of(judge, "/dev/nvidia-uvm");
    const char *error = node ? text_of(node->open_error) : NULL;
    if (node && node_hangs(node))
        return node_hangs(node);
    return error && !text_eq(error, "EACCES") && !text_eq(error, "EPERM") ? error : NULL;
}

/* CUDA needs nvidia-uvm, nvidia-smi does not. 999 ("unknown error") is what CUDA says when uvm is not there or
 * does not answer, typically after suspend and resume; nothing in the kernel or NVML may tell of another fault
 * then. */
void rule_uvm_broken(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    if (on_wsl(judge) || on_windows(judge) || on_macos(judge) || on_jetson(judge) || cuda_lists_gpus(judge))
        return;
    const struct printed_message *no_module = printed_about(judge, "modprobe_not_found", "uvm");
    const char *node_error = uvm_node_error(judge);
    bool hangs = text_starts(node_error, NODE_NO_ANSWER);
    bool said = logged(judge, "uvm_failed") != NULL && !is_false(facts->driver.module_loaded);
    bool not_loaded = is_true(facts->driver.module_loaded) && is_false(facts->driver.uvm_loaded) &&
                      !unknown(facts->access.nodes) && !node_of(judge, "/dev/nvidia-uvm") &&
                      !in_container(judge) && is_false(facts->access.modprobe_setuid) &&
                      number_of(facts->system.uid, -1) != 0;
    bool unknown_error = cuda_said(judge, 999) && !nvml_said(judge, 999) && !nvml_said(judge, 9) &&
                         !nvml_said(judge, 18) && !judge_found(judge, "gpu-fell-off-bus") &&
                         !judge_found(judge, "gpu-faulty") && !judge_found(judge, "driver-library-mismatch");
    /* nvidia-docker 1 loads it through nvidia-modprobe; modprobe's own refusal of it alone */
    bool refused = printed(judge, "uvm_not_loaded") || printed_about(judge, "module_insert", "uvm");
    if (!no_module && !node_error && !not_loaded && !unknown_error && !said && !refused)
        return;
    struct cause *cause = judge_find(
        judge, "uvm-broken", no_module || not_loaded || node_error ? CERTAIN : LIKELY, "%s",
        no_module ? "The kernel module nvidia-uvm, which CUDA needs, is not there for this kernel."
        : not_loaded
            ? "The kernel module nvidia-uvm, which CUDA needs, is not loaded (nvidia-smi works without it)."
        : node_error             ? arena_printf(judge->arena,
                                    hangs ? "Opening /dev/nvidia-uvm, which CUDA needs, does not end (it %s)."
                                                      : "/dev/nvidia-uvm, which CUDA needs, does not answer (%s).",
                                                node_error)
        : said && !unknown_error ? "The kernel module nvidia-uvm, which CUDA needs, reports failures."
        : refused && !unknown_error
            ? "The kernel module nvidia-uvm, which CUDA needs, could not be loaded."
            : "CUDA fails with \"unknown error\" (999): most likely the kernel module nvidia-uvm is stuck or not "
              "loaded, as happens after suspend.");
    evidence_cuda(judge, cause, 999);
    evidence_log(judge, cause, "uvm_failed");
    evidence_printed_all(judge, cause, "modprobe_not_found", "uvm_not_loaded", "module_insert", NULL);
    cause_fact(judge, cause, "driver.uvm_loaded", &facts->driver.uvm_loaded);
    if (node_error)
        cause_evidence(judge, cause, "access.nodes.open_error",
                       arena_printf(judge->arena, "/dev/nvidia-uvm: %s", node_error),
                       facts->access.nodes.is.source);
    if (no_module)
        fix_table_or(judge, cause, "rebuild-module",
                     "Build or install the driver's kernel modules for this kernel, uvm among them");
    else if (not_loaded)
        fix_table_or(judge, cause, "load-uvm", "Load it: modprobe nvidia-uvm");
    else if (!hangs) /* nor would unloading it end */
        cause_fix(judge, cause, "Reload nvidia-uvm while nothing uses the GPU", "sudo rmmod nvidia_uvm",
                  "sudo modprobe nvidia_uvm", NULL);
    if (!no_module)
        cause_fix(judge, cause, "Reboot", "sudo reboot", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html");
}
