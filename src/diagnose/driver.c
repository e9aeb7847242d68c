/* Link 2: is the right kernel driver loaded for this GPU and kernel, and do its libraries match it? */
#include "base/text.h"
#include "diagnose/driver_option.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct rule rules[] = {
    {"driver-does-not-support-gpu", LINK_DRIVER, rule_driver_does_not_support_gpu, false},
    {"driver-open-module-required", LINK_DRIVER, rule_driver_open_module_required, false},
    {"driver-nouveau", LINK_DRIVER, rule_driver_nouveau, false},
    {"driver-secure-boot", LINK_DRIVER, rule_driver_secure_boot, false},
    {"driver-missing", LINK_DRIVER, rule_driver_missing, false},
    {"driver-not-built-for-kernel", LINK_DRIVER, rule_driver_not_built_for_kernel, false},
    {"driver-not-loaded", LINK_DRIVER, rule_driver_not_loaded, false},
    {"driver-library-mismatch", LINK_DRIVER, rule_driver_library_mismatch, false},
    {"driver-install-broken", LINK_DRIVER, rule_driver_install_broken, false},
    {"driver-stub-shadows", LINK_DRIVER, rule_driver_stub_shadows, false},
    {"driver-compat-shadows", LINK_DRIVER, rule_driver_compat_shadows, false},
    {"driver-libs-missing", LINK_DRIVER, rule_driver_libs_missing, false},
    {"driver-init-failed", LINK_DRIVER, rule_driver_leaves_out, false},
    {"driver-not-loaded", LINK_DRIVER, rule_driver_unreachable, true},
    {"driver-init-failed", LINK_DRIVER, rule_driver_init_failed, true},
    {"driver-missing", LINK_DRIVER, rule_driver_not_found, true},
    {"driver-install-broken", LINK_DRIVER, rule_driver_packages, true},
};

/* "driver 550.163.01, open module, CUDA 12.4" */
static const char *driver_words(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    struct driver_version release;
    char cuda[16];
    const char *words = on_windows(judge) || on_wsl(judge) ? "Windows driver" : "driver";
    if (driver_release(judge, &release, NULL, NULL))
        words = arena_printf(judge->arena, "%s %s", words, release.text);
    else
        words = arena_printf(judge->arena, "%s of unknown release", words);
    if (known(driver->module_flavour))
        words = arena_printf(judge->arena, "%s, %s module", words, driver->module_flavour.value);
    if (driver_cuda(judge))
        words =
            arena_printf(judge->arena, "%s, CUDA up to %s", words, cuda_version_text(driver_cuda(judge), cuda));
    return words;
}

static void note_driver(struct judge *judge, struct link_state *state) {
    const struct driver_facts *driver = &judge->facts->driver;
    for (size_t i = 0; i < driver->libraries.count; i++) {
        const struct driver_library *library = &driver->libraries.items[i];
        const char *path = text_of(library->path);
        if (is_true(library->stub) && path && !is_true(library->wins))
            link_note(judge, state, "a stub for linking lies at %s; it is not used", path);
        if (known(library->compat_cuda) && is_true(library->wins))
            link_note(judge, state, "the libcuda in use is a forward-compatibility one for CUDA %s",
                      library->compat_cuda.value);
    }
    note_options(judge, state);
    if (is_true(driver->nouveau_loaded))
        link_note(judge, state, "nouveau is loaded as well");
    if (is_true(driver->secure_boot))
        link_note(judge, state, "Secure Boot is on");
    for (size_t i = 0; i < driver->kernel_log.count && i < 8; i++)
        if (known(driver->kernel_log.items[i].xid))
            link_note(judge, state, "the kernel log has Xid %lld%s%s",
                      (long long)driver->kernel_log.items[i].xid.value,
                      known(driver->kernel_log.items[i].address) ? " of " : "",
                      known(driver->kernel_log.items[i].address) ? driver->kernel_log.items[i].address.value : "");
}

static bool any_release(struct judge *judge) {
    struct driver_version release;
    return driver_release(judge, &release, NULL, NULL);
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct driver_facts *driver = &judge->facts->driver;
    const struct driver_library *cuda = library_in_use(judge, "libcuda.so.1");
    bool kernel_side =
        is_true(driver->module_loaded) || nvml_lists_gpus(judge) || (on_wsl(judge) && cuda && is_true(cuda->wsl));
    bool user_side = cuda && !is_true(cuda->stub) && !is_false(cuda->whole);
    note_driver(judge, state);
    if (cuda_lists_gpus(judge) || program_ran(judge) || (kernel_side && user_side) ||
        (on_jetson(judge) && user_side)) {
        state->state = STATE_OK;
        link_say(judge, state, "%s%s", driver_words(judge),
                 is_true(driver->module_loaded) || on_wsl(judge) ? "" : ", at work");
    } else if (any_release(judge) || known(driver->cuda_version)) {
        link_say(judge, state, "%s", driver_words(judge));
    } else if (is_false(driver->module_loaded)) {
        link_say(judge, state,
                 driver->packages.count || driver->modules.count ? "installed, not loaded" : "not loaded");
    } else if (is_true(driver->module_loaded)) {
        link_say(judge, state, "NVIDIA's kernel module is loaded");
    } else {
        link_say(judge, state, "not known%s%s", driver->module_loaded.is.reason ? ": " : "",
                 driver->module_loaded.is.reason ? driver->module_loaded.is.reason : "");
    }
}

const struct link_room room_driver = {rules, sizeof rules / sizeof *rules, describe};
