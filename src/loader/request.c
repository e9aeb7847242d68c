/* One name asked for by one object: where it is found, what it hides, and the record of it (_dl_map_object of
 * glibc's elf/dl-load.c). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "loader/internal.h"

/* --- finding a file ---------------------------------------------------------------------------------------- */

struct finding {
    struct loader *loader;
    bool hidden; /* go on for the copies that the winner hides */
    bool found, fatal;
    const char *path, *error;
    dev_t device;
    ino_t inode;
    uint64_t size;
    int fd;      /* of the winner, where it was just opened; else -1 */
    int trouble; /* a copy that could not be looked at before the winner: -errno */
    enum loader_rule by;
    struct loader_copies shadows, passed;
};

#define FINDING_INIT(loader_, hidden_)                                                                            \
    { .loader = (loader_), .hidden = (hidden_), .fd = -1 }

static void finding_release(struct finding *finding) {
    if (finding->fd >= 0)
        close(finding->fd);
}

#define AUTO_FINDING __attribute__((cleanup(finding_release))) struct finding

/* The winner, as the loader would use it from now on. */
static void finding_take(struct finding *finding, struct directory_file *file, const char *path,
                         enum loader_rule by) {
    finding->found = file->judgement == JUDGED_USABLE;
    finding->fatal = file->judgement == JUDGED_FATAL;
    finding->error = file->error;
    finding->path = path;
    finding->by = by;
    finding->device = file->device;
    finding->inode = file->inode;
    finding->size = file->size;
    finding->trouble = file->trouble;
    finding->trouble = file->trouble;
    finding->fd = file->fd;
    file->fd = -1;
}

static void copy_add(struct finding *finding, struct loader_copies *list, const char *path, enum loader_rule by,
                     const char *error) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].path, path) == 0)
            return;
    if (list->count < LIMIT_ROWS)
        LIST_PUSH(&finding->loader->arena, list) = (struct loader_copy){.path = path, .by = by, .error = error};
}

static enum visit finding_visit(void *context, const char *directory, const char *name, enum loader_rule by,
                                struct directory_file *file) {
    struct finding *finding = context;
    struct arena *arena = &finding->loader->arena;
    bool first = !finding->found && !finding->fatal;
    if (file->judgement == JUDGED_ABSENT || file->judgement == JUDGED_LEAVE) {
        finding->trouble = first && file->trouble ? file->trouble : finding->trouble;
        if (first)
            copy_add(finding, &finding->passed, path_join(arena, directory, name), by, file->error);
        return VISIT_ON;
    }
    if (!first) {
        if (file->judgement == JUDGED_USABLE &&
            !(file->device == finding->device && file->inode == finding->inode))
            copy_add(finding, &finding->shadows, path_join(arena, directory, name), by, NULL);
        return VISIT_ON;
    }
    finding_take(finding, file, path_join(arena, directory, name), by);
    return finding->hidden ? VISIT_ON : VISIT_STOP;
}

static int finding_read(struct finding *finding, struct loader_object *object) {
    if (finding->fd < 0)
        return object_read(finding->loader, object, finding->path);
    object->device = finding->device;
    object->inode = finding->inode;
    return object_read_open(finding->loader, object, finding->fd, finding->size);
}

/* Why nothing came of it, where there is more to say than that there is no such file. */
static const char *finding_words(const struct finding *finding, int error) {
    const char *path = finding->path, *words = finding->error;
    if (finding->found)
        words = strerror(-error);
    else if (!path && finding->passed.count) {
        path = finding->passed.items[0].path;
        words = finding->passed.items[0].error;
    }
    return path && words ? arena_printf(&finding->loader->arena, "%s: %s", path, words) : NULL;
}

/* Whether the file system, not the library, is why nothing was found. */
static int read_trouble(const struct loader *loader, const struct finding *finding, int error) {
    if (finding->found)
        return error == -ENOEXEC || error == -ENODATA || error == -EBADMSG ? 0 : error;
    return loader->cache_error;
}

/* A name with a slash is opened as it is. */
static void find_path(struct finding *finding, const char *path) {
    struct loader *loader = finding->loader;
    const char *working = root_env(loader->root, "PWD", NULL);
    if (path[0] != '/')
        path = working && working[0] == '/' ? text_path(&loader->arena, working, path) : NULL;
    if (!path || strlen(path) >= LIMIT_PATH)
        return;
    struct directory_file file = {.fd = -1};
    file_judge(&loader->directories, path, &file);
    finding_take(finding, &file, path, LOADER_DLOPEN);
}

/* --- requests ---------------------------------------------------------------------------------------------- */

static struct loader_request *request_for(struct loader *loader, const char *name,
                                          const struct loader_object *object, bool *ret_new) {
    *ret_new = false;
    for (size_t i = 0; i < loader->requests.count; i++) {
        struct loader_request *request = &loader->requests.items[i];
        if (request->object == object && strcmp(request->name, name) == 0)
            return request;
    }
    if (loader->requests.count >= LIMIT_LOADER_REQUESTS) {
        loader->truncated = true;
        return NULL;
    }
    *ret_new = true;
    struct loader_request *request = &LIST_PUSH(&loader->arena, &loader->requests);
    *request = (struct loader_request){.name = name, .object = (struct loader_object *)object};
    return request;
}

/* What a requester would have got, had the object not been there already. Requesters that look in the same places
 * get the same. */
static void shadows_of_loaded(struct loader *loader, struct loader_request *request,
                              const struct loader_object *requester) {
    struct loader_object *object = request->object;
    const struct search_lists *lists = object_lists(loader, requester);
    if (loader->options.skip_shadows || strchr(request->name, '/'))
        return;
    for (size_t i = 0; i < request->needed_by.count; i++)
        if (request->needed_by.items[i]->search == lists)
            return;
    AUTO_FINDING finding = FINDING_INIT(loader, true);
    search_each(loader, lists, request->name, false, finding_visit, &finding);
    if (finding.found && !(finding.device == object->device && finding.inode == object->inode))
        copy_add(&finding, &request->shadows, finding.path, finding.by, NULL);
    for (size_t i = 0; i < finding.shadows.count; i++) {
        struct directory_file file = {.fd = -1};
        file_judge(&loader->directories, finding.shadows.items[i].path, &file);
        file_close(&file);
        if (!(file.device == object->device && file.inode == object->inode))
            copy_add(&finding, &request->shadows, finding.shadows.items[i].path, finding.shadows.items[i].by,
                     NULL);
    }
}

static struct loader_object *request_loaded(struct loader *loader, const struct loader_object *requester,
                                            const char *name, struct loader_object *object, enum asked asked) {
    bool is_new;
    struct loader_request *request = request_for(loader, name, object, &is_new);
    if (!request)
        return object;
    if (is_new) {
        request->by = LOADER_LOADED;
        request->by_dlopen = asked == ASKED_DLOPEN;
    }
    if (requester) {
        shadows_of_loaded(loader, request, requester);
        objects_add_once(&loader->arena, &request->needed_by, (struct loader_object *)requester);
    }
    return object;
}

/* _dl_map_object: one name asked for by one object. `by_requester` names who is told of, `caller` whose paths
 * count. */
struct loader_object *request_make(struct loader *loader, const struct loader_object *caller, const char *name,
                                   enum asked asked, bool optional) {
    const struct loader_object *told = asked == ASKED_PRELOAD ? NULL : caller;
    const char *origin = caller ? search_origin(loader, caller->path) : NULL;
    bool musl = loader->platform.kind == LOADER_MUSL;
    const char *expanded = musl ? name : search_expand(loader, name, origin);
    bool own = musl && musl_has(name); /* is the loader itself, whatever files of that name there are */
    struct loader_object *object = loader_find(loader, own        ? loader->platform.interpreter
                                                       : expanded ? expanded
                                                                  : name);
    if (object)
        return request_loaded(loader, told, name, object, asked);
    AUTO_FINDING finding = FINDING_INIT(loader, !loader->options.skip_shadows);
    if (own)
        finding.path = NULL;
    else if (expanded && strchr(expanded, '/'))
        find_path(&finding, expanded);
    else if (expanded)
        search_each(loader, object_lists(loader, caller), name, asked == ASKED_PRELOAD && loader->secure,
                    finding_visit, &finding);
    struct loader_object template = {0};
    if (finding.found && (object = object_find_file(loader, finding.device, finding.inode))) {
        object_answer_to(loader, object, name);
        return request_loaded(loader, told, name, object, asked);
    }
    if (!finding.found && asked == ASKED_AUXILIARY)
        return NULL;
    int r = finding.found ? finding_read(&finding, &template) : -ENOENT;
    if (r == 0 && loader->objects.count >= LIMIT_LOADER_OBJECTS) {
        loader->truncated = true;
        return NULL;
    }
    if (r == 0) /* who came by dlopen has no requester: the chain of DT_RPATH ends there */
        object = object_add(loader, &template, finding.path, expanded, asked == ASKED_DLOPEN ? NULL : caller);
    bool is_new;
    struct loader_request *request = request_for(loader, name, object, &is_new);
    if (!request)
        return object;
    if (is_new) {
        request->by = !object ? LOADER_NONE : asked == ASKED_PRELOAD ? LOADER_PRELOAD : finding.by;
        request->error = object ? object->error : finding_words(&finding, r);
        request->trouble = finding.trouble ? finding.trouble : object ? 0 : read_trouble(loader, &finding, r);
        request->shadows = finding.shadows;
        request->passed = finding.passed;
        request->by_dlopen = asked == ASKED_DLOPEN;
        request->optional = optional;
    }
    if (told)
        objects_add_once(&loader->arena, &request->needed_by, (struct loader_object *)told);
    return object;
}

void loader_candidates(struct loader *loader, struct arena *arena, const struct loader_object *caller,
                       const char *soname, struct loader_copies *ret_copies) {
    AUTO_FINDING finding = FINDING_INIT(loader, true);
    *ret_copies = (struct loader_copies){0};
    search_each(loader, object_lists(loader, caller), soname, false, finding_visit, &finding);
    if (finding.found || finding.fatal)
        LIST_PUSH(arena, ret_copies) = (struct loader_copy){.path = arena_copy(arena, finding.path),
                                                            .by = finding.by,
                                                            .error = finding.fatal ? finding.error : NULL};
    const struct loader_copies *lists[] = {&finding.shadows, &finding.passed};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            struct loader_copy copy = lists[l]->items[i];
            copy.path = arena_copy(arena, copy.path);
            LIST_PUSH(arena, ret_copies) = copy;
        }
}
