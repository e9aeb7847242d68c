/* Link 2: which kernel driver is loaded. What lies on disk, and the libraries: driver_*.c. */
#include <errno.h>

#include "base/limits.h"
#include "format/nvrm.h"
#include "probe/driver.h"
#include "probe/look.h"

static const char modules_path[] = "/proc/modules", sys_modules[] = "/sys/module";

/* A kernel's modules as two places tell them; a kernel built without modules has only the second. */
struct loaded {
    struct span modules; /* /proc/modules */
    bool modules_known, sys_known;
};

static bool in_list(struct span modules, const char *name) {
    struct span line, word;
    while (span_next_line(&modules, &line))
        if (span_next_word(&line, &word) && span_eq(word, name))
            return true;
    return false;
}

/* `name` with '_', as the kernel has it. */
static void set_loaded(const struct probe *probe, const struct loaded *loaded, struct arena *scratch,
                       const char *name, struct flag_fact *fact) {
    if (!loaded->modules_known && !loaded->sys_known)
        set_unknown(fact, "neither /proc/modules nor /sys/module is readable", modules_path);
    else if (loaded->modules_known && in_list(loaded->modules, name))
        set_flag(fact, true, modules_path);
    else if (loaded->sys_known && root_exists(probe->root, text_path(scratch, sys_modules, name)))
        set_flag(fact, true, sys_modules);
    else
        set_flag(fact, false, loaded->modules_known ? modules_path : sys_modules);
}

static void read_version(struct probe *probe, struct arena *scratch) {
    struct driver_facts *driver = &probe->out->driver;
    static const char path[] = "/proc/driver/nvidia/version", sys_version[] = "/sys/module/nvidia/version";
    struct span bytes;
    struct nvrm nvrm = {0};
    int r = root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
    if (r == 0 && nvrm_parse(bytes, &nvrm) == 0) {
        set_flag(&driver->module_loaded, true, path);
        set_text(&driver->module_flavour, nvrm_flavour_text(nvrm.flavour), path);
    } else if (r == 0) {
        set_flag(&driver->module_loaded, true, path); /* the file is there, whatever it says */
    }
    const char *line = nvrm.version.count ? NULL : look_line(probe, scratch, sys_version);
    struct driver_version version;
    if (nvrm.version.count) {
        set_text(&driver->module_version, arena_copy(probe->arena, nvrm.version.text), path);
    } else if (line && driver_version_parse(span_of(line), &version) == 0) {
        set_flag(&driver->module_loaded, true, sys_version);
        set_text(&driver->module_version, arena_copy(probe->arena, version.text), sys_version);
    } else if (is_false(driver->module_loaded)) {
        set_absent(&driver->module_version, path);
    } else if (is_true(driver->module_loaded)) {
        set_unknown(&driver->module_version, "neither file tells a number", path);
    } else {
        set_missing(&driver->module_version, r == 0 || r == -ENOENT ? -ENODATA : r, path);
    }
    if (is_false(driver->module_loaded))
        set_absent(&driver->module_flavour, path);
    else if (!known(driver->module_flavour))
        set_unknown(&driver->module_flavour, "only /proc/driver/nvidia/version tells", path);
}

static void read_loaded(struct probe *probe, struct arena *scratch) {
    struct driver_facts *driver = &probe->out->driver;
    struct loaded loaded = {.sys_known = root_is_directory(probe->root, sys_modules)};
    int r = root_read(probe->root, scratch, modules_path, LIMIT_SMALL_FILE, &loaded.modules);
    loaded.modules_known = r == 0 || r == -EFBIG;
    set_loaded(probe, &loaded, scratch, "nvidia", &driver->module_loaded);
    set_loaded(probe, &loaded, scratch, "nvidia_uvm", &driver->uvm_loaded);
    set_loaded(probe, &loaded, scratch, "nvidia_modeset", &driver->modeset_loaded);
    set_loaded(probe, &loaded, scratch, "nouveau", &driver->nouveau_loaded);
    read_version(probe, scratch);
}

static void read_smi(struct probe *probe, struct arena *scratch) {
    struct flag_fact *present = &probe->out->driver.smi_present;
    static const char *const places[] = {"/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi",
                                         "/run/current-system/sw/bin/nvidia-smi", "/opt/bin/nvidia-smi"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (root_exists(probe->root, places[i])) {
            set_flag(present, true, places[i]);
            return;
        }
    const char *path = look_env(probe, "PATH");
    struct span rest = span_of(path), entry;
    for (int count = 0; path && count < LIMIT_PATH_ENTRIES && span_next_field(&rest, ':', &entry); count++) {
        if (!entry.len || entry.ptr[0] != '/')
            continue;
        const char *file = text_path(scratch, arena_copy_span(scratch, entry), "nvidia-smi");
        if (root_exists(probe->root, file)) {
            set_flag(present, true, keep(probe, file));
            return;
        }
    }
    set_flag(present, false, "/usr/bin/nvidia-smi and PATH");
}

void probe_driver(struct probe *probe) {
    AUTO_ARENA scratch = {0};
    read_loaded(probe, &scratch);
    read_smi(probe, &scratch);
    driver_modules_read(probe);
    driver_policy_read(probe);
    driver_log_read(probe);
    driver_packages_read(probe);
    driver_libraries_read(probe);
}
