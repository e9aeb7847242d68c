/* Link 1: is there an NVIDIA GPU, is it alive, who has it? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "knowledge/error.h"

/* NVIDIA's installer looked at the bus and found no GPU that it knows. */
static bool absent_by_installer(struct judge *judge) {
    if (!printed(judge, "installer_no_gpu") || gpu_present(judge))
        return false;
    struct cause *cause =
        judge_find(judge, "gpu-absent", POSSIBLE, "NVIDIA's installer finds no GPU that its driver supports.");
    evidence_printed(judge, cause, "installer_no_gpu");
    cause_fix(judge, cause, "See whether there is one, and which: lspci lists it", "lspci -nn | grep -i nvidia",
              NULL);
    cause_see(judge, cause, "https://www.nvidia.com/en-us/drivers/unix/legacy-gpu/");
    return true;
}

/* The kernel module and nvidia-modprobe count the GPUs on the bus before they do anything else. A GPU that the
 * module leaves to a legacy branch is not counted either, and the log says so. */
static bool absent_by_log(struct judge *judge) {
    bool counted = logged(judge, "no_gpu_found") || printed(judge, "bus_without_gpu");
    bool left_out = logged(judge, "legacy_gpu") || logged(judge, "legacy_ignored") ||
                    logged(judge, "not_supported_by_release") || logged(judge, "open_not_supported") ||
                    printed(judge, "kernel_legacy") || printed(judge, "kernel_not_supported");
    if (!counted || left_out || gpu_present(judge) || in_container(judge))
        return false;
    struct cause *cause = judge_find(judge, "gpu-absent", LIKELY,
                                     "NVIDIA's kernel module looked at the PCI bus and found no GPU there.");
    evidence_log(judge, cause, "no_gpu_found");
    evidence_printed(judge, cause, "bus_without_gpu");
    cause_fix(judge, cause, "See whether there is one, and which: lspci lists it", "lspci -nn | grep -i nvidia",
              NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
    return true;
}

/* No display function of vendor 10de on a readable bus, no /dev/dxg, no Tegra: also in a virtual machine. Stray
 * device nodes change nothing. What CUDA or PyTorch lists all the same is stronger than a listing that was cut. */
void rule_gpu_absent(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    if (on_jetson(judge) || on_wsl(judge) || on_macos(judge) || cuda_lists_gpus(judge) || nvml_lists_gpus(judge))
        return;
    if (absent_by_installer(judge) || absent_by_log(judge) ||
        !settled(judge, "gpu.devices", &facts->gpu.devices.is))
        return;
    if (!is_true(facts->gpu.bus_readable) || facts->gpu.devices.count)
        return;
    bool login_node = is_true(facts->access.scheduler_outside);
    struct cause *cause =
        judge_find(judge, "gpu-absent", CERTAIN, "There is no NVIDIA GPU on this machine's PCI bus%s.",
                   login_node ? ": this shell is outside of any job, on a login node of a cluster"
                   : known(facts->system.virtual_machine) ? ", which is that of a virtual machine"
                                                          : "");
    cause_evidence(judge, cause, "gpu.devices", "no display or 3D function of vendor 10de",
                   facts->gpu.devices.is.source);
    for (size_t i = 0; i < facts->gpu.others.count; i++)
        cause_fact(judge, cause, "gpu.others.name", &facts->gpu.others.items[i].name);
    if (known(facts->system.virtual_machine))
        cause_fact(judge, cause, "system.virtual_machine", &facts->system.virtual_machine);
    if (login_node) {
        cause_fact(judge, cause, "access.scheduler_outside", &facts->access.scheduler_outside);
        fix_job(judge, cause);
    } else if (known(facts->system.virtual_machine))
        cause_fix(judge, cause,
                  "Give the virtual machine a GPU: an instance type with one in a cloud, PCI passthrough or a "
                  "vGPU at home; inside it this must list it",
                  "lspci -nn | grep -i nvidia", NULL);
    else
        cause_fix(
            judge, cause,
            "Seat the card and its power cables, see that the firmware (BIOS) has not turned it off, look for it "
            "anew",
            "echo 1 | sudo tee /sys/bus/pci/rescan", "lspci -nn | grep -i nvidia", NULL)
            ->needs_root = true;
    cause_fix(judge, cause, "Without a GPU PyTorch computes on the CPU: torch.device(\"cpu\")", NULL);
    cause_see(judge, cause, "https://pytorch.org/get-started/locally/");
}

static bool log_xid(const struct judge *judge, int64_t xid) {
    const struct log_line_rows *log = &judge->facts->driver.kernel_log;
    for (size_t i = 0; i < log->count; i++)
        if (number_of(log->items[i].xid, -1) == xid)
            return true;
    return false;
}

static void evidence_line(struct judge *judge, struct cause *cause, const struct log_line *line) {
    const char *text = text_of(line->text);
    cause_evidence(judge, cause, "driver.kernel_log",
                   text ? text : arena_printf(judge->arena, "Xid %lld", (long long)number_of(line->xid, 0)),
                   line->text.is.source ? line->text.is.source : judge->facts->driver.kernel_log.is.source);
}

static void evidence_xid(struct judge *judge, struct cause *cause, int64_t xid) {
    const struct log_line_rows *log = &judge->facts->driver.kernel_log;
    for (size_t i = 0; i < log->count; i++)
        if (number_of(log->items[i].xid, -1) == xid) {
            evidence_line(judge, cause, &log->items[i]);
            return;
        }
}

/* nvidia-smi that cannot get a handle of a GPU it lists: the driver knows it and it no longer answers, unless the
 * reason it gives is another one. Under WSL and in containers it is. */
static bool handle_names_other_reason(const struct printed_message *handle) {
    static const char *const reasons[] = {"reset",   "restart", "power",    "permission",
                                          "version", "blocked", "not found"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (text_has_nocase(text_of(handle->second), reasons[i]))
            return true;
    return false;
}

static const struct printed_message *printed_said_lost(const struct judge *judge) {
    const struct printed_message *handle = printed(judge, "smi_handle");
    if (printed(judge, "gpu_off_bus"))
        return printed(judge, "gpu_off_bus");
    if (printed_saying(judge, "smi_reset", "lost"))
        return printed_saying(judge, "smi_reset", "lost");
    if (printed_saying(judge, "smi_reset", "Reboot the system"))
        return printed_saying(judge, "smi_reset", "Reboot the system");
    return handle && !on_wsl(judge) && !in_container(judge) && !handle_names_other_reason(handle) ? handle : NULL;
}

/* Its configuration space reads as ff, or the driver says that it lost it (Xid 79, NVML 15). */
void rule_gpu_fell_off_bus(struct judge *judge) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    struct cause *cause = NULL;
    for (size_t i = 0; i < gpu->devices.count; i++) {
        const struct gpu_device *device = &gpu->devices.items[i];
        bool lost = text_has_nocase(text_of(device->fault), "lost") ||
                    text_has_nocase(text_of(device->fault), "fallen off");
        if (!is_true(device->config_dead) && !lost)
            continue;
        const char *address = text_of(device->address);
        cause = judge_find(judge, "gpu-fell-off-bus", CERTAIN, "The GPU%s%s no longer answers on the PCI bus.",
                           address ? " at " : "", address ? address : "");
        cause_fact(judge, cause, "gpu.devices.config_dead", &device->config_dead);
        cause_fact(judge, cause, "gpu.devices.fault", &device->fault);
    }
    const struct printed_message *said = printed_said_lost(judge);
    if (logged(judge, "fell_off_bus") || logged(judge, "gpu_lost") || log_xid(judge, 79) || nvml_said(judge, 15) ||
        said) {
        cause = judge_find(judge, "gpu-fell-off-bus", cause ? CERTAIN : LIKELY,
                           "The driver lost the GPU: it has fallen off the PCI bus and no longer answers.");
        evidence_log(judge, cause, "fell_off_bus");
        evidence_log(judge, cause, "gpu_lost");
        evidence_xid(judge, cause, 79);
        evidence_nvml(judge, cause, 15);
        if (said)
            cause_message(judge, cause, said);
    }
    if (!cause)
        return;
    cause_fix(judge, cause, "Switch the machine off and on (a reset of the GPU alone cannot reach it)",
              "sudo poweroff", NULL);
    cause_fix(
        judge, cause,
        "Then, if it happens again: check power supply and cables, cooling, the riser and the slot, then the card",
        "nvidia-smi", "sudo dmesg | grep -iE 'xid|fallen'", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/xid-errors/index.html");
}

/* The driver that has it is neither NVIDIA's nor nouveau (which is a cause of its own). One of several is passed
 * through on purpose, so only all of them count. */
static bool bound_elsewhere(const char *driver) {
    return driver && !text_starts(driver, "nvidia") && !text_eq(driver, "nouveau") &&
           !text_starts(driver, "nova") && !text_eq(driver, "nvgpu");
}

/* "NVRM: GPU 0000:01:00.0 is already bound to vfio-pci." */
static const char *owner_in_log(struct judge *judge) {
    const struct log_line *line = logged(judge, "already_bound");
    const char *text = line ? text_of(line->text) : NULL;
    static const char words[] = "is already bound to ";
    size_t at = text ? span_find(span_of(text), words) : SIZE_MAX, end = 0;
    if (at == SIZE_MAX)
        return NULL;
    struct span owner = span_slice(span_of(text), at + strlen(words), SIZE_MAX);
    while (end < owner.len && owner.ptr[end] != ' ' && owner.ptr[end] != '\n')
        end++;
    while (end && owner.ptr[end - 1] == '.')
        end--;
    const char *name = arena_copy_span(judge->arena, span_slice(owner, 0, end));
    return bound_elsewhere(name) && !text_eq(name, "another") ? name : NULL;
}

void rule_gpu_bound_elsewhere(struct judge *judge) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    size_t elsewhere = 0;
    for (size_t i = 0; i < gpu->devices.count; i++)
        elsewhere += bound_elsewhere(text_of(gpu->devices.items[i].kernel_driver));
    const char *said = elsewhere ? NULL : owner_in_log(judge);
    if ((!said && (!elsewhere || elsewhere < gpu->devices.count)) || cuda_lists_gpus(judge))
        return;
    const struct gpu_device *first = gpu->devices.count ? &gpu->devices.items[0] : NULL;
    const char *driver = said ? said : text_of(first->kernel_driver);
    bool passthrough = text_has(driver, "vfio") || text_has(driver, "pci-stub") || text_has(driver, "pciback");
    struct cause *cause = judge_find(judge, "gpu-bound-elsewhere", CERTAIN,
                                     "The kernel driver %s has the GPU%s, so NVIDIA's driver cannot use it.",
                                     driver, passthrough ? ", to pass it on to a virtual machine" : "");
    for (size_t i = 0; i < gpu->devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.kernel_driver", &gpu->devices.items[i].kernel_driver);
    evidence_log(judge, cause, "probe_not_called");
    evidence_log(judge, cause, "already_bound");
    const char *address = first && text_of(first->address) ? text_of(first->address) : "0000:01:00.0";
    cause_fix(
        judge, cause, "Hand it back to NVIDIA's driver now",
        arena_printf(judge->arena, "echo %s | sudo tee /sys/bus/pci/devices/%s/driver/unbind", address, address),
        arena_printf(judge->arena, "echo | sudo tee /sys/bus/pci/devices/%s/driver_override", address),
        "sudo modprobe nvidia",
        arena_printf(judge->arena, "echo %s | sudo tee /sys/bus/pci/drivers/nvidia/bind", address), NULL)
        ->needs_root = true;
    cause_fix(judge, cause,
              arena_printf(
                  judge->arena,
                  "For good: take its ids out of the options of %s (modprobe.d, or vfio-pci.ids= on the kernel's "
                  "command line), rebuild the initramfs, reboot",
                  driver),
              NULL)
        ->reboot = true;
    cause_see(judge, cause, "https://docs.kernel.org/driver-api/vfio.html");
}

/* Xids that tell of the card, its memory, its links or its firmware, not of a program (13, 31, 43, 45 and the like
 * are a program's); what to do is in the table. Source: NVIDIA, "XID errors". */
static bool xid_is_hardware(int64_t xid) {
    static const int ids[] = {46,  48,  54,  57,  58,  62,  64,  74,  90,  94,  95,  109, 110, 119, 120, 122,
                              123, 125, 136, 140, 143, 155, 156, 158, 159, 165, 167, 168, 171, 172, 173, 175};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] == xid)
            return true;
    return false;
}

/* Which Xid a line tells of, if it is one of the hardware: NVLink 5's (144 to 150) say whether they are fatal, 154
 * which action the GPU asks for, 45 (a channel was ended) what came before it. 0: none. */
static int hardware_xid(const struct log_line *line) {
    if (!known(line->xid))
        return 0;
    static const char before[] = "caused by previous Xid ";
    const char *text = text_of(line->text);
    int64_t xid = line->xid.value;
    size_t at = text ? span_find(span_of(text), before) : SIZE_MAX;
    if (xid == 45 && at != SIZE_MAX) {
        struct span rest = span_slice(span_of(text), at + strlen(before), SIZE_MAX), word;
        int64_t earlier;
        if (!span_next_word(&rest, &word) || span_to_number(word, 10, &earlier) < 0)
            return 0;
        return xid_is_hardware(earlier) || (earlier >= 144 && earlier <= 150) ? (int)earlier : 0;
    }
    if (xid >= 144 && xid <= 150)
        return text_has(text, " Fatal ") ? (int)xid : 0;
    if (xid == 154)
        return text_has(text, "Reset") || text_has(text, "Reboot") ? 154 : 0;
    return xid_is_hardware(xid) ? (int)xid : 0;
}

static const struct log_line *hardware_line(const struct judge *judge) {
    const struct log_line_rows *log = &judge->facts->driver.kernel_log;
    for (size_t i = 0; i < log->count; i++)
        if (hardware_xid(&log->items[i]))
            return &log->items[i];
    return NULL;
}

static struct cause *faulty_by_answers(struct judge *judge) {
    static const struct {
        int code;
        const char *words;
    } codes[] = {{214, "an uncorrectable ECC error of its memory"},
                 {220, "an uncorrectable NVLink error"},
                 {226, "a contained hardware error"}};
    struct cause *cause = NULL;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (cuda_said(judge, codes[i].code)) {
            cause = judge_find(judge, "gpu-faulty", CERTAIN, "The GPU itself is at fault: CUDA reports %s.",
                               codes[i].words);
            evidence_cuda(judge, cause, codes[i].code);
        }
    for (size_t i = 0; i < judge->facts->compute.devices.count; i++) {
        const struct compute_device *device = &judge->facts->compute.devices.items[i];
        bool changed = number_of(device->copy_wrong, 0) > 0 || number_of(device->pattern_wrong, 0) > 0;
        if (!is_false(device->product_right) && !changed)
            continue;
        cause = judge_find(judge, "gpu-faulty", LIKELY, "GPU %lld (%s) %s",
                           (long long)number_of(device->index, (int64_t)i),
                           text_of(device->name) ? text_of(device->name) : "no name",
                           changed ? "returns changed data: its memory or its bus is at fault."
                                   : "computes wrongly: a matrix product came out false.");
        cause_fact(judge, cause, "compute.devices.copy_wrong", &device->copy_wrong);
        cause_fact(judge, cause, "compute.devices.pattern_wrong", &device->pattern_wrong);
        cause_fact(judge, cause, "compute.devices.product_right", &device->product_right);
    }
    if (logged(judge, "power_cables") || printed(judge, "smi_power")) {
        cause = judge_find(judge, "gpu-faulty", CERTAIN,
                           "The GPU gets too little power: a power cable of the card is missing or loose.");
        evidence_log(judge, cause, "power_cables");
        evidence_printed(judge, cause, "smi_power");
        cause_fix(judge, cause, "Switch off, connect every power connector of the card to the power supply", NULL);
    }
    if (printed(judge, "smi_reset") && !printed_said_lost(judge)) {
        cause = judge_find(judge, "gpu-faulty", LIKELY, "The driver says that the GPU requires a reset.");
        evidence_printed(judge, cause, "smi_reset");
    }
    for (int code = 14; code <= 16; code += 2) /* NVML: infoROM corrupted, GPU requires reset */
        if (nvml_said(judge, code)) {
            cause = judge_find(judge, "gpu-faulty", LIKELY, "NVML says of the GPU: %s.",
                               code == 14 ? "its infoROM is corrupted" : "it requires a reset");
            evidence_nvml(judge, cause, code);
        }
    return cause;
}

void rule_gpu_faulty(struct judge *judge) {
    struct cause *cause = faulty_by_answers(judge);
    const struct log_line *line = hardware_line(judge);
    if (line && !judge_found(judge, "gpu-fell-off-bus")) {
        struct xid_entry entry;
        int xid = hardware_xid(line);
        bool told = judge->options.knowledge && knowledge_xid(judge->options.knowledge, xid, &entry) == 0;
        cause = judge_find(judge, "gpu-faulty", LIKELY, "The kernel log tells of a fault of the GPU: Xid %d%s%s.",
                           xid, told ? ", " : "", told ? entry.meaning : "");
        evidence_line(judge, cause, line);
    }
    for (size_t i = 0; i < judge->facts->gpu.devices.count && !judge_found(judge, "gpu-fell-off-bus"); i++) {
        const struct gpu_device *device = &judge->facts->gpu.devices.items[i];
        if (!text_has_nocase(text_of(device->fault), "ERR!") &&
            !text_has_nocase(text_of(device->fault), "requires reset"))
            continue;
        cause = judge_find(judge, "gpu-faulty", LIKELY, "The driver gets no sound answer from %s (%s).",
                           text_of(device->name) ? text_of(device->name) : "a GPU", text_of(device->fault));
        cause_fact(judge, cause, "gpu.devices.fault", &device->fault);
    }
    if (!cause)
        return;
    cause_fix(judge, cause, "Reset the GPU while nothing uses it", "sudo nvidia-smi --gpu-reset", NULL);
    cause_fix(judge, cause,
              "Reboot; when it comes again, run NVIDIA's field diagnosis and have the card exchanged",
              "sudo reboot", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/xid-errors/index.html");
}

/* A warning that nvidia-smi gives of a card that may still work: it counts where nothing else is found. */
static void rule_gpu_inforom(struct judge *judge) {
    if (!printed(judge, "smi_inforom") || judge->out->causes.count || torch_worked(judge))
        return;
    struct cause *cause = judge_find(judge, "gpu-faulty", POSSIBLE,
                                     "nvidia-smi warns that the card's own data (infoROM) is corrupted.");
    evidence_printed(judge, cause, "smi_inforom");
    cause_fix(judge, cause, "Where the GPU does not work: have the card examined or exchanged", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/xid-errors/index.html");
}

static const struct rule rules[] = {
    {"gpu-absent", LINK_GPU, rule_gpu_absent, false},
    {"gpu-fell-off-bus", LINK_GPU, rule_gpu_fell_off_bus, false},
    {"gpu-bound-elsewhere", LINK_GPU, rule_gpu_bound_elsewhere, false},
    {"gpu-faulty", LINK_GPU, rule_gpu_health, false},
    {"gpu-faulty", LINK_GPU, rule_gpu_faulty, false},
    {"gpu-faulty", LINK_GPU, rule_gpu_inforom, true},
};

/* "NVIDIA GeForce RTX 4090 (8.9)", "8 x NVIDIA H100" */
static const char *gpu_words(struct judge *judge, const struct gpu_views *views) {
    char capability[8];
    const struct gpu_view *first = &views->items[0];
    const char *words = first->name;
    if (first->capability)
        words = arena_printf(judge->arena, "%s (compute capability %s)", words,
                             capability_text(first->capability, capability));
    size_t same = 1;
    while (same < views->count && text_eq(views->items[same].name, first->name))
        same++;
    if (views->count == 1)
        return words;
    return same == views->count ? arena_printf(judge->arena, "%zu x %s", same, words)
                                : arena_printf(judge->arena, "%s and %zu more", words, views->count - 1);
}

static void note_devices(struct judge *judge, struct link_state *state, const struct gpu_views *views) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    for (size_t i = 1; i < views->count && i < 16; i++)
        if (!text_eq(views->items[i].name, views->items[0].name))
            link_note(judge, state, "%s", views->items[i].name);
    for (size_t i = 0; i < gpu->devices.count; i++) {
        const struct gpu_device *device = &gpu->devices.items[i];
        const char *address = text_of(device->address) ? text_of(device->address) : "one GPU";
        if (bound_elsewhere(text_of(device->kernel_driver)))
            link_note(judge, state, "%s is bound to %s and left out", address, text_of(device->kernel_driver));
        if (text_eq(text_of(device->power_state), "D3cold"))
            link_note(judge, state, "%s sleeps (D3cold) and wakes at first use", address);
    }
    for (size_t i = 0; i < gpu->others.count; i++)
        if (text_of(gpu->others.items[i].name) || text_of(gpu->others.items[i].vendor))
            link_note(judge, state, "also there: %s",
                      text_of(gpu->others.items[i].name) ? text_of(gpu->others.items[i].name)
                                                         : text_of(gpu->others.items[i].vendor));
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct gpu_facts *gpu = &judge->facts->gpu;
    struct gpu_views views = gpus(judge);
    if (views.count) {
        state->state = STATE_OK;
        link_say(judge, state, "%s", gpu_words(judge, &views));
        note_devices(judge, state, &views);
    } else if (known(gpu->tegra) || known(judge->facts->system.jetson)) {
        state->state = STATE_OK;
        link_say(judge, state, "%s (integrated)", known(gpu->tegra) ? gpu->tegra.value : "Jetson");
    } else if (gpu_present(judge)) {
        state->state = STATE_OK;
        link_say(judge, state, "CUDA lists a GPU");
    } else if (is_true(gpu->bus_readable) && !unknown(gpu->devices) && !on_wsl(judge)) {
        link_say(judge, state, "no NVIDIA GPU");
        note_devices(judge, state, &views);
    } else if (on_wsl(judge) && !gpu->devices.count) {
        link_say(judge, state, "the Windows side has it; WSL shows no PCI bus for it");
    } else {
        link_say(judge, state, "not known%s%s", gpu->devices.is.reason ? ": " : "",
                 gpu->devices.is.reason ? gpu->devices.is.reason : "");
    }
}

const struct link_room room_gpu = {rules, sizeof rules / sizeof *rules, describe};
