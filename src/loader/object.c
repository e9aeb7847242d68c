/* The files in a process: found again by name or by file, read, put into lists. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "loader/internal.h"

void object_answer_to(struct loader *loader, struct loader_object *object, const char *name) {
    uint32_t hash = name_hash(name, strlen(name));
    for (size_t i = 0; i < object->names.count; i++)
        if (object->names.items[i].hash == hash && strcmp(object->names.items[i].text, name) == 0)
            return;
    LIST_PUSH(&loader->arena, &object->names) = (struct loader_name){name, hash};
}

static bool answers_to(const struct loader_object *object, const char *name, uint32_t hash) {
    for (size_t i = 0; i < object->names.count; i++)
        if (object->names.items[i].hash == hash && strcmp(object->names.items[i].text, name) == 0)
            return true;
    return false;
}

struct loader_object *loader_find(const struct loader *loader, const char *name) {
    uint32_t hash = name_hash(name, strlen(name));
    for (size_t i = 0; i < loader->objects.count; i++)
        if (answers_to(loader->objects.items[i], name, hash))
            return loader->objects.items[i];
    return NULL;
}

struct loader_object *object_find_file(const struct loader *loader, dev_t device, ino_t inode) {
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

/* Reads an open file into *object. 0 or -errno; what only hinders its use is in object->error. */
int object_read_open(struct loader *loader, struct loader_object *object, int fd, uint64_t size) {
    int r = elf_open_image(&object->elf, &loader->arena, fd, size);
    if (r < 0)
        return r;
    r = elf_dynamic_read(&object->dynamic, &loader->arena, &object->elf);
    object->elf.fd = -1;
    if (is_cut(&object->elf))
        object->error = "the file ends before its last segment does";
    else if (r < 0)
        object->error = "the dynamic section cannot be read";
    return 0;
}

int object_read(struct loader *loader, struct loader_object *object, const char *path) {
    struct stat st;
    AUTO_FD fd = root_open_stat(loader->root, path, &st);
    if (fd < 0)
        return fd;
    object->device = st.st_dev;
    object->inode = st.st_ino;
    return object_read_open(loader, object, fd, (uint64_t)st.st_size);
}

struct loader_object *object_add(struct loader *loader, const struct loader_object *template, const char *path,
                                 const char *name, const struct loader_object *requester) {
    struct loader_object *object = arena_alloc(&loader->arena, sizeof *object);
    *object = *template;
    object->path = path;
    object->name = name;
    object->requester = requester;
    object->index = loader->objects.count;
    object_answer_to(loader, object, path);
    object_answer_to(loader, object, name);
    if (object->dynamic.soname && loader->platform.kind == LOADER_GLIBC) /* musl goes by the names of files */
        object_answer_to(loader, object, object->dynamic.soname);
    LIST_PUSH(&loader->arena, &loader->objects) = object;
    return object;
}

void objects_add_once(struct arena *arena, struct loader_objects *list, struct loader_object *object) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == object)
            return;
    LIST_PUSH(arena, list) = object;
}

const struct search_lists *object_lists(struct loader *loader, const struct loader_object *object) {
    if (!object)
        return search_lists_of(loader, loader->program);
    if (!object->search)
        ((struct loader_object *)object)->search = search_lists_of(loader, object);
    return object->search;
}
