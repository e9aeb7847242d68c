/* What a PyTorch was built for: torch/version.py, the libraries beside it, and the GPU code in them. */
#include <errno.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/fatbin_file.h"
#include "format/version.h"
#include "probe/torch.h"

/* --- torch/version.py ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
    bool optional; /* not in every release: hip since 1.5, xpu since 2.6 */
} assignments[] = {
    {"__version__", offsetof(struct python_environment, torch_version), false},
    {"cuda", offsetof(struct python_environment, cuda), false},
    {"hip", offsetof(struct python_environment, hip), true},
    {"xpu", offsetof(struct python_environment, xpu), true},
    {"git_version", offsetof(struct python_environment, git_version), true},
};
enum { ASSIGNMENTS = sizeof assignments / sizeof *assignments };

static struct text_fact *fact_at(const struct torch_probe *torch, size_t i) {
    return (struct text_fact *)((char *)torch->out + assignments[i].offset);
}

static void set_assigned(struct torch_probe *torch, const struct python_assignment *assignment,
                         const char *source) {
    for (size_t i = 0; i < ASSIGNMENTS; i++) {
        if (!span_eq(assignment->name, assignments[i].name))
            continue;
        if (assignment->kind == PYTHON_TEXT)
            set_text(fact_at(torch, i), torch_keep_span(torch, assignment->value), source);
        else if (assignment->kind == PYTHON_NONE)
            set_absent(fact_at(torch, i), source);
    }
}

static void read_version(struct torch_probe *torch) {
    const char *path = text_path(torch->scratch, torch->place.package, "version.py");
    const char *source = torch_keep(torch, path), *why = NULL;
    struct span bytes;
    struct python_assignment assignment;
    int r = root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE, &bytes);
    if (r < 0)
        why = r == -EFBIG ? "larger than any version.py" : torch_keep(torch, strerror(-r));
    bool whole = r == 0 && span_ends(bytes, "\n"); /* a file cut short seldom ends with a line */
    for (size_t i = 0; i < ASSIGNMENTS; i++) {
        if (whole && assignments[i].optional)
            set_absent(fact_at(torch, i), source);
        else
            set_unknown(fact_at(torch, i), why ? why : "no such line in it", source);
    }
    while (r == 0 && python_next_assignment(&bytes, &assignment))
        set_assigned(torch, &assignment, source);
}

/* --- torch/lib -------------------------------------------------------------------------------------------- */

static void list_libraries(struct torch_probe *torch) {
    torch->library_directory = text_path(torch->scratch, torch->place.package, "lib");
    torch->library_error = root_list(torch->root, torch->scratch, torch->library_directory, &torch->libraries);
    torch->windows = torch->python->windows || texts_have(&torch->libraries, "torch_cpu.dll");
}

/* A library of torch/lib, or of where conda and Debian put them: PREFIX/lib, PREFIX/lib/MACHINE-linux-gnu. NULL
 * where there is none. */
static const char *find_library(const struct torch_probe *torch, const char *name) {
    if (texts_have(&torch->libraries, name)) {
        const char *path = text_path(torch->scratch, torch->library_directory, name);
        return root_exists(torch->root, path) ? path : NULL; /* a symlink may lead nowhere */
    }
    const char *prefix = torch->python->config ? NULL : torch->python->prefix,
               *machine = text_of(torch->out->machine);
    if (!prefix || torch->windows)
        return NULL;
    const char *path = arena_printf(torch->scratch, "%s/lib/%s", prefix, name);
    if (root_exists(torch->root, path))
        return path;
    path = arena_printf(torch->scratch, "%s/lib/%s-linux-gnu/%s", prefix, machine ? machine : "", name);
    return machine && root_exists(torch->root, path) ? path : NULL;
}

static const char *find_first(const struct torch_probe *torch, const char *const *names) {
    for (; *names; names++) {
        const char *path = find_library(torch, *names);
        if (path)
            return path;
    }
    return NULL;
}

/* Up to 1.2 the CUDA part was libcaffe2_gpu, in 1.3 and 1.4 a part of libtorch itself, beside libc10_cuda. */
static const char *const cuda_names[] = {"libtorch_cuda.so", "torch_cuda.dll", "libcaffe2_gpu.so",
                                         "caffe2_gpu.dll", NULL};
static const char *const cpu_names[] = {"libtorch_cpu.so", "torch_cpu.dll", "libtorch_cpu.dylib", NULL};

static void find_cuda_library(struct torch_probe *torch) {
    static const char *const old_names[] = {"libc10_cuda.so", "c10_cuda.dll", NULL};
    const char *directory = torch_keep(torch, torch->library_directory);
    const char *path = find_first(torch, cuda_names);
    if (!path && !find_first(torch, cpu_names))
        path = find_first(torch, old_names);
    if (path)
        set_flag(&torch->out->cuda_library, true, torch_keep(torch, path));
    else if (torch->library_error < 0 && torch->library_error != -ENOENT)
        set_unknown(&torch->out->cuda_library, torch_keep(torch, strerror(-torch->library_error)), directory);
    else
        set_flag(&torch->out->cuda_library, false, directory);
}

static void find_build(struct torch_probe *torch) {
    struct python_environment *out = torch->out;
    static const char *const rocm_names[] = {"libtorch_hip.so", "torch_hip.dll", NULL};
    static const char *const xpu_names[] = {"libtorch_xpu.so", "torch_xpu.dll", NULL};
    static const char *const mac_names[] = {"libtorch_cpu.dylib", NULL};
    const char *told = known(out->cuda) ? "cuda" : known(out->hip) ? "rocm" : known(out->xpu) ? "xpu" : NULL;
    if (told) {
        const struct text_fact *by = known(out->cuda) ? &out->cuda : known(out->hip) ? &out->hip : &out->xpu;
        set_text(&out->build, told, by->is.source);
        return;
    }
    struct torch_build tag = {0};
    struct package_version version;
    if (known(out->torch_version) && package_version_parse(span_of(out->torch_version.value), &version) == 0)
        torch_build_of_local(version.local, &tag);
    const char *library = NULL;
    if (is_true(out->cuda_library))
        set_text(&out->build, "cuda", out->cuda_library.is.source);
    else if ((library = find_first(torch, rocm_names)))
        set_text(&out->build, "rocm", torch_keep(torch, library));
    else if ((library = find_first(torch, xpu_names)))
        set_text(&out->build, "xpu", torch_keep(torch, library));
    else if ((library = find_first(torch, mac_names)))
        set_text(&out->build, "mps", torch_keep(torch, library));
    else if (absent(out->cuda) && absent(out->hip) && absent(out->xpu)) /* version.py says None to all */
        set_text(&out->build, "cpu", out->cuda.is.source);
    else if (tag.kind == TORCH_BUILD_CPU)
        set_text(&out->build, "cpu", out->torch_version.is.source);
    else if ((library = find_first(torch, cpu_names)) && is_false(out->cuda_library))
        set_text(&out->build, "cpu", torch_keep(torch, library));
    else
        set_unknown(&out->build, "neither version.py nor the libraries tell",
                    torch_keep(torch, torch->place.package));
}

/* --- GPU code --------------------------------------------------------------------------------------------- */

/* A target counts where at least half as many modules have it as have the most common one: what is compiled into
 * PyTorch from other libraries (NCCL, cuBLAS, kernels for a single GPU) brings targets of its own that most of
 * PyTorch lacks. The remaining list equals torch._C._cuda_getArchFlags() (tests/slow). */
static void add_targets(struct torch_probe *torch, const struct fatbin_code *code, unsigned kind, uint64_t most,
                        struct texts_fact *fact) {
    struct fatbin_targets sorted;
    fatbin_sorted(code, torch->scratch, kind, &sorted);
    for (size_t i = 0; i < sorted.count; i++) {
        if (sorted.items[i].entries * 2 < most)
            continue;
        const char *name = torch_keep(torch, fatbin_target_name(torch->scratch, &sorted.items[i]));
        bool repeated = false; /* PTX of the same target with another ISA */
        for (size_t j = 0; j < fact->count; j++)
            repeated |= text_eq(fact->items[j], name);
        if (!repeated)
            texts_push(torch->probe->arena, fact, name);
    }
}

static void read_targets(struct torch_probe *torch) {
    /* from 1.8 to 1.13 the kernels were in a library of their own */
    static const char *const names[] = {"libtorch_cuda_cu.so",
                                        "libtorch_cuda.so",
                                        "libcaffe2_gpu.so",
                                        "libtorch.so",
                                        "torch_cuda_cu.dll",
                                        "torch_cuda.dll",
                                        NULL};
    struct python_environment *out = torch->out;
    const char *path = find_first(torch, names),
               *source = torch_keep(torch, path ? path : torch->library_directory);
    struct fatbin_file file = {0};
    /* of the environments that would not run, a sample tells the same list (tests/slow compare) */
    enum fatbin_reach reach = torch->python->in_use ? FATBIN_SECTIONS : FATBIN_SAMPLE;
    int r = path ? fatbin_file_read(torch->root, torch->scratch, path, reach, &file) : -ENOENT;
    if (r == 0 && file.code.error < 0)
        r = file.code.error;
    if (r == 0 && !file.code.entries)
        r = -ENOMSG;
    if (r < 0) {
        const char *why = r == -ENOEXEC   ? "not a file whose GPU code can be read"
                          : r == -ENODATA ? "the file ends too early"
                          : r == -EBADMSG ? "damaged GPU code"
                          : r == -ENOMSG  ? "no GPU code in it"
                          : r == -ENOENT  ? "no library to read it from"
                                          : strerror(-r);
        set_unknown(&out->sass, torch_keep(torch, why), source);
        out->ptx.is = out->sass.is;
        return;
    }
    uint64_t most = 0;
    for (size_t i = 0; i < file.code.targets.count; i++)
        if (file.code.targets.items[i].entries > most)
            most = file.code.targets.items[i].entries;
    set_listed(&out->sass, source);
    set_listed(&out->ptx, source);
    add_targets(torch, &file.code, FATBIN_SASS, most, &out->sass);
    add_targets(torch, &file.code, FATBIN_PTX, most, &out->ptx);
}

void torch_read_build(struct torch_probe *torch) {
    read_version(torch);
    list_libraries(torch);
    find_cuda_library(torch);
    find_build(torch);
    if (text_eq(text_of(torch->out->build), "cuda"))
        read_targets(torch);
    else {
        set_absent(&torch->out->sass, torch->out->build.is.source);
        set_absent(&torch->out->ptx, torch->out->build.is.source);
    }
}
