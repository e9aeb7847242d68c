#include "loader/loader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "loader/internal.h"

const char *loader_rule_name(enum loader_rule rule) {
    static const char *const names[] = {
        [LOADER_NONE] = "none",
        [LOADER_PRELOAD] = "preload",
        [LOADER_LOADED] = "loaded",
        [LOADER_RPATH] = "rpath",
        [LOADER_LD_LIBRARY_PATH] = "ld_library_path",
        [LOADER_RUNPATH] = "runpath",
        [LOADER_CACHE] = "cache",
        [LOADER_DEFAULT] = "default",
        [LOADER_DLOPEN] = "dlopen",
    };
    return names[rule];
}

int loader_open(struct loader **ret_loader, const struct root *root, struct loader_options options) {
    struct loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return -ENOMEM;
    loader->root = root;
    loader->options = options;
    loader->directories =
        (struct directories){.root = root, .arena = &loader->arena, .platform = &loader->platform};
    *ret_loader = loader;
    return 0;
}

void loader_close(struct loader *loader) {
    if (!loader)
        return;
    arena_release(&loader->arena);
    free(loader);
}

struct loader_options loader_options(const struct loader *loader) {
    return loader->options;
}

const struct loader_platform *loader_platform(const struct loader *loader) {
    return &loader->platform;
}

const struct loader_object *loader_program(const struct loader *loader) {
    return loader->program;
}

const struct loader_objects *loader_objects(const struct loader *loader) {
    return &loader->objects;
}

const struct loader_requests *loader_requests(const struct loader *loader) {
    return &loader->requests;
}

bool loader_truncated(const struct loader *loader) {
    return loader->truncated;
}

bool loader_secure(const struct loader *loader) {
    return loader->secure;
}

const char *loader_cache_trouble(struct loader *loader) {
    uint32_t damaged = loader->cache_usable ? ldcache_damaged(&loader->cache) : 0;
    if (damaged && !loader->cache_trouble)
        loader->cache_trouble = arena_printf(&loader->arena, "%u of its %u entries point outside the file",
                                             damaged, loader->cache.count);
    return loader->cache_trouble;
}

/* --- what they need, breadth first (_dl_map_object_deps) --------------------------------------------------- */

void dependencies_load(struct loader *loader, struct loader_objects *list) {
    unsigned mark = ++loader->mark;
    for (size_t i = 0; i < list->count; i++)
        list->items[i]->mark = mark;
    for (size_t i = 0; i < list->count; i++) {
        struct loader_object *object = list->items[i];
        bool first_time = !object->needed.count;
        size_t auxiliary = object->dynamic.auxiliary.count;
        for (size_t n = 0; n < auxiliary + object->dynamic.needed.count && !loader->truncated; n++) {
            const char *name =
                n < auxiliary ? object->dynamic.auxiliary.items[n] : object->dynamic.needed.items[n - auxiliary];
            struct loader_object *needed =
                request_make(loader, object, name, n < auxiliary ? ASKED_AUXILIARY : ASKED_NEEDED, false);
            if (!needed)
                continue;
            if (first_time)
                LIST_PUSH(&loader->arena, &object->needed) = needed;
            if (needed->mark != mark) {
                needed->mark = mark;
                LIST_PUSH(&loader->arena, list) = needed;
            }
        }
    }
}

/* Gives what was mapped since `before` the scope it is relocated in. */
void scopes_set(struct loader *loader, size_t before, struct loader_object *group) {
    for (size_t i = before; i < loader->objects.count; i++) {
        loader->objects.items[i]->group = group;
        loader->objects.items[i]->global_seen = loader->global.count;
    }
}

void make_global(struct loader *loader, const struct loader_objects *list) {
    for (size_t i = 0; i < list->count; i++) {
        struct loader_object *object = list->items[i];
        if (!object->global)
            LIST_PUSH(&loader->arena, &loader->global) = object;
        object->global = true;
    }
}

struct loader_object *loader_dlopen(struct loader *loader, const struct loader_object *caller, const char *name,
                                    bool global, bool optional) {
    size_t before = loader->objects.count;
    struct loader_object *object =
        request_make(loader, caller ? caller : loader->program, name, ASKED_DLOPEN, optional);
    if (!object)
        return NULL;
    if (!object->scope.count) {
        LIST_PUSH(&loader->arena, &object->scope) = object;
        dependencies_load(loader, &object->scope);
    }
    if (global)
        make_global(loader, &object->scope);
    scopes_set(loader, before, object);
    return object;
}
