#include "format/fatbin_file.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/ar.h"
#include "format/cubin.h"
#include "format/elf.h"

#define SHF_LARGE_MODEL 0x10000000u /* SHF_X86_64_LARGE; elf.h of older glibc lacks it */

enum { ARCHIVE_DEPTH = 1 }; /* archives inside archives are not looked into */

struct reader {
    const struct root *root;
    struct arena *arena;
    const char *path;
    enum fatbin_reach reach;
    struct fatbin_file *file;
    struct window window;
};

struct range {
    uint64_t start, end; /* in the file */
};

struct ranges {
    struct range *items;
    size_t count;
};

static int region_read(struct reader *reader, uint64_t offset, uint64_t size, int depth);

/* --- ELF --------------------------------------------------------------------------------------------------- */

static bool section_is_fatbin(const struct elf_section *section) {
    return strcmp(section->name, ".nv_fatbin") == 0 || strcmp(section->name, "__nv_relfatbin") == 0;
}

static bool section_is_large(const struct elf_section *section) {
    return section->type == SHT_PROGBITS &&
           ((section->flags & SHF_LARGE_MODEL) || text_starts(section->name, ".ldata") ||
            text_starts(section->name, ".lrodata"));
}

/* The part of [offset, offset + size) that the file has. */
static struct range range_in(const struct elf *elf, uint64_t offset, uint64_t size) {
    uint64_t start = offset < elf->size ? offset : elf->size;
    uint64_t len = size < elf->size - start ? size : elf->size - start;
    return (struct range){elf->start + start, elf->start + start + len};
}

static void note_damage(struct fatbin_code *code, int error, uint64_t offset, const char *problem) {
    if (code->error)
        return;
    code->error = error;
    code->error_offset = offset;
    code->problem = problem;
}

/* Whether a range may be read: not one that was read before, and not one of too many. */
static bool range_is_new(struct fatbin_code *code, const struct ranges *done, struct range range) {
    if (done->count == LIMIT_FATBIN_SECTIONS) {
        code->full = true;
        return false;
    }
    for (size_t i = 0; i < done->count; i++) {
        if (range.start < done->items[i].end && done->items[i].start < range.end) {
            note_damage(code, -EBADMSG, range.start, "sections that overlap");
            return false;
        }
    }
    return true;
}

/* Where GPU code belongs (`main`), or the other sections that may hold some. */
static void sections_walk(struct reader *reader, struct arena *scratch, const struct elf *elf, bool main,
                          struct ranges *done) {
    struct fatbin_file *file = reader->file;
    struct fatbin_code *code = main ? &file->code : &file->elsewhere;
    for (size_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *section = &elf->sections[i];
        if (section->type == SHT_NOBITS || !section->size) /* NOBITS: a file of debug information split off */
            continue;
        if (section_is_fatbin(section) != main || (!main && !section_is_large(section)))
            continue;
        struct range range = range_in(elf, section->offset, section->size);
        file->looked_elsewhere |= !main;
        if (!range_is_new(code, done, range))
            continue;
        if (main)
            fatbin_walk(code, reader->arena, &reader->window, range.start, range.end);
        else
            fatbin_hunt(code, reader->arena, &reader->window, range.start, range.end);
        if (main && elf_check_range(elf, section->offset, section->size) < 0)
            note_damage(code, -ENODATA, range.end, "the file ends inside a section of GPU code");
        LIST_PUSH(scratch, done) = range;
    }
}

static int range_compare(const void *left, const void *right) {
    const struct range *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Everything in [start, end) but the ranges that were walked. */
static void rest_hunt(struct reader *reader, struct ranges *done, uint64_t start, uint64_t end) {
    struct fatbin_file *file = reader->file;
    file->looked_elsewhere = true;
    if (done->count)
        qsort(done->items, done->count, sizeof *done->items, range_compare);
    for (size_t i = 0; i < done->count && start < end; i++) {
        if (done->items[i].start > start)
            fatbin_hunt(&file->elsewhere, reader->arena, &reader->window, start, done->items[i].start);
        if (done->items[i].end > start)
            start = done->items[i].end;
    }
    if (start < end)
        fatbin_hunt(&file->elsewhere, reader->arena, &reader->window, start, end);
}

static bool has_section_names(const struct elf *elf) {
    for (size_t i = 0; i < elf->section_count; i++)
        if (elf->sections[i].name[0])
            return true;
    return false;
}

/* Without section names: what is loaded is read, in the order of the file, each byte once. */
static void segments_hunt(struct reader *reader, struct arena *scratch, const struct elf *elf) {
    struct ranges loads = {0};
    for (size_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].type == PT_LOAD && elf->segments[i].file_size)
            LIST_PUSH(scratch, &loads) = range_in(elf, elf->segments[i].offset, elf->segments[i].file_size);
    if (!loads.count) /* an object file, or both tables are gone */
        LIST_PUSH(scratch, &loads) = range_in(elf, 0, elf->size);
    qsort(loads.items, loads.count, sizeof *loads.items, range_compare);
    uint64_t at = 0;
    for (size_t i = 0; i < loads.count; i++) {
        struct range range = loads.items[i];
        if (range.start < at)
            range.start = at;
        if (range.start >= range.end)
            continue;
        fatbin_hunt(&reader->file->code, reader->arena, &reader->window, range.start, range.end);
        at = range.end;
    }
}

static int elf_region_read(struct reader *reader, uint64_t offset, uint64_t size) {
    AUTO_ARENA scratch = {0};
    struct elf elf;
    int r = elf_open(&elf, &scratch, reader->window.fd, offset, size);
    if (r < 0)
        return r;
    struct fatbin_file *file = reader->file;
    if (elf.machine == EM_CUDA) {
        struct fatbin_target target;
        file->format = file->format ? file->format : "cubin";
        r = cubin_target(&elf, &target);
        if (r == 0)
            fatbin_add_single(&file->code, reader->arena, target);
        return r;
    }
    file->format = file->format ? file->format : "ELF";
    struct ranges done = {0};
    bool named = has_section_names(&elf);
    if (named)
        sections_walk(reader, &scratch, &elf, true, &done);
    else
        segments_hunt(reader, &scratch, &elf);
    if (named && reader->reach == FATBIN_LARGE)
        sections_walk(reader, &scratch, &elf, false, &done);
    if (named && reader->reach == FATBIN_ALL)
        rest_hunt(reader, &done, offset, offset + size);
    if (elf.section_error < 0)
        note_damage(&file->code, elf.section_error, offset,
                    elf.section_error == -ENODATA ? "the file ends before its section table does"
                                                  : "the section table cannot be read");
    return 0;
}

/* --- archives ---------------------------------------------------------------------------------------------- */

static int open_sized(const struct root *root, const char *path, uint64_t *ret_size) {
    int fd = root_open_file(root, path);
    struct stat st;
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *ret_size = (uint64_t)st.st_size;
    return fd;
}

/* A member of a thin archive: a file of its own, named as seen from the archive's folder. */
static int thin_member_read(struct reader *reader, const char *name) {
    AUTO_ARENA scratch = {0};
    const char *slash = strrchr(reader->path, '/');
    const char *folder = arena_copy_span(&scratch, span_from(reader->path, (size_t)(slash - reader->path)));
    uint64_t size;
    AUTO_FD fd = open_sized(reader->root, name[0] == '/' ? name : text_path(&scratch, folder, name), &size);
    if (fd < 0)
        return fd;
    struct window outer = reader->window;
    window_init(&reader->window, &scratch, fd, size);
    int r = region_read(reader, 0, size, ARCHIVE_DEPTH);
    outer.reads += reader->window.reads;
    outer.bytes_read += reader->window.bytes_read;
    reader->window = outer;
    return r;
}

static int archive_read(struct reader *reader, uint64_t offset, uint64_t size) {
    AUTO_ARENA scratch = {0};
    struct ar ar;
    struct ar_member member;
    int r = ar_open(&ar, reader->window.fd, offset, size);
    if (r < 0)
        return r;
    struct fatbin_file *file = reader->file;
    file->format = "archive";
    while (!file->code.full && (r = ar_next(&ar, &scratch, &member)) > 0) {
        r = ar.thin ? thin_member_read(reader, member.name)
                    : region_read(reader, member.offset, member.size, ARCHIVE_DEPTH);
        file->members++;
        if (r < 0 && r != -ENOEXEC) /* other members than object files are nobody's harm */
            note_damage(&file->code, r, member.offset, "a member that cannot be read");
    }
    if (r < 0)
        note_damage(&file->code, r, ar.start + ar.next, "a member whose header cannot be, or that is cut short");
    return 0;
}

/* --- any ---------------------------------------------------------------------------------------------------- */

static int region_read(struct reader *reader, uint64_t offset, uint64_t size, int depth) {
    struct fatbin_file *file = reader->file;
    const char *bytes;
    uint64_t unused;
    if (size < 16)
        return -ENOEXEC;
    int r = window_get(&reader->window, offset, 16, &bytes);
    if (r < 0)
        return r;
    if (memcmp(bytes, ELFMAG, SELFMAG) == 0)
        return elf_region_read(reader, offset, size);
    if (fatbin_is_container(bytes, &unused)) {
        file->format = file->format ? file->format : "fatbin";
        fatbin_walk(&file->code, reader->arena, &reader->window, offset, offset + size);
        return 0;
    }
    if (depth == 0 && (memcmp(bytes, "!<arch>\n", 8) == 0 || memcmp(bytes, "!<thin>\n", 8) == 0))
        return archive_read(reader, offset, size);
    struct fatbin_target target;
    r = ptx_target(&reader->window, offset, size, &target);
    if (r < 0)
        return r;
    file->format = file->format ? file->format : "PTX";
    fatbin_add_single(&file->code, reader->arena, target);
    return 0;
}

int fatbin_file_read(const struct root *root, struct arena *arena, const char *path, enum fatbin_reach reach,
                     struct fatbin_file *ret_file) {
    struct fatbin_file file = {.code.every = reach == FATBIN_SAMPLE ? 3 : 0};
    struct reader reader = {.root = root, .arena = arena, .path = path, .reach = reach, .file = &file};
    uint64_t size;
    AUTO_FD fd = open_sized(root, path, &size);
    if (fd < 0)
        return fd;
    AUTO_ARENA scratch = {0};
    window_init(&reader.window, &scratch, fd, size);
    int r = region_read(&reader, 0, reader.window.size, 0);
    if (r == -ENOEXEC && reach == FATBIN_ALL) {
        struct ranges none = {0};
        file.format = "unknown";
        rest_hunt(&reader, &none, 0, reader.window.size);
        r = 0;
    }
    if (r < 0)
        return r;
    file.size = reader.window.size;
    file.reads = reader.window.reads;
    file.bytes_read = reader.window.bytes_read;
    *ret_file = file;
    return 0;
}

static void names_add(struct arena *arena, const struct fatbin_code *code, unsigned kind, struct texts *list) {
    struct fatbin_targets sorted;
    fatbin_sorted(code, arena, kind, &sorted);
    for (size_t i = 0; i < sorted.count; i++) {
        const char *name = fatbin_target_name(arena, &sorted.items[i]);
        if (!list->count || !text_eq(list->items[list->count - 1], name)) /* once, whatever its PTX ISAs are */
            texts_add(arena, list, name);
    }
}

void fatbin_names(struct arena *arena, const struct fatbin_code *code, struct texts *ret_sass,
                  struct texts *ret_ptx) {
    *ret_sass = *ret_ptx = (struct texts){0};
    names_add(arena, code, FATBIN_SASS, ret_sass);
    names_add(arena, code, FATBIN_PTX, ret_ptx);
}
