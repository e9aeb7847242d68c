#include "loader/loader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
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

const char *loader_cache_trouble(const struct loader *loader) {
    return loader->cache_trouble;
}

/* --- objects ----------------------------------------------------------------------------------------------- */

static bool answers_to(const struct loader_object *object, const char *name) {
    return text_eq(object->dynamic.soname, name) || strcmp(object->path, name) == 0 ||
           texts_have(&object->names, name);
}

struct loader_object *loader_find(const struct loader *loader, const char *name) {
    for (size_t i = 0; i < loader->objects.count; i++)
        if (answers_to(loader->objects.items[i], name))
            return loader->objects.items[i];
    return NULL;
}

static struct loader_object *find_file(const struct loader *loader, dev_t device, ino_t inode) {
    for (size_t i = 0; i < loader->objects.count; i++)
        if (loader->objects.items[i]->device == device && loader->objects.items[i]->inode == inode)
            return loader->objects.items[i];
    return NULL;
}

/* A segment that the file does not hold: a download or copy that was cut. ld.so maps it all the same and the
 * process dies of SIGBUS once the pages are touched. */
static bool is_cut(const struct elf *elf) {
    for (size_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].type == PT_LOAD &&
            elf_check_range(elf, elf->segments[i].offset, elf->segments[i].file_size) < 0)
            return true;
    return elf->segment_error != 0;
}

/* Reads a file into *object. 0 or -errno; what only hinders its use is in object->error. */
static int object_read(struct loader *loader, struct loader_object *object, const char *path) {
    struct stat st;
    AUTO_FD fd = root_open_file(loader->root, path);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    int r = elf_open_image(&object->elf, &loader->arena, fd, (uint64_t)st.st_size);
    if (r < 0)
        return r;
    object->device = st.st_dev;
    object->inode = st.st_ino;
    r = elf_dynamic_read(&object->dynamic, &loader->arena, &object->elf);
    object->elf.fd = -1;
    if (is_cut(&object->elf))
        object->error = "the file ends before its last segment does";
    else if (r < 0)
        object->error = "the dynamic section cannot be read";
    return 0;
}

static struct loader_object *object_add(struct loader *loader, const struct loader_object *template,
                                        const char *path, const char *name,
                                        const struct loader_object *requester) {
    struct loader_object *object = arena_alloc(&loader->arena, sizeof *object);
    *object = *template;
    object->path = path;
    object->name = name;
    object->requester = requester;
    object->index = loader->objects.count;
    texts_add(&loader->arena, &object->names, name);
    LIST_PUSH(&loader->arena, &loader->objects) = object;
    return object;
}

static void objects_add_once(struct arena *arena, struct loader_objects *list, struct loader_object *object) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == object)
            return;
    LIST_PUSH(arena, list) = object;
}

static const struct search_lists *lists_of(struct loader *loader, const struct loader_object *object) {
    if (!object)
        return search_lists_of(loader, loader->program);
    if (!object->search)
        ((struct loader_object *)object)->search = search_lists_of(loader, object);
    return object->search;
}

/* --- finding a file ---------------------------------------------------------------------------------------- */

struct finding {
    struct loader *loader;
    bool hidden; /* go on for the copies that the winner hides */
    bool found, fatal;
    const char *path, *error;
    dev_t device;
    ino_t inode;
    enum loader_rule by;
    struct loader_copies shadows, passed;
};

static void copy_add(struct finding *finding, struct loader_copies *list, const char *path, enum loader_rule by,
                     const char *error) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].path, path) == 0)
            return;
    if (list->count < LIMIT_ROWS)
        LIST_PUSH(&finding->loader->arena, list) = (struct loader_copy){.path = path, .by = by, .error = error};
}

static enum visit finding_visit(void *context, const char *directory, const char *name, enum loader_rule by,
                                const struct directory_file *file) {
    struct finding *finding = context;
    const char *path = arena_printf(&finding->loader->arena, "%s/%s", directory, name);
    bool first = !finding->found && !finding->fatal;
    if (file->judgement == JUDGED_ABSENT) {
        if (first)
            copy_add(finding, &finding->passed, path, by, file->error);
        return VISIT_ON;
    }
    if (!first) {
        if (file->judgement == JUDGED_USABLE &&
            !(file->device == finding->device && file->inode == finding->inode))
            copy_add(finding, &finding->shadows, path, by, NULL);
        return VISIT_ON;
    }
    finding->found = file->judgement == JUDGED_USABLE;
    finding->fatal = !finding->found;
    finding->error = file->error;
    finding->path = path;
    finding->by = by;
    finding->device = file->device;
    finding->inode = file->inode;
    return finding->hidden ? VISIT_ON : VISIT_STOP;
}

/* A name with a slash is opened as it is. */
static void find_path(struct finding *finding, const char *path) {
    struct loader *loader = finding->loader;
    const char *working = root_env(loader->root, "PWD", NULL);
    if (path[0] != '/')
        path = working && working[0] == '/' ? text_path(&loader->arena, working, path) : NULL;
    if (!path || strlen(path) >= LIMIT_PATH)
        return;
    struct directory_file file = {0};
    file_judge(&loader->directories, path, &file);
    finding->path = path;
    finding->by = LOADER_DLOPEN;
    finding->error = file.error;
    finding->found = file.judgement == JUDGED_USABLE;
    finding->fatal = file.judgement == JUDGED_FATAL;
    finding->device = file.device;
    finding->inode = file.inode;
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
    const struct search_lists *lists = lists_of(loader, requester);
    if (loader->options.skip_shadows || strchr(request->name, '/'))
        return;
    for (size_t i = 0; i < request->needed_by.count; i++)
        if (request->needed_by.items[i]->search == lists)
            return;
    struct finding finding = {.loader = loader, .hidden = true};
    search_each(loader, lists, request->name, false, finding_visit, &finding);
    if (finding.found && !(finding.device == object->device && finding.inode == object->inode))
        copy_add(&finding, &request->shadows, finding.path, finding.by, NULL);
    for (size_t i = 0; i < finding.shadows.count; i++) {
        struct directory_file file = {0};
        file_judge(&loader->directories, finding.shadows.items[i].path, &file);
        if (!(file.device == object->device && file.inode == object->inode))
            copy_add(&finding, &request->shadows, finding.shadows.items[i].path, finding.shadows.items[i].by,
                     NULL);
    }
}

enum asked { ASKED_NEEDED, ASKED_AUXILIARY, ASKED_DLOPEN, ASKED_PRELOAD };

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
static struct loader_object *request_make(struct loader *loader, const struct loader_object *caller,
                                          const char *name, enum asked asked, bool optional) {
    const struct loader_object *told = asked == ASKED_PRELOAD ? NULL : caller;
    const char *origin = caller ? search_origin(loader, caller->path) : NULL;
    const char *expanded = search_expand(loader, name, origin);
    struct loader_object *object = loader_find(loader, expanded ? expanded : name);
    if (object)
        return request_loaded(loader, told, name, object, asked);
    struct finding finding = {.loader = loader, .hidden = !loader->options.skip_shadows};
    if (loader->platform.kind == LOADER_MUSL && musl_has(name))
        finding.path = NULL;
    else if (expanded && strchr(expanded, '/'))
        find_path(&finding, expanded);
    else if (expanded)
        search_each(loader, lists_of(loader, caller), name, asked == ASKED_PRELOAD && loader->secure,
                    finding_visit, &finding);
    struct loader_object template = {0};
    if (finding.found && (object = find_file(loader, finding.device, finding.inode))) {
        texts_add(&loader->arena, &object->names, name);
        return request_loaded(loader, told, name, object, asked);
    }
    if (!finding.found && asked == ASKED_AUXILIARY)
        return NULL;
    int r = finding.found ? object_read(loader, &template, finding.path) : -ENOENT;
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
        request->error = object ? object->error
                         : finding.fatal || finding.found
                             ? arena_printf(&loader->arena, "%s: %s", finding.path,
                                            finding.error ? finding.error : strerror(-r))
                             : NULL;
        request->shadows = finding.shadows;
        request->passed = finding.passed;
        request->by_dlopen = asked == ASKED_DLOPEN;
        request->optional = optional;
    }
    if (told)
        objects_add_once(&loader->arena, &request->needed_by, (struct loader_object *)told);
    return object;
}

/* --- what they need, breadth first (_dl_map_object_deps) --------------------------------------------------- */

static void dependencies_load(struct loader *loader, struct loader_objects *list) {
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
static void scopes_set(struct loader *loader, size_t before, struct loader_object *group) {
    for (size_t i = before; i < loader->objects.count; i++) {
        loader->objects.items[i]->group = group;
        loader->objects.items[i]->global_seen = loader->global.count;
    }
}

static void make_global(struct loader *loader, const struct loader_objects *list) {
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

/* --- starting a process ------------------------------------------------------------------------------------ */

static void cache_load(struct loader *loader) {
    struct span bytes;
    if (loader->platform.kind == LOADER_MUSL)
        return;
    int r = root_read(loader->root, &loader->arena, loader->platform.cache_path, LIMIT_FILE, &bytes);
    if (r == 0)
        r = ldcache_open(&loader->cache, bytes);
    else if (r == -ENOENT)
        return;
    loader->cache_usable = r == 0;
    if (r == -ENOEXEC)
        loader->cache_trouble = "it is not a cache of ldconfig";
    else if (r == -ENODATA || r == -EBADMSG)
        loader->cache_trouble = "it is damaged: its tables reach past its end";
    else if (r < 0)
        loader->cache_trouble = strerror(-r);
    else if (loader->cache.damaged)
        loader->cache_trouble = arena_printf(&loader->arena, "%u of its %u entries point outside the file",
                                             loader->cache.damaged, loader->cache.count);
}

/* AT_SECURE as the kernel sets it for setuid and setgid programs. */
static bool is_secure(const struct loader *loader, const struct stat *st) {
    const struct root_identity *id = root_identity(loader->root);
    if (st->st_mode & S_ISUID && (!id->known || id->uid != st->st_uid))
        return true;
    return (st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) && (!id->known || id->gid != st->st_gid);
}

static int platform_prepare(struct loader *loader, uint16_t machine, bool wide, const char *interpreter) {
    int r = platform_read(&loader->platform, &loader->arena, loader->root, machine, wide, interpreter);
    if (r < 0)
        return r;
    const char *path = loader->options.library_path;
    if (!path)
        path = root_env(loader->root, "LD_LIBRARY_PATH", NULL);
    if (!loader->secure)
        loader->library_path = search_list_get(
            loader, path, ":;", loader->program ? search_origin(loader, loader->program->path) : NULL);
    loader->defaults = loader->platform.kind == LOADER_GLIBC
                           ? search_list_defaults(loader)
                           : search_list_get(loader, musl_path_file(loader, &loader->arena), ":\n", NULL);
    cache_load(loader);
    return 0;
}

/* The dynamic loader is in every process, under the name of PT_INTERP and its soname. */
static void interpreter_add(struct loader *loader) {
    struct loader_object template = {0};
    const char *path = loader->platform.interpreter;
    if (object_read(loader, &template, path) < 0)
        return;
    struct loader_object *object = object_add(loader, &template, path, path, NULL);
    texts_add(&loader->arena, &object->names, loader->platform.soname);
    if (loader->platform.kind == LOADER_MUSL) /* libc.so is the same file */
        texts_add(&loader->arena, &object->names, "libc.so");
}

/* LD_PRELOAD is separated by blanks and colons, /etc/ld.so.preload by white space and colons, with # comments. */
static void preload_text(struct loader *loader, struct span text, bool from_file, struct loader_objects *list) {
    struct span line, word;
    while (span_next_line(&text, &line)) {
        if (from_file)
            line = span_slice(line, 0, span_find(line, "#"));
        for (size_t at = 0; at < line.len;) {
            size_t end = at;
            while (end < line.len && !strchr(from_file ? " \t:" : " :", line.ptr[end]))
                end++;
            word = span_slice(line, at, end);
            at = end + 1;
            const char *name = arena_copy_span(&loader->arena, word);
            if (!*name || (loader->secure && !from_file && strchr(name, '/')))
                continue;
            struct loader_object *object = request_make(loader, loader->program, name, ASKED_PRELOAD, true);
            if (object)
                objects_add_once(&loader->arena, list, object);
        }
    }
}

static void preloads_load(struct loader *loader, struct loader_objects *list) {
    const char *names = loader->options.preload;
    struct span bytes;
    if (!names)
        names = root_env(loader->root, "LD_PRELOAD", NULL);
    if (names)
        preload_text(loader, span_of(names), false, list);
    if (root_read(loader->root, &loader->arena, "/etc/ld.so.preload", LIMIT_SMALL_FILE, &bytes) == 0)
        preload_text(loader, bytes, true, list);
}

int loader_start(struct loader *loader, const char *path) {
    struct loader_object template = {0};
    struct stat st;
    if (loader->started)
        return -EALREADY;
    int r = root_stat(loader->root, path, &st);
    if (r == 0)
        r = object_read(loader, &template, path);
    if (r < 0)
        return r;
    if (template.elf.type != ET_DYN && template.elf.type != ET_EXEC)
        return -ENOTSUP;
    if (template.elf.big)
        return -ENOTSUP;
    path = arena_copy(&loader->arena, path);
    loader->started = true;
    loader->secure = is_secure(loader, &st);
    if (template.dynamic.interpreter && root_realpath(loader->root, &loader->arena, path, &path) < 0)
        path = template.dynamic.interpreter; /* it was there a moment ago */
    struct loader_object *program = object_add(loader, &template, path, path, NULL);
    loader->program = program;
    r = platform_prepare(loader, template.elf.machine, template.elf.wide, template.dynamic.interpreter);
    if (r < 0)
        return r;
    LIST_PUSH(&loader->arena, &program->scope) = program;
    if (!template.dynamic.present)
        return 0; /* a static program */
    interpreter_add(loader);
    preloads_load(loader, &program->scope);
    dependencies_load(loader, &program->scope);
    make_global(loader, &program->scope);
    scopes_set(loader, 0, program);
    return 0;
}

int loader_start_bare(struct loader *loader) {
    if (loader->started)
        return -EALREADY;
    loader->started = true;
    uint16_t machine = platform_machine(loader->root);
    if (machine == EM_NONE) /* a root that does not say: by the loader it has */
        machine = root_exists(loader->root, "/lib/ld-linux-aarch64.so.1") ? EM_AARCH64 : EM_X86_64;
    return platform_prepare(loader, machine, machine != EM_386, NULL);
}

void loader_candidates(struct loader *loader, struct arena *arena, const struct loader_object *caller,
                       const char *soname, struct loader_copies *ret_copies) {
    struct finding finding = {.loader = loader, .hidden = true};
    *ret_copies = (struct loader_copies){0};
    search_each(loader, lists_of(loader, caller), soname, false, finding_visit, &finding);
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
