/* What keeps a module from loading though it is there: modprobe's configuration, the kernel's command line,
 * prime-select, Secure Boot. */
#include <errno.h>

#include "base/limits.h"
#include "format/modinfo.h"
#include "format/modprobe_conf.h"
#include "probe/driver.h"
#include "probe/look.h"

static const char command_line[] = "/proc/cmdline";

/* The name in its loaded form, or NULL where it is none of ours. */
static const char *of_interest(struct span module) {
    char name[64];
    if (module.len >= sizeof name)
        return NULL;
    for (size_t i = 0; i < module.len; i++)
        name[i] = module.ptr[i] == '-' ? '_' : module.ptr[i];
    name[module.len] = '\0';
    return module_of_interest(name);
}

static void add_line(struct probe *probe, struct texts_fact *list, const char *path, struct span line) {
    if (list->count < LIMIT_ROWS)
        texts_push(probe->arena, list, arena_printf(probe->arena, "%s: %s", path, text_clean(probe->arena, line)));
}

static void read_line(struct probe *probe, const char *path, struct span line) {
    struct driver_facts *driver = &probe->out->driver;
    struct span module, word, rest = line;
    line = span_trim(line);
    if (span_next_word(&rest, &word) && span_eq(word, "options") && span_next_word(&rest, &module)) {
        const char *name = of_interest(module);
        if (name && !text_eq(name, "nouveau"))
            add_line(probe, &driver->module_options, path, line);
        else if (name && span_has(rest, "modeset=0"))
            set_flag(&driver->nouveau_blacklisted, true, keep(probe, path));
        return;
    }
    if (modprobe_line(line, &module) == MODPROBE_NONE)
        return;
    const char *name = of_interest(module);
    if (name && text_eq(name, "nouveau"))
        set_flag(&driver->nouveau_blacklisted, true, keep(probe, path));
    else if (name)
        add_line(probe, &driver->blacklists, path, line);
}

/* A file name in an earlier directory hides the same name in the later ones (modprobe.d(5)). */
static void read_modprobe(struct probe *probe) {
    struct driver_facts *driver = &probe->out->driver;
    static const char *const directories[] = {"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                                              "/usr/lib/modprobe.d", "/lib/modprobe.d"};
    static const char source[] = "modprobe.d";
    set_listed(&driver->blacklists, source);
    set_listed(&driver->module_options, source);
    set_flag(&driver->nouveau_blacklisted, false, source);
    AUTO_ARENA seen_arena = {0};
    struct texts seen = {0}, names;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        int r = root_list(probe->root, &seen_arena, directories[i], &names);
        if (r < 0 && r != -EFBIG && r != -ENOENT && r != -ENOTDIR) {
            forget_list(&driver->blacklists, strerror(-r), directories[i]);
            set_unknown(&driver->nouveau_blacklisted, strerror(-r), directories[i]);
            return;
        }
        for (size_t j = 0; j < names.count; j++) {
            AUTO_ARENA scratch = {0};
            struct span bytes, line;
            if (!text_ends(names.items[j], ".conf") || texts_have(&seen, names.items[j]))
                continue;
            texts_add(&seen_arena, &seen, names.items[j]);
            const char *path = text_path(&scratch, directories[i], names.items[j]);
            r = root_read(probe->root, &scratch, path, LIMIT_SMALL_FILE, &bytes);
            while ((r == 0 || r == -EFBIG) && span_next_line(&bytes, &line))
                read_line(probe, path, line);
        }
    }
}

/* Its other words (the disk's UUID, passwords of some installers) are nobody's business and not kept. */
static void read_command_line(struct probe *probe) {
    struct driver_facts *driver = &probe->out->driver;
    AUTO_ARENA scratch = {0};
    struct span bytes, word, modules, module;
    if (root_read(probe->root, &scratch, command_line, LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    while (command_line_blacklist(&bytes, &word, &modules))
        while (span_next_field(&modules, ',', &module)) {
            const char *name = of_interest(module);
            if (name && text_eq(name, "nouveau"))
                set_flag(&driver->nouveau_blacklisted, true, command_line);
            else if (name && known(driver->blacklists))
                add_line(probe, &driver->blacklists, command_line, word);
        }
}

static void read_prime(struct probe *probe, struct arena *scratch) {
    static const char path[] = "/etc/prime-discrete";
    const char *line;
    int r = root_read_line(probe->root, scratch, path, &line);
    if (r < 0)
        set_missing(&probe->out->driver.prime_profile, r, path);
    else
        set_text(&probe->out->driver.prime_profile, keep(probe, line), path);
}

/* An EFI variable is four bytes of attributes, then its value (Documentation/filesystems/efivarfs). A machine
 * whose firmware directory is there without `efi` started by BIOS, which knows no Secure Boot; containers hide the
 * directory. */
static void read_secure_boot(struct probe *probe, struct arena *scratch) {
    struct flag_fact *fact = &probe->out->driver.secure_boot;
    static const char path[] = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    struct span bytes;
    int r = root_read(probe->root, scratch, path, 16, &bytes);
    if (r == 0 && bytes.len == 5) {
        set_flag(fact, bytes.ptr[4] == 1, path);
        return;
    }
    if (r == -ENOENT && !root_exists(probe->root, "/sys/firmware/efi") &&
        (root_exists(probe->root, "/sys/firmware/acpi") || root_exists(probe->root, "/sys/firmware/devicetree") ||
         root_exists(probe->root, "/sys/firmware/memmap"))) {
        set_flag(fact, false, "/sys/firmware");
        return;
    }
    set_unknown(fact,
                r == 0         ? "not five bytes"
                : r == -ENOENT ? "no EFI variables to read here"
                               : strerror(-r),
                path);
}

/* Signed modules only: by the lockdown that Secure Boot brings on most distributions, or by module.sig_enforce. */
static void read_lockdown(struct probe *probe, struct arena *scratch) {
    struct flag_fact *fact = &probe->out->driver.lockdown;
    static const char path[] = "/sys/kernel/security/lockdown",
                      enforce[] = "/sys/module/module/parameters/sig_enforce";
    const char *signed_only = look_line(probe, scratch, enforce), *line;
    if (text_eq(signed_only, "Y")) {
        set_flag(fact, true, enforce);
        return;
    }
    int r = root_read_line(probe->root, scratch, path, &line);
    if (r == 0)
        set_flag(fact, text_has(line, "[integrity]") || text_has(line, "[confidentiality]"), path);
    else if (signed_only)
        set_flag(fact, false, enforce);
    else
        set_unknown(fact, r == -ENOENT ? "the kernel does not tell here" : strerror(-r), path);
}

/* "DeviceFileMode: 438", "ExcludedGpus: \"GPU-…\"": of some sixty parameters those that decide whether a program gets
 * at a GPU (kernel-open/nvidia/nv-reg.h of NVIDIA's open kernel modules). */
static void read_parameters(struct probe *probe, struct arena *scratch) {
    struct texts_fact *list = &probe->out->driver.module_parameters;
    static const char path[] = "/proc/driver/nvidia/params";
    static const char *const wanted[] = {"ModifyDeviceFiles", "DeviceFileUID",     "DeviceFileGID",
                                         "DeviceFileMode",    "RegisterPCIDriver", "EnableGpuFirmware",
                                         "ExcludedGpus",      "GpuBlacklist",      "OpenRmEnableUnsupportedGpus"};
    struct span bytes, line, key, value;
    int r = root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
    if (r < 0 && r != -EFBIG) {
        if (is_true(probe->out->driver.module_loaded))
            set_unknown(list, r == -ENOENT ? "not shown here" : strerror(-r), path);
        else
            set_missing(list, r, path);
        return;
    }
    set_listed(list, path);
    while (span_next_line(&bytes, &line) && list->count < LIMIT_ROWS)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted && span_cut(line, ':', &key, &value); i++)
            if (span_eq(key, wanted[i]))
                texts_push(probe->arena, list, text_clean(probe->arena, line));
}

void driver_policy_read(struct probe *probe) {
    AUTO_ARENA scratch = {0};
    read_modprobe(probe);
    read_parameters(probe, &scratch);
    read_command_line(probe);
    read_prime(probe, &scratch);
    read_secure_boot(probe, &scratch);
    read_lockdown(probe, &scratch);
}
