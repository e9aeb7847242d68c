#include "format/csv.h"

#include <errno.h>

/* Cuts a quoted field, the opening quote already gone. False: the closing one is missing. */
static bool cut_quoted(struct span *rest, struct span *ret_field) {
    for (size_t i = 0; i < rest->len; i++) {
        if (rest->ptr[i] != '"')
            continue;
        if (i + 1 < rest->len && rest->ptr[i + 1] == '"') {
            i++;
            continue;
        }
        *ret_field = span_slice(*rest, 0, i);
        *rest = span_slice(*rest, i + 1, rest->len);
        return true;
    }
    return false;
}

static struct span cut_plain(struct span *rest) {
    size_t end = 0;
    while (end < rest->len && rest->ptr[end] != ',' && rest->ptr[end] != '\n')
        end++;
    struct span field = span_slice(*rest, 0, end);
    *rest = span_slice(*rest, end, rest->len);
    if (field.len && field.ptr[field.len - 1] == '\r' && (!rest->len || rest->ptr[0] == '\n'))
        field.len--;
    return field;
}

static void skip_line(struct span *rest) {
    struct span line;
    span_next_line(rest, &line);
}

/* Takes what separates two fields. 1: another field follows; 0: the row ends; -EINVAL: neither. */
static int cut_separator(struct span *rest) {
    if (!rest->len)
        return 0;
    if (rest->ptr[0] == ',') {
        *rest = span_slice(*rest, 1, rest->len);
        return 1;
    }
    if (rest->ptr[0] == '\r' && rest->len > 1 && rest->ptr[1] == '\n')
        *rest = span_slice(*rest, 1, rest->len);
    if (rest->ptr[0] != '\n')
        return -EINVAL;
    *rest = span_slice(*rest, 1, rest->len);
    return 0;
}

static int next_row(struct span *rest, struct csv_row *row) {
    int more = 1;
    row->count = 0;
    while (more == 1) {
        if (row->count == CSV_COLUMNS)
            return -E2BIG;
        struct span *field = &row->field[row->count];
        row->quoted[row->count] = rest->len && rest->ptr[0] == '"';
        if (row->quoted[row->count]) {
            *rest = span_slice(*rest, 1, rest->len);
            if (!cut_quoted(rest, field)) {
                rest->len = 0;
                return -EINVAL;
            }
        } else {
            *field = cut_plain(rest);
        }
        row->count++;
        more = cut_separator(rest);
    }
    return more;
}

int csv_next(struct span *rest, struct csv_row *ret_row) {
    while (rest->len && (rest->ptr[0] == '#' || rest->ptr[0] == '\n' || rest->ptr[0] == '\r'))
        skip_line(rest);
    if (!rest->len)
        return 0;
    int error = next_row(rest, ret_row);
    if (error == 0)
        return 1;
    skip_line(rest);
    return error;
}

const char *csv_text(struct arena *arena, const struct csv_row *row, size_t field) {
    if (field >= row->count)
        return "";
    struct span from = row->field[field];
    char *text = arena_copy_span(arena, from);
    if (!row->quoted[field])
        return text;
    size_t len = 0;
    for (size_t i = 0; i < from.len; i++) {
        text[len++] = from.ptr[i];
        if (from.ptr[i] == '"')
            i++; /* inside a quoted field quotes come in pairs */
    }
    text[len] = '\0';
    return text;
}

bool csv_is(const struct csv_row *row, size_t field, const char *text) {
    return field < row->count && span_eq(row->field[field], text);
}

size_t csv_find(const struct csv_row *row, const char *text) {
    for (size_t i = 0; i < row->count; i++)
        if (span_eq(row->field[i], text))
            return i;
    return SIZE_MAX;
}
