/* Which libraries `import torch` would get, by the loader's rules: for the environment in use. */
#include <errno.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/version.h"
#include "loader/torch_plan.h"
#include "probe/torch.h"

struct library_probe {
    struct torch_probe *torch;
    struct loader *loader;
    bool foreign;         /* one comes from outside though the environment has its own */
    bool symbols_checked; /* undefined symbols were looked for */
};

static bool starts_with_one_of(const char *name, const char *const *starts) {
    for (; *starts; starts++)
        if (text_starts(name, *starts))
            return true;
    return false;
}

/* Parts of the driver: the driver's link tells about them. */
static bool is_of_driver(const char *name) {
    static const char *const starts[] = {"libcuda.so", "libnvidia-", "libnvcuvid.so", "libcudadebugger", NULL};
    return starts_with_one_of(text_basename(name), starts);
}

static bool is_of_torch(const char *name) {
    static const char *const starts[] = {"libtorch",   "libc10",      "libcaffe2", "libcu",
                                         "libnccl",    "libnvrtc",    "libnvJit",  "libnvTools",
                                         "libnvshmem", "libnvfatbin", "libmagma",  NULL};
    return starts_with_one_of(text_basename(name), starts);
}

static bool is_below(const char *path, const char *directory) {
    size_t len = strlen(directory);
    return text_starts(path, directory) && path[len] == '/';
}

/* In the environment: below its prefix, or a site directory. All of /usr is not Debian's torch. */
static bool is_inside(const struct torch_probe *torch, const char *path) {
    const char *plain = python_join(torch->scratch, "/", span_of(path));
    if (!text_eq(torch->python->kind, "system") && is_below(plain, torch->python->prefix))
        return true;
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].origin >= PATH_SITE && is_below(plain, torch->path.items[i].path))
            return true;
    return false;
}

static bool is_foreign(const struct torch_probe *torch, const struct loader_request *request) {
    if (!request->object || request->by == LOADER_LOADED || is_inside(torch, request->object->path))
        return false;
    for (size_t i = 0; i < request->shadows.count; i++)
        if (is_inside(torch, request->shadows.items[i].path))
            return true;
    return false;
}

/* A library is told where it is CUDA's or PyTorch's, or where something is wrong with it. */
static bool is_told(const struct library_probe *libraries, const struct loader_request *request) {
    if (is_of_driver(request->name))
        return false;
    if (!request->object)
        return !request->optional;
    if (request->by == LOADER_LOADED)
        return false; /* told where it was first found */
    return request->object->error || request->object->undefined.count || is_foreign(libraries->torch, request) ||
           is_of_torch(request->name);
}

static const char *keep_path(const struct torch_probe *torch, const char *path) {
    return torch_keep(torch, path[0] == '/' ? python_join(torch->scratch, "/", span_of(path)) : path);
}

static const char *symbol_text(const struct torch_probe *torch, const struct loader_undefined *undefined) {
    if (undefined->is_version)
        return arena_printf(torch->probe->arena, "version %s of %s", undefined->name, undefined->file);
    if (undefined->version)
        return arena_printf(torch->probe->arena, "%s@%s", undefined->name, undefined->version);
    return torch_keep(torch, undefined->name);
}

static void set_undefined(const struct library_probe *libraries, const struct loader_object *object,
                          struct texts_fact *fact, const char *source) {
    const struct torch_probe *torch = libraries->torch;
    if (!libraries->symbols_checked || object->symbols_error) {
        set_unknown(fact,
                    object->symbols_error ? torch_keep(torch, strerror(-object->symbols_error))
                                          : "not checked: nothing hints at a mixture of builds",
                    source);
        return;
    }
    set_listed(fact, source);
    for (size_t i = 0; i < object->undefined.count && i < 64; i++)
        texts_push(torch->probe->arena, fact, symbol_text(torch, &object->undefined.items[i]));
}

static void add_library(struct library_probe *libraries, const struct loader_request *request) {
    struct torch_probe *torch = libraries->torch;
    struct python_environment *out = torch->out;
    const struct loader_object *object = request->object;
    struct torch_library *row = &LIST_PUSH(torch->probe->arena, &out->libraries);
    const char *source = out->libraries.is.source;
    set_text(&row->name, torch_keep(torch, text_basename(request->name)), source);
    set_text(&row->found_by, loader_rule_name(request->by), source);
    if (request->needed_by.count)
        set_text(&row->needed_by, keep_path(torch, request->needed_by.items[0]->path), source);
    if (!object && request->trouble) {
        set_unknown(&row->path, torch_keep(torch, strerror(-request->trouble)), source);
        return;
    }
    if (!object) {
        set_absent(&row->path, source);
        return;
    }
    set_text(&row->path, keep_path(torch, object->path), source);
    if (object->error)
        set_text(&row->error, torch_keep(torch, object->error), source);
    set_flag(&row->foreign, is_foreign(torch, request), source);
    set_listed(&row->shadows, source);
    for (size_t i = 0; i < request->shadows.count && i < 16; i++)
        texts_push(torch->probe->arena, &row->shadows, keep_path(torch, request->shadows.items[i].path));
    set_undefined(libraries, object, &row->undefined, source);
}

/* --- is there reason to compare symbols? ------------------------------------------------------------------- */

/* Symbol tables are large (libtorch_cpu's has 200,000 names), and builds that belong together always fit. So they
 * are read only where something hints at a mixture. */
static bool is_mixed_package(const struct torch_probe *torch, const struct python_package *package) {
    const char *name = text_of(package->name), *version = text_of(package->version),
               *cuda = text_of(torch->out->cuda);
    if (is_false(package->fits))
        return true;
    if (text_starts(name, "nvidia-nvjitlink") && !known(package->required) && version && cuda)
        return python_version_compare(span_of(version), span_of(cuda)) <
               0; /* cuSPARSE needs one as new as itself */
    if (!name || !torch_is_companion(span_of(name)) || text_starts(name, "triton") || text_starts(name, "pytorch"))
        return false;
    if (!known(
            package->requires_torch)) /* flash-attn and the like: compiled for one release, and silent about it */
        return true;
    const char *version_of_torch = text_of(torch->out->torch_version);
    return version_of_torch &&
           python_specifier_meets(span_of(package->requires_torch.value), span_of(version_of_torch)) != YES;
}

static bool is_suspicious(const struct library_probe *libraries) {
    const struct python_environment *out = libraries->torch->out;
    if (libraries->foreign || (known(out->changed_files) && out->changed_files.count))
        return true;
    for (size_t i = 0; i < out->packages.count; i++)
        if (is_mixed_package(libraries->torch, &out->packages.items[i]))
            return true;
    return false;
}

static bool has_companions(const struct torch_probe *torch) {
    for (size_t i = 0; i < torch->out->packages.count; i++) {
        const char *name = text_of(torch->out->packages.items[i].name);
        if (name && torch_is_companion(span_of(name)) && !text_has(name, "triton"))
            return true;
    }
    return false;
}

static void list_libraries(struct library_probe *libraries) {
    const struct loader_requests *requests = loader_requests(libraries->loader);
    for (size_t i = 0; i < requests->count; i++)
        libraries->foreign |= is_foreign(libraries->torch, &requests->items[i]);
    if (is_suspicious(libraries)) {
        loader_check_symbols(libraries->loader);
        libraries->symbols_checked = true;
    }
    for (size_t i = 0; i < requests->count; i++)
        if (is_told(libraries, &requests->items[i]) && libraries->torch->out->libraries.count < LIMIT_ROWS)
            add_library(libraries, &requests->items[i]);
}

void torch_read_libraries(struct torch_probe *torch) {
    struct library_probe libraries = {.torch = torch};
    struct python_environment *out = torch->out;
    struct torch_plan plan;
    struct texts search_path = {0};
    const char *source = "the loader's rules";
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].origin != PATH_STDLIB && torch->path.items[i].origin != PATH_EDITABLE)
            texts_add(torch->scratch, &search_path, torch->path.items[i].path);
    struct torch_plan_options options = {.python =
                                             torch->python->real_interpreter ? torch->python->interpreter : NULL,
                                         .torch_directory = torch->place.package,
                                         .search_path = &search_path,
                                         .companions = has_companions(torch)};
    int r = loader_open(&libraries.loader, torch->root, (struct loader_options){0});
    if (r == 0)
        r = loader_torch_plan(&plan, libraries.loader, torch->root, torch->scratch, &options);
    if (r < 0) {
        set_unknown(&out->libraries, torch_keep(torch, strerror(-r)), source);
    } else {
        set_listed(&out->libraries, source);
        list_libraries(&libraries);
        if (plan.failure)
            set_text(&out->import_stops, torch_keep(torch, plan.failure), source);
        else
            set_absent(&out->import_stops, source);
        if (loader_truncated(libraries.loader))
            python_search_cut(torch->search, torch->place.package, "more libraries than are looked at");
    }
    loader_close(libraries.loader);
}
