/* What whycuda libs prints. */
#include <jansson.h>

#include "base/text.h"
#include "cli/libs.h"

/* --- what is wrong ----------------------------------------------------------------------------------------- */

static bool request_is_bad(const struct loader_request *request) {
    if (!request->object)
        return !request->optional;
    return request->object->error || request->object->undefined.count;
}

bool libs_incomplete(const struct libs_view *view) {
    const struct loader_requests *requests = loader_requests(view->loader);
    for (size_t i = view->first; i < requests->count; i++)
        if (request_is_bad(&requests->items[i]))
            return true;
    if (view->first)
        return false;
    const struct loader_object *program = loader_program(view->loader);
    return (program && (program->error || program->undefined.count)) || (view->plan && view->plan->failure);
}

/* What has no place in a list. */
static void write_trouble(FILE *out, const struct libs_view *view) {
    struct loader *loader = view->loader;
    const struct loader_platform *platform = loader_platform(loader);
    if (loader_cache_trouble(loader))
        fprintf(out, "%s: %s\n", platform->cache_path, loader_cache_trouble(loader));
    if (platform->kind == LOADER_MUSL)
        fprintf(out, "The loader is musl's (%s); PyTorch has no builds for it.\n", platform->interpreter);
    if (loader_secure(loader))
        fprintf(out, "setuid or setgid: LD_LIBRARY_PATH and LD_PRELOAD do not count\n");
    if (loader_truncated(loader))
        fprintf(out, "A limit was reached: this list is not complete.\n");
    if (view->plan && view->plan->failure)
        fprintf(out, "import torch fails: %s\n", view->plan->failure);
}

/* --- JSON -------------------------------------------------------------------------------------------------- */

static json_t *text_json(const char *text) {
    AUTO_ARENA arena = {0};
    return text ? json_string(text_clean(&arena, span_of(text))) : json_null();
}

static json_t *needed_by_json(const struct loader_objects *objects) {
    json_t *list = json_array();
    for (size_t i = 0; i < objects->count; i++)
        json_array_append_new(list, text_json(objects->items[i]->name));
    return list;
}

static json_t *copies_json(const struct loader_copies *copies) {
    json_t *list = json_array();
    for (size_t i = 0; i < copies->count; i++)
        json_array_append_new(list, text_json(copies->items[i].path));
    return list;
}

static json_t *undefined_json(const struct loader_object *object) {
    json_t *list = json_array();
    for (size_t i = 0; object && i < object->undefined.count; i++)
        json_array_append_new(list, text_json(object->undefined.items[i].name));
    return list;
}

/* The symbols of an object are told once, where it was asked for first. */
static json_t *request_json(const struct loader_request *request) {
    const struct loader_object *object = request->object;
    json_t *entry = json_object();
    json_object_set_new(entry, "name", text_json(request->name));
    json_object_set_new(entry, "path", text_json(object ? object->path : NULL));
    json_object_set_new(entry, "by", json_string(loader_rule_name(request->by)));
    json_object_set_new(entry, "needed_by", needed_by_json(&request->needed_by));
    json_object_set_new(entry, "shadows", copies_json(&request->shadows));
    json_object_set_new(entry, "undefined", undefined_json(request->by == LOADER_LOADED ? NULL : object));
    if (request->error)
        json_object_set_new(entry, "error", text_json(request->error));
    return entry;
}

static enum torch_stage stage_of(const struct torch_plan *plan, size_t request) {
    int stage = 0;
    while (stage + 1 < TORCH_STAGE_COUNT && request >= plan->first_request[stage + 1])
        stage++;
    return stage;
}

void libs_write_json(FILE *out, const struct libs_view *view) {
    const struct loader_requests *requests = loader_requests(view->loader);
    const struct loader_object *program = loader_program(view->loader);
    json_t *list = json_array();
    if (view->file && view->symbols) { /* the file's own symbols have no other place */
        struct loader_request self = {.name = view->file,
                                      .object = (struct loader_object *)program,
                                      .by = LOADER_DLOPEN,
                                      .error = program->error};
        json_array_append_new(list, request_json(&self));
    }
    for (size_t i = view->first; i < requests->count; i++) {
        json_t *entry = request_json(&requests->items[i]);
        if (view->plan && !view->first)
            json_object_set_new(entry, "stage", json_string(torch_stage_name(stage_of(view->plan, i))));
        json_array_append_new(list, entry);
    }
    json_dumpf(list, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(list);
    write_trouble(stderr, view);
}

/* --- text -------------------------------------------------------------------------------------------------- */

static const char *rule_words(enum loader_rule rule) {
    static const char *const words[] = {
        [LOADER_NONE] = "not found",
        [LOADER_PRELOAD] = "preloaded",
        [LOADER_LOADED] = "loaded before",
        [LOADER_RPATH] = "RPATH",
        [LOADER_LD_LIBRARY_PATH] = "LD_LIBRARY_PATH",
        [LOADER_RUNPATH] = "RUNPATH",
        [LOADER_CACHE] = "ld.so.cache",
        [LOADER_DEFAULT] = "default directory",
        [LOADER_DLOPEN] = "opened by path",
    };
    return words[rule];
}

enum { UNDEFINED_SHOWN = 8 };

static void write_undefined(FILE *out, const struct libs_view *view, const struct loader_object *object,
                            const char *indent) {
    for (size_t i = 0; i < object->undefined.count; i++) {
        const struct loader_undefined *u = &object->undefined.items[i];
        if (!view->verbose && i == UNDEFINED_SHOWN) {
            fprintf(out, "%s  and %zu more (-v shows them)\n", indent, object->undefined.count - i);
            break;
        }
        if (u->is_version)
            fprintf(out, "%s  version %s not found in %s\n", indent, u->name, u->file);
        else if (u->version)
            fprintf(out, "%s  undefined symbol: %s, version %s (%s)\n", indent, u->name, u->version,
                    u->file ? u->file : "?");
        else
            fprintf(out, "%s  undefined symbol: %s\n", indent, u->name);
    }
}

static void write_request(FILE *out, const struct libs_view *view, const struct loader_request *request,
                          const char *indent) {
    AUTO_ARENA arena = {0};
    const char *name = text_clean(&arena, span_of(request->name));
    const struct loader_object *object = request->object;
    if (object && strcmp(name, object->path) == 0)
        fprintf(out, "%s%s\n", indent, name);
    else
        fprintf(out, "%s%s => %s%s", indent, name,
                object ? text_clean(&arena, span_of(object->path)) : "not found", object ? "" : "\n");
    if (object && strcmp(name, object->path) != 0)
        fprintf(out, "  [%s]\n", rule_words(request->by));
    if (request->error)
        fprintf(out, "%s  %s\n", indent, text_clean(&arena, span_of(request->error)));
    for (size_t i = 0; !object && i < request->needed_by.count; i++)
        fprintf(out, "%s  needed by %s\n", indent, text_clean(&arena, span_of(request->needed_by.items[i]->path)));
    for (size_t i = 0; i < request->passed.count; i++)
        fprintf(out, "%s  passed over: %s (%s)\n", indent,
                text_clean(&arena, span_of(request->passed.items[i].path)), request->passed.items[i].error);
    for (size_t i = 0; i < request->shadows.count; i++)
        fprintf(out, "%s  hides %s\n", indent, text_clean(&arena, span_of(request->shadows.items[i].path)));
    if (object && request->by != LOADER_LOADED)
        write_undefined(out, view, object, indent);
}

/* Which stage the request of that number starts. */
static void write_stage(FILE *out, const struct libs_view *view, size_t request) {
    for (int stage = 0; view->plan && !view->first && stage < TORCH_STAGE_COUNT; stage++)
        if (view->plan->first_request[stage] == request && view->plan->first_request[stage + 1] > request)
            fprintf(out, "%s%s\n", request ? "\n" : "", torch_stage_title(stage));
}

void libs_write_list(FILE *out, const struct libs_view *view) {
    AUTO_ARENA arena = {0};
    const struct loader_requests *requests = loader_requests(view->loader);
    const struct loader_object *program = loader_program(view->loader);
    if (program && !view->first) {
        fprintf(out, "%s\n", text_clean(&arena, span_of(program->path)));
        if (program->error)
            fprintf(out, "  %s\n", program->error);
        write_undefined(out, view, program, "");
    }
    if (program && !view->first && !program->dynamic.present)
        fprintf(out, "  statically linked\n");
    for (size_t i = view->first; i < requests->count; i++) {
        const struct loader_request *request = &requests->items[i];
        write_stage(out, view, i);
        /* the same object under the same name, asked for again: nothing new */
        if (request->by == LOADER_LOADED && !request->shadows.count && view->plan && !view->first &&
            !view->verbose)
            continue;
        if (!request->object && request->optional && !view->verbose)
            continue;
        write_request(out, view, request, "  ");
    }
    write_trouble(out, view);
}

/* --- tree -------------------------------------------------------------------------------------------------- */

enum { TREE_DEPTH = 64 };

static const struct loader_request *request_of(const struct libs_view *view, const struct loader_object *requester,
                                               const struct loader_object *object, const char *name) {
    const struct loader_requests *requests = loader_requests(view->loader);
    for (size_t i = 0; i < requests->count; i++) {
        const struct loader_request *request = &requests->items[i];
        if (object ? request->object != object : strcmp(request->name, name) != 0)
            continue;
        for (size_t n = 0; n < request->needed_by.count; n++)
            if (request->needed_by.items[n] == requester)
                return request;
    }
    return NULL;
}

static void write_branch(FILE *out, const struct libs_view *view, const struct loader_object *object, bool *shown,
                         int depth) {
    AUTO_ARENA arena = {0};
    if (depth > TREE_DEPTH || shown[object->index])
        return;
    shown[object->index] = true;
    for (size_t i = 0; i < object->dynamic.needed.count; i++) {
        const char *name = object->dynamic.needed.items[i];
        const struct loader_object *needed = loader_find(view->loader, name);
        const struct loader_request *request = request_of(view, object, needed, name);
        bool again = needed && shown[needed->index] && needed->needed.count;
        fprintf(out, "%*s%s => %s", 2 * depth, "", text_clean(&arena, span_of(name)),
                needed ? text_clean(&arena, span_of(needed->path)) : "not found");
        if (needed && request)
            fprintf(out, "  [%s]", rule_words(request->by));
        fprintf(out, "%s\n", again ? "  (above)" : "");
        if (needed && !again)
            write_branch(out, view, needed, shown, depth + 1);
    }
}

void libs_write_tree(FILE *out, const struct libs_view *view) {
    AUTO_ARENA arena = {0};
    const struct loader_objects *objects = loader_objects(view->loader);
    bool *shown = arena_alloc(&arena, objects->count + 1);
    for (size_t i = 0; i < objects->count; i++) {
        /* what nobody needs: the program, preloads, what was opened by hand */
        const struct loader_object *object = objects->items[i];
        if (shown[i] || (object->requester && object != object->group) ||
            object->path == loader_platform(view->loader)->interpreter)
            continue;
        fprintf(out, "%s\n", text_clean(&arena, span_of(object->path)));
        write_branch(out, view, object, shown, 1);
    }
    write_trouble(out, view);
}
