/* What is installed beside PyTorch, what its metadata asks for, and who installed it. */
#include <errno.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/python_dist.h"
#include "format/python_metadata.h"
#include "format/version.h"
#include "probe/torch.h"

/* Packages of PyTorch's company by their normalised names; nvidia-* are looked at in any case. */
static const char *const companions[] = {"torchvision",
                                         "torchaudio",
                                         "torchao",
                                         "torchtext",
                                         "torchcodec",
                                         "torch-tensorrt",
                                         "torch-scatter",
                                         "torch-sparse",
                                         "xformers",
                                         "flash-attn",
                                         "triton",
                                         "pytorch-triton",
                                         "pytorch-triton-rocm",
                                         "pytorch-triton-xpu",
                                         "triton-windows",
                                         "bitsandbytes",
                                         "deepspeed",
                                         "vllm",
                                         "apex",
                                         "intel-extension-for-pytorch",
                                         "pytorch",
                                         "torch-directml"};
static const char *const toolkits[] = {"cuda-toolkit", "cuda-bindings", "cuda-python", "cuda-pathfinder"};

static bool is_one_of(struct span name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (python_name_is(name, names[i]))
            return true;
    return false;
}
#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof *(names))

bool torch_is_companion(struct span name) {
    return IS_ONE_OF(name, companions);
}

bool torch_is_of_cuda(struct span name) {
    return python_name_starts(name, "nvidia-") || IS_ONE_OF(name, toolkits);
}

/* --- finding ---------------------------------------------------------------------------------------------- */

struct torch_package *torch_find_package(struct torch_packages *packages, struct span name) {
    const char *wanted = python_name_normalise(packages->torch->scratch, name);
    for (size_t i = 0; i < packages->count; i++)
        if (python_name_is(packages->items[i].dist.name, wanted))
            return &packages->items[i];
    return NULL;
}

static void add_found(struct torch_packages *packages, struct python_dist dist, const char *directory,
                      const char *name) {
    if (packages->count >= LIMIT_ROWS) {
        packages->cut = true;
        return;
    }
    LIST_PUSH(packages->torch->scratch, packages) = (struct torch_package){
        .dist = dist, .file = text_path(packages->torch->scratch, directory, name), .directory = directory};
}

static void find_in_directory(struct torch_packages *packages, const char *directory, const struct texts *names) {
    for (size_t i = 0; i < names->count; i++) {
        struct python_dist dist;
        if (!python_dist_parse(span_of(names->items[i]), false, &dist) || dist.leftover)
            continue;
        if ((torch_is_companion(dist.name) || torch_is_of_cuda(dist.name)) &&
            !torch_find_package(packages, dist.name))
            add_found(packages, dist, directory, names->items[i]);
    }
}

/* Listings of the site directories, and of the one that holds torch where that is another. */
static void find_packages(struct torch_packages *packages) {
    struct torch_probe *torch = packages->torch;
    for (size_t i = 0; i < torch->path.count; i++) {
        struct python_path_entry *entry = &torch->path.items[i];
        if (!entry->listed && text_eq(entry->path, torch->place.directory)) {
            entry->list_error = root_list(torch->root, torch->scratch, entry->path, &entry->names);
            entry->listed = true;
        }
        if (!entry->listed)
            continue;
        packages->cut |= entry->list_error < 0;
        find_in_directory(packages, entry->path, &entry->names);
    }
}

struct python_package *torch_package_row(const struct torch_packages *packages,
                                         const struct torch_package *package) {
    return &packages->torch->out->packages.items[package - packages->items];
}

struct python_package *torch_add_row(struct torch_probe *torch, const struct torch_package *package) {
    struct python_package *row = &LIST_PUSH(torch->probe->arena, &torch->out->packages);
    const char *source = torch_keep(torch, package->file);
    set_text(&row->name, torch_keep(torch, python_name_normalise(torch->scratch, package->dist.name)), source);
    if (package->dist.version.len)
        set_text(&row->version, torch_keep_span(torch, package->dist.version), source);
    set_text(&row->location, torch_keep(torch, package->directory), source);
    return row;
}

/* --- companions ------------------------------------------------------------------------------------------- */

bool torch_read_small(struct torch_probe *torch, const char *path, struct span *ret_bytes) {
    int r = root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE, ret_bytes);
    return r == 0 || r == -EFBIG;
}

/* INSTALLER: one line, "pip", "uv", "conda", "Poetry 1.8.3". */
void torch_read_installer(struct torch_probe *torch, const char *metadata, struct text_fact *fact) {
    const char *path = text_path(torch->scratch, metadata, "INSTALLER"), *line;
    if (root_read_line(torch->root, torch->scratch, path, &line) < 0 || !*line)
        return;
    char word[32] = "";
    for (size_t i = 0; i < sizeof word - 1 && line[i] && line[i] != ' '; i++)
        word[i] = line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] | 0x20) : line[i];
    set_text(fact, torch_keep(torch, word), torch_keep(torch, path));
}

static void set_build_tag(struct torch_probe *torch, struct python_package *row, const char *local,
                          const char *source) {
    struct torch_build build;
    char text[16];
    torch_build_of_local(local, &build);
    set_text(&row->build, torch_keep(torch, local), source);
    if (build.kind == TORCH_BUILD_CUDA && build.cuda)
        set_text(&row->cuda, torch_keep(torch, cuda_version_text(build.cuda, text)), source);
    else if (build.kind == TORCH_BUILD_CPU || build.kind == TORCH_BUILD_ROCM || build.kind == TORCH_BUILD_XPU)
        set_absent(&row->cuda, source);
}

/* The local tag: of the version, else of the package's own version.py, since PyPI's metadata leave it out. */
static void read_tag(struct torch_probe *torch, const struct torch_package *found, struct python_package *row) {
    struct span head, local, bytes;
    if (span_cut(found->dist.version, '+', &head, &local)) {
        set_build_tag(torch, row, torch_keep_span(torch, local), row->version.is.source);
        return;
    }
    const char *name = arena_copy(torch->scratch, row->name.value);
    for (char *c = strchr(name, '-'); c; c = strchr(c, '-'))
        *c = '_';
    const char *path = arena_printf(torch->scratch, "%s/%s/version.py", found->directory, name);
    struct python_assignment assignment;
    if (!torch_read_small(torch, path, &bytes))
        return;
    while (python_next_assignment(&bytes, &assignment)) {
        if (!span_eq(assignment.name, "__version__") || assignment.kind != PYTHON_TEXT ||
            !span_cut(assignment.value, '+', &head, &local))
            continue;
        const char *source = torch_keep(torch, path);
        set_text(&row->version, torch_keep_span(torch, assignment.value), source);
        set_build_tag(torch, row, torch_keep_span(torch, local), source);
        return;
    }
}

/* xformers/cpp_lib.json: {"version": {"cuda": 1204, "torch": "2.6.0+cu124", …}, …} */
static void read_xformers(struct torch_probe *torch, const struct torch_package *found,
                          struct python_package *row) {
    const char *path = text_path(torch->scratch, found->directory, "xformers/cpp_lib.json");
    struct span bytes;
    char text[16];
    if (root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE / 4, &bytes) < 0)
        return;
    json_t *json = json_loadb(bytes.ptr, bytes.len, 0, NULL), *version = json_object_get(json, "version");
    const char *built_for = json_string_value(json_object_get(version, "torch")),
               *source = torch_keep(torch, path);
    json_int_t cuda = json_integer_value(json_object_get(version, "cuda")); /* 1204 */
    if (built_for)
        set_text(&row->built_for, torch_keep(torch, built_for), source);
    if (cuda >= 100 && cuda < 10000)
        set_text(&row->cuda, torch_keep(torch, cuda_version_text((int)cuda * 10, text)), source);
    json_decref(json);
}

static void read_companion(struct torch_probe *torch, struct torch_package *found, struct python_package *row) {
    const char *metadata =
        text_path(torch->scratch, found->file, found->dist.kind == PYTHON_DIST_INFO ? "METADATA" : "PKG-INFO");
    struct python_metadata parsed;
    struct span bytes;
    read_tag(torch, found, row);
    if (python_name_is(found->dist.name, "xformers"))
        read_xformers(torch, found, row);
    torch_read_installer(torch, found->file, &row->installer);
    if (!torch_read_small(torch, metadata, &bytes))
        return;
    const char *source = torch_keep(torch, metadata);
    python_metadata_parse(torch->scratch, bytes, &parsed);
    set_absent(&row->requires_torch, source);
    for (size_t i = 0; i < parsed.requirements.count; i++) {
        struct python_requirement requirement;
        if (python_requirement_parse(parsed.requirements.items[i], &requirement) &&
            python_name_is(requirement.name, "torch") && requirement.specifier.len &&
            python_marker_holds(requirement.marker, &torch->target) == YES)
            set_text(&row->requires_torch, torch_keep_span(torch, requirement.specifier), source);
    }
}

/* --- CUDA's major versions -------------------------------------------------------------------------------- */

/* "nvidia-cublas-cu12": for CUDA 12; nvidia-cuda-runtime-cu12 has CUDA's own version. From CUDA 13 on the names
 * have no such ending, and the files lie in nvidia/cu13. */
static void set_major(struct torch_probe *torch, struct python_package *row, const char *thirteen) {
    const char *name = row->name.value, *source = row->name.is.source, *tag = strrchr(name, '-'),
               *version = text_of(row->version);
    const char *major = tag && text_starts(tag, "-cu") ? tag + 3 : NULL;
    if (major && (!*major || major[strspn(major, "0123456789")]))
        major = NULL; /* nvidia-cublas */
    if (!major && (!known(row->required) || !thirteen))
        return;
    bool runtime = text_starts(name, "nvidia-cuda-runtime") && version;
    size_t len = runtime ? strcspn(version, ".") : 0;
    len += runtime && version[len] ? 1 + strcspn(version + len + 1, ".") : 0;
    if (runtime)
        set_text(&row->cuda, torch_keep_span(torch, span_from(version, len)), source);
    else
        set_text(&row->cuda, torch_keep(torch, major ? major : thirteen),
                 major ? source : row->location.is.source);
}

/* "13" where nvidia/cu13 is in the directory; NULL otherwise. */
static const char *find_major(struct torch_probe *torch, const char *directory) {
    struct texts names;
    int r = root_list(torch->root, torch->scratch, text_path(torch->scratch, directory, "nvidia"), &names);
    for (size_t i = 0; (r == 0 || r == -EFBIG) && i < names.count; i++)
        if (text_starts(names.items[i], "cu") && names.items[i][2] &&
            !names.items[i][2 + strspn(names.items[i] + 2, "0123456789")])
            return names.items[i] + 2;
    return NULL;
}

void torch_read_packages(struct torch_probe *torch) {
    struct torch_packages packages = {.torch = torch};
    find_packages(&packages);
    set_listed(&torch->out->packages, torch_keep(torch, torch->python->prefix));
    for (size_t i = 0; i < packages.count; i++)
        torch_add_row(torch, &packages.items[i]);
    for (size_t i = 0; i < packages.count; i++)
        if (torch_is_companion(packages.items[i].dist.name))
            read_companion(torch, &packages.items[i], torch_package_row(&packages, &packages.items[i]));
    if (torch->place.package)
        torch_read_metadata(&packages);
    const char *thirteen = NULL;
    for (size_t i = 0; i < packages.count; i++) {
        struct python_package *row = torch_package_row(&packages, &packages.items[i]);
        if (!thirteen && known(row->required))
            thirteen = find_major(torch, packages.items[i].directory);
        if (!torch_is_companion(packages.items[i].dist.name))
            set_major(torch, row, thirteen);
    }
    if (!torch->python->config)
        torch_read_conda(&packages);
}
