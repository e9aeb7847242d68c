#include "loader/directory.h"

#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/elf_symbols.h"

/* A directory is listed where that is cheaper than asking for every name; its size says so well enough (4096 is
 * what ext4, xfs and overlays give small ones). */
enum { LIST_UP_TO_SIZE = 4096, FIRST_ROOM = 64 };

const char *path_join(struct arena *arena, const char *directory, const char *name) {
    size_t directory_size = strlen(directory), name_size = strlen(name) + 1;
    char *path = arena_alloc(arena, directory_size + 1 + name_size);
    memcpy(path, directory, directory_size);
    path[directory_size] = '/';
    memcpy(path + directory_size + 1, name, name_size);
    return path;
}

uint32_t name_hash(const char *name, size_t length) {
    return elf_gnu_hash(name, length);
}

/* --- hash tables of pointers whose items start with a name and a hash ---------------------------------------- */

static struct directory_file *file_slot(struct arena *arena, struct contents *contents, const char *name,
                                        uint32_t hash, bool add) {
    if (add && contents->file_count * 2 >= contents->room) {
        size_t room = contents->room ? contents->room * 4 : FIRST_ROOM;
        struct directory_file **files = arena_alloc(arena, room * sizeof *files);
        for (size_t i = 0; i < contents->room; i++) {
            struct directory_file *file = contents->files[i];
            size_t at = file ? file->hash & (room - 1) : 0;
            while (file && files[at])
                at = (at + 1) & (room - 1);
            if (file)
                files[at] = file;
        }
        contents->files = files;
        contents->room = room;
    }
    if (!contents->room)
        return NULL;
    size_t at = hash & (contents->room - 1);
    for (; contents->files[at]; at = (at + 1) & (contents->room - 1))
        if (contents->files[at]->hash == hash && strcmp(contents->files[at]->name, name) == 0)
            return contents->files[at];
    if (!add)
        return NULL;
    struct directory_file *file = arena_alloc(arena, sizeof *file);
    *file = (struct directory_file){.name = arena_copy(arena, name), .hash = hash, .fd = -1};
    contents->files[at] = file;
    contents->file_count++;
    return file;
}

static struct directory **directory_slot(struct directories *d, const char *path, uint32_t hash) {
    if (d->count * 2 >= d->room) {
        size_t room = d->room ? d->room * 4 : FIRST_ROOM;
        struct directory **items = arena_alloc(d->arena, room * sizeof *items);
        for (size_t i = 0; i < d->room; i++) {
            size_t at = d->items[i] ? d->items[i]->hash & (room - 1) : 0;
            while (d->items[i] && items[at])
                at = (at + 1) & (room - 1);
            if (d->items[i])
                items[at] = d->items[i];
        }
        d->items = items;
        d->room = room;
    }
    size_t at = hash & (d->room - 1);
    while (d->items[at] && !(d->items[at]->hash == hash && strcmp(d->items[at]->path, path) == 0))
        at = (at + 1) & (d->room - 1);
    return &d->items[at];
}

/* --- looking at a directory -------------------------------------------------------------------------------- */

static struct contents *contents_get(struct directories *d, const char *path) {
    struct stat st;
    struct texts names;
    int r = root_list_small(d->root, d->arena, *path ? path : "/", LIST_UP_TO_SIZE, &st, &names);
    if (r == -ENOENT || r == -ENOTDIR)
        return NULL;
    if (r < 0 && r != -EFBIG && (root_stat(d->root, *path ? path : "/", &st) < 0 || !S_ISDIR(st.st_mode)))
        return NULL;
    for (size_t i = 0; i < d->known_count; i++)
        if (d->known[i]->device == st.st_dev && d->known[i]->inode == st.st_ino)
            return d->known[i];
    struct contents *contents = arena_alloc(d->arena, sizeof *contents);
    contents->device = st.st_dev;
    contents->inode = st.st_ino;
    contents->listed = r == 0;
    for (size_t i = 0; contents->listed && i < names.count; i++)
        file_slot(d->arena, contents, names.items[i], name_hash(names.items[i], strlen(names.items[i])), true);
    struct {
        struct contents **items;
        size_t count;
    } list = {d->known, d->known_count};
    LIST_PUSH(d->arena, &list) = contents;
    d->known = list.items;
    d->known_count = list.count;
    return contents;
}

static void variant_add(struct directories *d, struct directory *directory, const char *name) {
    struct directory *variant = directory_get(d, path_join(d->arena, directory->path, name), false);
    if (!variant->contents)
        return;
    struct {
        struct directory **items;
        size_t count;
    } list = {directory->variants, directory->variant_count};
    LIST_PUSH(d->arena, &list) = variant;
    directory->variants = list.items;
    directory->variant_count = list.count;
}

static bool may_have(const struct contents *contents, const char *name) {
    return !contents->listed ||
           file_slot(NULL, (struct contents *)contents, name, name_hash(name, strlen(name)), false);
}

/* Every combination of the legacy names, as ld.so orders them: those with the first name before those without, and
 * so on (elf/dl-hwcaps.c of glibc 2.36, "Power set construction"). */
static void legacy_variants(struct directories *d, struct directory *directory) {
    const struct texts *names = &d->platform->legacy_names;
    bool any = false;
    for (size_t i = 0; i < names->count && !any; i++)
        any = may_have(directory->contents, names->items[i]) &&
              root_is_directory(d->root, path_join(d->arena, directory->path, names->items[i]));
    if (!any)
        return;
    platform_cpu(d->platform, d->arena, d->root);
    names = &d->platform->legacy;
    for (unsigned set = (1u << names->count) - 1; set > 0; set--) {
        const char *path = "";
        for (size_t i = 0; i < names->count; i++)
            if (set >> (names->count - 1 - i) & 1)
                path = *path ? arena_printf(d->arena, "%s/%s", path, names->items[i]) : names->items[i];
        variant_add(d, directory, path);
    }
}

struct directory *directory_get(struct directories *d, const char *path, bool variants) {
    uint32_t hash = name_hash(path, strlen(path));
    struct directory **slot = directory_slot(d, path, hash);
    struct directory *known = *slot;
    if (known)
        return known;
    struct directory *directory = arena_alloc(d->arena, sizeof *directory);
    *slot = directory;
    d->count++;
    directory->path = arena_copy(d->arena, path);
    directory->hash = hash;
    directory->contents = contents_get(d, path);
    if (!variants || !directory->contents)
        return directory;
    if (d->platform->kind == LOADER_GLIBC && may_have(directory->contents, "glibc-hwcaps") &&
        root_is_directory(d->root, path_join(d->arena, path, "glibc-hwcaps"))) {
        platform_cpu(d->platform, d->arena, d->root);
        for (size_t i = 0; i < d->platform->subdirectories.count; i++)
            variant_add(d, directory, d->platform->subdirectories.items[i]);
    }
    if (d->platform->legacy_names.count)
        legacy_variants(d, directory);
    return directory;
}

/* --- judging a file ---------------------------------------------------------------------------------------- */

/* The first bytes as ld.so's open_verify checks them (elf/dl-load.c), with its words. */
static void header_judge(const struct loader_platform *platform, int fd, struct directory_file *file) {
    unsigned char id[20];
    int r = root_pread(fd, id, sizeof id, 0);
    file->judgement = JUDGED_FATAL;
    if (r < 0) {
        file->error = r == -ENODATA ? "file too short" : "cannot read file data";
        return;
    }
    uint16_t type = (uint16_t)(id[16] | id[17] << 8), machine = (uint16_t)(id[18] | id[19] << 8);
    bool wide = id[EI_CLASS] == ELFCLASS64, padded = false;
    for (size_t i = EI_PAD; i < EI_NIDENT; i++)
        padded |= id[i] != 0;
    if (memcmp(id, ELFMAG, SELFMAG) != 0) {
        file->error = "invalid ELF header";
    } else if (wide != platform->wide || (!wide && id[EI_CLASS] != ELFCLASS32)) {
        file->judgement = JUDGED_ABSENT;
        file->error = wide ? "wrong ELF class: ELFCLASS64" : "wrong ELF class: ELFCLASS32";
    } else if (id[EI_DATA] != ELFDATA2LSB) {
        file->error = "ELF file data encoding not little-endian";
    } else if (id[EI_VERSION] != EV_CURRENT) {
        file->error = "ELF file version ident does not match current one";
    } else if (id[EI_OSABI] != ELFOSABI_SYSV && id[EI_OSABI] != ELFOSABI_GNU) {
        file->error = "ELF file OS ABI invalid";
    } else if (id[EI_ABIVERSION] != 0 && id[EI_OSABI] == ELFOSABI_SYSV) {
        file->error = "ELF file ABI version invalid";
    } else if (padded) {
        file->error = "nonzero padding in e_ident";
    } else if (machine != platform->machine) {
        file->judgement = JUDGED_ABSENT;
        file->error = "made for another machine";
    } else if (type != ET_DYN && type != ET_EXEC) {
        file->error = "only ET_DYN and ET_EXEC can be loaded";
    } else {
        file->judgement = JUDGED_USABLE;
    }
}

void file_judge(const struct directories *d, const char *path, struct directory_file *file) {
    struct stat st;
    file->judged = true;
    file->fd = -1;
    int fd = root_open_stat(d->root, path, &st);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES) {
        file->judgement = JUDGED_ABSENT;
        file->error = fd == -EACCES ? "permission denied" : NULL;
    } else if (fd == -EISDIR || fd == -ENXIO) {
        file->judgement = JUDGED_FATAL;
        file->error = "cannot read file data";
    } else if (fd < 0) {
        file->judgement = JUDGED_LEAVE;
        file->error = strerror(-fd);
        file->trouble = fd == -ELOOP || fd == -ENAMETOOLONG ? 0 : fd; /* with these ld.so gives up, too */
    } else {
        file->device = st.st_dev;
        file->inode = st.st_ino;
        file->size = (uint64_t)st.st_size;
        file->fd = fd;
        header_judge(d->platform, fd, file);
        if (file->judgement == JUDGED_ABSENT && d->platform->kind == LOADER_MUSL)
            file->judgement = JUDGED_FATAL; /* it looks at nothing before it maps */
    }
}

void file_close(struct directory_file *file) {
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

struct directory_file *directory_find(struct directories *d, struct directory *directory, const char *name,
                                      uint32_t hash) {
    if (!directory->contents)
        return NULL;
    struct directory_file *file =
        file_slot(d->arena, directory->contents, name, hash, !directory->contents->listed);
    if (!file)
        return NULL;
    if (!file->judged)
        file_judge(d, path_join(d->arena, directory->path, name), file);
    return file->judgement == JUDGED_ABSENT && !file->error ? NULL : file;
}
