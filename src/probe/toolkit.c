/* Link 4: which CUDA toolkits there are, and which one a build would take. One toolkit: toolkit_describe.c. */
#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "probe/look.h"
#include "probe/toolkit.h"

const char *toolkit_on_path(const struct probe *probe, struct arena *arena, const char *name) {
    const char *path = look_env(probe, "PATH");
    struct span rest = span_of(path), entry;
    for (int count = 0; path && count < LIMIT_PATH_ENTRIES && span_next_field(&rest, ':', &entry); count++) {
        if (!entry.len || entry.ptr[0] != '/')
            continue;
        const char *file = text_path(arena, arena_copy_span(arena, entry), name);
        struct stat st;
        if (root_stat(probe->root, file, &st) == 0 && S_ISREG(st.st_mode) &&
            root_access(probe->root, file, X_OK) == 0)
            return file;
    }
    return NULL;
}

static const char *parent(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return !slash || slash == path ? "/" : arena_copy_span(arena, span_from(path, (size_t)(slash - path)));
}

/* --- where toolkits are -------------------------------------------------------------------------------------- */

static void add_matching(struct probe *probe, const char *directory, const char *prefix, const char *tail,
                         const char *origin) {
    AUTO_ARENA scratch = {0};
    struct texts names;
    int r = root_list(probe->root, &scratch, directory, &names);
    for (size_t i = 0; (r == 0 || r == -EFBIG) && i < names.count; i++)
        if (text_starts(names.items[i], prefix)) {
            const char *home = text_path(&scratch, directory, names.items[i]);
            toolkit_add(probe, *tail ? text_path(&scratch, home, tail) : home, origin);
        }
}

/* NVIDIA's HPC SDK: /opt/nvidia/hpc_sdk/Linux_x86_64/24.5/cuda/12.4 */
static void add_hpc_sdk(struct probe *probe) {
    static const char *const trees[] = {"/opt/nvidia/hpc_sdk/Linux_x86_64", "/opt/nvidia/hpc_sdk/Linux_aarch64"};
    for (size_t i = 0; i < 2; i++) {
        AUTO_ARENA scratch = {0};
        struct texts releases;
        int r = root_list(probe->root, &scratch, trees[i], &releases);
        for (size_t j = 0; r == 0 && j < releases.count && j < LIMIT_TOOLKITS; j++)
            if (releases.items[j][0] >= '0' && releases.items[j][0] <= '9')
                add_matching(probe, text_path(&scratch, text_path(&scratch, trees[i], releases.items[j]), "cuda"),
                             "1", "", "hpc-sdk");
    }
}

/* The wheels' nvcc: lib/python3.12/site-packages/nvidia/cuda_nvcc (CUDA 12) and nvidia/cu13. */
static void add_wheels(struct probe *probe, const char *prefix) {
    static const char *const places[] = {"site-packages/nvidia/cuda_nvcc", "site-packages/nvidia/cu13"};
    AUTO_ARENA scratch = {0};
    const char *library = text_path(&scratch, prefix, "lib");
    for (size_t i = 0; i < 2; i++)
        add_matching(probe, library, "python3", places[i], "pip");
}

static void add_by_variables(struct probe *probe) {
    static const char *const names[] = {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "EBROOTCUDA",
                                        "CUDA_TOOLKIT_ROOT_DIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *home = look_env_filled(probe, names[i]);
        if (home && home[0] == '/')
            toolkit_add(probe, home, NULL);
    }
}

static void add_on_path(struct probe *probe) {
    struct toolkit_facts *toolkit = &probe->out->toolkit;
    AUTO_ARENA scratch = {0};
    bool environment_known;
    root_env(probe->root, "PATH", &environment_known);
    if (!environment_known) {
        set_unknown(&toolkit->nvcc_path, "not recorded", "PATH");
        set_unknown(&toolkit->nvcc_version, "not recorded", "PATH");
        return;
    }
    const char *nvcc = toolkit_on_path(probe, &scratch, "nvcc"), *source;
    if (!nvcc) {
        set_absent(&toolkit->nvcc_path, "PATH");
        set_absent(&toolkit->nvcc_version, "PATH");
        return;
    }
    set_text(&toolkit->nvcc_path, keep(probe, nvcc), "PATH");
    const char *home = parent(&scratch, parent(&scratch, nvcc)), *real;
    toolkit_add(probe, home, NULL);
    const char *version = toolkit_version(probe, probe->arena, home, &source);
    /* /usr/bin/nvcc may be a link into a toolkit */
    if (!version && root_realpath(probe->root, &scratch, nvcc, &real) == 0)
        version = toolkit_version(probe, probe->arena, parent(&scratch, parent(&scratch, real)), &source);
    if (version)
        set_text(&toolkit->nvcc_version, version, source);
    else
        set_unknown(&toolkit->nvcc_version, "no file beside it tells", "PATH");
}

/* --- the one a build takes ----------------------------------------------------------------------------------- */

/* torch.utils.cpp_extension._find_cuda_home: CUDA_HOME or CUDA_PATH, else two directories above `which nvcc`, else
 * /usr/local/cuda if it is there. Set to nothing the variables do not count. */
static void read_build_home(struct probe *probe) {
    struct toolkit_facts *toolkit = &probe->out->toolkit;
    AUTO_ARENA scratch = {0};
    static const char usual[] = "/usr/local/cuda";
    const char *home = look_env_filled(probe, "CUDA_HOME"), *by = "CUDA_HOME", *source;
    if (!home) {
        home = look_env_filled(probe, "CUDA_PATH");
        by = "CUDA_PATH";
    }
    if (!home && known(toolkit->nvcc_path)) {
        home = parent(&scratch, parent(&scratch, text_of(toolkit->nvcc_path)));
        by = "nvcc on PATH";
    }
    if (!home && unknown(toolkit->nvcc_path)) {
        set_unknown(&toolkit->build_home, "not recorded", "environment");
        return;
    }
    if (!home && root_exists(probe->root, usual)) {
        home = usual;
        by = usual;
    }
    if (!home) {
        set_absent(&toolkit->build_home, usual);
        set_absent(&toolkit->build_home_by, usual);
        set_absent(&toolkit->build_version, usual);
        return;
    }
    set_text(&toolkit->build_home, keep(probe, home), by);
    set_text(&toolkit->build_home_by, by, by);
    bool dead = home[0] == '/' && !root_exists(probe->root, home);
    const char *version = home[0] == '/' && !dead ? toolkit_version(probe, probe->arena, home, &source) : NULL;
    if (version)
        set_text(&toolkit->build_version, version, source);
    else if (dead)
        set_absent(&toolkit->build_version, by);
    else
        set_unknown(&toolkit->build_version, "no file of it tells", by);
}

void probe_toolkit(struct probe *probe) {
    struct toolkit_facts *toolkit = &probe->out->toolkit;
    set_listed(&toolkit->toolkits, "usual places");
    toolkit_add(probe, "/usr/local/cuda", NULL);
    add_matching(probe, "/usr/local", "cuda-", "", NULL);
    toolkit_add(probe, "/opt/cuda", NULL);
    if (root_exists(probe->root, "/usr/lib/nvidia-cuda-toolkit")) /* Debian and Ubuntu spread theirs over /usr */
        toolkit_add(probe, "/usr", NULL);
    add_hpc_sdk(probe);
    add_by_variables(probe);
    add_on_path(probe);
    static const char *const prefixes[] = {"CONDA_PREFIX", "VIRTUAL_ENV"};
    for (size_t i = 0; i < 2; i++) {
        const char *prefix = look_env_filled(probe, prefixes[i]);
        if (!prefix || prefix[0] != '/')
            continue;
        toolkit_add(probe, prefix, i == 0 ? "conda" : NULL);
        add_wheels(probe, prefix);
    }
    read_build_home(probe);
    toolkit_compilers_read(probe);
    set_flag(&toolkit->needed, probe->options.for_build, "--for-build");
}
