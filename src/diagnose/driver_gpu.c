/* Link 2, the kernel driver against this GPU: does it know the GPU, is it of the right flavour, did it start? */
#include "base/text.h"
#include "diagnose/driver_option.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"

static bool other_driver_model(const struct judge *judge) {
    return on_wsl(judge) || on_windows(judge) || on_macos(judge) || on_jetson(judge);
}

/* CUDA or NVML answered for this very GPU, or for as many as the bus has. */
static bool gpu_answers(const struct judge *judge, size_t index) {
    const struct snapshot *facts = judge->facts;
    const char *address =
        index < facts->gpu.devices.count ? text_of(facts->gpu.devices.items[index].address) : NULL;
    for (size_t i = 0; address && i < facts->compute.devices.count; i++)
        if (text_eq(text_of(facts->compute.devices.items[i].address), address))
            return true;
    if (!cuda_lists_gpus(judge) && !nvml_lists_gpus(judge))
        return false;
    int64_t listed = number_of(facts->compute.cuda_devices_unmasked, number_of(facts->compute.nvml_devices, -1));
    return listed < 0 || listed >= (int64_t)facts->gpu.devices.count;
}

static bool is_open(const struct judge *judge) {
    return text_eq(text_of(judge->facts->driver.module_flavour), "open");
}

static void see_driver(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
}

static void see_supported(struct judge *judge, struct cause *cause) {
    see_driver(judge, cause);
    cause_see(judge, cause, "https://www.nvidia.com/en-us/drivers/unix/legacy-gpu/");
}

/* --- driver-does-not-support-gpu ----------------------------------------------------------------------------- */

static struct cause *unsupported_by_log(struct judge *judge) {
    static const struct {
        const char *log, *message, *summary;
    } lines[] = {
        {"open_not_supported", "kernel_not_gsp",
         "The open flavour of NVIDIA's kernel module cannot drive this GPU: it needs a GSP processor, which "
         "GPUs before Turing do not have."},
        {"open_unsupported", "kernel_open_unsupported",
         "The open flavour of this release of NVIDIA's kernel module drives data-centre GPUs only, unless its "
         "option "
         "NVreg_OpenRmEnableUnsupportedGpus is set."},
        {"legacy_gpu", "kernel_legacy",
         "The installed driver no longer serves this GPU: it needs an older, legacy branch."},
        {"legacy_ignored", "kernel_legacy",
         "The installed driver no longer serves this GPU: it needs an older, legacy branch."},
        {"not_supported_by_release", "kernel_not_supported",
         "The installed driver release does not know this GPU."},
    };
    struct cause *cause = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (logged(judge, lines[i].log) || printed(judge, lines[i].message)) {
            cause = judge_find(judge, "driver-does-not-support-gpu", CERTAIN, "%s", lines[i].summary);
            evidence_log(judge, cause, lines[i].log);
            evidence_printed(judge, cause, lines[i].message);
        }
    return cause;
}

/* The tables say which branches serve a GPU; they decide only where nothing lists the GPU. */
static struct cause *unsupported_by_branch(struct judge *judge) {
    struct driver_version release;
    const struct text_fact *fact;
    const char *name;
    struct cause *cause = NULL;
    if (!driver_release(judge, &release, &fact, &name))
        return NULL;
    struct gpu_views views = gpus(judge);
    for (size_t i = 0; i < views.count; i++) {
        struct gpu_model model;
        if (gpu_answers(judge, i) || !gpu_model_of(judge, &views.items[i], &model) || !model.confirmed)
            continue;
        if (is_open(judge) && model.module == MODULE_CLOSED_ONLY)
            cause = judge_find(
                judge, "driver-does-not-support-gpu", CERTAIN,
                "The open flavour of NVIDIA's kernel module (%s) cannot drive %s: it has no GSP processor.",
                release.text, views.items[i].name);
        else if (model.last_known && model.last_branch && release.part[0] > model.last_branch)
            cause = judge_find(judge, "driver-does-not-support-gpu", LIKELY,
                               "Driver %s no longer serves %s: %u is the last branch that does.", release.text,
                               views.items[i].name, model.last_branch);
        else if (model.first_branch && release.part[0] < model.first_branch)
            cause = judge_find(judge, "driver-does-not-support-gpu", LIKELY,
                               "Driver %s is older than %s: branch %u is the first that serves it.", release.text,
                               views.items[i].name, model.first_branch);
        else
            continue;
        cause_evidence(judge, cause, "gpu.devices.name", views.items[i].name, views.items[i].source);
        cause_fact(judge, cause, name, fact);
        cause_fact(judge, cause, "driver.module_flavour", &judge->facts->driver.module_flavour);
    }
    return cause;
}

/* "supported through the NVIDIA 580.xx Legacy drivers": 580; 0: nothing tells. */
static unsigned legacy_branch(const struct judge *judge) {
    const struct log_line *line = logged(judge, "legacy_gpu");
    const struct printed_message *message = printed(judge, "kernel_legacy");
    const char *text = line ? text_of(line->text) : message ? text_of(message->text) : NULL;
    struct span rest = span_of(text);
    size_t at = text ? span_find(rest, ".xx") : SIZE_MAX;
    int64_t branch;
    if (at == SIZE_MAX || at < 2)
        return 0;
    size_t start = at;
    while (start && text[start - 1] >= '0' && text[start - 1] <= '9')
        start--;
    if (span_to_number(span_slice(rest, start, at), 10, &branch) < 0 || branch < 71 || branch > 9999)
        return 0;
    return (unsigned)branch;
}

void rule_driver_does_not_support_gpu(struct judge *judge) {
    if (other_driver_model(judge))
        return;
    struct cause *cause = unsupported_by_log(judge);
    if (!cause)
        cause = unsupported_by_branch(judge);
    if (!cause)
        return;
    bool needs_closed = logged(judge, "open_not_supported") || printed(judge, "kernel_not_gsp") || is_open(judge);
    struct gpu_views views = gpus(judge);
    if (logged(judge, "open_unsupported") || printed(judge, "kernel_open_unsupported")) {
        evidence_option(judge, cause, "OpenRmEnableUnsupportedGpus");
        fix_option(
            judge, cause,
            "Let the open module take this GPU, too: NVreg_OpenRmEnableUnsupportedGpus=1, then load it anew",
            "OpenRmEnableUnsupportedGpus", "1");
        cause_fix(
            judge, cause,
            "Install the closed (proprietary) flavour of the same driver, or release 560 or newer, whose open "
            "module needs no option",
            NULL)
            ->reboot = true;
        see_supported(judge, cause);
        return;
    }
    unsigned legacy = legacy_branch(judge);
    if (legacy && !views.count) {
        fix_driver_branch(judge, cause, legacy);
        see_supported(judge, cause);
        return;
    }
    if (needs_closed && !in_container(judge) && !views.count)
        cause_fix(judge, cause,
                  "Install the closed (proprietary) flavour of the kernel modules; branch 580 is the last one for "
                  "GPUs before Turing",
                  NULL)
            ->reboot = true;
    if (!needs_closed || views.count)
        fix_driver(judge, cause, NULL);
    see_supported(judge, cause);
}

/* --- driver-open-module-required ----------------------------------------------------------------------------- */

/* GPUs from Blackwell on start with the open modules only. "No devices were found" with a driver that knows the
 * GPU and whose flavour is not told is what the closed module gives there. */
void rule_driver_open_module_required(struct judge *judge) {
    if (other_driver_model(judge) || is_open(judge))
        return;
    struct cause *cause = NULL;
    if (logged(judge, "open_required") || printed(judge, "kernel_open_required"))
        cause = judge_find(
            judge, "driver-open-module-required", CERTAIN,
            "This GPU needs the open flavour of NVIDIA's kernel modules, and the closed one is loaded.");
    struct gpu_views views = gpus(judge);
    struct driver_version release;
    const struct text_fact *fact;
    const char *name;
    bool release_known = driver_release(judge, &release, &fact, &name);
    for (size_t i = 0; i < views.count; i++) {
        struct gpu_model model;
        if (gpu_answers(judge, i) || !gpu_model_of(judge, &views.items[i], &model) ||
            model.module != MODULE_OPEN_ONLY)
            continue;
        bool closed = text_eq(text_of(judge->facts->driver.module_flavour), "proprietary");
        bool none_found = printed(judge, "smi_no_devices") || logged(judge, "rminit_failed");
        bool branch_knows = release_known && model.first_branch && release.part[0] >= model.first_branch;
        if (!closed && !(none_found && branch_knows) && !cause)
            continue;
        cause = judge_find(
            judge, "driver-open-module-required", closed ? CERTAIN : LIKELY,
            "%s works only with the open flavour of NVIDIA's kernel modules%s.", views.items[i].name,
            closed ? ", and the closed one is loaded" : "; driver and GPU are there, yet no device is found");
        cause_evidence(judge, cause, "gpu.devices.name", views.items[i].name, views.items[i].source);
        if (release_known)
            cause_fact(judge, cause, name, fact);
    }
    if (!cause)
        return;
    cause_fact(judge, cause, "driver.module_flavour", &judge->facts->driver.module_flavour);
    evidence_log(judge, cause, "open_required");
    evidence_log(judge, cause, "rminit_failed");
    evidence_printed(judge, cause, "kernel_open_required");
    evidence_printed(judge, cause, "smi_no_devices");
    fix_table_or(
        judge, cause, "install-open-modules",
        "Install the open kernel modules of the same driver (nvidia-open, nvidia-driver-NNN-open), reboot");
    cause_see(judge, cause, "https://github.com/NVIDIA/open-gpu-kernel-modules");
}

/* --- driver-install-broken ----------------------------------------------------------------------------------- */

static bool half_installed(const char *state) {
    return text_eq(state, "half-configured") || text_eq(state, "half-installed") || text_eq(state, "unpacked") ||
           text_eq(state, "triggers-awaited");
}

static struct cause *broken_library(struct judge *judge) {
    const struct driver_library_rows *libraries = &judge->facts->driver.libraries;
    for (size_t i = 0; i < libraries->count; i++) {
        const struct driver_library *library = &libraries->items[i];
        if (!is_true(library->wins) || !is_false(library->whole))
            continue;
        struct cause *cause =
            judge_find(judge, "driver-install-broken", CERTAIN,
                       "The driver's library %s is cut short: the file is smaller than its headers say.",
                       text_of(library->path) ? text_of(library->path) : text_of(library->soname));
        cause_fact(judge, cause, "driver.libraries.path", &library->path);
        cause_fact(judge, cause, "driver.libraries.whole", &library->whole);
        const char *file = text_of(library->real_path) ? text_of(library->real_path) : text_of(library->path);
        if (in_container(judge))
            cause_fix(judge, cause,
                      "Mend the file on the host, or take it out of the image: the host's driver is mounted in",
                      NULL);
        else if (!fix_table_path(judge, cause, "reinstall-file", file))
            cause_fix(judge, cause, "Install the package that the file belongs to again", NULL);
        if (!in_container(judge) && text_of(library->path))
            texts_add(judge->arena, &cause->fixes.items[cause->fixes.count - 1].commands, "nvidia-smi");
        return cause;
    }
    return NULL;
}

/* The open modules, and GPUs from Turing on, start with firmware of the driver's very version. */
static struct cause *firmware_missing(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    bool said = logged(judge, "gsp_firmware_missing") != NULL;
    bool has = false;
    for (size_t i = 0; i < driver->gsp_firmware.count; i++)
        has |= text_eq(driver->gsp_firmware.items[i], text_of(driver->module_version));
    bool lacks = is_open(judge) && !absent(driver->gsp_firmware) && known(driver->gsp_firmware) && !has &&
                 !in_container(judge) && !cuda_lists_gpus(judge) && !nvml_lists_gpus(judge);
    lacks |= is_open(judge) && absent(driver->gsp_firmware) && !in_container(judge) && !cuda_lists_gpus(judge) &&
             !nvml_lists_gpus(judge);
    if (!said && !lacks)
        return NULL;
    struct cause *cause =
        judge_find(judge, "driver-install-broken", said ? CERTAIN : LIKELY,
                   "The GSP firmware of driver %s is not there, and without it the GPU does not start.",
                   known(driver->module_version) ? driver->module_version.value : "in use");
    evidence_log(judge, cause, "gsp_firmware_missing");
    cause_fact(judge, cause, "driver.module_version", &driver->module_version);
    for (size_t i = 0; i < driver->gsp_firmware.count; i++)
        cause_evidence(judge, cause, "driver.gsp_firmware", driver->gsp_firmware.items[i],
                       driver->gsp_firmware.is.source);
    if (!fix_table(judge, cause, "reinstall-firmware"))
        cause_fix(judge, cause, "Install the driver's packages once more, its firmware among them", NULL)->reboot =
            true;
    return cause;
}

void rule_driver_install_broken(struct judge *judge) {
    const struct driver_package_rows *packages = &judge->facts->driver.packages;
    struct cause *cause = broken_library(judge);
    bool half = false;
    for (size_t i = 0; i < packages->count; i++) {
        const struct driver_package *package = &packages->items[i];
        if (!half_installed(text_of(package->state)) || cuda_lists_gpus(judge))
            continue;
        half = true;
        cause = judge_find(judge, "driver-install-broken", LIKELY,
                           "The installation of %s %s was not finished (%s).", text_of(package->name),
                           text_of(package->version) ? text_of(package->version) : "", text_of(package->state));
        cause_evidence(judge, cause, "driver.packages",
                       arena_printf(judge->arena, "%s: %s", text_of(package->name), text_of(package->state)),
                       package->state.is.source ? package->state.is.source : packages->is.source);
    }
    if (!other_driver_model(judge)) {
        struct cause *firmware = firmware_missing(judge);
        cause = firmware ? firmware : cause;
    }
    if (!cause)
        return;
    if (half || !cause->fixes.count)
        fix_table_or(judge, cause, "repair-driver", "Install the driver's packages once more, then reboot");
    see_driver(judge, cause);
}

/* --- nothing more exact is known ----------------------------------------------------------------------------- */

/* Something before PyTorch was found broken already; general words add nothing then. */
static bool explained(const struct judge *judge) {
    for (size_t i = 0; i < judge->out->causes.count; i++) {
        const struct cause *cause = &judge->out->causes.items[i];
        if (cause->role != ROLE_RISK &&
            (cause->link <= LINK_ACCESS || text_eq(cause->id, "driver-too-old-for-cuda")))
            return true;
    }
    return false;
}

/* modprobe finds no nvidia.ko for this kernel, and nothing tells whether the driver was ever installed: whoever
 * types "modprobe nvidia" believes so. */
static bool kernel_without_module(struct judge *judge) {
    const struct printed_message *missing = printed_with(judge, "modprobe_not_found", "nvidia");
    if (!missing || in_container(judge))
        return false;
    struct cause *cause = judge_find(
        judge, "driver-not-built-for-kernel", POSSIBLE,
        "The running kernel has no NVIDIA module: it was not built for this kernel, or never installed.");
    cause_fact(judge, cause, "system.kernel", &judge->facts->system.kernel);
    evidence_printed(judge, cause, "modprobe_not_found");
    fix_table_or(judge, cause, "rebuild-module",
                 "Install the headers of the running kernel and build the module for it");
    fix_driver(judge, cause, NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
    judge_cannot_tell(judge, "driver.packages",
                      "whether the driver is installed at all shows: dkms status; ls "
                      "/lib/modules/*/updates/dkms /usr/src | grep -i nvidia");
    return true;
}

/* "couldn't communicate with the NVIDIA driver", NVML 9, and nothing else: the module is not loaded, for whatever
 * reason. */
void rule_driver_unreachable(struct judge *judge) {
    bool said = nvml_said(judge, 9) || printed_any(judge, "x_no_module", "persistenced_no_devices", NULL) ||
                (from_text(judge) && is_false(judge->facts->driver.module_loaded) && !in_container(judge));
    if (explained(judge) || other_driver_model(judge) || cuda_lists_gpus(judge) || nvml_lists_gpus(judge) ||
        is_true(judge->facts->driver.module_loaded))
        return;
    if (kernel_without_module(judge) || !said)
        return;
    struct cause *cause =
        judge_find(judge, "driver-not-loaded", POSSIBLE,
                   "NVIDIA's kernel driver does not answer: most likely its module is not loaded.");
    evidence_nvml(judge, cause, 9);
    evidence_printed_all(judge, cause, "x_no_module", "persistenced_no_devices", "kernel_driver_absent", NULL);
    if (is_false(judge->facts->driver.module_loaded))
        cause_fact(judge, cause, "driver.module_loaded", &judge->facts->driver.module_loaded);
    fix_table_or(judge, cause, "load-module", "Load it: modprobe nvidia, and nvidia-uvm");
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
    judge_ask(judge, "driver.module_loaded", "whether the module was built for this kernel, and what keeps it out",
              "sudo modprobe nvidia; sudo dmesg | tail -20; dkms status");
}

/* PyTorch's "Found no NVIDIA driver" (error 35 and driver version 0) means that libcuda could not be loaded or has
 * no version; a machine without GPU, without driver, and a container without GPU all say it. */
void rule_driver_not_found(struct judge *judge) {
    bool no_smi = is_false(judge->facts->driver.smi_present) && torch_sees_none(judge) &&
                  text_eq(torch_build_of(judge), "cuda");
    /* collect_env asked nvidia-smi in vain */
    no_smi |= from_text(judge) && absent(judge->facts->driver.nvml_version) && torch_sees_none(judge) &&
              text_eq(torch_build_of(judge), "cuda");
    bool no_files =
        printed(judge, "container_not_found") != NULL; /* singularity --nv on a host without a driver */
    if (explained(judge) || cuda_lists_gpus(judge) || nvml_lists_gpus(judge) || on_macos(judge))
        return;
    if (!printed(judge, "driver_missing_throw") && !no_smi && !no_files)
        return;
    struct cause *cause =
        judge_find(judge, "driver-missing", POSSIBLE,
                   "No NVIDIA driver was found: PyTorch's CUDA could not load the driver's library.");
    evidence_printed_all(judge, cause, "driver_missing_throw", "container_not_found", NULL);
    cause_fact(judge, cause, "driver.smi_present", &judge->facts->driver.smi_present);
    if (absent(judge->facts->driver.nvml_version))
        cause_fact(judge, cause, "driver.nvml_version", &judge->facts->driver.nvml_version);
    if (is_false(judge->facts->compute.is_available))
        cause_fact(judge, cause, "compute.is_available", &judge->facts->compute.is_available);
    fix_driver(judge, cause, NULL);
    see_driver(judge, cause);
    judge_ask(judge, "gpu.devices", "whether the machine has an NVIDIA GPU at all",
              "lspci -nnk | grep -A3 -i nvidia");
}

static struct cause *wsl_tcc(struct judge *judge) {
    if (!on_wsl(judge))
        return NULL;
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++) {
        const struct gpu_device *device = &judge->facts->gpu.devices.items[i];
        if (!text_eq(text_of(device->driver_model), "TCC"))
            continue;
        struct cause *cause =
            judge_find(judge, "driver-init-failed", LIKELY,
                       "%s runs under Windows' TCC driver model, and WSL reaches only GPUs under WDDM (or MCDM).",
                       text_of(device->name) ? text_of(device->name) : "The GPU");
        cause_fact(judge, cause, "gpu.devices.driver_model", &device->driver_model);
        cause_fix(judge, cause, "Switch the GPU's driver model, in Windows as administrator, and reboot Windows",
                  "nvidia-smi -dm 0", NULL)
            ->reboot = true;
        cause_see(judge, cause, "https://docs.nvidia.com/cuda/wsl-user-guide/");
        return cause;
    }
    return NULL;
}

static struct cause *no_bars(struct judge *judge) {
    bool unassigned = false;
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        unassigned |= is_false(judge->facts->gpu.devices.items[i].bars_assigned);
    if (!logged(judge, "bar_invalid") && !(unassigned && !other_driver_model(judge)))
        return NULL;
    struct cause *cause =
        judge_find(judge, "driver-init-failed", LIKELY,
                   "The firmware gave the GPU no memory window on the PCI bus, so the driver cannot start it.");
    evidence_log(judge, cause, "bar_invalid");
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.bars_assigned", &judge->facts->gpu.devices.items[i].bars_assigned);
    cause_fix(judge, cause,
              "In the firmware set-up (BIOS) turn \"Above 4G Decoding\" on, in a virtual machine give it a larger "
              "64-bit MMIO window",
              NULL)
        ->reboot = true;
    cause_see(judge, cause,
              "https://download.nvidia.com/XFree86/Linux-x86_64/550.163.01/README/commonproblems.html");
    return cause;
}

/* Opening the GPU's device node is the driver's start of the GPU; one that never ends is a GPU or driver that
 * hangs.
 */
static struct cause *nodes_hang(struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    struct cause *cause = NULL;
    for (size_t i = 0; i < nodes->count; i++) {
        const char *why = node_hangs(&nodes->items[i]), *path = text_of(nodes->items[i].path);
        if (!why)
            continue;
        cause =
            judge_find(judge, "driver-init-failed", LIKELY,
                       "The driver hangs: opening %s, which every CUDA program does first, does not end.", path);
        cause_evidence(judge, cause, "access.nodes.open_error", arena_printf(judge->arena, "%s: %s", path, why),
                       nodes->items[i].open_error.is.source);
    }
    return cause;
}

/* Codes that say "it does not start", with no more exact cause among the facts. */
static struct cause *failed_codes(struct judge *judge) {
    static const int cuda_codes[] = {2, 3, 127, 302, 303, 304, 803, 100, 101, 999};
    struct cause *cause = NULL;
    for (size_t i = 0; i < sizeof cuda_codes / sizeof *cuda_codes; i++) {
        int code = cuda_codes[i];
        /* 100 and 101 are told by causes of their own when printed by a program; cuInit's own answer counts */
        bool init = known(judge->facts->compute.cuda_init) && judge->facts->compute.cuda_init.value == code;
        if ((code == 100 || code == 101) && !init)
            continue;
        /* out of memory while counting devices, before any was allocated */
        if (code == 2 && !init && !printed_with(judge, "unexpected_count_error", "2"))
            continue;
        if (!cuda_said(judge, code))
            continue;
        cause = judge_find(judge, "driver-init-failed", POSSIBLE,
                           "The driver is there but does not start: CUDA answers error %d.", code);
        evidence_cuda(judge, cause, code);
    }
    static const int nvml_codes[] = {17, 28, 12, 13, 10, 11, 27, 29, 999};
    for (size_t i = 0; i < sizeof nvml_codes / sizeof *nvml_codes; i++)
        if (nvml_said(judge, nvml_codes[i])) {
            cause = judge_find(judge, "driver-init-failed", POSSIBLE,
                               "The driver is there but does not start: NVML answers error %d.", nvml_codes[i]);
            evidence_nvml(judge, cause, nvml_codes[i]);
        }
    return cause;
}

/* The open module starts no GPU without the firmware that NVreg_EnableGpuFirmware=0 leaves out (nv-reg.h: the low four
 * bits are the mode). */
static void firmware_off(struct judge *judge, struct cause *cause) {
    struct module_option option;
    if (!is_open(judge) || !module_option(judge, "EnableGpuFirmware", &option) || option.number < 0 ||
        (option.number & 0xf) != 0)
        return;
    cause->summary = arena_printf(judge->arena,
                                  "%s NVreg_EnableGpuFirmware=0 leaves out the firmware that the open "
                                  "module needs.",
                                  cause->summary);
    evidence_option(judge, cause, "EnableGpuFirmware");
    fix_option_away(judge, cause, "EnableGpuFirmware");
}

/* What the kernel module logs where it cannot start a GPU that is there (nv.c, nv-pci.c, osinit.c, osapi.c). */
static const char *const start_lines[] = {"rminit_failed", "probe_failed", "none_initialized",
                                          "vbios_failed",  "gsp_timeout",  "gsp_failed",
                                          "start_failed",  "probe_error",  "registers_taken"};

static bool start_in_log(const struct judge *judge) {
    for (size_t i = 0; i < sizeof start_lines / sizeof *start_lines; i++)
        if (logged(judge, start_lines[i]))
            return true;
    return false;
}

/* Opening /dev/nvidia0 starts the GPU; EIO is what the module answers where that failed (nv.c, nvidia_open). */
static const struct printed_message *node_eio(const struct judge *judge) {
    const struct printed_message *message = printed(judge, "node_eio");
    return message && !text_has(text_of(message->argument), "uvm") ? message : NULL;
}

/* NVML lists the GPU, and the module could not start it when nvidia-smi asked for its handle. */
static const struct printed_message *handle_not_found(const struct judge *judge) {
    const struct printed_message *handle = printed(judge, "smi_handle");
    return handle && text_has_nocase(text_of(handle->second), "not found") ? handle : NULL;
}

void rule_driver_init_failed(struct judge *judge) {
    if (explained(judge) || on_macos(judge) || cuda_lists_gpus(judge) || printed(judge, "worker_error"))
        return; /* an error of a worker is fork-after-init's */
    struct cause *cause = wsl_tcc(judge);
    if (!cause)
        cause = no_bars(judge);
    if (!cause)
        cause = nodes_hang(judge);
    if (!cause &&
        (start_in_log(judge) || printed_any(judge, "kernel_rminit", "smi_no_devices", "x_gpu_failed", NULL) ||
         node_eio(judge) || handle_not_found(judge)))
        cause = judge_find(judge, "driver-init-failed", LIKELY,
                           "NVIDIA's kernel driver is loaded but could not start the GPU%s.",
                           logged(judge, "rminit_failed") ? " (RmInitAdapter failed)" : "");
    if (!cause)
        cause = failed_codes(judge);
    const struct text_fact *child = &judge->facts->compute.cuda_child;
    bool ended = known(*child) && !text_eq(child->value, "answered") && !text_has(child->value, "no library");
    if (!cause && ended)
        cause = judge_find(judge, "driver-init-failed", LIKELY,
                           "The driver does not answer: asking libcuda to start ended with \"%s\".", child->value);
    if (!cause)
        return;
    firmware_off(judge, cause);
    for (size_t i = 0; i < sizeof start_lines / sizeof *start_lines; i++)
        evidence_log(judge, cause, start_lines[i]);
    evidence_printed_all(judge, cause, "kernel_rminit", "smi_no_devices", "x_gpu_failed", NULL);
    if (node_eio(judge))
        cause_message(judge, cause, node_eio(judge));
    if (handle_not_found(judge))
        cause_message(judge, cause, handle_not_found(judge));
    evidence_nvml(judge, cause, 17);
    if (ended)
        cause_fact(judge, cause, "compute.cuda_child", child);
    if (!on_wsl(judge) && !on_windows(judge))
        cause_fix(judge, cause,
                  "Read what the kernel says of it, then restart; a GPU that hangs may need the power off",
                  "sudo dmesg | grep -iE 'nvrm|xid|nvidia' | tail -20", "sudo reboot", NULL)
            ->reboot = true;
    else if (!cause->fixes.count)
        cause_fix(judge, cause, "Restart Windows, then update its NVIDIA driver", NULL)->reboot = true;
    if (!cause->see.count)
        see_driver(judge, cause);
    if (cause->confidence == POSSIBLE)
        judge_ask(judge, "driver.kernel_log", "why it does not start", "sudo dmesg | grep -iE 'nvrm|xid|nvidia'");
}
