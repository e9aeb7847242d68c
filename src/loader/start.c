/* Starting a process: the program, its dynamic loader, what is preloaded, and the cache. */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "loader/internal.h"

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
    loader->cache_error = r == -ENOEXEC || r == -ENODATA || r == -EBADMSG ? 0 : r;
    if (r == -ENOEXEC)
        loader->cache_trouble = "it is not a cache of ldconfig";
    else if (r == -ENODATA || r == -EBADMSG)
        loader->cache_trouble = "it is damaged: its tables reach past its end";
    else if (r < 0)
        loader->cache_trouble = strerror(-r);
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
        loader->library_path =
            search_list_get(loader, path, loader->platform.kind == LOADER_MUSL ? ":\n" : ":;",
                            loader->program ? search_origin(loader, loader->program->path) : NULL);
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
    object_answer_to(loader, object, loader->platform.soname);
    if (loader->platform.kind == LOADER_MUSL) /* libc.so is the same file */
        object_answer_to(loader, object, "libc.so");
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
