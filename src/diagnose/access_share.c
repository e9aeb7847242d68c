/* Link 3, who else has the GPU and what it waits for: compute mode, memory, MIG, fabric manager, vGPU licence. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

/* --- compute-mode-or-in-use ---------------------------------------------------------------------------------- */

/* "Exclusive_Process", "Exclusive Process", "E. Process" */
static bool mode_is(const char *mode, const char *letter) {
    return mode && text_has_nocase(mode, letter);
}

static const struct text_fact *compute_mode(const struct judge *judge, const char **ret_name) {
    const struct snapshot *facts = judge->facts;
    *ret_name = "compute.devices.compute_mode";
    for (size_t i = 0; i < facts->compute.devices.count; i++)
        if (known(facts->compute.devices.items[i].compute_mode) &&
            !mode_is(facts->compute.devices.items[i].compute_mode.value, "default"))
            return &facts->compute.devices.items[i].compute_mode;
    *ret_name = "compute.gpus.compute_mode";
    for (size_t i = 0; i < facts->compute.gpus.count; i++)
        if (known(facts->compute.gpus.items[i].compute_mode) &&
            !mode_is(facts->compute.gpus.items[i].compute_mode.value, "default"))
            return &facts->compute.gpus.items[i].compute_mode;
    *ret_name = "access.compute_mode";
    return known(facts->access.compute_mode) ? &facts->access.compute_mode : NULL;
}

static bool another_process(const struct judge *judge) {
    return judge->facts->access.processes.count > 0;
}

/* CUDA's errors of an MPS client: 805 no daemon or server answers, 806 the call to it failed, 807 it recovers from a
 * failure, 808 and 809 it has no room for another client or connection. */
enum { MPS_FIRST = 805, MPS_NOT_READY = 807, MPS_FULL = 808, MPS_LAST = 809 };

static int mps_error(const struct judge *judge) {
    for (int code = MPS_LAST; code >= MPS_FIRST; code--)
        if (cuda_said(judge, code))
            return code;
    return 0;
}

static void fix_mps(struct judge *judge, struct cause *cause, bool full) {
    if (full)
        cause_fix(judge, cause, "See which servers and clients MPS has, and end clients that are not needed",
                  "echo get_server_list | nvidia-cuda-mps-control", "nvidia-smi", NULL);
    /* an empty directory has no daemon, and a program that finds none does without (MPS documentation) */
    cause_fix(judge, cause, "Do without MPS, in this shell (not where the compute mode is exclusive)",
              "export CUDA_MPS_PIPE_DIRECTORY=$(mktemp -d)", NULL);
    cause_fix(
        judge, cause,
        "Start MPS's daemon anew, as the user who started it: after an update of the driver the old one stays "
        "and does not go with the new library",
        "echo quit | nvidia-cuda-mps-control", "nvidia-cuda-mps-control -d", NULL);
    if (in_container(judge))
        cause_fix(
            judge, cause,
            "In a container: mount the host's pipe directory, share its IPC, be the same user, and use the host's "
            "driver library",
            arena_printf(judge->arena, "%s run --gpus all --ipc=host -v /tmp/nvidia-mps:/tmp/nvidia-mps ...",
                         container_engine(judge)),
            NULL);
}

/* A program that finds the pipe directory of an MPS daemon talks to the GPU through it only. */
static bool mps_fails(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    int code = mps_error(judge);
    if (!code && !printed(judge, "mps_failed"))
        return false;
    const char *directory = text_of(access->mps);
    const char *why = code >= MPS_FULL                ? "has no room for another program"
                      : is_false(access->mps_running) ? "does not answer: none runs"
                      : code == MPS_NOT_READY         ? "recovers from a failure and takes no program"
                                                      : "does not answer, or is of another driver release";
    struct cause *cause = judge_find(judge, "compute-mode-or-in-use", code ? CERTAIN : LIKELY,
                                     "CUDA goes through MPS here%s%s%s, and its daemon or server %s.",
                                     directory ? " (" : "", directory ? directory : "", directory ? ")" : "", why);
    for (int c = MPS_FIRST; c <= MPS_LAST; c++)
        evidence_cuda(judge, cause, c);
    evidence_printed(judge, cause, "mps_failed");
    cause_fact(judge, cause, "access.mps", &access->mps);
    cause_fact(judge, cause, "access.mps_running", &access->mps_running);
    evidence_variable(judge, cause, "CUDA_MPS_PIPE_DIRECTORY");
    cause_fact(judge, cause, "access.compute_mode", &access->compute_mode);
    fix_mps(judge, cause, code >= MPS_FULL);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/mps/");
    return true;
}

/* Prohibited lets no process in; exclusive mode one. Error 46 is what the second one gets. */
void rule_compute_mode_or_in_use(struct judge *judge) {
    if (!cuda_lists_gpus(judge) && mps_fails(judge))
        return;
    const char *name;
    const struct text_fact *mode = compute_mode(judge, &name);
    const char *value = mode ? mode->value : NULL;
    bool prohibited = mode_is(value, "prohibited"),
         exclusive = mode_is(value, "exclusive") || text_starts(value, "E.");
    bool busy = cuda_said(judge, 46);
    if (torch_worked(judge) && !busy)
        return;
    if (!prohibited && !busy && !(exclusive && another_process(judge)))
        return;
    struct cause *cause =
        prohibited ? judge_find(judge, "compute-mode-or-in-use", CERTAIN,
                                "The GPU's compute mode is Prohibited: no program may compute on it.")
        : exclusive
            ? judge_find(judge, "compute-mode-or-in-use", busy ? CERTAIN : LIKELY,
                         "The GPU is in exclusive mode (one process at a time), and another process has it.")
            : judge_find(judge, "compute-mode-or-in-use", POSSIBLE,
                         "CUDA says that the GPU is busy or unavailable: another process has it for itself.");
    if (mode)
        cause_fact(judge, cause, name, mode);
    evidence_cuda(judge, cause, 46);
    for (size_t i = 0; i < judge->facts->access.processes.count && i < 8; i++) {
        const struct gpu_process *process = &judge->facts->access.processes.items[i];
        cause_evidence(judge, cause, "access.processes",
                       arena_printf(judge->arena, "%s (pid %lld)",
                                    text_of(process->name) ? text_of(process->name) : "?",
                                    (long long)number_of(process->pid, 0)),
                       judge->facts->access.processes.is.source);
    }
    if (!prohibited)
        cause_fix(judge, cause,
                  "See which process has it, and end it; in a distributed program give each rank its own GPU "
                  "(torch.cuda.set_device(local_rank)) before the first CUDA call",
                  "nvidia-smi", NULL);
    if (prohibited || exclusive || !mode)
        cause_fix(judge, cause,
                  "Let several processes use the GPU (a cluster's administrator may want it otherwise)",
                  "sudo nvidia-smi --compute-mode=DEFAULT", NULL)
            ->needs_root = true;
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/cuda-c-programming-guide/#compute-modes");
    if (!mode)
        judge_ask(judge, "access.compute_mode", "the compute mode, and who uses the GPU",
                  "nvidia-smi --query-gpu=compute_mode,name --format=csv; nvidia-smi");
}

/* --- gpu-memory-exhausted ------------------------------------------------------------------------------------ */

/* "12.50 MiB free" -> 12.5; the number before `words`, in MiB; negative: not there. */
static double mib_before(const char *text, const char *words) {
    struct span span = span_of(text);
    size_t at = text ? span_find(span, words) : SIZE_MAX;
    if (at == SIZE_MAX)
        return -1;
    size_t start = at;
    while (start && strchr("0123456789.", text[start - 1]))
        start--;
    double value = 0, scale = 1;
    bool fraction = false, digits = false;
    for (size_t i = start; i < at; i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        value = value * 10 + (text[i] - '0');
        scale *= fraction ? 10 : 1;
        digits = true;
    }
    value /= scale;
    if (span_starts(span_slice(span, at, span.len), " GiB"))
        value *= 1024;
    else if (span_starts(span_slice(span, at, span.len), " KiB"))
        value /= 1024;
    return digits ? value : -1;
}

static double amount(const char *text, const char *words) {
    static const char *const units[] = {" MiB", " GiB", " KiB"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        AUTO_ARENA scratch = {0};
        double mib = mib_before(text, arena_printf(&scratch, "%s %s", units[i], words));
        if (mib >= 0)
            return mib;
    }
    return -1;
}

enum holder { HOLDER_UNKNOWN, HOLDER_OTHERS, HOLDER_ITSELF };

/* PyTorch's message tells the card's size, what is free and what PyTorch itself reserved: the rest belongs to
 * others. */
static enum holder who_holds(const struct judge *judge) {
    for (size_t i = 0; i < judge->facts->compute.devices.count; i++) {
        const struct compute_device *device = &judge->facts->compute.devices.items[i];
        if (known(device->memory_total_mib) && known(device->memory_free_mib) &&
            known(device->memory_reserved_mib))
            return device->memory_total_mib.value - device->memory_free_mib.value -
                               device->memory_reserved_mib.value >
                           device->memory_total_mib.value / 4
                       ? HOLDER_OTHERS
                       : HOLDER_ITSELF;
    }
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++) {
        if (!text_eq(text_of(messages->items[i].id), "out_of_memory"))
            continue;
        const char *text = text_of(messages->items[i].text);
        double total = amount(text, "total capacity"), free_mib = amount(text, "free");
        double own = amount(text, "reserved in total by PyTorch");
        if (own < 0)
            own = amount(text, "memory in use"); /* "this process has 1.2 GiB memory in use", from 2.1 on */
        if (own < 0)
            own = amount(text, "is allocated by PyTorch");
        if (total > 0 && free_mib >= 0 && own >= 0)
            return total - free_mib - own > total / 4 ? HOLDER_OTHERS : HOLDER_ITSELF;
        if (text_has_nocase(text, "Free memory on device"))
            return HOLDER_OTHERS; /* vLLM asks before it takes any */
    }
    return HOLDER_UNKNOWN;
}

static bool full_device(const struct judge *judge) {
    for (size_t i = 0; i < judge->facts->compute.devices.count; i++) {
        const struct compute_device *device = &judge->facts->compute.devices.items[i];
        int64_t total = number_of(device->memory_total_mib, 0),
                free_mib = number_of(device->memory_free_mib, total);
        if (total > 0 && free_mib * 50 < total) /* under 2%: a context alone takes some hundred MiB */
            return true;
    }
    return false;
}

void rule_gpu_memory_exhausted(struct judge *judge) {
    const struct printed_message *by_program = printed_any(judge, "vllm_no_cache", "cublas_alloc", NULL);
    /* cudaGetDeviceCount allocates nothing: "Error 2" there is a driver that does not start (several GPUs under
     * WSL) */
    bool counting = printed_with(judge, "unexpected_count_error", "2") && !printed(judge, "out_of_memory");
    bool said = (cuda_said(judge, 2) && !counting) || by_program;
    bool full = full_device(judge);
    if (!said && !full)
        return;
    /* after a kernel's assertion every call fails, the one for a cuBLAS handle too; PyTorch's own words for a full
     * memory name an amount */
    if (cuda_said(judge, 710) && !full && !printed_about(judge, "out_of_memory", "B"))
        return;
    enum holder holder = full && !said ? HOLDER_OTHERS : who_holds(judge);
    struct cause *cause = judge_find(
        judge, "gpu-memory-exhausted", said ? (holder == HOLDER_UNKNOWN ? LIKELY : CERTAIN) : LIKELY, "%s",
        holder == HOLDER_OTHERS   ? "The GPU's memory is full, and most of it is held by other processes."
        : holder == HOLDER_ITSELF ? "The GPU's memory is full: the program itself needs more than there is."
                                  : "The GPU's memory is full.");
    evidence_cuda(judge, cause, 2);
    evidence_printed_all(judge, cause, "vllm_no_cache", "cublas_alloc", NULL);
    for (size_t i = 0; i < judge->facts->compute.devices.count; i++)
        cause_fact(judge, cause, "compute.devices.memory_free_mib",
                   &judge->facts->compute.devices.items[i].memory_free_mib);
    for (size_t i = 0; i < judge->facts->access.processes.count && i < 8; i++) {
        const struct gpu_process *process = &judge->facts->access.processes.items[i];
        cause_evidence(judge, cause, "access.processes",
                       arena_printf(judge->arena, "%s (pid %lld) holds %lld MiB",
                                    text_of(process->name) ? text_of(process->name) : "?",
                                    (long long)number_of(process->pid, 0),
                                    (long long)number_of(process->memory_mib, 0)),
                       judge->facts->access.processes.is.source);
    }
    if (holder != HOLDER_ITSELF) {
        cause_fix(judge, cause,
                  "See who holds it, and end what is not needed (a crashed program may still hold some)",
                  "nvidia-smi", on_windows(judge) || on_wsl(judge) ? NULL : "sudo fuser -v /dev/nvidia*", NULL);
        if (judge->facts->gpu.devices.count > 1)
            cause_fix(judge, cause, "Take another GPU", "export CUDA_VISIBLE_DEVICES=1", NULL);
    }
    if (holder != HOLDER_OTHERS)
        cause_fix(
            judge, cause,
            "Need less: a smaller batch, half precision, gradient checkpointing, torch.no_grad() for inference",
            NULL);
    cause_see(judge, cause, "https://pytorch.org/docs/stable/notes/cuda.html#memory-management");
}

/* --- mig-misconfigured --------------------------------------------------------------------------------------- */

/* MIG mode takes the whole GPU away from CUDA: without an instance nothing is visible, with instances a process
 * sees one. */
struct mig {
    bool on;
    int64_t instances; /* -1: not known */
};

/* NVML tells per GPU; a GPU without MIG beside one with it leaves CUDA a device. */
static struct mig mig_of(const struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    const struct nvml_gpu_rows *rows = &judge->facts->compute.gpus;
    struct mig mig = {is_true(access->mig_enabled), number_of(access->mig_instances, -1)};
    size_t on = 0, instances = 0;
    for (size_t i = 0; i < rows->count; i++) {
        on += is_true(rows->items[i].mig);
        instances += rows->items[i].mig_instances.count;
    }
    if (on && on == rows->count)
        mig = (struct mig){true, (int64_t)instances};
    else if (rows->count)
        mig.on = false;
    return mig;
}

/* Using an instance takes two nodes of /dev/nvidia-caps, its GPU instance's and its compute instance's (MIG user
 * guide). One that is missing is made at first use where the setuid nvidia-modprobe is; one that is there and shut
 * stays so. */
static bool mig_nodes_shut(struct judge *judge, const struct mig *mig) {
    const struct access_facts *access = &judge->facts->access;
    const struct texts_fact *denied = &access->mig_nodes_denied;
    size_t shut = 0, missing = 0;
    if (mig->instances <= 0 || cuda_lists_gpus(judge))
        return false;
    for (size_t i = 0; i < denied->count; i++) {
        bool there = has_node(judge, denied->items[i]);
        shut += there;
        missing += !there && is_false(access->modprobe_setuid) && !in_container(judge);
    }
    bool fails = cuda_said(judge, 100) || torch_sees_none(judge);
    if (!shut && !missing)
        return false;
    /* other instances' nodes may be shut on purpose: it counts where nothing is left, or CUDA finds nothing */
    if (!fails && (int64_t)(shut + missing) < mig->instances)
        return false;
    struct cause *cause =
        judge_find(judge, "mig-misconfigured", fails ? CERTAIN : LIKELY,
                   "The GPU is in MIG mode and this user may not open the device nodes of its instances.");
    cause_fact(judge, cause, "access.mig_instances", &access->mig_instances);
    const char *open_all = "sudo chmod a+r";
    for (size_t i = 0; i < denied->count; i++) {
        bool there = has_node(judge, denied->items[i]);
        cause_evidence(
            judge, cause, "access.mig_nodes_denied",
            arena_printf(judge->arena, "%s: %s", denied->items[i], there ? "does not open" : "not there"),
            denied->is.source);
        if (there && i < 16)
            open_all = arena_printf(judge->arena, "%s %s", open_all, denied->items[i]);
    }
    evidence_cuda(judge, cause, 100);
    if (in_container(judge))
        cause_fix(
            judge, cause, "Start the container with an instance: its UUID is in the list (on the host)",
            "nvidia-smi -L",
            arena_printf(judge->arena, "%s run --gpus device=MIG-UUID-FROM-THE-LIST ...", container_engine(judge)),
            NULL);
    if (missing)
        cause_fix(judge, cause, "Make the nodes of the instances",
                  "for f in $(find /proc/driver/nvidia/capabilities -path '*mig/gi*' -name access); do sudo "
                  "nvidia-modprobe -f $f; done",
                  "ls -l /dev/nvidia-caps", NULL)
            ->needs_root = true;
    if (shut && !in_container(judge))
        cause_fix(judge, cause, "Let everybody read them (or have the administrator give this user one instance)",
                  open_all, "nvidia-smi -L", NULL)
            ->needs_root = true;
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/");
    return true;
}

void rule_mig_misconfigured(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    struct mig mig = mig_of(judge);
    if (!mig.on || torch_worked(judge) || mig_nodes_shut(judge, &mig))
        return;
    bool no_device = cuda_said(judge, 100) || printed(judge, "no_gpus") || torch_sees_none(judge);
    bool no_instance = mig.instances == 0 && !cuda_lists_gpus(judge);
    bool ordinal = cuda_said(judge, 101) || printed(judge, "invalid_device") || printed(judge, "deferred_call");
    if (!no_instance && !no_device && !ordinal)
        return;
    struct cause *cause =
        no_instance || !ordinal
            ? judge_find(judge, "mig-misconfigured", no_instance ? CERTAIN : LIKELY,
                         "The GPU is in MIG mode and this process has no MIG instance, so CUDA sees no device.")
            : judge_find(judge, "mig-misconfigured", LIKELY,
                         "The GPU is in MIG mode: a process sees one MIG instance, as device 0, and asked for "
                         "another number.");
    cause_fact(judge, cause, "access.mig_enabled", &access->mig_enabled);
    cause_fact(judge, cause, "access.mig_instances", &access->mig_instances);
    cause_fact(judge, cause, "environment.visible_devices", &judge->facts->environment.visible_devices);
    evidence_cuda(judge, cause, 100);
    evidence_cuda(judge, cause, 101);
    evidence_printed(judge, cause, "no_gpus");
    if (!no_instance && ordinal)
        cause_fix(judge, cause, "Ask for device 0 (cuda:0), whichever instance the process is given", NULL);
    cause_fix(judge, cause, "Give the process an instance: its UUID is in the list", "nvidia-smi -L",
              "export CUDA_VISIBLE_DEVICES=MIG-UUID-FROM-THE-LIST", NULL);
    if (no_instance)
        fix_table(judge, cause, "create-mig-instance");
    cause_fix(judge, cause, "Turn MIG off, to use the whole GPU", "sudo nvidia-smi -mig 0", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/");
}

/* --- fabric-manager-down ------------------------------------------------------------------------------------- */

void rule_fabric_manager_down(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    const struct access_facts *access = &facts->access;
    bool needed = is_true(access->fabric_manager_needed) || number_of(facts->gpu.nvswitches, 0) > 0;
    bool down = needed && is_false(access->fabric_manager_running);
    const struct text_fact *fabric = NULL;
    for (size_t i = 0; i < facts->compute.gpus.count && !fabric; i++) {
        const char *state = text_of(facts->compute.gpus.items[i].fabric_state);
        if (text_eq(state, "not-started") || text_eq(state, "in-progress"))
            fabric = &facts->compute.gpus.items[i].fabric_state;
    }
    down |= fabric && needed;
    struct driver_version manager, release;
    bool differs = needed && known(access->fabric_manager_version) &&
                   driver_release(judge, &release, NULL, NULL) &&
                   driver_version_parse(span_of(access->fabric_manager_version.value), &manager) == 0 &&
                   driver_version_compare(&manager, &release) != 0;
    const struct printed_message *mismatch = printed(judge, "fm_version_mismatch");
    bool not_ready = cuda_said(judge, 802) && !is_false(access->fabric_manager_needed);
    /* a daemon that finds no NVSwitch ends by itself: it counts only where PyTorch sees no GPU, or the GPU's own
     * registration (nvidia-smi -q) is under way */
    not_ready |= ((printed(judge, "fabric_down") && torch_sees_none(judge)) || printed(judge, "fabric_waits")) &&
                 !is_false(access->fabric_manager_needed);
    if (cuda_lists_gpus(judge) && !not_ready)
        return;
    if (!down && !differs && !mismatch && !not_ready)
        return;
    struct cause *cause = differs || mismatch
                              ? judge_find(judge, "fabric-manager-down", CERTAIN,
                                           "The fabric manager is of another release than the driver, so it does "
                                           "not start; the GPUs wait for it.")
                              : judge_find(judge, "fabric-manager-down", down ? CERTAIN : LIKELY,
                                           "The GPUs wait for the fabric manager (nvidia-fabricmanager), which "
                                           "connects them through NVSwitch%s.",
                                           down ? " and is not running" : "");
    evidence_cuda(judge, cause, 802);
    if (fabric)
        cause_fact(judge, cause, "compute.gpus.fabric_state", fabric);
    evidence_printed_all(judge, cause, "fm_version_mismatch", "fabric_down", "fabric_waits", NULL);
    cause_fact(judge, cause, "gpu.nvswitches", &facts->gpu.nvswitches);
    cause_fact(judge, cause, "access.fabric_manager_running", &access->fabric_manager_running);
    cause_fact(judge, cause, "access.fabric_manager_version", &access->fabric_manager_version);
    cause_fact(judge, cause, "driver.module_version", &facts->driver.module_version);
    if (!differs && !mismatch) /* one of another release would end at once */
        fix_table_or(judge, cause, "start-fabric-manager",
                     "Start it: systemctl enable --now nvidia-fabricmanager");
    fix_table_or(judge, cause, "install-fabric-manager",
                 "Install the fabric manager of exactly the driver's release");
    for (size_t i = 0; in_container(judge) && i < cause->fixes.count; i++)
        cause->fixes.items[i].title =
            arena_printf(judge->arena, "On the host of this container: %s", cause->fixes.items[i].title);
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/");
}

/* --- no-vgpu-license ----------------------------------------------------------------------------------------- */

void rule_no_vgpu_license(struct judge *judge) {
    const struct access_facts *access = &judge->facts->access;
    bool unlicensed = text_starts(text_of(access->vgpu_license), "Unlicensed");
    for (size_t i = 0; i < judge->facts->compute.gpus.count; i++)
        unlicensed |= text_eq(text_of(judge->facts->compute.gpus.items[i].virtualization), "vgpu") &&
                      is_false(judge->facts->compute.gpus.items[i].licensed);
    bool refused = cuda_said(judge, 102);
    bool printed_so = printed(judge, "vgpu_unlicensed") != NULL;
    bool daemon_down = is_true(access->vgpu) && is_false(access->gridd_running) && !known(access->vgpu_license);
    if (!unlicensed && !refused && !printed_so && !daemon_down)
        return;
    struct cause *cause = judge_find(
        judge, "no-vgpu-license", unlicensed || refused || printed_so ? CERTAIN : LIKELY,
        daemon_down ? "The GPU is a vGPU and nvidia-gridd, which fetches its licence, is not running."
                    : "The GPU is a vGPU without a licence: its driver slows CUDA down, or refuses it.");
    cause_fact(judge, cause, "access.vgpu_license", &access->vgpu_license);
    for (size_t i = 0; i < judge->facts->compute.gpus.count; i++)
        if (is_false(judge->facts->compute.gpus.items[i].licensed))
            cause_fact(judge, cause, "compute.gpus.licensed", &judge->facts->compute.gpus.items[i].licensed);
    cause_fact(judge, cause, "access.gridd_running", &access->gridd_running);
    evidence_cuda(judge, cause, 102);
    evidence_printed(judge, cause, "vgpu_unlicensed");
    cause_fix(
        judge, cause,
        "Give the machine its licence (token in /etc/nvidia/ClientConfigToken, or gridd.conf), restart the daemon",
        "sudo systemctl restart nvidia-gridd", "nvidia-smi -q | grep -i license", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/license-system/latest/");
}
