/* Link 2, options of nvidia.ko. What they do is told in kernel-open/nvidia/nv-reg.h of NVIDIA's open kernel modules. */
#include "diagnose/driver_option.h"

#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static int64_t number_from(struct span text) {
    int64_t number;
    bool hexadecimal = span_starts(text, "0x") || span_starts(text, "0X");
    int base = hexadecimal ? 16 : text.len > 1 && text.ptr[0] == '0' ? 8 : 10; /* as the kernel reads parameters */
    return span_to_number(text, base, &number) < 0 ? -1 : number;
}

/* "NAME: value" of the running module. */
static bool loaded_option(struct judge *judge, const char *name, struct module_option *option) {
    const struct texts_fact *list = &judge->facts->driver.module_parameters;
    for (size_t i = 0; i < list->count; i++) {
        struct span key, value;
        if (!span_cut(span_of(list->items[i]), ':', &key, &value) || !span_eq(key, name))
            continue;
        value = span_unquote(span_trim(value));
        *option = (struct module_option){.value = arena_copy_span(judge->arena, value),
                                         .text = list->items[i],
                                         .source = list->is.source,
                                         .number = number_from(value),
                                         .loaded = true};
        return true;
    }
    return false;
}

/* "FILE: options nvidia NVreg_A=1 NVreg_B=2"; modprobe joins all lines, and the last value holds. */
static bool configured_option(struct judge *judge, const char *name, struct module_option *option) {
    const struct texts_fact *list = &judge->facts->driver.module_options;
    const char *wanted = arena_printf(judge->arena, "NVreg_%s", name);
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        struct span file, line, word, key, value;
        if (!span_cut(span_of(list->items[i]), ':', &file, &line))
            continue;
        while (span_next_word(&line, &word)) {
            if (!span_cut(word, '=', &key, &value) || !span_eq(key, wanted))
                continue;
            value = span_unquote(value);
            *option = (struct module_option){.value = arena_copy_span(judge->arena, value),
                                             .text = list->items[i],
                                             .file = arena_copy_span(judge->arena, file),
                                             .source = list->is.source,
                                             .number = number_from(value)};
            found = true;
        }
    }
    return found;
}

bool module_option(struct judge *judge, const char *name, struct module_option *ret_option) {
    struct module_option configured;
    bool is_configured = configured_option(judge, name, &configured);
    if (loaded_option(judge, name, ret_option)) {
        ret_option->file = is_configured ? configured.file : NULL;
        return true;
    }
    if (is_configured)
        *ret_option = configured;
    return is_configured;
}

void evidence_option(struct judge *judge, struct cause *cause, const char *name) {
    struct module_option option;
    if (loaded_option(judge, name, &option)) {
        bool mode = text_ends(name, "Mode") && option.number >= 0; /* the kernel shows it in decimal */
        cause_evidence(
            judge, cause, "driver.module_parameters",
            mode ? arena_printf(judge->arena, "%s (octal %04llo)", option.text, (unsigned long long)option.number)
                 : option.text,
            option.source);
    }
    if (configured_option(judge, name, &option))
        cause_evidence(judge, cause, "driver.module_options", option.text, option.source);
}

/* The new options hold when the module is loaded anew, from the initramfs in many distributions. */
static void load_anew(struct judge *judge, struct cause *cause) {
    fix_table_then(judge, cause, "rebuild-initramfs");
    if (!fix_table_then(judge, cause, "reload-module"))
        fix_table_then(judge, cause, "reboot");
    cause->fixes.items[cause->fixes.count - 1].reboot = false; /* reloading is enough where nothing uses the GPU */
}

void fix_option(struct judge *judge, struct cause *cause, const char *title, const char *name, const char *value) {
    struct module_option option;
    const char *command =
        configured_option(judge, name, &option)
            ? arena_printf(judge->arena, "sudo sed -i 's/NVreg_%s=[^ ]*/NVreg_%s=%s/' %s", name, name, value,
                           option.file)
            : arena_printf(judge->arena,
                           "echo 'options nvidia NVreg_%s=%s' | sudo tee /etc/modprobe.d/nvidia-options.conf",
                           name, value);
    cause_fix(judge, cause, title, command, NULL)->needs_root = true;
    load_anew(judge, cause);
}

void fix_option_away(struct judge *judge, struct cause *cause, const char *name) {
    struct module_option option;
    if (!configured_option(judge, name, &option)) {
        cause_fix(
            judge, cause,
            arena_printf(judge->arena,
                         "Find where NVreg_%s is set (modprobe.d, the kernel's command line), take it out, load "
                         "the module anew",
                         name),
            arena_printf(judge->arena,
                         "grep -rn %s /etc/modprobe.d /usr/lib/modprobe.d /lib/modprobe.d /proc/cmdline", name),
            NULL);
        return;
    }
    cause_fix(
        judge, cause,
        arena_printf(judge->arena,
                     "Take NVreg_%s out of %s and load the module anew, while nothing uses the GPU (or reboot)",
                     name, option.file),
        arena_printf(judge->arena, "sudo sed -i 's/NVreg_%s=[^ ]*//' %s", name, option.file), NULL)
        ->needs_root = true;
    load_anew(judge, cause);
}

void note_options(struct judge *judge, struct link_state *state) {
    static const char *const names[] = {"ModifyDeviceFiles", "DeviceFileUID",     "DeviceFileGID",
                                        "DeviceFileMode",    "RegisterPCIDriver", "ExcludedGpus"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct module_option running, configured;
        if (!loaded_option(judge, names[i], &running) || !configured_option(judge, names[i], &configured))
            continue;
        bool same = running.number >= 0 && configured.number >= 0 ? running.number == configured.number
                                                                  : text_eq(running.value, configured.value);
        if (!same)
            link_note(judge, state, "%s sets NVreg_%s=%s, and the loaded module runs without it: load it anew",
                      configured.file, names[i], configured.value);
    }
    for (size_t i = 0; i < judge->facts->gpu.devices.count; i++)
        if (is_true(judge->facts->gpu.devices.items[i].excluded))
            link_note(judge, state, "the driver leaves GPU %s out (NVreg_ExcludedGpus)",
                      text_of(judge->facts->gpu.devices.items[i].address));
}

/* --- driver-init-failed: the driver was told not to drive the GPU --------------------------------------------- */

static bool names_gpu(const char *list, const struct gpu_device *gpu) {
    return text_of(gpu->uuid) && text_has(list, text_of(gpu->uuid));
}

/* All GPUs of the machine are left out. */
static bool all_excluded(struct judge *judge, const char *name) {
    const struct gpu_device_rows *gpus = &judge->facts->gpu.devices;
    struct module_option option = {0};
    bool listed = module_option(judge, name, &option) && *option.value;
    size_t out = 0;
    for (size_t i = 0; i < gpus->count; i++)
        out += is_true(gpus->items[i].excluded) ||
               (listed && !is_false(gpus->items[i].excluded) && names_gpu(option.value, &gpus->items[i]));
    return gpus->count && out == gpus->count;
}

void rule_driver_leaves_out(struct judge *judge) {
    struct module_option option;
    if (on_wsl(judge) || on_windows(judge) || on_jetson(judge) || cuda_lists_gpus(judge) || nvml_lists_gpus(judge))
        return;
    if (module_option(judge, "RegisterPCIDriver", &option) && option.number == 0 &&
        is_true(judge->facts->driver.module_loaded)) {
        struct cause *cause =
            judge_find(judge, "driver-init-failed", option.loaded ? CERTAIN : LIKELY,
                       "NVIDIA's kernel module is loaded and takes no GPU: it was told not to, by "
                       "NVreg_RegisterPCIDriver=0.");
        evidence_option(judge, cause, "RegisterPCIDriver");
        fix_option_away(judge, cause, "RegisterPCIDriver");
        cause_see(judge, cause, "https://github.com/NVIDIA/open-gpu-kernel-modules");
    }
    static const char *const lists[] = {"ExcludedGpus", "GpuBlacklist"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!all_excluded(judge, lists[i]) || (i && judge_found(judge, "driver-init-failed")))
            continue;
        struct cause *cause =
            judge_find(judge, "driver-init-failed", CERTAIN,
                       "The driver leaves the GPU out: its module option NVreg_%s names it.", lists[i]);
        for (size_t g = 0; g < judge->facts->gpu.devices.count; g++)
            cause_fact(judge, cause, "gpu.devices.excluded", &judge->facts->gpu.devices.items[g].excluded);
        evidence_option(judge, cause, lists[i]);
        fix_option_away(judge, cause, lists[i]);
        cause_see(judge, cause, "https://github.com/NVIDIA/open-gpu-kernel-modules");
    }
}
