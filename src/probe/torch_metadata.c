/* The metadata of torch itself: who installed it, what it requires, what conda says. */
#include <errno.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/python_metadata.h"
#include "format/version.h"
#include "probe/torch.h"

/* --- what torch requires ---------------------------------------------------------------------------------- */

static void require(struct torch_packages *packages, const char *metadata, struct span extras, int depth);

static void require_one(struct torch_packages *packages, const struct python_requirement *requirement,
                        const char *source, int depth) {
    struct torch_probe *torch = packages->torch;
    struct texts_fact *missing = &torch->out->missing_packages;
    bool triton =
        python_name_is(requirement->name, "triton") || python_name_starts(requirement->name, "pytorch-triton");
    if (!torch_is_of_cuda(requirement->name) && !triton)
        return;
    struct torch_package *found = torch_find_package(packages, requirement->name);
    if (!found) {
        const char *name = torch_keep(torch, python_name_normalise(torch->scratch, requirement->name));
        bool told = triton || packages->cut; /* Triton only compiles; without it PyTorch still finds its GPU */
        for (size_t i = 0; i < missing->count; i++)
            told |= text_eq(missing->items[i], name);
        if (!told)
            texts_push(torch->probe->arena, missing, name);
        return;
    }
    struct python_package *row = torch_package_row(packages, found);
    if (requirement->specifier.len && !known(row->required)) {
        struct span exact = python_specifier_exact(requirement->specifier);
        set_text(&row->required, torch_keep_span(torch, exact.len ? exact : requirement->specifier), source);
        enum tristate meets = python_specifier_meets(requirement->specifier, found->dist.version);
        if (meets != CANNOT_TELL)
            set_flag(&row->fits, meets == YES, source);
    }
    if (requirement->extras.len && depth < 2) /* cuda-toolkit[cublas,cudart]: a list of further packages */
        require(packages, text_path(torch->scratch, found->file, "METADATA"), requirement->extras, depth + 1);
}

static void require(struct torch_packages *packages, const char *metadata, struct span extras, int depth) {
    struct torch_probe *torch = packages->torch;
    struct python_metadata parsed;
    struct python_target target = torch->target;
    struct span bytes;
    if (!torch_read_small(torch, metadata, &bytes))
        return;
    const char *source = torch_keep(torch, metadata);
    target.extras = extras;
    python_metadata_parse(torch->scratch, bytes, &parsed);
    for (size_t i = 0; i < parsed.requirements.count; i++) {
        struct python_requirement requirement;
        if (python_requirement_parse(parsed.requirements.items[i], &requirement) &&
            python_marker_holds(requirement.marker, &target) == YES)
            require_one(packages, &requirement, source, depth);
    }
}

static const struct texts *names_in(const struct torch_probe *torch, const char *directory) {
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].listed && text_eq(torch->path.items[i].path, directory))
            return &torch->path.items[i].names;
    return NULL;
}

/* --- torch itself ----------------------------------------------------------------------------------------- */

/* The dist-info of torch; others of that name are left over. */
static struct torch_package find_metadata(struct torch_probe *torch) {
    struct torch_package best = {0};
    const struct texts *names = names_in(torch, torch->place.directory);
    const char *version = text_of(torch->out->torch_version);
    for (size_t i = 0; names && i < names->count; i++) {
        struct python_dist dist;
        const char *path = text_path(torch->scratch, torch->place.directory, names->items[i]);
        if (text_eq(names->items[i], "~orch"))
            texts_push(torch->probe->arena, &torch->out->leftovers, torch_keep(torch, path));
        if (!python_dist_parse(span_of(names->items[i]), false, &dist))
            continue;
        if (dist.leftover && python_name_is(dist.name, "orch"))
            texts_push(torch->probe->arena, &torch->out->leftovers, torch_keep(torch, path));
        if (dist.leftover || !python_name_is(dist.name, "torch"))
            continue;
        struct torch_package one = {.dist = dist, .file = path, .directory = torch->place.directory};
        bool better = !best.file || (version && python_version_compare(dist.version, span_of(version)) == 0);
        const char *worse = better ? best.file : path;
        if (worse)
            texts_push(torch->probe->arena, &torch->out->leftovers, torch_keep(torch, worse));
        if (better)
            best = one;
    }
    return best;
}

/* direct_url.json (PEP 610): {"url": "file:///src/pytorch", "dir_info": {"editable": true}} */
static void read_direct_url(struct torch_probe *torch, const char *metadata) {
    const char *path = text_path(torch->scratch, metadata, "direct_url.json");
    struct span bytes;
    if (root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE / 4, &bytes) < 0)
        return;
    json_t *json = json_loadb(bytes.ptr, bytes.len, 0, NULL);
    const char *url = json_string_value(json_object_get(json, "url"));
    if (url)
        set_text(&torch->out->origin, torch_keep(torch, url), torch_keep(torch, path));
    if (json_object_get(json, "dir_info"))
        set_text(&torch->out->installer, "source", torch_keep(torch, path));
    json_decref(json);
}

static void read_wheel(struct torch_probe *torch, const char *metadata) {
    const char *path = text_path(torch->scratch, metadata, "WHEEL");
    struct span bytes, line, key, value;
    if (!torch_read_small(torch, path, &bytes))
        return;
    while (span_next_line(&bytes, &line))
        if (span_cut(line, ':', &key, &value) && span_eq_nocase(key, "Tag") && !known(torch->out->wheel))
            set_text(&torch->out->wheel, torch_keep_span(torch, span_trim(value)), torch_keep(torch, path));
    if (text_has(text_of(torch->out->wheel), "win_") &&
        !torch->python->windows) { /* a wheel that was unpacked by hand */
        torch->target.system = "Windows";
        torch->target.platform = "win32";
        torch->target.os = "nt";
        torch->target.machine = "AMD64";
    }
}

/* Who put it there, where no INSTALLER says so. */
static void guess_installer(struct torch_probe *torch, const struct torch_package *metadata) {
    struct python_environment *out = torch->out;
    struct package_version version;
    struct torch_build build = {0};
    const char *directory = torch->place.directory, *source = torch_keep(torch, directory);
    if (known(out->torch_version) && package_version_parse(span_of(out->torch_version.value), &version) == 0)
        torch_build_of_local(version.local, &build);
    if (build.nvidia[0] && !root_exists(torch->root, "/etc/nv_tegra_release"))
        set_text(&out->installer, "nvidia-container", out->torch_version.is.source);
    else if (known(out->installer))
        return;
    else if (torch->place.origin == PATH_EDITABLE || torch->place.origin == PATH_PTH)
        set_text(&out->installer, "source", out->torch_path.is.source);
    else if (text_starts(directory, "/usr/lib/python3/dist-packages"))
        set_text(&out->installer, "dpkg", source);
    else if (text_starts(directory, "/usr/lib/") || text_starts(directory, "/usr/lib64/"))
        set_text(&out->installer, "distribution", source);
    else if (metadata->file)
        set_unknown(&out->installer, "no INSTALLER in its metadata", torch_keep(torch, metadata->file));
    else
        set_unknown(&out->installer, "no metadata beside it", source);
}

/* Of torch and of every package that it requires. conda changes files after their RECORD was written. */
static void check_records(struct torch_packages *packages, const struct torch_package *metadata) {
    struct torch_probe *torch = packages->torch;
    bool sizes_count = !text_eq(text_of(torch->out->installer), "conda");
    torch_check_record(torch, metadata->directory, metadata->file, sizes_count);
    for (size_t i = 0; i < packages->count; i++) {
        const struct torch_package *package = &packages->items[i];
        if (known(torch_package_row(packages, package)->required) && package->dist.kind == PYTHON_DIST_INFO)
            torch_check_record(torch, package->directory, package->file, sizes_count);
    }
}

void torch_read_metadata(struct torch_packages *packages) {
    struct torch_probe *torch = packages->torch;
    struct python_environment *out = torch->out;
    struct torch_package metadata = find_metadata(torch);
    set_listed(&out->missing_packages, torch_keep(torch, metadata.file ? metadata.file : torch->place.directory));
    if (metadata.file) {
        const char *source = torch_keep(torch, metadata.file);
        if (metadata.dist.version.len)
            set_text(&out->metadata_version, torch_keep_span(torch, metadata.dist.version), source);
        if (!known(out->torch_version) && metadata.dist.version.len && torch->place.has_version == false)
            set_text(&out->torch_version, torch_keep_span(torch, metadata.dist.version), source);
        torch_read_installer(torch, metadata.file, &out->installer);
        read_direct_url(torch, metadata.file);
        read_wheel(torch, metadata.file);
    } else {
        set_absent(&out->metadata_version, torch_keep(torch, torch->place.directory));
    }
    guess_installer(torch, &metadata);
    if (metadata.file && metadata.dist.kind == PYTHON_DIST_INFO) {
        require(packages, text_path(torch->scratch, metadata.file, "METADATA"), (struct span){0}, 0);
        check_records(packages, &metadata);
    }
    if (packages->cut)
        set_unknown(&out->missing_packages, "not every installed package could be seen",
                    out->missing_packages.is.source);
}

/* --- conda ------------------------------------------------------------------------------------------------- */

static const char *const conda_packages[] = {"pytorch",       "pytorch-cuda", "pytorch-gpu",  "pytorch-cpu",
                                             "pytorch-mutex", "libtorch",     "cudatoolkit",  "cuda-version",
                                             "cuda-cudart",   "cuda-nvrtc",   "cuda-toolkit", "cuda-runtime",
                                             "cudnn",         "nccl",         "libcublas"};

static bool is_of_conda(struct span name) {
    for (size_t i = 0; i < sizeof conda_packages / sizeof *conda_packages; i++)
        if (python_name_is(name, conda_packages[i]))
            return true;
    return torch_is_companion(name);
}

/* The channel, near the start of the package's JSON, whose keys conda sorts. */
static void read_channel(struct torch_probe *torch, const char *path) {
    struct span bytes, value, rest;
    int r = root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE / 16, &bytes);
    size_t at = r == 0 || r == -EFBIG ? span_find(bytes, "\"channel\": \"") : SIZE_MAX;
    if (at == SIZE_MAX)
        return;
    span_cut(span_slice(bytes, at + strlen("\"channel\": \""), bytes.len), '"', &value, &rest);
    if (value.len)
        set_text(&torch->out->origin, torch_keep_span(torch, value), torch_keep(torch, path));
}

void torch_read_conda(struct torch_packages *packages) {
    struct torch_probe *torch = packages->torch;
    struct python_environment *out = torch->out;
    const char *directory = text_path(torch->scratch, torch->python->prefix, "conda-meta");
    struct texts names;
    int r = root_list(torch->root, torch->scratch, directory, &names);
    if (r == -EFBIG)
        python_search_cut(torch->search, directory, "more entries than are read");
    for (size_t i = 0; (r == 0 || r == -EFBIG) && i < names.count; i++) {
        struct python_dist dist;
        if (!python_dist_parse(span_of(names.items[i]), true, &dist) || !is_of_conda(dist.name))
            continue;
        const char *path = text_path(torch->scratch, directory, names.items[i]), *source = torch_keep(torch, path);
        const struct torch_package *same = torch_find_package(packages, dist.name);
        struct torch_package found = {.dist = dist, .file = path, .directory = directory};
        struct python_package *row = same ? torch_package_row(packages, same) : torch_add_row(torch, &found);
        set_text(&row->installer, "conda", source);
        set_text(&row->build, torch_keep_span(torch, dist.build), source);
        struct torch_build build;
        char text[16];
        torch_build_of_conda(dist.build, &build);
        if (build.kind == TORCH_BUILD_CUDA && build.cuda)
            set_text(&row->cuda, torch_keep(torch, cuda_version_text(build.cuda, text)), source);
        else if (build.kind == TORCH_BUILD_CPU)
            set_absent(&row->cuda, source);
        if (!span_eq(dist.name, "pytorch"))
            continue;
        set_text(&out->conda_build, torch_keep_span(torch, dist.build), source);
        if (torch->place.package && !known(out->installer))
            set_text(&out->installer, "conda", source);
        if (text_eq(text_of(out->installer), "conda"))
            read_channel(torch, path);
    }
}
