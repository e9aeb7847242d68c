/* Link 5: the variables, and what the directories they name hold. Only variables that bear on GPUs, CUDA, PyTorch
 * and the choice of a Python are kept. */
#include <errno.h>

#include "base/limits.h"
#include "probe/look.h"
#include "probe/toolkit.h"

/* --- which variables ----------------------------------------------------------------------------------------- */

static bool is_relevant(struct span name) {
    static const char *const exact[] = {
        "PATH",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LD_AUDIT",
        "LIBRARY_PATH",
        "CPATH",
        "CC",
        "CXX",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONNOUSERSITE",
        "PYTHONUSERBASE",
        "PYTHONSAFEPATH",
        "PYENV_VERSION",
        "PYENV_ROOT",
        "UV_INDEX_URL",
        "UV_TORCH_BACKEND",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "HIP_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "GPU_DEVICE_ORDINAL",
        "SLURM_JOB_ID",
        "SLURM_JOB_GPUS",
        "SLURM_STEP_GPUS",
        "SLURM_GPUS_ON_NODE",
        "SLURM_JOB_PARTITION",
        "PBS_JOBID",
        "LSB_JOBID",
        "KUBERNETES_SERVICE_HOST",
        "WSL_DISTRO_NAME",
        "WSL_INTEROP",
        "container",
        "APPTAINER_CONTAINER",
        "SINGULARITY_CONTAINER",
        "LOADEDMODULES",
        "EBROOTCUDA",
        "COLAB_GPU",
        "KAGGLE_KERNEL_RUN_TYPE",
    };
    static const char *const prefixes[] = {"CUDA",   "CUDNN_", "NVIDIA_", "NVCC_", "NCCL_",  "PYTORCH_",
                                           "TORCH_", "CONDA_", "MAMBA_",  "PIXI_", "CUBLAS_"};
    /* NVIDIA_API_KEY and the like */
    static const char *const secrets[] = {"KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (span_has(name, secrets[i]))
            return false;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (span_eq(name, exact[i]))
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (span_starts(name, prefixes[i]))
            return true;
    return false;
}

static void read_variables(struct probe *probe, const struct texts *list) {
    struct variable_rows *variables = &probe->out->environment.variables;
    set_listed(variables, "environment");
    for (size_t i = 0; i < list->count && variables->count < LIMIT_ROWS; i++) {
        struct span name, value;
        if (!span_cut(span_of(list->items[i]), '=', &name, &value) || !is_relevant(name))
            continue;
        struct variable *variable = &LIST_PUSH(probe->arena, variables);
        set_text(&variable->name, text_clean(probe->arena, name), NULL);
        set_text(&variable->value, text_clean(probe->arena, value), NULL);
    }
}

/* --- what a directory holds ---------------------------------------------------------------------------------- */

/* "libcudart.so.12": a CUDA library by the name programs ask for. */
static bool is_cuda_library(const char *name) {
    static const char *const names[] = {"libcuda.so.",
                                        "libnvidia-ml.so.",
                                        "libnvidia-ptxjitcompiler.so.",
                                        "libcudart.so.",
                                        "libcublas.so.",
                                        "libcublasLt.so.",
                                        "libcudnn",
                                        "libcufft.so.",
                                        "libcufftw.so.",
                                        "libcurand.so.",
                                        "libcusolver.so.",
                                        "libcusolverMg.so.",
                                        "libcusparse.so.",
                                        "libcusparseLt.so.",
                                        "libnvrtc.so.",
                                        "libnvJitLink.so.",
                                        "libnccl.so.",
                                        "libcupti.so.",
                                        "libnvToolsExt.so.",
                                        "libnvtx3interop.so.",
                                        "libcufile.so.",
                                        "libnvshmem_host.so.",
                                        "libc10_cuda.so",
                                        "libtorch_cuda.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!text_starts(name, names[i]))
            continue;
        if (text_starts(name, "libc10") || text_starts(name, "libtorch"))
            return true;
        const char *version = strstr(name, ".so.");
        /* libcudart had a soname of two numbers, libcudart.so.11.0 */
        return version && strspn(version + 4, "0123456789.") == strlen(version + 4) &&
               (!strchr(version + 4, '.') || text_eq(name, "libcudart.so.11.0") ||
                text_eq(name, "libcudart.so.10.2"));
    }
    return false;
}

static void list_libraries(struct probe *probe, struct arena *scratch, const char *directory,
                           struct path_entry *entry) {
    struct texts names;
    int r = root_list(probe->root, scratch, directory, &names);
    if (r < 0 && r != -EFBIG) {
        set_missing(&entry->libraries, r, NULL);
        return;
    }
    set_listed(&entry->libraries, NULL);
    for (size_t i = 0; i < names.count && entry->libraries.count < LIMIT_ROWS; i++)
        if (is_cuda_library(names.items[i]))
            texts_push(probe->arena, &entry->libraries, keep(probe, names.items[i]));
}

/* The version that libraries' names tell: libcudart.so.12 is of some CUDA 12. */
static const char *version_of_libraries(struct probe *probe, const struct path_entry *entry) {
    static const char prefix[] = "libcudart.so.";
    for (size_t i = 0; i < entry->libraries.count; i++)
        if (text_starts(entry->libraries.items[i], prefix))
            return arena_copy(probe->arena, entry->libraries.items[i] + strlen(prefix));
    return NULL;
}

/* The known toolkit that a real path lies in; the longest path wins, and /usr is no answer for all of /usr/lib. */
static const struct cuda_toolkit *toolkit_of(const struct probe *probe, const char *real) {
    const struct cuda_toolkit *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < probe->out->toolkit.toolkits.count; i++) {
        const struct cuda_toolkit *toolkit = &probe->out->toolkit.toolkits.items[i];
        const char *home = text_of(toolkit->real_path);
        if (!home || text_eq(home, "/usr"))
            continue;
        size_t len = strlen(home);
        if (text_starts(real, home) && (real[len] == '/' || !real[len]) && len > longest) {
            found = toolkit;
            longest = len;
        }
    }
    return found;
}

static void describe(struct probe *probe, struct arena *scratch, const char *path, struct path_entry *entry) {
    const char *real, *source;
    int r = root_realpath(probe->root, scratch, path, &real);
    if (r < 0) {
        if (r == -ENOENT || r == -ENOTDIR)
            set_flag(&entry->exists, false, NULL);
        else
            set_unknown(&entry->exists, strerror(-r), NULL);
        return;
    }
    set_flag(&entry->exists, true, NULL);
    set_text(&entry->real_path, keep(probe, real), NULL);
    set_absent(&entry->holds, NULL);
    if (!root_is_directory(probe->root, real))
        return;
    list_libraries(probe, scratch, real, entry);
    const struct cuda_toolkit *toolkit = toolkit_of(probe, real);
    if (text_ends(real, "/stubs") || text_has(real, "/stubs/"))
        set_text(&entry->holds, "stubs", NULL);
    else if (text_starts(real, "/usr/lib/wsl"))
        set_text(&entry->holds, "wsl", NULL);
    else if (text_ends(real, "/compat") || text_has(real, "/compat/"))
        set_text(&entry->holds, "compat", NULL);
    else if (toolkit || root_exists(probe->root, text_path(scratch, real, "nvcc")) ||
             root_exists(probe->root, text_path(scratch, real, "bin/nvcc")))
        set_text(&entry->holds, "toolkit", NULL);
    else if (entry->libraries.count)
        set_text(&entry->holds, "cuda-libraries", NULL);
    if (toolkit && known(toolkit->version)) {
        set_text(&entry->version, text_of(toolkit->version), text_of(toolkit->path));
        return;
    }
    const char *version = known(entry->holds) ? version_of_libraries(probe, entry) : NULL;
    if (!version && text_eq(text_of(entry->holds), "toolkit"))
        version = toolkit_version(probe, probe->arena, real, &source);
    if (version)
        set_text(&entry->version, version, NULL);
}

/* --- the variables that name places -------------------------------------------------------------------------- */

/* On PATH most dead entries are habit; only those that name CUDA are worth a word. */
static bool is_worth_keeping(const char *variable, const char *path, const struct path_entry *entry) {
    if (known(entry->holds))
        return true;
    if (text_eq(variable, "LD_PRELOAD"))
        return true;
    if (!is_false(entry->exists) && !unknown(entry->exists))
        return text_starts(variable, "CUDA");
    return text_starts(variable, "CUDA") || text_eq(variable, "LD_LIBRARY_PATH") ||
           text_has_nocase(path, "cuda") || text_has_nocase(path, "nvidia");
}

static void add_entry(struct probe *probe, const char *variable, struct span span) {
    AUTO_ARENA scratch = {0};
    struct path_entry_rows *entries = &probe->out->environment.entries;
    const char *path = arena_copy_span(&scratch, span);
    struct path_entry entry = {0};
    if (entries->count >= LIMIT_PATH_ENTRIES)
        return;
    set_text(&entry.variable, variable, variable);
    set_text(&entry.entry, keep(probe, path), variable);
    if (path[0] == '/')
        describe(probe, &scratch, path, &entry);
    else
        set_unknown(&entry.exists, "not an absolute path", variable);
    if (is_worth_keeping(variable, path, &entry))
        LIST_PUSH(probe->arena, entries) = entry;
}

static void read_entries(struct probe *probe) {
    static const struct {
        const char *name, *separators; /* "" where the value is one path */
    } variables[] = {
        {"PATH", ":"},        {"LD_LIBRARY_PATH", ":;"}, {"LD_PRELOAD", ": "}, {"LIBRARY_PATH", ":"},
        {"CUDA_HOME", ""},    {"CUDA_PATH", ""},         {"CUDA_ROOT", ""},    {"CUDA_TOOLKIT_ROOT_DIR", ""},
        {"CUDNN_LIBRARY", ""}};
    set_listed(&probe->out->environment.entries, "environment");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = look_env_filled(probe, variables[i].name);
        if (!value)
            continue;
        if (!variables[i].separators[0]) {
            add_entry(probe, variables[i].name, span_of(value));
            continue;
        }
        for (int count = 0; *value && count < LIMIT_PATH_ENTRIES; count++) {
            size_t len = strcspn(value, variables[i].separators);
            if (len)
                add_entry(probe, variables[i].name, span_from(value, len));
            value += len + (value[len] != '\0');
        }
    }
}

static void set_variable(struct probe *probe, const char *name, struct text_fact *fact) {
    const char *value = look_env(probe, name);
    if (value)
        set_text(fact, keep(probe, value), name);
    else
        set_absent(fact, name);
}

void probe_environment(struct probe *probe) {
    struct environment_facts *environment = &probe->out->environment;
    const struct texts *list;
    if (root_environment(probe->root, &list) < 0) {
        static const char reason[] = "not recorded", source[] = "environment";
        set_unknown(&environment->variables, reason, source);
        set_unknown(&environment->entries, reason, source);
        set_unknown(&environment->visible_devices, reason, source);
        set_unknown(&environment->device_order, reason, source);
        return;
    }
    read_variables(probe, list);
    read_entries(probe);
    set_variable(probe, "CUDA_VISIBLE_DEVICES", &environment->visible_devices);
    set_variable(probe, "CUDA_DEVICE_ORDER", &environment->device_order);
}
