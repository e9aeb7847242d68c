/* Link 2, the kernel's side: is NVIDIA's module there, was it built for this kernel, may it load, did it? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/fix_fill.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

/* Where there is no nvidia.ko to judge: WSL, Windows, macOS and Jetson have other drivers. An answer that lists
 * GPUs proves the module; so does one of NVML. */
static bool module_is_no_question(const struct judge *judge) {
    return on_wsl(judge) || on_windows(judge) || on_macos(judge) || on_jetson(judge) || cuda_lists_gpus(judge) ||
           nvml_lists_gpus(judge) || is_true(judge->facts->driver.module_loaded);
}

struct modules {
    bool are_known;                     /* the disk was looked at, and which kernel runs is known */
    const struct kernel_module *fits;   /* nvidia.ko of the running kernel */
    const struct kernel_module *others; /* of another kernel */
};

static bool is_nvidia_module(const char *name) {
    static const char *const parts[] = {"uvm", "drm", "modeset", "peermem", "fs", "wmi"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (text_has(name, parts[i]))
            return false;
    return text_eq(name, "nvidia") || text_starts(name, "nvidia_") || text_starts(name, "nvidia-");
}

static struct modules modules_on_disk(const struct judge *judge) {
    const struct kernel_module_rows *rows = &judge->facts->driver.modules;
    const char *kernel = text_of(judge->facts->system.kernel);
    struct modules modules = {.are_known = !unknown(*rows) && kernel && !in_container(judge)};
    for (size_t i = 0; i < rows->count; i++) {
        const struct kernel_module *module = &rows->items[i];
        if (!is_nvidia_module(text_of(module->name)))
            continue;
        const struct kernel_module **place =
            kernel && text_eq(text_of(module->kernel), kernel) ? &modules.fits : &modules.others;
        if (!*place)
            *place = module;
    }
    return modules;
}

/* A package or a library shows that somebody installed NVIDIA's driver here. */
static bool driver_was_installed(const struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    for (size_t i = 0; i < driver->libraries.count; i++)
        if (!is_true(driver->libraries.items[i].stub) && !known(driver->libraries.items[i].compat_cuda))
            return true;
    for (size_t i = 0; i < driver->packages.count; i++) {
        const char *piece = text_of(driver->packages.items[i].piece);
        if (is_false(driver->smi_present) && text_starts(text_of(driver->packages.items[i].name), "nvidia-utils"))
            continue; /* the shell only offers it: nvidia-smi would be there */
        if (!piece || text_eq(piece, "module") || text_eq(piece, "library") || text_eq(piece, "tools"))
            return true;
    }
    return driver->dkms.count || is_true(driver->smi_present);
}

static const struct gpu_device *unclaimed_gpu(const struct judge *judge) {
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        if (absent(judge->facts->gpu.devices.items[i].kernel_driver))
            return &judge->facts->gpu.devices.items[i];
    return NULL;
}

static void see_driver(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
}

/* --- driver-missing ------------------------------------------------------------------------------------------ */

static struct cause *missing_by_facts(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    struct modules modules = modules_on_disk(judge);
    const struct gpu_device *gpu = unclaimed_gpu(judge);
    if (driver_was_installed(judge) || modules.fits || modules.others || in_container(judge))
        return NULL;
    bool looked = !unknown(driver->modules) && !unknown(driver->packages) && !unknown(driver->libraries);
    const char *name = judge->facts->gpu.devices.count ? text_of(judge->facts->gpu.devices.items[0].name) : NULL;
    if (is_false(driver->module_loaded) && looked && judge->facts->gpu.devices.count)
        return judge_find(
            judge, "driver-missing", CERTAIN,
            "NVIDIA's driver is not installed: %s is there, but no kernel module and no library for it%s.",
            name ? name : "an NVIDIA GPU",
            is_true(driver->nouveau_loaded) ? " (the open-source nouveau drives it, which has no CUDA)" : "");
    if (gpu && !judge_found(judge, "gpu-fell-off-bus"))
        return judge_find(judge, "driver-missing", LIKELY, "No kernel driver has claimed the GPU%s%s.",
                          name ? " " : "", name ? name : "");
    if (looked && unknown(judge->facts->gpu.devices) && !is_true(driver->module_loaded))
        judge_cannot_tell(judge, "driver.module_loaded",
                          "no piece of NVIDIA's driver is here; a container image needs none, a machine does");
    return NULL;
}

void rule_driver_missing(struct judge *judge) {
    if (module_is_no_question(judge) || judge_found(judge, "gpu-bound-elsewhere"))
        return;
    const struct driver_facts *driver = &judge->facts->driver;
    struct cause *cause = missing_by_facts(judge);
    const struct printed_message *no_module = printed_with(judge, "modprobe_not_found", "nvidia");
    if (!cause && is_false(driver->smi_present) && no_module && !in_container(judge))
        cause = judge_find(
            judge, "driver-missing", LIKELY,
            "NVIDIA's driver is not installed: there is neither a kernel module for this kernel nor nvidia-smi.");
    /* pasted: the bus has the GPU, the shell has no nvidia-smi, and nothing tells of any other piece */
    if (!cause && from_text(judge) && judge->facts->gpu.devices.count && is_false(driver->smi_present) &&
        !in_container(judge) && !driver_was_installed(judge) && !judge_found(judge, "driver-nouveau") &&
        !known(driver->module_version))
        cause = judge_find(judge, "driver-missing", LIKELY,
                           "NVIDIA's driver is not installed: the GPU is there and nvidia-smi is not.");
    if (!cause)
        return;
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.name", &judge->facts->gpu.devices.items[i].name);
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.kernel_driver", &judge->facts->gpu.devices.items[i].kernel_driver);
    cause_fact(judge, cause, "driver.module_loaded", &driver->module_loaded);
    cause_fact(judge, cause, "driver.smi_present", &driver->smi_present);
    evidence_printed(judge, cause, "modprobe_not_found");
    evidence_printed(judge, cause, "smi_not_found");
    evidence_printed(judge, cause, "driver_missing_throw");
    fix_driver(judge, cause, NULL);
    see_driver(judge, cause);
}

/* --- driver-nouveau ------------------------------------------------------------------------------------------ */

static bool bound_to_nouveau(const struct judge *judge) {
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++) {
        const char *driver = text_of(judge->facts->gpu.devices.items[i].kernel_driver);
        if (text_eq(driver, "nouveau") || text_starts(driver, "nova"))
            return true;
    }
    return false;
}

/* nouveau (or nova, its successor) has the GPU. A module of that name that is loaded beside a working NVIDIA
 * driver is harmless. The kernel's "probe routine was not called" names nouveau as the usual owner. */
void rule_driver_nouveau(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (on_wsl(judge) || cuda_lists_gpus(judge) || nvml_lists_gpus(judge) ||
        judge_found(judge, "gpu-bound-elsewhere"))
        return;
    bool bound = bound_to_nouveau(judge);
    bool loaded = is_true(driver->nouveau_loaded) && !is_true(driver->module_loaded);
    /* pasted: nouveau's own lines of the log, and none of NVIDIA's module taking over */
    loaded |= from_text(judge) && logged(judge, "nouveau_loaded") && !is_true(driver->module_loaded) &&
              !logged(judge, "module_loaded");
    bool not_called = printed(judge, "installer_nouveau") || logged(judge, "probe_not_called") ||
                      logged(judge, "already_bound") || printed(judge, "kernel_nouveau");
    if (!bound && !loaded && !not_called)
        return;
    struct cause *cause =
        judge_find(judge, "driver-nouveau", bound ? CERTAIN : LIKELY,
                   "The open-source driver nouveau has the GPU, so NVIDIA's driver cannot take it.");
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.kernel_driver", &judge->facts->gpu.devices.items[i].kernel_driver);
    cause_fact(judge, cause, "driver.nouveau_loaded", &driver->nouveau_loaded);
    cause_fact(judge, cause, "driver.nouveau_blacklisted", &driver->nouveau_blacklisted);
    evidence_log(judge, cause, "probe_not_called");
    evidence_log(judge, cause, "already_bound");
    evidence_log(judge, cause, "nouveau_loaded");
    evidence_printed_all(judge, cause, "kernel_nouveau", "installer_nouveau", NULL);
    fix_table_or(judge, cause, "blacklist-nouveau", "Blacklist nouveau, rebuild the initramfs, reboot");
    if (cause->fixes.count && !fix_table_then(judge, cause, "rebuild-initramfs")) {
        struct fix *fix = &cause->fixes.items[cause->fixes.count - 1];
        fix->title = "Keep nouveau from taking the GPU, then rebuild the initramfs (update-initramfs -u, dracut "
                     "--force or mkinitcpio -P, as the distribution has it)";
    }
    see_driver(judge, cause);
}

/* --- driver-secure-boot -------------------------------------------------------------------------------------- */

/* "module verification failed … tainting kernel" is said of a module that was loaded all the same. */
static const struct printed_message *key_refused(const struct judge *judge) {
    static const char *const reasons[] = {"key", "rejected", "not permitted"};
    for (size_t i = 0; i < judge->messages.count; i++) {
        const struct printed_message *message = &judge->messages.items[i];
        if (text_eq(text_of(message->id), "modprobe_key_rejected") && !text_has(text_of(message->text), "taint") &&
            !text_has(text_of(message->text), "module verification failed"))
            return message;
        for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++)
            if (text_eq(text_of(message->id), "module_insert") &&
                text_has_nocase(text_of(message->second), reasons[r]))
                return message;
    }
    return NULL;
}

void rule_driver_secure_boot(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (module_is_no_question(judge))
        return;
    struct modules modules = modules_on_disk(judge);
    const struct printed_message *rejected = key_refused(judge);
    bool refused = logged(judge, "key_rejected") || logged(judge, "unsigned_refused") ||
                   logged(judge, "lockdown") || rejected;
    bool enforced = is_true(driver->secure_boot) || is_true(driver->lockdown);
    bool no_signature = modules.fits && is_false(modules.fits->is_signed);
    if (!refused && !(enforced && no_signature && is_false(driver->module_loaded)))
        return;
    struct cause *cause =
        judge_find(judge, "driver-secure-boot", refused ? CERTAIN : LIKELY,
                   "Secure Boot keeps NVIDIA's kernel module out: the kernel does not trust its signature%s.",
                   no_signature ? ", for it has none" : "");
    evidence_log(judge, cause, "key_rejected");
    evidence_log(judge, cause, "unsigned_refused");
    evidence_log(judge, cause, "lockdown");
    if (rejected)
        cause_message(judge, cause, rejected);
    cause_fact(judge, cause, "driver.secure_boot", &driver->secure_boot);
    if (is_true(driver->lockdown))
        cause_fact(judge, cause, "driver.lockdown", &driver->lockdown);
    if (modules.fits)
        cause_fact(judge, cause, "driver.modules.is_signed", &modules.fits->is_signed);
    fix_table_or(judge, cause, "enroll-key",
                 "Enrol the key that signed the module (mokutil --import), reboot, confirm it");
    const struct dkms_module_rows *dkms = &driver->dkms;
    if (no_signature && dkms->count && text_of(dkms->items[0].name) && text_of(dkms->items[0].version)) {
        const char *name =
            arena_printf(judge->arena, "%s/%s", dkms->items[0].name.value, dkms->items[0].version.value);
        struct fix *fix = &cause->fixes.items[cause->fixes.count - 1]; /* DKMS signs what it builds */
        texts_add(judge->arena, &fix->commands,
                  arena_printf(judge->arena, "sudo dkms build --force %s -k $(uname -r)", name));
        texts_add(judge->arena, &fix->commands,
                  arena_printf(judge->arena, "sudo dkms install --force %s -k $(uname -r)", name));
    }
    cause_fix(judge, cause, "Turn Secure Boot off in the firmware set-up (BIOS)", NULL)->reboot = true;
    cause_see(judge, cause, "https://wiki.debian.org/SecureBoot");
}

/* --- driver-not-built-for-kernel ----------------------------------------------------------------------------- */

static const struct dkms_module *dkms_without_kernel(const struct judge *judge) {
    const struct dkms_module_rows *rows = &judge->facts->driver.dkms;
    const char *kernel = text_of(judge->facts->system.kernel);
    const struct dkms_module *without = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        const struct dkms_module *row = &rows->items[i];
        bool this_kernel = kernel && text_eq(text_of(row->kernel), kernel);
        bool built = text_eq(text_of(row->state), "installed") || text_eq(text_of(row->state), "built");
        if (this_kernel && built)
            return NULL;
        if (this_kernel || !without)
            without = row;
    }
    return kernel || (without && !known(without->kernel)) ? without : NULL;
}

static struct cause *not_built(struct judge *judge, enum confidence confidence) {
    const char *kernel = text_of(judge->facts->system.kernel);
    struct modules modules = modules_on_disk(judge);
    const char *other = modules.others ? text_of(modules.others->kernel) : NULL;
    return judge_find(judge, "driver-not-built-for-kernel", confidence,
                      "NVIDIA's kernel module is not there for the running kernel%s%s%s%s%s.", kernel ? " " : "",
                      kernel ? kernel : "", other ? " (only for " : "", other ? other : "", other ? ")" : "");
}

static struct cause *not_built_by_facts(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    struct modules modules = modules_on_disk(judge);
    bool for_another =
        logged(judge, "version_magic") || logged(judge, "symbol_disagrees") || logged(judge, "unknown_symbol");
    if (modules.fits && !for_another)
        return NULL;
    if (modules.are_known && is_false(driver->module_loaded) && (modules.others || driver_was_installed(judge)))
        return not_built(judge, CERTAIN);
    if (modules.are_known && !known(driver->module_loaded) && (modules.others || dkms_without_kernel(judge)))
        return not_built(judge, LIKELY);
    if (for_another && !is_true(driver->module_loaded))
        return not_built(judge, CERTAIN);
    if (dkms_without_kernel(judge) && !is_true(driver->module_loaded) && judge->facts->driver.dkms.count)
        return not_built(judge, LIKELY);
    return NULL;
}

/* The installer names this step when it works, too. */
static bool build_step_failed(const struct judge *judge) {
    return printed_saying(judge, "installer_build_failed", "error") ||
           printed_saying(judge, "installer_build_failed", "fail") ||
           printed_saying(judge, "installer_build_failed", "unable");
}

/* Of nvidia itself, not of its uvm or drm part. */
static bool insert_refused(const struct judge *judge, const char *reason) {
    for (size_t i = 0; i < judge->messages.count; i++) {
        const struct printed_message *message = &judge->messages.items[i];
        if (text_eq(text_of(message->id), "module_insert") && is_nvidia_module(text_of(message->argument)) &&
            !text_has(text_of(message->argument), "uvm") && text_has(text_of(message->second), reason))
            return true;
    }
    return false;
}

static struct cause *not_built_by_words(struct judge *judge) {
    const struct printed_message *missing = printed_with(judge, "modprobe_not_found", "nvidia");
    if (printed(judge, "dkms_build_failed") || build_step_failed(judge) ||
        printed(judge, "module_version_magic") ||
        printed_saying(judge, "module_insert", "Invalid module format") ||
        printed_saying(judge, "module_insert", "Exec format"))
        return not_built(judge, CERTAIN);
    if (insert_refused(judge, "Invalid argument")) /* relocations or symbols that do not fit */
        return not_built(judge, LIKELY);
    if (printed(judge, "dkms_headers"))
        return not_built(judge, LIKELY);
    /* nvidia-smi is there, so the driver was installed; the kernel has no module of it */
    if (missing && !is_false(judge->facts->driver.smi_present) &&
        (nvml_said(judge, 9) || driver_was_installed(judge)))
        return not_built(judge, LIKELY);
    return NULL;
}

void rule_driver_not_built_for_kernel(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (module_is_no_question(judge))
        return;
    struct cause *cause = not_built_by_words(judge);
    if (!cause)
        cause = not_built_by_facts(judge);
    if (!cause)
        return;
    struct modules modules = modules_on_disk(judge);
    cause_fact(judge, cause, "system.kernel", &judge->facts->system.kernel);
    if (modules.others)
        cause_fact(judge, cause, "driver.modules.kernel", &modules.others->kernel);
    const struct dkms_module *dkms = dkms_without_kernel(judge);
    if (dkms) {
        if (known(dkms->state))
            cause_evidence(judge, cause, "driver.dkms.state",
                           arena_printf(judge->arena, "%s %s%s%s: %s",
                                        text_of(dkms->name) ? text_of(dkms->name) : "nvidia",
                                        text_of(dkms->version) ? text_of(dkms->version) : "",
                                        text_of(dkms->kernel) ? " for kernel " : "",
                                        text_of(dkms->kernel) ? text_of(dkms->kernel) : "", dkms->state.value),
                           dkms->state.is.source ? dkms->state.is.source : driver->dkms.is.source);
        cause_fact(judge, cause, "driver.dkms.log", &dkms->log);
    }
    evidence_printed_all(judge, cause, "dkms_build_failed", "installer_build_failed", "dkms_headers",
                         "module_version_magic", "module_insert", "modprobe_not_found", NULL);
    evidence_log(judge, cause, "version_magic");
    evidence_log(judge, cause, "symbol_disagrees");
    evidence_log(judge, cause, "unknown_symbol");
    cause_fact(judge, cause, "driver.headers_present", &driver->headers_present);
    bool failed = printed(judge, "dkms_build_failed") || build_step_failed(judge) || (dkms && known(dkms->log)) ||
                  (dkms && text_eq(text_of(dkms->state), "failed"));
    if (failed)
        cause_fix(
            judge, cause,
            "See the first error of the build: one in a function of the kernel means that this driver is too old "
            "for it",
            "grep -m5 -n -i error /var/lib/dkms/nvidia*/*/build/make.log /var/log/nvidia-installer.log", NULL);
    bool headers = !is_true(driver->headers_present) && fix_table(judge, cause, "install-headers");
    if (headers && fix_table_then(judge, cause, "rebuild-module"))
        cause->fixes.items[cause->fixes.count - 1].title =
            "Install the headers of the running kernel and build the module for it";
    else
        fix_table_or(
            judge, cause, "rebuild-module",
            "Install the headers of the running kernel and build the module anew (a newer driver where the "
            "kernel is newer)");
    if (failed && !in_container(judge) && known(judge->facts->system.distribution))
        fix_driver(judge, cause, NULL);
    else if (failed)
        cause_fix(judge, cause, "Install a newer driver, one that knows this kernel", NULL)->reboot = true;
    cause_fix(judge, cause, "Until then: boot the older kernel, for which the module is there", NULL)->reboot =
        true;
    see_driver(judge, cause);
}

/* --- driver-not-loaded --------------------------------------------------------------------------------------- */

static const char *what_keeps_it_out(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (driver->blacklists.count)
        return arena_printf(judge->arena, "a modprobe line keeps it out: %s", driver->blacklists.items[0]);
    if (printed(judge, "module_blacklisted"))
        return "the kernel's command line blacklists it";
    if (printed(judge, "modprobe_off"))
        return "a modprobe line makes \"off\" of its name (alias nvidia off), as prime-select writes it";
    if (text_eq(text_of(driver->prime_profile), "intel"))
        return "prime-select is set to the integrated graphics";
    return NULL;
}

/* The lines are commented out in their files; the kernel's command line is the boot loader's to change. */
static void let_in(struct judge *judge, struct cause *cause) {
    const struct texts_fact *lines = &judge->facts->driver.blacklists;
    bool booted_so = printed(judge, "module_blacklisted") != NULL;
    struct texts commands = {0};
    for (size_t i = 0; i < lines->count; i++) {
        struct span file, line;
        if (!span_cut(span_of(lines->items[i]), ':', &file, &line) || !span_starts(file, "/"))
            continue;
        booted_so |= span_eq(file, "/proc/cmdline");
        const char *command = arena_printf(
            judge->arena, "sudo sed -i '/^[[:space:]]*\\(blacklist\\|alias\\|install\\) nvidia/s/^/# /' %.*s",
            (int)file.len, file.ptr);
        if (!span_eq(file, "/proc/cmdline") && !texts_have(&commands, command))
            texts_add(judge->arena, &commands, command);
    }
    if (commands.count) {
        struct fix *fix =
            cause_fix(judge, cause, "Comment that line out, rebuild the initramfs, load the module", NULL);
        fix->commands = commands;
        fix->needs_root = true;
        fix_table_then(judge, cause, "rebuild-initramfs");
        fix_table_then(judge, cause, "load-module");
        cause->fixes.items[cause->fixes.count - 1].reboot = false;
    }
    if (!booted_so) {
        if (!commands.count)
            cause_fix(
                judge, cause, "Remove the line that keeps it out, rebuild the initramfs, load the module",
                "grep -rnE '(blacklist|alias|install) nvidia' /etc/modprobe.d /usr/lib/modprobe.d /lib/modprobe.d",
                NULL);
        return;
    }
    struct texts systems = fix_systems(judge);
    bool grubby = texts_have(&systems, "fedora") || texts_have(&systems, "rhel");
    if (grubby)
        cause_fix(judge, cause, "Take the blacklist off the kernel's command line",
                  "sudo grubby --update-kernel=ALL --remove-args=modprobe.blacklist", "sudo reboot", NULL);
    else
        cause_fix(judge, cause, "Take the blacklist off the kernel's command line (in /etc/default/grub)",
                  "sudo sed -i 's/ *modprobe.blacklist=[^ \"]*//' /etc/default/grub",
                  texts_have(&systems, "ubuntu") || texts_have(&systems, "debian")
                      ? "sudo update-grub"
                      : "sudo grub-mkconfig -o /boot/grub/grub.cfg",
                  "sudo reboot", NULL);
}

void rule_driver_not_loaded(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (module_is_no_question(judge))
        return;
    struct modules modules = modules_on_disk(judge);
    const char *why = what_keeps_it_out(judge);
    bool out = is_false(driver->module_loaded) &&
               (modules.fits || (in_container(judge) && judge->facts->gpu.devices.count));
    /* the configuration alone decides in an image, where nothing is loaded yet */
    const struct printed_message *insert = printed(judge, "installer_load");
    for (size_t i = 0; i < judge->messages.count && !insert; i++) /* nvidia itself, not its uvm or drm part */
        if (text_eq(text_of(judge->messages.items[i].id), "module_insert") &&
            is_nvidia_module(text_of(judge->messages.items[i].argument)) &&
            !text_has(text_of(judge->messages.items[i].argument), "uvm"))
            insert = &judge->messages.items[i];
    bool kept_out =
        !known(driver->module_loaded) &&
        ((why && (modules.fits || printed(judge, "modprobe_off") || printed(judge, "module_blacklisted"))) ||
         insert);
    if (!out && !kept_out) {
        if (judge->facts->gpu.devices.count && !known(driver->module_loaded))
            settled(judge, "driver.module_loaded", &driver->module_loaded.is);
        return;
    }
    struct cause *cause = judge_find(
        judge, "driver-not-loaded", why ? CERTAIN : LIKELY, "NVIDIA's kernel module is %snot loaded%s%s.",
        modules.fits ? "installed but " : "", in_container(judge) ? " on the host of this container" : "",
        why ? arena_printf(judge->arena, ": %s", why) : "");
    cause_fact(judge, cause, "driver.module_loaded", &driver->module_loaded);
    if (modules.fits)
        cause_fact(judge, cause, "driver.modules.path", &modules.fits->path);
    for (size_t i = 0; i < driver->blacklists.count; i++)
        cause_evidence(judge, cause, "driver.blacklists", driver->blacklists.items[i],
                       driver->blacklists.is.source);
    if (known(driver->prime_profile))
        cause_fact(judge, cause, "driver.prime_profile", &driver->prime_profile);
    evidence_printed_all(judge, cause, "modprobe_off", "module_blacklisted", "module_insert", "installer_load",
                         NULL);
    evidence_nvml(judge, cause, 9);
    bool prime =
        why && (text_has(why, "prime-select") || text_has(why, "alias")) && !absent(driver->prime_profile);
    if (prime)
        cause_fix(judge, cause, "Give the NVIDIA GPU back to the system", "sudo prime-select nvidia",
                  "sudo reboot", NULL);
    else if (why)
        let_in(judge, cause);
    if (in_container(judge))
        cause_fix(judge, cause, "On the host: load the driver", "sudo modprobe nvidia", "sudo modprobe nvidia-uvm",
                  NULL);
    else if (!why || text_has(why, "blacklist")) /* a blacklist keeps it only from being loaded by itself */
        fix_table_or(judge, cause, "load-module", "Load it: modprobe nvidia, and nvidia-uvm");
    see_driver(judge, cause);
}

/* --- what a package manager says, where nothing more exact is known -------------------------------------------- */

void rule_driver_packages(struct judge *judge) {
    if (judge->out->causes.count || cuda_lists_gpus(judge) || nvml_lists_gpus(judge) || in_container(judge) ||
        module_is_no_question(judge))
        return;
    const struct printed_message *unmet = printed(judge, "driver_packages_unmet");
    const struct printed_message *unknown = printed(judge, "driver_package_unknown");
    if (unmet) {
        struct cause *cause = judge_find(
            judge, "driver-install-broken", LIKELY,
            "The package manager could not install the driver, or not to its end: %s does not go together with "
            "the packages that are there.",
            text_of(unmet->argument) ? text_of(unmet->argument) : "a package of it");
        evidence_printed(judge, cause, "driver_packages_unmet");
        fix_table_or(judge, cause, "repair-driver",
                     "Remove the driver's packages of other versions and sources, install those of one, reboot");
        see_driver(judge, cause);
    } else if (unknown) {
        struct cause *cause =
            judge_find(judge, "driver-missing", LIKELY,
                       "The driver could not be installed: no repository that is set up has a package %s.",
                       text_of(unknown->argument) ? text_of(unknown->argument) : "of that name");
        evidence_printed(judge, cause, "driver_package_unknown");
        fix_driver(judge, cause, NULL);
        see_driver(judge, cause);
    }
}
