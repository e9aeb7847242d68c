/* Link 3, containers and schedulers: was this process given a GPU, and the parts of the driver that CUDA needs? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static void see_toolkit(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/");
}

static bool asks_for_none(const char *visible) {
    return text_eq(visible, "void") || text_eq(visible, "none") || text_eq(visible, "");
}

static bool has_nvidia_node(const struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_starts(text_of(nodes->items[i].path), "/dev/nvidia") ||
            text_eq(text_of(nodes->items[i].path), "/dev/dxg"))
            return true;
    return false;
}

/* --- scheduler-no-gpu ---------------------------------------------------------------------------------------- */

static const char *scheduler_words(const struct judge *judge) {
    const char *scheduler = text_of(judge->facts->access.scheduler);
    return text_eq(scheduler, "slurm")        ? "Slurm"
           : text_eq(scheduler, "kubernetes") ? "Kubernetes"
           : text_eq(scheduler, "pbs")        ? "PBS"
           : text_eq(scheduler, "lsf")        ? "LSF"
           : text_eq(scheduler, "sge")        ? "Grid Engine"
           : scheduler                        ? scheduler
                                              : "The scheduler";
}

/* A shell on a compute node that no job belongs to (by ssh): the cluster's device filter keeps it off the GPUs. */
static bool outside_of_jobs(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    if (!is_true(access->scheduler_outside) || !is_true(access->cgroup_denied) || in_container(judge) ||
        cuda_lists_gpus(judge))
        return false;
    struct cause *cause =
        judge_find(judge, "scheduler-no-gpu", LIKELY,
                   "This shell belongs to no job of the cluster's scheduler, and outside of jobs the "
                   "GPUs are refused.");
    cause_fact(judge, cause, "access.scheduler_outside", &access->scheduler_outside);
    cause_fact(judge, cause, "access.cgroup_denied", &access->cgroup_denied);
    for (size_t i = 0; i < access->nodes.count; i++)
        if (text_eq(text_of(access->nodes.items[i].open_error), "EPERM"))
            cause_evidence(judge, cause, "access.nodes.open_error",
                           arena_printf(judge->arena, "%s: EPERM", text_of(access->nodes.items[i].path)),
                           access->nodes.is.source);
    if (!text_has(access->scheduler_outside.is.source, "pbs"))
        cause_fix(judge, cause, "Enter a job of yours that runs here: its number is in the list", "squeue --me",
                  "srun --overlap --jobid=NUMBER --pty bash", NULL);
    fix_job(judge, cause);
    cause_see(judge, cause, "https://slurm.schedmd.com/gres.html");
    return true;
}

void rule_scheduler_no_gpu(struct judge *judge) {
    if (outside_of_jobs(judge))
        return;
    const struct access_facts *access = &judge->facts->access;
    const char *visible = text_of(judge->facts->environment.visible_devices);
    bool no_files = text_eq(visible, "NoDevFiles"); /* Slurm writes it into jobs without a GPU */
    bool said = printed(judge, "k8s_insufficient_gpu") || printed(judge, "scheduler_no_gpu");
    bool refused = known(access->scheduler) && is_false(access->scheduler_granted);
    if ((!no_files && !said && !refused) || cuda_lists_gpus(judge))
        return;
    bool kubernetes = text_eq(text_of(access->scheduler), "kubernetes") || printed(judge, "k8s_insufficient_gpu");
    struct cause *cause =
        judge_find(judge, "scheduler-no-gpu", said || no_files ? CERTAIN : LIKELY, "%s gave this %s no GPU.",
                   kubernetes ? "Kubernetes" : scheduler_words(judge), kubernetes ? "pod" : "job");
    cause_fact(judge, cause, "access.scheduler", &access->scheduler);
    cause_fact(judge, cause, "access.scheduler_granted", &access->scheduler_granted);
    cause_fact(judge, cause, "access.scheduler_devices", &access->scheduler_devices);
    evidence_printed(judge, cause, "k8s_insufficient_gpu");
    evidence_printed(judge, cause, "scheduler_no_gpu");
    if (no_files)
        cause_fact(judge, cause, "environment.visible_devices", &judge->facts->environment.visible_devices);
    if (kubernetes) {
        cause_fix(
            judge, cause,
            "Ask for a GPU in the pod (resources.limits: nvidia.com/gpu: 1), for no more than one node has",
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,GPUS:.status.allocatable.nvidia\\.com/gpu",
            NULL);
        fix_table_of(judge, cause, "kubernetes", "install-operator");
        cause_see(judge, cause, "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/");
    } else {
        fix_job(judge, cause);
        cause_see(judge, cause, "https://slurm.schedmd.com/gres.html");
    }
}

/* --- container-no-gpu ---------------------------------------------------------------------------------------- */

/* NVML answers in the container: in pasted text, where no option passed a GPU, the answer may be the host's. */
static bool nvml_works_inside(const struct judge *judge) {
    return nvml_lists_gpus(judge) && !(from_text(judge) && absent(judge->facts->access.gpu_passed_by));
}

/* The start-up of NVIDIA's images looks for device nodes; images older than WSL 2's GPUs warn where all is well. */
static bool start_up_finds_none(const struct judge *judge) {
    return printed(judge, "container_driver_not_detected") && !nvml_works_inside(judge);
}

static struct cause *no_gpu_by_words(struct judge *judge) {
    struct cause *cause = NULL;
    if (printed(judge, "docker_no_gpu_driver"))
        cause = judge_find(
            judge, "container-no-gpu", CERTAIN,
            "Docker knows no driver for GPUs: the NVIDIA Container Toolkit is not installed or not configured.");
    else if (printed(judge, "docker_unknown_runtime"))
        cause = judge_find(
            judge, "container-no-gpu", CERTAIN,
            "Docker does not know the runtime \"nvidia\": the NVIDIA Container Toolkit is not configured.");
    else if (printed(judge, "cdi_unresolvable"))
        cause = judge_find(judge, "container-no-gpu", CERTAIN,
                           "The container engine has no CDI description of NVIDIA's GPUs.");
    else if (start_up_finds_none(judge))
        cause = judge_find(judge, "container-no-gpu", LIKELY,
                           "The container was started without a GPU: its start-up finds no NVIDIA driver inside.");
    else if (printed(judge, "docker_old"))
        cause = judge_find(judge, "container-no-gpu", CERTAIN,
                           "This Docker does not know --gpus: it is older than 19.03, the first to pass GPUs.");
    else if (printed(judge, "cri_unknown_runtime"))
        cause = judge_find(judge, "container-no-gpu", CERTAIN,
                           "The container engine of Kubernetes knows no runtime \"nvidia\".");
    else if (printed(judge, "plugin_no_runtime"))
        cause =
            judge_find(judge, "container-no-gpu", LIKELY,
                       "NVIDIA's device plugin finds no driver in its own container: the node's container engine "
                       "does not run it with the runtime \"nvidia\".");
    else if (printed(judge, "ctk_cgroup"))
        cause = judge_find(judge, "container-no-gpu", LIKELY,
                           "The NVIDIA runtime may not give the container the GPU's devices: it cannot change the "
                           "device cgroup here.");
    else if (printed(judge, "ctk_ldconfig"))
        cause = judge_find(judge, "container-no-gpu", LIKELY,
                           "The NVIDIA runtime cannot put the driver's libraries into the container: the ldconfig "
                           "that it is told to run does not work.");
    if (!cause)
        return NULL;
    evidence_printed_all(judge, cause, "docker_no_gpu_driver", "docker_unknown_runtime", "cdi_unresolvable",
                         "docker_old", "cri_unknown_runtime", "plugin_no_runtime", "ctk_cgroup", "ctk_ldconfig",
                         "container_driver_not_detected", NULL);
    if (printed(judge, "ctk_cgroup"))
        cause_fix(judge, cause, "In a rootless or nested engine: let the runtime leave the cgroup alone",
                  "sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place", NULL)
            ->needs_root = true;
    if (printed(judge, "ctk_ldconfig"))
        cause_fix(judge, cause, "Name the ldconfig that is there",
                  "sudo nvidia-ctk config --set nvidia-container-cli.ldconfig=@$(command -v ldconfig) --in-place",
                  NULL)
            ->needs_root = true;
    return cause;
}

/* Nothing of the driver reached the container. */
static struct cause *no_gpu_by_facts(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    if (!in_container(judge) || has_nvidia_node(judge) || nvml_works_inside(judge))
        return NULL;
    const char *visible = text_of(access->nvidia_visible_devices);
    bool not_passed = absent(access->gpu_passed_by) || asks_for_none(visible);
    if (!not_passed) {
        settled(judge, "access.gpu_passed_by", &access->gpu_passed_by.is);
        return NULL;
    }
    if (!unknown(access->nodes))
        return judge_find(judge, "container-no-gpu", CERTAIN,
                          "The container was started without a GPU: no device node of NVIDIA's was passed in%s.",
                          asks_for_none(visible) ? " (NVIDIA_VISIBLE_DEVICES asks for none)" : "");
    /* pasted text: how it was started, and that nothing of the driver is found inside */
    bool nothing_inside = is_false(judge->facts->driver.smi_present) || torch_sees_none(judge) ||
                          printed(judge, "driver_missing_throw") || printed(judge, "no_gpus") ||
                          cuda_said(judge, 100) || cuda_said(judge, 35) ||
                          printed_about(judge, "library_missing", "libcuda.so") ||
                          printed_about(judge, "library_missing", "libnvidia-ml.so");
    if (!nothing_inside)
        return NULL;
    return judge_find(judge, "container-no-gpu", LIKELY,
                      "The container was started without a GPU: no option passes one in.");
}

/* In a container, and PyTorch finds no driver at all: the host may well have one. */
static struct cause *no_gpu_by_symptom(struct judge *judge) {
    bool no_smi = is_false(judge->facts->driver.smi_present) || absent(judge->facts->driver.nvml_version);
    bool no_driver = printed(judge, "driver_missing_throw") || (no_smi && torch_sees_none(judge)) ||
                     printed_saying(judge, "smi_not_found", "executable file"); /* the engine cannot start it */
    /* in pasted text the module's release may be told by the host */
    bool driver_inside = known(judge->facts->driver.module_version) &&
                         (!from_text(judge) || is_true(judge->facts->driver.smi_present));
    if (!in_container(judge) || !no_driver || nvml_lists_gpus(judge) || known(judge->facts->driver.nvml_version) ||
        driver_inside || known(judge->facts->access.gpu_passed_by) || text_eq(torch_build_of(judge), "cpu"))
        return NULL;
    return judge_find(judge, "container-no-gpu", LIKELY,
                      "No NVIDIA driver is found in the container: no GPU was passed in.");
}

static bool is_in_container_or_says(const struct judge *judge) {
    return in_container(judge) || start_up_finds_none(judge) ||
           printed_any(judge, "docker_no_gpu_driver", "docker_unknown_runtime", "cdi_unresolvable", "docker_old",
                       "cri_unknown_runtime", "plugin_no_runtime", "ctk_cgroup", "ctk_ldconfig", NULL);
}

void rule_container_no_gpu(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    if (cuda_lists_gpus(judge) || !is_in_container_or_says(judge) || judge_found(judge, "scheduler-no-gpu"))
        return;
    struct cause *cause = no_gpu_by_words(judge);
    if (!cause)
        cause = no_gpu_by_facts(judge);
    if (!cause)
        cause = no_gpu_by_symptom(judge);
    if (!cause)
        return;
    cause_fact(judge, cause, "system.container", &judge->facts->system.container);
    cause_fact(judge, cause, "access.gpu_passed_by", &access->gpu_passed_by);
    if (known(access->nvidia_visible_devices))
        cause_fact(judge, cause, "access.nvidia_visible_devices", &access->nvidia_visible_devices);
    evidence_printed(judge, cause, "driver_missing_throw");
    cause_fact(judge, cause, "driver.smi_present", &judge->facts->driver.smi_present);
    const struct printed_command *run = typed(judge, "docker", " run ", NULL);
    if (!run)
        run = typed(judge, "podman", " run ", NULL);
    if (run)
        evidence_typed(judge, cause, run);
    fix_container_run(judge, cause);
    see_toolkit(judge, cause);
}

/* --- container-capability-missing ---------------------------------------------------------------------------- */

static bool allows_compute(const char *capabilities) {
    struct span rest = span_of(capabilities), one;
    while (span_next_field(&rest, ',', &one)) {
        one = span_trim(one);
        if (span_eq(one, "compute") || span_eq(one, "all"))
            return true;
    }
    return false;
}

/* The runtime passed the GPU but not CUDA's part of the driver: NVML is there, libcuda is not. */
void rule_container_capability_missing(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    const struct text_fact *asked = &facts->access.nvidia_driver_capabilities;
    if (!in_container(judge) || cuda_lists_gpus(judge))
        return;
    bool refused = known(*asked) && *asked->value && !allows_compute(asked->value);
    bool nvml = nvml_lists_gpus(judge) || library_usable(judge, "libnvidia-ml.so.1") ||
                known(facts->driver.nvml_version) ||
                (number_of(facts->compute.nvml_init, -1) == 0 && absent(facts->driver.cuda_version)) ||
                (known(facts->access.gpu_passed_by) && is_true(facts->driver.smi_present));
    bool no_cuda = (!unknown(facts->driver.libraries) && !library_usable(judge, "libcuda.so.1")) ||
                   printed(judge, "driver_missing_throw") || absent(facts->driver.cuda_version) ||
                   printed_about(judge, "library_missing", "libcuda.so");
    bool passed = !absent(facts->access.gpu_passed_by);
    if (!(refused && passed) && !(nvml && no_cuda && passed))
        return;
    struct cause *cause = judge_find(judge, "container-capability-missing", refused ? CERTAIN : LIKELY,
                                     "The container got the GPU but not CUDA's part of the driver%s%s.",
                                     refused ? ": NVIDIA_DRIVER_CAPABILITIES is "
                                             : ": NVIDIA_DRIVER_CAPABILITIES must contain compute",
                                     refused ? asked->value : "");
    cause_fact(judge, cause, "access.nvidia_driver_capabilities", asked);
    if (no_cuda && !unknown(facts->driver.libraries))
        cause_evidence(judge, cause, "driver.libraries", "no libcuda.so.1", facts->driver.libraries.is.source);
    if (absent(facts->driver.cuda_version) && from_text(judge))
        cause_evidence(judge, cause, "driver.cuda_version", "nvidia-smi shows none (N/A)",
                       facts->driver.cuda_version.is.source);
    evidence_printed(judge, cause, "driver_missing_throw");
    evidence_printed(judge, cause, "library_missing");
    const struct printed_command *run = typed(judge, " run ", NULL);
    if (run)
        evidence_typed(judge, cause, run);
    fix_container_capabilities(judge, cause);
    cause_see(judge, cause,
              "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html");
}

/* --- container-cgroup-lost ----------------------------------------------------------------------------------- */

static const struct device_node *forbidden_node(const struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_eq(text_of(nodes->items[i].open_error), "EPERM") &&
            text_starts(text_of(nodes->items[i].path), "/dev/nvidia"))
            return &nodes->items[i];
    return NULL;
}

/* The node is there and its mode allows it, and yet opening is refused: the device cgroup. systemd drops the rules
 * that the runtime added behind its back at each daemon-reload. Outside of containers a job's or a unit's cgroup
 * does the same. */
void rule_container_cgroup_lost(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    const struct device_node *node = forbidden_node(judge);
    const struct printed_command *reload = typed(judge, "daemon-reload", NULL);
    bool facts = is_true(access->cgroup_denied) || node;
    bool nvml = nvml_said(judge, 999) || (nvml_said(judge, 17) && in_container(judge));
    facts |= printed(judge, "node_eperm") != NULL;
    if (cuda_lists_gpus(judge) || (!facts && !nvml) || absent(judge->facts->system.container))
        return;
    if (!facts && on_wsl(judge) && !in_container(judge))
        return;
    enum confidence confidence = facts || (nvml && reload) ? CERTAIN : in_container(judge) ? LIKELY : POSSIBLE;
    struct cause *cause =
        judge_find(judge, "container-cgroup-lost", confidence,
                   "The container %slost its right to the GPU's device nodes: its device cgroup refuses them%s.",
                   confidence == POSSIBLE ? "has probably " : "has ", reload ? ", since systemd reloaded" : "");
    if (node)
        cause_evidence(judge, cause, "access.nodes.open_error",
                       arena_printf(judge->arena, "%s: EPERM", text_of(node->path)), access->nodes.is.source);
    cause_fact(judge, cause, "access.cgroup_denied", &access->cgroup_denied);
    cause_fact(judge, cause, "access.dev_char_links", &access->dev_char_links);
    evidence_nvml(judge, cause, 999);
    evidence_nvml(judge, cause, 17);
    evidence_printed(judge, cause, "node_eperm");
    if (reload)
        evidence_typed(judge, cause, reload);
    if (on_wsl(judge) && nvml_said(judge, 17)) /* no systemd reload: no rule was ever set for /dev/dxg */
        cause_fix(judge, cause,
                  "Outside the container: set no-cgroups = false in /etc/nvidia-container-runtime/config.toml",
                  "sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=false --in-place",
                  "sudo systemctl restart docker", NULL)
            ->needs_root = true;
    else
        fix_container_again(judge, cause);
    cause_see(judge, cause,
              "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html");
}
