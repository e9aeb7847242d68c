#include "format/python_record.h"

static bool cut_last_comma(struct span *span, struct span *ret_tail) {
    for (size_t i = span->len; i > 0; i--)
        if (span->ptr[i - 1] == ',') {
            *ret_tail = span_slice(*span, i, span->len);
            *span = span_slice(*span, 0, i - 1);
            return true;
        }
    return false;
}

bool python_record_parse(struct span line, struct python_record_entry *ret_entry) {
    struct python_record_entry entry = {.path = line};
    struct span size, hash;
    int64_t number;
    if (!cut_last_comma(&entry.path, &size) || !cut_last_comma(&entry.path, &hash))
        return false;
    entry.path = span_unquote(entry.path);
    if (!entry.path.len)
        return false;
    if (size.len && span_to_number(size, 10, &number) == 0 && number >= 0) {
        entry.has_size = true;
        entry.size = (uint64_t)number;
    }
    *ret_entry = entry;
    return true;
}

enum { BLOCK = 64 };

/* Without a branch, so that the compiler makes vectors of it. Looks two bytes behind the block. */
static unsigned char block_has_so(const char *p) {
    unsigned char found = 0;
    for (int i = 0; i < BLOCK; i++)
        found |= (unsigned char)((p[i] == '.') & (p[i + 1] == 's') & (p[i + 2] == 'o'));
    return found;
}

size_t python_record_find_so(struct span text) {
    size_t at = 0;
    while (at + BLOCK + 2 <= text.len && !block_has_so(text.ptr + at))
        at += BLOCK;
    for (; at + 3 <= text.len; at++)
        if (memcmp(text.ptr + at, ".so", 3) == 0)
            return at;
    return SIZE_MAX;
}

bool python_record_is_library(struct span path) {
    if (span_ends(path, ".so") || span_ends(path, ".dll") || span_ends(path, ".pyd"))
        return true;
    /* libcudnn.so.9, libgomp-a34b3233.so.1: only digits and dots behind ".so." */
    for (size_t i = path.len; i > 4; i--) {
        char c = path.ptr[i - 1];
        if ((c < '0' || c > '9') && c != '.')
            return span_ends(span_slice(path, 0, i), ".so") && i < path.len && path.ptr[i] == '.';
    }
    return false;
}
