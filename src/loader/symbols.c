/* Which symbols nobody defines: what ld.so would find out when it relocates everything at once (LD_BIND_NOW, and
 * what Python's dlopen does). Scopes as in glibc: first the global one as it was when the object was loaded, then
 * what the object was dlopened with. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/elf_symbols.h"
#include "loader/internal.h"

/* One object while symbols are checked. */
struct checked {
    struct loader_object *object;
    struct elf_symbols symbols;
    bool open;
};

struct check {
    struct loader *loader;
    struct arena arena;
    struct checked *items; /* in the order of loader->objects */
    size_t count;
    struct checked **scope; /* of the object at hand */
    size_t scope_count;
    const struct loader_object *scope_of; /* an object that has it */
};

static struct checked *checked_of(struct check *check, const struct loader_object *object) {
    return &check->items[object->index];
}

static void scope_add(struct check *check, const struct loader_objects *objects, size_t count, unsigned mark) {
    for (size_t i = 0; i < count; i++) {
        struct checked *checked = checked_of(check, objects->items[i]);
        if (checked->object->mark == mark)
            continue;
        checked->object->mark = mark;
        if (checked->open)
            check->scope[check->scope_count++] = checked;
    }
}

static void scope_build(struct check *check, const struct loader_object *object) {
    if (check->scope_of && check->scope_of->group == object->group &&
        check->scope_of->global_seen == object->global_seen)
        return;
    check->scope_of = object;
    unsigned mark = ++check->loader->mark;
    check->scope_count = 0;
    scope_add(check, &check->loader->global, object->global_seen, mark);
    if (object->group)
        scope_add(check, &object->group->scope, object->group->scope.count, mark);
}

static bool undefined_add(struct check *check, struct loader_object *object, struct loader_undefined undefined) {
    if (object->undefined.count >= LIMIT_UNDEFINED) {
        check->loader->truncated = true;
        return false;
    }
    struct arena *arena = &check->loader->arena;
    undefined.name = text_clean(arena, span_of(undefined.name));
    undefined.version = undefined.version ? text_clean(arena, span_of(undefined.version)) : NULL;
    undefined.file = undefined.file ? text_clean(arena, span_of(undefined.file)) : NULL;
    LIST_PUSH(arena, &object->undefined) = undefined;
    return true;
}

/* _dl_check_map_versions: every node needed must be among the definitions of the library it is needed from. A
 * library without any definitions gets away with a warning. */
static void versions_check(struct check *check, struct checked *checked) {
    for (size_t i = 0; i < checked->symbols.version_count; i++) {
        const struct elf_version *version = &checked->symbols.versions[i];
        if (!version->name || !version->file || version->weak)
            continue;
        const struct loader_object *file = loader_find(check->loader, version->file);
        struct checked *provider = file ? checked_of(check, file) : NULL;
        if (!provider || !provider->open || !provider->object->dynamic.version_definitions)
            continue;
        if (!elf_symbols_define_version(&provider->symbols, version->name))
            undefined_add(
                check, checked->object,
                (struct loader_undefined){.name = version->name, .file = version->file, .is_version = true});
    }
}

/* Only whether it is defined matters here, not by whom: the order of the scope is free, and who defined the last
 * symbol is asked first. */
static bool is_defined(struct check *check, const struct elf_reference *reference) {
    for (size_t i = 0; i < check->scope_count; i++) {
        struct checked *candidate = check->scope[i];
        if (!elf_symbols_define(&candidate->symbols, reference))
            continue;
        memmove(&check->scope[1], &check->scope[0], i * sizeof *check->scope);
        check->scope[0] = candidate;
        return true;
    }
    return false;
}

static void symbols_check(struct check *check, struct checked *checked) {
    struct elf_reference reference;
    const bool *relocated = NULL;
    size_t index = 0;
    scope_build(check, checked->object);
    while (elf_symbols_next_undefined(&checked->symbols, &index, &reference)) {
        if (is_defined(check, &reference))
            continue;
        if (!relocated)
            relocated = elf_symbols_relocated(&checked->symbols, &check->arena, &checked->object->dynamic);
        if (!relocated[reference.index])
            continue;
        struct loader_undefined undefined = {.name = reference.name};
        if (reference.version) {
            undefined.version = reference.version->name;
            undefined.file = reference.version->file;
        }
        if (!undefined_add(check, checked->object, undefined))
            break;
    }
}

/* Where a dlopen fails for a missing library nothing is relocated, and what the missing one would have defined
 * says nothing more. (`ldd -r` goes on, and so does this for what was started.) */
static bool group_is_incomplete(const struct loader *loader, const struct loader_object *group) {
    if (!group || group == loader->program)
        return false;
    for (size_t i = 0; i < loader->requests.count; i++) {
        const struct loader_request *request = &loader->requests.items[i];
        for (size_t n = 0; !request->object && !request->optional && n < request->needed_by.count; n++)
            if (request->needed_by.items[n]->group == group)
                return true;
    }
    return false;
}

static void checked_open(struct check *check, struct checked *checked) {
    struct loader_object *object = checked->object;
    struct stat st;
    if (!object->dynamic.present)
        return;
    int fd = root_open_file(check->loader->root, object->path);
    int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 &&
        (st.st_dev != object->device || st.st_ino != object->inode || (uint64_t)st.st_size != object->elf.size))
        r = -ESTALE; /* it was replaced in between */
    if (r < 0 && fd >= 0)
        close(fd);
    if (r == 0) {
        struct elf elf = object->elf;
        elf.fd = fd;
        r = elf_symbols_open(&checked->symbols, &check->arena, &elf, &object->dynamic, true);
    }
    checked->open = r == 0;
    object->symbols_error = r;
}

void loader_check_symbols(struct loader *loader) {
    struct check check = {.loader = loader, .count = loader->objects.count};
    check.items = arena_alloc(&check.arena, check.count * sizeof *check.items);
    check.scope = arena_alloc(&check.arena, check.count * sizeof *check.scope);
    for (size_t i = 0; i < check.count; i++) {
        check.items[i].object = loader->objects.items[i];
        checked_open(&check, &check.items[i]);
    }
    for (size_t i = 0; i < check.count; i++) {
        struct checked *checked = &check.items[i];
        if (!checked->open || group_is_incomplete(loader, checked->object->group))
            continue;
        versions_check(&check, checked);
        symbols_check(&check, checked);
    }
    for (size_t i = 0; i < check.count; i++) {
        struct checked *checked = &check.items[i];
        if (!checked->open)
            continue;
        elf_symbols_close(&checked->symbols);
        checked->object->symbols_error = checked->symbols.error;
    }
    arena_release(&check.arena);
}
