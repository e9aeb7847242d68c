#include "diagnose/read.h"

#include "base/text.h"

/* --- the platform -------------------------------------------------------------------------------------------- */

bool on_wsl(const struct judge *judge) {
    const struct system_facts *system = &judge->facts->system;
    if (known(system->wsl))
        return true;
    return known(system->windows_build) && text_eq(text_of(system->os), "linux");
}

bool on_windows(const struct judge *judge) {
    return text_eq(text_of(judge->facts->system.os), "windows") && !known(judge->facts->system.wsl);
}

bool on_macos(const struct judge *judge) {
    return text_eq(text_of(judge->facts->system.os), "macos");
}

bool on_jetson(const struct judge *judge) {
    return known(judge->facts->system.jetson) || known(judge->facts->gpu.tegra);
}

bool on_arm(const struct judge *judge) {
    const char *machine = text_of(judge->facts->system.machine);
    return on_jetson(judge) || text_eq(machine, "aarch64") || text_eq(machine, "arm64");
}

bool in_container(const struct judge *judge) {
    return known(judge->facts->system.container);
}

bool from_text(const struct judge *judge) {
    return text_eq(judge->facts->origin, "text");
}

bool building(const struct judge *judge) {
    return judge->options.for_build || is_true(judge->facts->toolkit.needed);
}

/* --- the driver ---------------------------------------------------------------------------------------------- */

bool driver_release(const struct judge *judge, struct driver_version *ret_version,
                    const struct text_fact **ret_fact, const char **ret_name) {
    const struct driver_facts *driver = &judge->facts->driver;
    const struct {
        const struct text_fact *fact;
        const char *name;
    } places[] = {{&driver->module_version, "driver.module_version"},
                  {&driver->nvml_version, "driver.nvml_version"},
                  {&driver->library_version, "driver.library_version"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!known(*places[i].fact) || driver_version_parse(span_of(places[i].fact->value), ret_version) < 0)
            continue;
        if (ret_fact)
            *ret_fact = places[i].fact;
        if (ret_name)
            *ret_name = places[i].name;
        return true;
    }
    return false;
}

int driver_cuda(const struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    int number = 0;
    if (known(facts->driver.cuda_version))
        cuda_version_parse(span_of(facts->driver.cuda_version.value), &number);
    if (!number && known(facts->compute.driver_version))
        cuda_version_parse(span_of(facts->compute.driver_version.value), &number);
    return number;
}

const struct driver_library *library_in_use(const struct judge *judge, const char *soname) {
    const struct driver_library_rows *libraries = &judge->facts->driver.libraries;
    for (size_t i = 0; i < libraries->count; i++)
        if (text_eq(text_of(libraries->items[i].soname), soname) && is_true(libraries->items[i].wins))
            return &libraries->items[i];
    return NULL;
}

bool library_usable(const struct judge *judge, const char *soname) {
    const struct driver_library_rows *libraries = &judge->facts->driver.libraries;
    for (size_t i = 0; i < libraries->count; i++) {
        const struct driver_library *library = &libraries->items[i];
        if (text_eq(text_of(library->soname), soname) && !is_true(library->stub) &&
            number_of(library->bits, 64) == 64)
            return true;
    }
    return false;
}

bool has_node(const struct judge *judge, const char *path) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_eq(text_of(nodes->items[i].path), path))
            return true;
    return false;
}

const char *node_hangs(const struct device_node *node) {
    const char *reason = unknown(node->open_error) ? node->open_error.is.reason : NULL;
    return text_starts(reason, NODE_NO_ANSWER) ? reason : NULL;
}

/* --- PyTorch ------------------------------------------------------------------------------------------------- */

const struct python_environment *python_in_use(const struct judge *judge) {
    return snapshot_python(judge->facts);
}

const struct python_package *package_of(const struct python_environment *python, const char *name) {
    for (size_t i = 0; python && i < python->packages.count; i++)
        if (text_eq(text_of(python->packages.items[i].name), name))
            return &python->packages.items[i];
    return NULL;
}

const char *torch_version(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    if (known(judge->facts->compute.torch_version))
        return judge->facts->compute.torch_version.value;
    return python ? text_of(python->torch_version) : NULL;
}

/* What the local part of the version says of the build; UNTAGGED without one. */
static struct torch_build build_of_version(const char *version) {
    struct torch_build build = {0};
    struct package_version parsed;
    if (version && package_version_parse(span_of(version), &parsed) == 0)
        torch_build_of_local(parsed.local, &build);
    return build;
}

int torch_cuda(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    int number = 0;
    if (known(judge->facts->compute.torch_cuda))
        cuda_version_parse(span_of(judge->facts->compute.torch_cuda.value), &number);
    if (!number && python && known(python->cuda))
        cuda_version_parse(span_of(python->cuda.value), &number);
    if (!number && !absent(judge->facts->compute.torch_cuda) && !(python && absent(python->cuda)))
        number = build_of_version(torch_version(judge)).cuda;
    return number;
}

const char *torch_build_of(const struct judge *judge) {
    static const char *const names[] = {[TORCH_BUILD_CPU] = "cpu",
                                        [TORCH_BUILD_CUDA] = "cuda",
                                        [TORCH_BUILD_ROCM] = "rocm",
                                        [TORCH_BUILD_XPU] = "xpu"};
    const struct python_environment *python = python_in_use(judge);
    if (python && known(python->build))
        return python->build.value;
    if (python && known(python->hip))
        return "rocm";
    enum torch_build_kind kind = build_of_version(torch_version(judge)).kind;
    if ((size_t)kind < sizeof names / sizeof *names && names[kind])
        return names[kind];
    if (known(judge->facts->compute.torch_cuda) || (python && known(python->cuda)))
        return "cuda";
    /* torch.version.cuda is None in builds for the CPU, ROCm, XPU and Metal; the others name themselves elsewhere */
    if (absent(judge->facts->compute.torch_cuda) || (python && absent(python->cuda) && torch_version(judge)))
        return on_macos(judge) ? "mps" : "cpu";
    return NULL;
}

bool settled(struct judge *judge, const char *name, const struct fact *fact) {
    if (fact->state != FACT_UNKNOWN)
        return true;
    if (!from_text(judge))
        judge_cannot_tell(judge, name, "%s", fact->reason ? fact->reason : "nobody looked");
    return false;
}
