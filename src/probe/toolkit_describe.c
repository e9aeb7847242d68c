/* One CUDA toolkit: version, pieces, who installed it. nvcc is never run. */
#include <errno.h>

#include "base/limits.h"
#include "format/cuda_text.h"
#include "format/version.h"
#include "probe/look.h"
#include "probe/toolkit.h"

/* The same piece lies elsewhere in NVIDIA's packages, in Debian's (home is /usr), in conda's and in pip's wheels. */
static const char *const targets[] = {"", "targets/x86_64-linux/", "targets/sbsa-linux/",
                                      "targets/aarch64-linux/"};
enum { TARGET_COUNT = sizeof targets / sizeof *targets };

static bool has_one(const struct probe *probe, struct arena *scratch, const char *home, const char *const *names,
                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (root_stat(probe->root, text_path(scratch, home, names[i]), &st) == 0 && S_ISREG(st.st_mode))
            return true;
    }
    return false;
}
#define HAS_ONE(probe, scratch, home, names) has_one(probe, scratch, home, names, sizeof(names) / sizeof *(names))

static const char *header_path(const struct probe *probe, struct arena *scratch, const char *home,
                               const char *name) {
    for (size_t i = 0; i < TARGET_COUNT; i++) {
        const char *path = text_path(scratch, home, arena_printf(scratch, "%sinclude/%s", targets[i], name));
        if (root_exists(probe->root, path))
            return path;
    }
    return NULL;
}

static bool has_runtime(const struct probe *probe, struct arena *scratch, const char *home) {
    static const char *const directories[] = {"lib64", "lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"};
    static const char *const names[] = {"libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0",
                                        "libcudart.so.10.2"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        if (HAS_ONE(probe, scratch, text_path(scratch, home, directories[i]), names))
            return true;
    for (size_t i = 1; i < TARGET_COUNT; i++)
        if (HAS_ONE(probe, scratch, text_path(scratch, home, arena_printf(scratch, "%slib", targets[i])), names))
            return true;
    return false;
}

/* --- version ------------------------------------------------------------------------------------------------- */

/* /usr/local/cuda-12.4, …/cuda/12.4 */
static const char *version_of_path(struct arena *arena, const char *path) {
    const char *name = text_basename(path);
    int number;
    char text[16];
    if (text_starts(name, "cuda-"))
        name += 5;
    if (cuda_version_parse(span_of(name), &number) < 0 || !strchr(name, '.'))
        return NULL;
    return arena_copy(arena, cuda_version_text(number, text));
}

/* The wheel of nvcc leaves NAME-13.0.88.dist-info beside it in an assembled toolkit. */
static const char *version_of_header(const struct probe *probe, struct arena *arena, struct arena *scratch,
                                     const char *home, const char *name, const char *macro) {
    const char *path = header_path(probe, scratch, home, name);
    struct span bytes;
    char text[16];
    if (!path)
        return NULL;
    int r = root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
    if (r < 0 && r != -EFBIG)
        return NULL;
    int number = cuda_version_header(bytes, macro);
    return number ? arena_copy(arena, cuda_version_text(number, text)) : NULL;
}

const char *toolkit_version(struct probe *probe, struct arena *arena, const char *home, const char **ret_source) {
    AUTO_ARENA scratch = {0};
    struct span bytes;
    const char *version = NULL, *real;
    *ret_source = "version.json";
    if (root_read(probe->root, &scratch, text_path(&scratch, home, "version.json"), LIMIT_SMALL_FILE, &bytes) == 0)
        version = cuda_version_json(arena, bytes);
    if (version)
        return version;
    *ret_source = "version.txt";
    if (root_read(probe->root, &scratch, text_path(&scratch, home, "version.txt"), LIMIT_SMALL_FILE, &bytes) == 0)
        version = cuda_version_txt(arena, bytes);
    if (version)
        return version;
    *ret_source = "cuda.h";
    version = version_of_header(probe, arena, &scratch, home, "cuda.h", "CUDA_VERSION");
    if (version)
        return version;
    *ret_source = "cuda_runtime_api.h";
    version = version_of_header(probe, arena, &scratch, home, "cuda_runtime_api.h", "CUDART_VERSION");
    if (version)
        return version;
    *ret_source = "name of the directory";
    if (root_realpath(probe->root, &scratch, home, &real) < 0)
        real = home;
    return version_of_path(arena, real);
}

/* --- pieces -------------------------------------------------------------------------------------------------- */

/* What `torch.utils.cpp_extension` and nvcc itself need to compile; ATen's headers include the libraries' ones. */
static void set_missing_pieces(struct probe *probe, struct arena *scratch, const char *home,
                               struct cuda_toolkit *toolkit) {
    static const char *const assembler[] = {"bin/ptxas"};
    static const char *const compiler[] = {"nvvm/bin/cicc", "bin/cicc", "lib/nvidia-cuda-toolkit/bin/cicc"};
    static const char *const headers[] = {"cuda_runtime.h", "crt/host_config.h", "cublas_v2.h", "cusparse.h",
                                          "cusolverDn.h"};
    set_listed(&toolkit->missing, NULL);
    if (is_false(toolkit->has_nvcc))
        texts_push(probe->arena, &toolkit->missing, "bin/nvcc");
    if (!HAS_ONE(probe, scratch, home, assembler))
        texts_push(probe->arena, &toolkit->missing, "bin/ptxas");
    if (!HAS_ONE(probe, scratch, home, compiler))
        texts_push(probe->arena, &toolkit->missing, "nvvm/bin/cicc");
    if (is_false(toolkit->has_libdevice))
        texts_push(probe->arena, &toolkit->missing, "nvvm/libdevice/libdevice.10.bc");
    if (is_false(toolkit->has_runtime))
        texts_push(probe->arena, &toolkit->missing, "libcudart");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (!header_path(probe, scratch, home, headers[i]))
            texts_push(probe->arena, &toolkit->missing, arena_printf(probe->arena, "include/%s", headers[i]));
}

static void set_limits(struct probe *probe, struct arena *scratch, const char *home,
                       struct cuda_toolkit *toolkit) {
    const char *path = header_path(probe, scratch, home, "crt/host_config.h");
    struct span bytes = {0};
    int r = path ? root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes) : -ENOENT;
    struct cuda_limits limits = cuda_host_limits(bytes);
    if (limits.gcc)
        set_number(&toolkit->gcc_limit, limits.gcc, "crt/host_config.h");
    else
        set_missing(&toolkit->gcc_limit, r == 0 ? -ENODATA : r, "crt/host_config.h");
    if (limits.clang)
        set_number(&toolkit->clang_limit, limits.clang, "crt/host_config.h");
    else
        set_missing(&toolkit->clang_limit, r == 0 ? -ENODATA : r, "crt/host_config.h");
}

/* nvcc.profile's directory comes first on the PATH that nvcc itself searches for gcc. */
static void set_host_compiler(struct probe *probe, struct arena *scratch, const char *home,
                              struct cuda_toolkit *toolkit) {
    static const char *const names[] = {"bin/g++", "bin/gcc", "lib/nvidia-cuda-toolkit/bin/g++"};
    bool system = text_eq(home, "/usr"); /* there bin/g++ is the one on PATH */
    for (size_t i = system ? 2 : 0; i < 3; i++) {
        const char *path = text_path(scratch, home, names[i]), *real;
        if (root_realpath(probe->root, scratch, path, &real) == 0) {
            set_text(&toolkit->host_compiler, keep(probe, real), keep(probe, path));
            return;
        }
    }
    set_absent(&toolkit->host_compiler, NULL);
}

/* --- origin -------------------------------------------------------------------------------------------------- */

static const char *origin_of(const struct probe *probe, struct arena *scratch, const char *home,
                             const char *version) {
    if (text_has(home, "/hpc_sdk/"))
        return "hpc-sdk";
    if (text_has(home, "/site-packages/") || root_exists(probe->root, text_path(scratch, home, "dist-info")))
        return "pip";
    if (root_exists(probe->root, text_path(scratch, home, "conda-meta")))
        return "conda";
    if (root_exists(probe->root, text_path(scratch, home, "bin/cuda-uninstaller")) ||
        root_exists(probe->root, text_path(scratch, home, "bin/uninstall_cuda_toolkit.pl")))
        return "runfile";
    static const char lists[] = "/var/lib/dpkg/info";
    struct package_version number;
    if (text_eq(home, "/usr") || text_eq(home, "/usr/lib/cuda")) {
        if (root_exists(probe->root, text_path(scratch, lists, "nvidia-cuda-toolkit.list")))
            return "apt";
    } else if (version && package_version_parse(span_of(version), &number) == 0) {
        static const char *const packages[] = {"cuda-nvcc", "cuda-cudart", "cuda-toolkit"};
        for (size_t i = 0; i < 3; i++)
            if (root_exists(probe->root,
                            arena_printf(scratch, "%s/%s-%u-%u%s.list", lists, packages[i], number.release[0],
                                         number.release[1], i == 2 ? "-config-common" : "")))
                return "apt";
    }
    if (text_eq(home, "/opt/cuda") && root_exists(probe->root, "/var/lib/pacman/local"))
        return "pacman";
    if (look_env_filled(probe, "EBROOTCUDA") && text_starts(home, look_env(probe, "EBROOTCUDA")))
        return "module";
    return NULL;
}

const struct cuda_toolkit *toolkit_add(struct probe *probe, const char *home, const char *origin) {
    AUTO_ARENA scratch = {0};
    struct cuda_toolkit_rows *toolkits = &probe->out->toolkit.toolkits;
    static const char *const nvcc[] = {"bin/nvcc"};
    static const char *const device[] = {"nvvm/libdevice/libdevice.10.bc",
                                         "lib/nvidia-cuda-toolkit/libdevice/libdevice.10.bc"};
    const char *real, *source;
    if (toolkits->count >= LIMIT_TOOLKITS || root_realpath(probe->root, &scratch, home, &real) < 0)
        return NULL;
    for (size_t i = 0; i < toolkits->count; i++)
        if (text_eq(text_of(toolkits->items[i].real_path), real))
            return &toolkits->items[i];
    struct cuda_toolkit found = {0};
    set_flag(&found.has_nvcc, HAS_ONE(probe, &scratch, real, nvcc), NULL);
    set_flag(&found.has_headers, header_path(probe, &scratch, real, "cuda_runtime.h"), NULL);
    set_flag(&found.has_runtime, has_runtime(probe, &scratch, real), NULL);
    set_flag(&found.has_libdevice, HAS_ONE(probe, &scratch, real, device), NULL);
    bool any = found.has_nvcc.value || found.has_headers.value || found.has_runtime.value;
    if (!any && !root_exists(probe->root, text_path(&scratch, real, "version.json")))
        return NULL;
    struct cuda_toolkit *toolkit = &LIST_PUSH(probe->arena, toolkits);
    *toolkit = found;
    set_text(&toolkit->path, keep(probe, home), NULL);
    set_text(&toolkit->real_path, keep(probe, real), NULL);
    const char *version = toolkit_version(probe, probe->arena, real, &source);
    if (version)
        set_text(&toolkit->version, version, source);
    else
        set_unknown(&toolkit->version, "no file of it tells", NULL);
    if (!origin)
        origin = origin_of(probe, &scratch, real, version);
    if (origin)
        set_text(&toolkit->origin, origin, NULL);
    else
        set_unknown(&toolkit->origin, "nothing tells who installed it", NULL);
    set_missing_pieces(probe, &scratch, real, toolkit);
    set_limits(probe, &scratch, real, toolkit);
    set_host_compiler(probe, &scratch, real, toolkit);
    return toolkit;
}
