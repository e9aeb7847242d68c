/* Are the libraries there that were installed? Only looked at, never read: their sizes are in RECORD. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/elf.h"
#include "format/python_record.h"
#include "probe/torch.h"

enum { RECORD_CHUNK = 64 * 1024 };

/* Whether all that the loader maps lies within the file, and the section table with it. Stripping a library makes
 * it shorter, too, and leaves it whole. */
static bool is_whole(struct torch_probe *torch, const char *path, uint64_t size) {
    struct elf elf;
    AUTO_FD fd = root_open_file(torch->root, path);
    if (fd < 0 || elf_open_image(&elf, torch->scratch, fd, size) < 0 || elf.segment_error || !elf.segment_count)
        return false;
    for (size_t i = 0; i < elf.segment_count; i++)
        if (elf.segments[i].type == PT_LOAD &&
            elf_check_range(&elf, elf.segments[i].offset, elf.segments[i].file_size) < 0)
            return false;
    return true;
}

static void push(struct torch_probe *torch, struct texts_fact *list, const char *path) {
    if (list->count < LIMIT_ROWS)
        texts_push(torch->probe->arena, list, torch_keep(torch, path));
}

static void check_entry(struct torch_probe *torch, const char *directory, const struct python_record_entry *entry,
                        bool sizes_count) {
    struct python_environment *out = torch->out;
    if (entry->path.len > LIMIT_PATH || memchr(entry->path.ptr, '\0', entry->path.len))
        return;
    const char *path = python_join(torch->scratch, directory, entry->path);
    struct stat st;
    int r = root_stat(torch->root, path, &st);
    if (r == -ENOENT || r == -ENOTDIR)
        push(torch, &out->missing_files, path);
    else if (r < 0 && !out->missing_files.count)
        set_unknown(&out->missing_files,
                    arena_printf(torch->probe->arena, "%s: %s", torch_keep(torch, path), strerror(-r)),
                    out->missing_files.is.source);
    if (r < 0 || !sizes_count || !entry->has_size || (uint64_t)st.st_size == entry->size)
        return;
    bool shorter = !S_ISREG(st.st_mode) || (uint64_t)st.st_size < entry->size;
    push(torch,
         shorter && !is_whole(torch, path, (uint64_t)st.st_size) ? &out->damaged_files : &out->changed_files,
         path);
}

/* The next line with a library in it. Lists are long (12,000 files) and libraries few, so that the suffix is
 * looked for first. */
static bool next_library(const struct torch_probe *torch, struct span *rest, struct span *ret_line) {
    while (rest->len) {
        size_t at = torch->windows ? 0 : python_record_find_so(*rest);
        if (at == SIZE_MAX)
            return false;
        const char *start = at ? memrchr(rest->ptr, '\n', at) : NULL;
        *rest = span_slice(*rest, start ? (size_t)(start - rest->ptr) + 1 : 0, rest->len);
        struct python_record_entry entry;
        if (span_next_line(rest, ret_line) && python_record_parse(*ret_line, &entry) &&
            python_record_is_library(entry.path))
            return true;
    }
    return false;
}

static void check_lines(struct torch_probe *torch, const char *directory, struct span text, bool sizes_count) {
    struct span line;
    struct python_record_entry entry;
    while (next_library(torch, &text, &line))
        if (python_record_parse(line, &entry))
            check_entry(torch, directory, &entry, sizes_count);
}

void torch_check_record(struct torch_probe *torch, const char *directory, const char *metadata, bool sizes_count) {
    struct python_environment *out = torch->out;
    const char *path = text_path(torch->scratch, metadata, "RECORD"), *source = torch_keep(torch, path);
    struct texts_fact *lists[] = {&out->missing_files, &out->damaged_files, &out->changed_files};
    struct stat st;
    AUTO_FD fd = root_open_file(torch->root, path);
    int r = fd < 0 ? fd : root_stat(torch->root, path, &st);
    for (size_t i = 0; i < 3; i++) {
        if (lists[i]->is.source)
            continue; /* of an earlier RECORD */
        set_listed(lists[i], source);
        if (r < 0)
            set_unknown(lists[i], r == -ENOENT ? "no RECORD" : torch_keep(torch, strerror(-r)), source);
    }
    if (r < 0)
        return;
    uint64_t size = (uint64_t)st.st_size, at = 0;
    if (size > LIMIT_FILE) {
        python_search_cut(torch->search, path, "more lines than are read");
        size = LIMIT_FILE;
    }
    size_t room = size < RECORD_CHUNK ? (size_t)size : RECORD_CHUNK;
    char *chunk = arena_bytes(torch->scratch, room);
    for (size_t carried = 0; at < size;) {
        size_t more = size - at < room - carried ? (size_t)(size - at) : room - carried;
        if (root_pread(fd, chunk + carried, more, at) < 0)
            return; /* it shrinks while it is read */
        at += more;
        size_t have = carried + more;
        const char *end = at < size ? memrchr(chunk, '\n', have) : chunk + have - 1;
        size_t whole = end ? (size_t)(end - chunk) + 1 : have; /* a line longer than the chunk is none */
        check_lines(torch, directory, span_from(chunk, whole), sizes_count);
        carried = have - whole;
        memmove(chunk, chunk + whole, carried);
    }
}
