/* The kernel driver as lsmod, modinfo, dkms, mokutil, prime-select, uname, dpkg and systemctl show it. What the
 * kernel itself logged is found by expressions (data/kernel_messages.csv, import/messages.c). */
#include <ctype.h>

#include "base/text.h"
#include "format/nvrm.h"
#include "import/importer.h"

struct modules {
    struct kernel_module *modinfo; /* the one whose keys are read */
    bool nvidia, uvm, nouveau;     /* lines of lsmod */
    bool lsmod;
    char unit[40]; /* of systemctl status */
};

/* --- lsmod, modinfo ------------------------------------------------------------------------------------------ */

/* "nvidia_uvm            794624  0", "nvidia  56823808  1234 nvidia_uvm,nvidia_modeset" */
static bool lsmod_line(struct reading *reading, struct span text, struct modules *state) {
    struct span rest = text, name, size, used;
    int64_t number;
    if (!span_next_word(&rest, &name) || !span_next_word(&rest, &size) || !span_next_word(&rest, &used) ||
        span_to_number(size, 10, &number) < 0 || number < 4096 || span_to_number(used, 10, &number) < 0)
        return false;
    struct driver_facts *driver = &reading->facts->driver;
    struct span users;
    span_next_word(&rest, &users);
    struct span after = rest;
    if (span_trim(after).len || memchr(name.ptr, '.', name.len))
        return false; /* a row of some other table */
    state->lsmod = true;
    if (span_eq(name, "nvidia") || span_starts(name, "nvidia_current") || span_eq(name, "nvidia_open")) {
        note_flag(reading, &driver->module_loaded, true);
        state->nvidia = true;
    } else if (span_eq(name, "nvidia_uvm") || span_starts(name, "nvidia_current_uvm")) {
        note_flag(reading, &driver->uvm_loaded, true);
        state->uvm = true;
    } else if (span_eq(name, "nvidia_modeset")) {
        note_flag(reading, &driver->modeset_loaded, true);
    } else if (span_eq(name, "nouveau")) {
        note_flag(reading, &driver->nouveau_loaded, true);
        state->nouveau = true;
    } else {
        return false;
    }
    reading_kind(reading, "lsmod");
    return true;
}

static bool modinfo_line(struct reading *reading, struct span text, struct modules *state) {
    struct span value;
    if (span_starts(text, "filename:") && after_key(text, "filename:", &value) && span_has(value, "nvidia")) {
        state->modinfo = READING_PUSH(reading, &reading->facts->driver.modules);
        if (!state->modinfo)
            return true;
        reading_kind(reading, "modinfo");
        note_word(reading, &state->modinfo->name, "nvidia");
        note_text(reading, &state->modinfo->path, value);
        struct span kernel;
        if (after_key(value, "/lib/modules/", &kernel)) {
            size_t slash = span_find(kernel, "/");
            note_text(reading, &state->modinfo->kernel,
                      span_slice(kernel, 0, slash == SIZE_MAX ? kernel.len : slash));
        }
        return true;
    }
    if (!state->modinfo)
        return false;
    if (span_starts(text, "version:")) {
        note_text(reading, &state->modinfo->version, span_slice(text, 8, text.len));
    } else if (span_starts(text, "license:")) {
        const char *flavour = nvrm_flavour_text(nvrm_flavour_of_license(span_trim(span_slice(text, 8, text.len))));
        if (flavour)
            note_word(reading, &state->modinfo->flavour, flavour);
    } else if (span_starts(text, "vermagic:")) {
        note_text(reading, &state->modinfo->vermagic, span_slice(text, 9, text.len));
    } else if (span_starts(text, "sig_id:")) {
        note_flag(reading, &state->modinfo->is_signed, true);
    } else {
        return false;
    }
    return true;
}

/* --- dkms, Secure Boot, prime -------------------------------------------------------------------------------- */

/* "nvidia, 470.86, 5.13.18-generic, x86_64: installed", "nvidia/535.54.03: added" */
static bool dkms_line(struct reading *reading, struct span text) {
    static const char *const states[] = {"added", "built", "installed", "broken"};
    struct span head, state_text;
    if (!span_starts(text, "nvidia") || !memchr(text.ptr, ':', text.len))
        return false;
    size_t colon = span_find(text, ": ");
    if (colon == SIZE_MAX)
        return false;
    head = span_slice(text, 0, colon);
    state_text = span_trim(span_slice(text, colon + 2, text.len));
    const char *state = NULL;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (span_starts(state_text, states[i]))
            state = states[i];
    struct span name, version, kernel = {0}, rest = head;
    if (!state || (!memchr(head.ptr, ',', head.len) && !memchr(head.ptr, '/', head.len)))
        return false;
    span_next_field(&rest, memchr(head.ptr, '/', head.len) ? '/' : ',', &name);
    span_next_field(&rest, ',', &version);
    span_next_field(&rest, ',', &kernel);
    struct dkms_module *module = READING_PUSH(reading, &reading->facts->driver.dkms);
    if (!module)
        return true;
    reading_kind(reading, "dkms");
    note_text(reading, &module->name, span_trim(name));
    note_text(reading, &module->version, span_trim(version));
    if (span_trim(kernel).len)
        note_text(reading, &module->kernel, span_trim(kernel));
    else
        note_absent(reading, &module->kernel.is);
    note_word(reading, &module->state, state);
    return true;
}

static bool policy_line(struct reading *reading, struct span text) {
    struct driver_facts *driver = &reading->facts->driver;
    if (span_starts(text, "EFI variables are not supported on this system") ||
        span_starts(text, "This system doesn't support Secure Boot")) { /* mokutil --sb-state */
        note_flag(reading, &driver->secure_boot, false);
        return true;
    }
    if (span_starts(text, "SecureBoot ") || span_starts(text, "Secure boot ") ||
        span_has(text, "Secure boot enabled")) {
        note_flag(reading, &driver->secure_boot, span_has(text, "enabled"));
        return true;
    }
    size_t colon = span_find(text, ".conf:"); /* grep names the file */
    struct span line = colon == SIZE_MAX ? text : span_trim(span_slice(text, colon + 6, text.len));
    if (span_eq(line, "blacklist nouveau")) {
        note_flag(reading, &driver->nouveau_blacklisted, true);
        return true;
    }
    if (span_eq(line, "blacklist nvidia") || span_eq(line, "alias nvidia off") ||
        span_starts(line, "install nvidia /bin/")) {
        note_listed(reading, &driver->blacklists, line);
        return true;
    }
    bool prime = span_eq(reading->program, "prime-select") && span_has(reading->command, "query");
    if (prime && (span_eq(text, "intel") || span_eq(text, "nvidia") || span_eq(text, "on-demand"))) {
        note_text(reading, &driver->prime_profile, text);
        return true;
    }
    return false;
}

/* --- versions and packages ----------------------------------------------------------------------------------- */

static bool version_line(struct reading *reading, struct span text) {
    struct nvrm nvrm;
    if (span_starts(text, "NVRM version:") || span_has(text, "NVIDIA UNIX")) {
        if (nvrm_parse(text, &nvrm) < 0 || !nvrm.version.count)
            return false;
        reading_kind(reading, "/proc/driver/nvidia/version");
        note_flag(reading, &reading->facts->driver.module_loaded, true);
        note_text(reading, &reading->facts->driver.module_version, span_of(nvrm.version.text));
        const char *flavour = nvrm_flavour_text(nvrm.flavour);
        if (flavour)
            note_word(reading, &reading->facts->driver.module_flavour, flavour);
        return true;
    }
    if (span_eq(reading->program, "modinfo") && span_has(reading->command, "-F version") &&
        version_at(text).len == text.len) {
        struct kernel_module *module = READING_PUSH(reading, &reading->facts->driver.modules);
        if (module) {
            note_word(reading, &module->name, "nvidia");
            note_text(reading, &module->version, text);
        }
        return true;
    }
    if (span_eq(reading->program, "modinfo") && span_has(reading->command, "-F license")) {
        const char *flavour = nvrm_flavour_text(nvrm_flavour_of_license(text));
        if (flavour)
            note_word(reading, &reading->facts->driver.module_flavour, flavour);
        return flavour != NULL;
    }
    return false;
}

static bool is_driver_package(struct span name) {
    static const char *const starts[] = {
        "nvidia-driver",        "nvidia-dkms",          "nvidia-utils",        "nvidia-kernel", "nvidia-open",
        "nvidia-headless",      "libnvidia-",           "nvidia-compute",      "cuda-drivers",  "libcuda1",
        "kmod-nvidia",          "akmod-nvidia",         "xorg-x11-drv-nvidia", "cuda-compat",   "nvidia-lts",
        "nvidia-fabricmanager", "linux-modules-nvidia", "nvidia-smi"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(name, starts[i]))
            return true;
    return span_eq(name, "nvidia");
}

/* "ii  nvidia-driver-535  535.54.03-0ubuntu1  amd64  …", "nvidia-driver-550:amd64 550.107.02-0ubuntu0", "nvidia
 * 535-4" */
static bool package_line(struct reading *reading, struct span text) {
    struct span rest = text, first, name, version;
    if (!span_next_word(&rest, &first))
        return false;
    bool dpkg =
        first.len >= 2 && first.len <= 3 && strchr("iruph", first.ptr[0]) && strchr("inFUcrHW", first.ptr[1]);
    if (dpkg)
        span_next_word(&rest, &name);
    else
        name = first;
    if (!is_driver_package(name) || !span_next_word(&rest, &version) || !version.len ||
        !isdigit((unsigned char)version.ptr[0]) || !memchr(version.ptr, '.', version.len) ||
        span_ends(version, ":"))
        return false; /* "nvidia 0000:01:00.0: probe …" is the kernel's log */
    struct span epoch, release = version;
    if (span_cut(version, ':', &epoch, &release) == false)
        release = version;
    size_t colon = span_find(name, ":");
    struct driver_package *package = READING_PUSH(reading, &reading->facts->driver.packages);
    if (!package)
        return true;
    name = span_slice(name, 0, colon == SIZE_MAX ? name.len : colon);
    static const char *const machines[] = {".x86_64", ".noarch", ".aarch64"}; /* yum and dnf list */
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (span_ends(name, machines[i]))
            name.len -= strlen(machines[i]);
    note_text(reading, &package->name, name);
    note_text(reading, &package->version, version);
    bool installed = !dpkg || first.ptr[1] == 'i';
    note_word(reading, &package->state,
              installed             ? "installed"
              : first.ptr[1] == 'c' ? "removed"
                                    : "half-configured");
    note_word(reading, &package->manager, dpkg || memchr(text.ptr, ':', text.len) ? "dpkg" : "pacman");
    reading_kind(reading, "packages");
    if (installed && !span_starts(name, "cuda-compat") && !span_starts(name, "nvidia-fabric")) {
        struct driver_version parsed;
        if (driver_version_parse(version_at(release), &parsed) == 0 && parsed.count > 1)
            note_text(reading, &reading->facts->driver.library_version, span_of(parsed.text));
    }
    return true;
}

/* --- uname, systemctl ---------------------------------------------------------------------------------------- */

static bool uname_line(struct reading *reading, struct span text) {
    struct span rest = text, word;
    if (span_starts(text, "Linux ")) { /* uname -a: "Linux host 5.15.0-25-generic #25-Ubuntu SMP … x86_64 …" */
        span_next_word(&rest, &word);
        span_next_word(&rest, &word);
        if (!span_next_word(&rest, &word) || !isdigit((unsigned char)word.ptr[0]))
            return false;
        read_kernel(reading, word);
        if (span_has(rest, "aarch64"))
            note_word(reading, &reading->facts->system.machine, "aarch64");
        else if (span_has(rest, "x86_64"))
            note_word(reading, &reading->facts->system.machine, "x86_64");
        return true;
    }
    if (!span_eq(reading->program, "uname"))
        return false;
    if (span_eq(text, "x86_64") || span_eq(text, "aarch64") || span_eq(text, "arm64"))
        note_text(reading, &reading->facts->system.machine, text);
    else if (span_eq(text, "Darwin"))
        note_word(reading, &reading->facts->system.os, "macos");
    else
        read_kernel(reading, text);
    return true;
}

static bool unit_line(struct reading *reading, struct span text, struct modules *state) {
    struct span value;
    size_t end = span_find(text, ".service");
    if (end != SIZE_MAX && (span_starts(text, "\u25cf ") || span_starts(text, "\u25cb ") ||
                            span_starts(text, "\u00d7 ") || span_starts(text, "Unit "))) {
        size_t start = span_find(text, " ") + 1;
        struct span unit = span_slice(text, start, end);
        if (unit.len >= sizeof state->unit)
            return false;
        memcpy(state->unit, unit.ptr, unit.len);
        state->unit[unit.len] = '\0';
        if (span_has(text, "could not be found") && strstr(state->unit, "fabricmanager"))
            note_flag(reading, &reading->facts->access.fabric_manager_running, false);
        return false;
    }
    if (!state->unit[0] || !after_key(text, "Active: ", &value))
        return false;
    bool running = span_starts(value, "active");
    reading_kind(reading, "systemctl");
    if (strstr(state->unit, "fabricmanager"))
        note_flag(reading, &reading->facts->access.fabric_manager_running, running);
    else if (strstr(state->unit, "nvidia-gridd"))
        note_flag(reading, &reading->facts->access.gridd_running, running);
    else if (strstr(state->unit, "nvidia-persistenced"))
        note_flag(reading, &reading->facts->access.persistence, running);
    state->unit[0] = '\0';
    return true;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool read_line(struct reading *reading, void *memory) {
    struct modules *state = memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    return lsmod_line(reading, text, state) || modinfo_line(reading, text, state) || dkms_line(reading, text) ||
           policy_line(reading, text) || version_line(reading, text) || package_line(reading, text) ||
           uname_line(reading, text) || unit_line(reading, text, state);
}

static void read_command(struct reading *reading, void *memory) {
    (void)reading;
    *(struct modules *)memory = (struct modules){0};
}

/* What a filtered lsmod does not show is not loaded. */
static void command_done(struct reading *reading, void *memory) {
    struct modules *state = memory;
    struct driver_facts *driver = &reading->facts->driver;
    if (!span_eq(reading->program, "lsmod"))
        return;
    bool about_nvidia = span_has(reading->command, "nvidia"),
         about_nouveau = span_has(reading->command, "nouveau");
    bool all = !span_has(reading->command, "grep") && state->lsmod;
    if ((about_nvidia && !reading->output_lines) || (all && !state->nvidia))
        note_flag(reading, &driver->module_loaded, false);
    if (state->nvidia && !state->uvm && (about_nvidia || all))
        note_flag(reading, &driver->uvm_loaded, false);
    if ((about_nouveau && !reading->output_lines) || (all && !state->nouveau))
        note_flag(reading, &driver->nouveau_loaded, false);
}

const struct importer import_modules = {sizeof(struct modules), read_line, read_command, command_done};
