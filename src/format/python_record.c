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
