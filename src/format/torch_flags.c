#include "format/torch_flags.h"

#include <ctype.h>
#include <errno.h>

#include "base/cleanup.h"
#include "format/bytes.h"
#include "format/elf.h"
#include "format/window.h"

enum { LIST_BYTES = 1024 }; /* the longest list that is looked for; those of the wheels take 60 */

/* Length of "sm_90a" or "compute_90" at the start, 0 if there is none. */
static size_t name_length(struct span text) {
    size_t len = span_starts(text, "sm_") ? 3 : span_starts(text, "compute_") ? 8 : 0, digits = len;
    if (!len)
        return 0;
    while (len < text.len && isdigit((unsigned char)text.ptr[len]))
        len++;
    if (len - digits < 2 || len - digits > 4)
        return 0;
    return len < text.len && (text.ptr[len] == 'a' || text.ptr[len] == 'f') ? len + 1 : len;
}

/* Names with one blank between them and a NUL behind the last one. */
static bool list_parse(struct arena *arena, struct span text, struct texts *ret_list) {
    *ret_list = (struct texts){0};
    for (size_t len; (len = name_length(text)) > 0;) {
        texts_add(arena, ret_list, arena_copy_span(arena, span_slice(text, 0, len)));
        text = span_slice(text, len, text.len);
        if (!text.len || text.ptr[0] == '\0')
            return text.len > 0;
        if (text.ptr[0] != ' ')
            return false;
        text = span_slice(text, 1, text.len);
    }
    return false;
}

/* The lists that start with `start` in the first `len` bytes of the text; the longest wins. A single name counts
 * only when it stands between NULs, since it may be the end of any message. */
static void lists_find(struct arena *arena, struct span text, size_t len, const char *start, struct texts *best) {
    for (size_t at = 0; at < len; at++) {
        const char *hit = bytes_find(text.ptr + at, text.len - at, start, strlen(start));
        if (!hit || (at = (size_t)(hit - text.ptr)) >= len)
            return;
        struct texts list;
        bool alone = at == 0 || text.ptr[at - 1] == '\0';
        if (list_parse(arena, span_slice(text, at, text.len), &list) && (list.count > 1 || alone) &&
            list.count > best->count)
            *best = list;
    }
}

/* Chunks that overlap by the longest list, so that none is cut, until there is one of several names. */
static int range_search(struct arena *arena, struct window *window, uint64_t at, uint64_t end, const char *start,
                        struct texts *best) {
    while (at < end && best->count < 2) {
        const char *bytes;
        size_t len = end - at < WINDOW_BYTES ? (size_t)(end - at) : WINDOW_BYTES;
        int r = window_get(window, at, len, &bytes);
        if (r < 0)
            return r;
        size_t take = at + len < end ? len - LIST_BYTES : len;
        lists_find(arena, span_from(bytes, len), take, start, best);
        at += take;
    }
    return 0;
}

int torch_flags_read(const struct root *root, struct arena *arena, const char *path, struct texts *ret_list) {
    AUTO_ARENA scratch = {0};
    struct window window;
    struct elf elf;
    struct texts best = {0};
    AUTO_FD fd = root_open_file(root, path);
    if (fd < 0)
        return fd;
    int r = elf_open_file(&elf, &scratch, fd);
    if (r < 0)
        return r;
    window_init(&window, &scratch, fd, elf.size);
    const struct elf_section *section = elf_find_section(&elf, ".rodata", NULL);
    uint64_t offset = section ? section->offset : 0, size = section ? section->size : elf.size;
    r = elf_check_range(&elf, offset, size);
    if (r == 0)
        r = range_search(arena, &window, offset, offset + size, "sm_", &best);
    if (r == 0 && !best.count) /* SASS stands before PTX; a build with PTX alone is rare */
        r = range_search(arena, &window, offset, offset + size, "compute_", &best);
    if (r < 0)
        return r;
    if (!best.count)
        return -ENOENT;
    *ret_list = best;
    return 0;
}
