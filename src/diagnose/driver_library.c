/* Link 2, the user's side: libcuda and NVML. Is there one, is it the driver's own, does it match the loaded
 * module? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "knowledge/compat.h"
#include "knowledge/driver.h"

static void see_compat(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/cuda-compatibility/");
}

static void evidence_library(struct judge *judge, struct cause *cause, const struct driver_library *library) {
    if (!library)
        return;
    cause_fact(judge, cause, "driver.libraries.path", &library->path);
    if (known(library->version))
        cause_fact(judge, cause, "driver.libraries.version", &library->version);
    if (known(library->found_by))
        cause_fact(judge, cause, "driver.libraries.found_by", &library->found_by);
}

/* --- driver-library-mismatch --------------------------------------------------------------------------------- */

/* Release 550.54 of a library's line "570.124" against "570.124.06": only what both wrote is compared. */
static bool releases_differ(const char *a, const char *b) {
    struct driver_version x, y;
    if (!a || !b || driver_version_parse(span_of(a), &x) < 0 || driver_version_parse(span_of(b), &y) < 0)
        return false;
    return x.count > 1 && y.count > 1 && driver_version_compare(&x, &y) != 0;
}

/* The library that a program gets is of another release than the loaded module. Forward-compatibility libraries
 * and WSL's are meant to be; they have causes of their own. */
static const struct text_fact *mismatched_library(const struct judge *judge, const char **ret_name) {
    const struct driver_facts *driver = &judge->facts->driver;
    const struct driver_library *cuda = library_in_use(judge, "libcuda.so.1");
    const char *module = text_of(driver->module_version);
    if (on_wsl(judge) || on_jetson(judge) || !module)
        return NULL;
    bool ordinary = !cuda || (!known(cuda->compat_cuda) && !is_true(cuda->stub) && !is_true(cuda->wsl));
    *ret_name = "driver.library_version";
    if (ordinary && releases_differ(text_of(driver->library_version), module))
        return &driver->library_version;
    *ret_name = "driver.nvml_version";
    return releases_differ(text_of(driver->nvml_version), module) ? &driver->nvml_version : NULL;
}

/* The newest driver package that was installed, where it is of another release than the module. */
static void evidence_packages(struct judge *judge, struct cause *cause) {
    const struct driver_facts *driver = &judge->facts->driver;
    for (size_t i = 0, shown = 0; i < driver->packages.count && shown < 3; i++) {
        const struct driver_package *package = &driver->packages.items[i];
        const char *version = text_of(package->version);
        if (!version || !known(driver->module_version) || text_starts(version, driver->module_version.value))
            continue;
        cause_evidence(
            judge, cause, "driver.packages",
            arena_printf(judge->arena, "%s %s", text_of(package->name) ? text_of(package->name) : "", version),
            package->version.is.source ? package->version.is.source : driver->packages.is.source);
        shown++;
    }
}

void rule_driver_library_mismatch(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    const char *name;
    const struct text_fact *library = mismatched_library(judge, &name);
    bool said = nvml_said(judge, 18) || logged(judge, "api_mismatch") || printed(judge, "kernel_api_mismatch") ||
                printed(judge, "dso_mismatch");
    const struct driver_library *winner = library_in_use(judge, "libcuda.so.1");
    bool refused = cuda_said(judge, 803) && !(winner && known(winner->compat_cuda)) && !in_container(judge);
    if (!library && !said && !refused)
        return;
    if (!said && !refused && cuda_lists_gpus(judge))
        return; /* an answer is stronger than a version that was read somewhere */
    struct cause *cause =
        library
            ? judge_find(
                  judge, "driver-library-mismatch", CERTAIN,
                  "The loaded kernel module is driver %s, the libraries are %s: they must be the same release.",
                  driver->module_version.value, library->value)
            : judge_find(judge, "driver-library-mismatch", said ? CERTAIN : LIKELY,
                         "The driver's libraries and the loaded kernel module are of different releases.");
    cause_fact(judge, cause, "driver.module_version", &driver->module_version);
    if (library)
        cause_fact(judge, cause, name, library);
    else
        cause_fact(judge, cause, "driver.nvml_version", &driver->nvml_version);
    evidence_nvml(judge, cause, 18);
    evidence_cuda(judge, cause, 803);
    evidence_log(judge, cause, "api_mismatch");
    evidence_printed_all(judge, cause, "kernel_api_mismatch", "dso_mismatch", NULL);
    evidence_packages(judge, cause);
    if (in_container(judge)) {
        cause_fix(
            judge, cause,
            "Remove the driver's libraries from the image (libnvidia-*, libcuda*): the host's are mounted in",
            NULL);
    } else {
        if (library && winner && text_eq(text_of(winner->found_by), "ld_library_path") && text_of(winner->path))
            cause_fix(judge, cause, "Take the directory of that library out of LD_LIBRARY_PATH",
                      arena_printf(
                          judge->arena,
                          "export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr : '\\n' | grep -vxF %.*s | "
                          "paste -sd:)",
                          (int)(text_basename(winner->path.value) - winner->path.value - 1), winner->path.value),
                      NULL);
        fix_table_or(judge, cause, "reload-module",
                     "Without a restart, while nothing uses the GPU: unload the nvidia modules "
                     "and load them again");
        fix_table_or(judge, cause, "reboot", "Reboot, so that the module of the installed release is loaded");
    }
    see_compat(judge, cause);
}

/* --- driver-libs-missing ------------------------------------------------------------------------------------- */

static const struct printed_message *cannot_load(const struct judge *judge) {
    const struct printed_message *message = printed_about(judge, "library_missing", "libcuda.so");
    if (!message)
        message = printed_about(judge, "library_missing", "libnvidia-ml.so");
    if (!message)
        message = printed_about(judge, "library_missing", "nvcuda.dll");
    if (!message)
        message = printed_about(judge, "library_missing", "ptxjitcompiler");
    if (!message)
        message = printed_any(judge, "smi_no_library", "jit_missing", NULL);
    if (!message)
        message = printed_with(judge, "nvml_error", "12"); /* libnvidia-ml.so.1 cannot be loaded */
    for (size_t i = 0; !message && i < judge->messages.count;
         i++) /* programs that name no file mean the driver's */
        if (text_eq(text_of(judge->messages.items[i].id), "library_missing") &&
            !known(judge->messages.items[i].argument))
            message = &judge->messages.items[i];
    return message;
}

/* The kernel's side is there and the libraries are not. Without the kernel's side it is driver-missing or a
 * container's matter; the table of explanations puts it there. */
void rule_driver_libs_missing(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    const struct printed_message *message = cannot_load(judge);
    bool kernel_side = is_true(driver->module_loaded) || nvml_lists_gpus(judge);
    bool none = !unknown(driver->libraries) && !library_usable(judge, "libcuda.so.1");
    bool no_library = text_has(text_of(judge->facts->compute.cuda_child), "no library");
    if ((cuda_lists_gpus(judge) && !cuda_said(judge, 221)) || on_macos(judge))
        return;
    if (on_wsl(judge) && !message)
        return; /* wsl-driver-old-or-missing tells where they should come from */
    bool no_tools = is_true(driver->module_loaded) && is_false(driver->smi_present) &&
                    unknown(driver->libraries) && from_text(judge);
    bool api_missing = absent(driver->cuda_version) && nvml_lists_gpus(judge);
    if (!message && !(kernel_side && (none || no_library || api_missing)) && !no_tools)
        return;
    const char *lacking = message && text_eq(text_of(message->id), "nvml_error") ? "libnvidia-ml.so.1"
                          : message && text_of(message->argument)                ? text_of(message->argument)
                          : message && text_eq(text_of(message->id), "jit_missing")
                              ? "libnvidia-ptxjitcompiler.so.1"
                              : "libcuda.so.1";
    struct cause *cause =
        judge_find(judge, "driver-libs-missing", message || none || no_library ? CERTAIN : LIKELY,
                   "The driver's library %s is missing%s%s.", lacking,
                   kernel_side ? ", although its kernel module is loaded" : "",
                   in_container(judge) ? ", in this container" : "");
    if (message)
        evidence_printed_all(judge, cause, "library_missing", "smi_no_library", "jit_missing", NULL);
    evidence_nvml(judge, cause, 12);
    if (known(driver->module_loaded))
        cause_fact(judge, cause, "driver.module_loaded", &driver->module_loaded);
    cause_fact(judge, cause, "driver.module_version", &driver->module_version);
    if (none)
        cause_evidence(judge, cause, "driver.libraries",
                       "no libcuda.so.1 for 64-bit programs (stubs do not count)", driver->libraries.is.source);
    for (size_t i = 0; i < driver->libraries.count; i++)
        if (known(driver->libraries.items[i].bits) && driver->libraries.items[i].bits.value == 32)
            cause_evidence(judge, cause, "driver.libraries.bits",
                           arena_printf(judge->arena, "32 (%s)", text_of(driver->libraries.items[i].path)), NULL);
    cause_fact(judge, cause, "driver.smi_present", &driver->smi_present);
    if (absent(driver->cuda_version))
        cause_fact(judge, cause, "driver.cuda_version", &driver->cuda_version);
    if (in_container(judge)) {
        fix_container_run(judge, cause);
    } else {
        fix_table_or(judge, cause, "install-driver-libraries",
                     "Install the driver's libraries for computing, of the module's release (libcuda1, "
                     "libnvidia-compute-NNN, "
                     "xorg-x11-drv-nvidia-cuda)");
    }
    cause_see(judge, cause, "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/");
}

/* --- driver-stub-shadows ------------------------------------------------------------------------------------- */

/* The toolkit's libcuda for linking: it answers 34 to all. It wins by LD_LIBRARY_PATH or a line of ld.so.conf. */
void rule_driver_stub_shadows(struct judge *judge) {
    const struct driver_library *library = library_in_use(judge, "libcuda.so.1");
    const struct printed_message *loaded = printed(judge, "stub_loaded");
    bool wins = library && is_true(library->stub);
    if (!wins && !loaded && !cuda_said(judge, 34))
        return;
    const char *path = wins ? text_of(library->path) : loaded ? text_of(loaded->argument) : NULL;
    struct cause *cause = judge_find(judge, "driver-stub-shadows", CERTAIN,
                                     "Programs load the CUDA toolkit's stub of libcuda%s%s, which is for linking "
                                     "only, instead of the driver's.",
                                     path ? ", " : "", path ? path : "");
    if (wins)
        evidence_library(judge, cause, library);
    evidence_cuda(judge, cause, 34);
    evidence_printed(judge, cause, "stub_loaded");
    evidence_variable(judge, cause, "LD_LIBRARY_PATH");
    const struct variable *variable = variable_of(judge, "LD_LIBRARY_PATH");
    if (variable && text_has(text_of(variable->value), "stubs"))
        cause_fix(judge, cause, "Take the stubs directory out of LD_LIBRARY_PATH",
                  "export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr : '\\n' | grep -v stubs | paste -sd:)",
                  NULL);
    else
        cause_fix(judge, cause,
                  "Take the stubs directory out of LD_LIBRARY_PATH; where the second command shows a file that "
                  "names it, "
                  "delete that line, then run the third",
                  "export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr : '\\n' | grep -v stubs | paste -sd:)",
                  "grep -rn stubs /etc/ld.so.conf /etc/ld.so.conf.d/", "sudo ldconfig", NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html");
}

/* --- driver-compat-shadows ----------------------------------------------------------------------------------- */

static bool branch_allowed(const struct driver_library *library, unsigned branch) {
    for (size_t i = 0; i < library->compat_branches.count; i++) {
        struct driver_version allowed;
        if (driver_version_parse(span_of(library->compat_branches.items[i]), &allowed) == 0 &&
            allowed.part[0] == branch)
            return true;
    }
    return false;
}

/* The newest CUDA of the kernel driver itself: by the table, since the compat library hides it. */
static int kernel_driver_cuda(struct judge *judge) {
    struct driver_version release;
    int cuda = 0;
    if (judge->options.knowledge && known(judge->facts->driver.module_version) &&
        driver_version_parse(span_of(judge->facts->driver.module_version.value), &release) == 0)
        knowledge_driver_max_cuda(judge->options.knowledge, &release, false, &cuda);
    return cuda;
}

/* Consumer GPUs may not use forward compatibility: the marketing name says which those are. */
static bool is_consumer(const char *name) {
    return text_has(name, "GeForce") || text_has(name, "TITAN");
}

static const char *why_compat_fails(struct judge *judge, const struct driver_library *library) {
    struct driver_version release;
    int compat = 0, own = kernel_driver_cuda(judge);
    struct gpu_views views = gpus(judge);
    cuda_version_parse(span_of(text_of(library->compat_cuda)), &compat);
    for (size_t i = 0; i < views.count; i++)
        if (is_consumer(views.items[i].name) && (!own || !compat || compat > own))
            return arena_printf(judge->arena,
                                "%s may not use forward compatibility, which is for data-centre GPUs",
                                views.items[i].name);
    if (own && compat && compat <= own)
        return "it is no newer than the driver, and hides the driver's own library";
    if (library->compat_branches.count && known(judge->facts->driver.module_version) &&
        driver_version_parse(span_of(judge->facts->driver.module_version.value), &release) == 0 &&
        !branch_allowed(library, release.part[0]))
        return arena_printf(judge->arena, "it does not go with driver branch %u", release.part[0]);
    return NULL;
}

static const struct driver_library *compat_in_use(const struct judge *judge) {
    const struct driver_library *library = library_in_use(judge, "libcuda.so.1");
    return library && known(library->compat_cuda) ? library : NULL;
}

void rule_driver_compat_shadows(struct judge *judge) {
    const struct driver_library *library = compat_in_use(judge);
    bool refused = cuda_said(judge, 804), mismatch = cuda_said(judge, 803);
    const char *why = library && !cuda_lists_gpus(judge) ? why_compat_fails(judge, library) : NULL;
    if (!refused && !(mismatch && (library || in_container(judge))) && !why)
        return;
    if (mismatch && !refused && !library && (nvml_said(judge, 18) || logged(judge, "api_mismatch")))
        return; /* module and library differ: driver-library-mismatch */
    bool certain = refused || mismatch;
    struct cause *cause = judge_find(
        judge, "driver-compat-shadows", certain && (library || refused) ? CERTAIN : LIKELY,
        "A forward-compatibility libcuda%s%s stands before the driver's own, and it cannot work here%s%s.",
        library && text_of(library->path) ? ", " : "",
        library && text_of(library->path) ? arena_printf(judge->arena, "%s,", text_of(library->path)) : "",
        why || refused ? ": " : "",
        why       ? why
        : refused ? "the GPU may not use forward compatibility (error 804)"
                  : "");
    if (library) {
        evidence_library(judge, cause, library);
        cause_fact(judge, cause, "driver.libraries.compat_cuda", &library->compat_cuda);
    }
    evidence_cuda(judge, cause, 804);
    evidence_cuda(judge, cause, 803);
    cause_fact(judge, cause, "driver.module_version", &judge->facts->driver.module_version);
    evidence_variable(judge, cause, "LD_LIBRARY_PATH");
    const struct variable *variable = variable_of(judge, "LD_LIBRARY_PATH");
    if (variable && text_has(text_of(variable->value), "compat"))
        cause_fix(judge, cause, "Take the compat directory out of LD_LIBRARY_PATH",
                  "export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr : '\\n' | grep -v compat | paste -sd:)",
                  NULL);
    else
        cause_fix(judge, cause,
                  "Take the compat directory off the loader's path: delete the line that the first command shows "
                  "from its file "
                  "(or remove the cuda-compat package), then run the second",
                  "grep -rn compat /etc/ld.so.conf.d/", "sudo ldconfig", NULL);
    /* without it the driver's own library serves; a newer driver only where that one is too old for PyTorch */
    int own = kernel_driver_cuda(judge), need = torch_cuda(judge);
    size_t before = cause->fixes.count;
    if (own && need && need / 1000 > own / 1000)
        fix_driver(judge, cause, NULL);
    for (size_t i = before; i < cause->fixes.count; i++) {
        char text[16];
        cause->fixes.items[i].title =
            arena_printf(judge->arena, "%sfor PyTorch's CUDA %s a newer driver is needed: %s",
                         i == before ? "Then " : "", cuda_version_text(need, text), cause->fixes.items[i].title);
    }
    see_compat(judge, cause);
}
