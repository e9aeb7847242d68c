#include "facts/json_locate.h"

#include <stdio.h>

struct cursor {
    const char *at, *end, *start;
};

static void place(const struct cursor *cursor, int *ret_line, int *ret_column) {
    *ret_line = 1;
    const char *line = cursor->start;
    for (const char *p = cursor->start; p < cursor->at; p++)
        if (*p == '\n') {
            ++*ret_line;
            line = p + 1;
        }
    *ret_column = (int)(cursor->at - line) + 1;
}

static void skip_string(struct cursor *cursor) {
    for (cursor->at++; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++)
        if (*cursor->at == '\\')
            cursor->at++;
    if (cursor->at < cursor->end)
        cursor->at++;
    else
        cursor->at = cursor->end;
}

static void skip_blank(struct cursor *cursor) {
    while (cursor->at < cursor->end && strchr(" \t\r\n,:", *cursor->at))
        cursor->at++;
}

static void skip_value(struct cursor *cursor) {
    int depth = 0;
    skip_blank(cursor);
    do {
        char c = cursor->at < cursor->end ? *cursor->at : '\0';
        if (c == '"') {
            skip_string(cursor);
        } else if (c == '{' || c == '[') {
            depth++;
            cursor->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            cursor->at++;
        } else {
            while (cursor->at < cursor->end && !strchr(" \t\r\n,:{}[]\"", *cursor->at))
                cursor->at++;
        }
        skip_blank(cursor);
    } while (depth > 0 && cursor->at < cursor->end);
}

int json_depth(struct span text, int limit, int *ret_line, int *ret_column) {
    struct cursor cursor = {text.ptr, text.ptr + text.len, text.ptr};
    int depth = 0, deepest = 0;
    while (cursor.at < cursor.end) {
        char c = *cursor.at;
        if (c == '"') {
            skip_string(&cursor);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        if (c == '}' || c == ']')
            depth--;
        if (depth > deepest)
            deepest = depth;
        if (deepest > limit) {
            place(&cursor, ret_line, ret_column);
            return deepest;
        }
        cursor.at++;
    }
    return deepest;
}

/* Moves to the member or item `name` of the value under the cursor. */
static bool enter(struct cursor *cursor, struct span name) {
    skip_blank(cursor);
    if (cursor->at == cursor->end)
        return false;
    bool object = *cursor->at == '{';
    int64_t index = -1;
    if (!object && (*cursor->at != '[' || span_to_number(name, 10, &index) < 0))
        return false;
    cursor->at++;
    for (skip_blank(cursor); cursor->at < cursor->end && *cursor->at != '}' && *cursor->at != ']';) {
        if (object) {
            const char *key = cursor->at + 1;
            skip_string(cursor);
            skip_blank(cursor);
            if ((size_t)(cursor->at - key) > name.len && memcmp(key, name.ptr, name.len) == 0 &&
                key[name.len] == '"')
                return true;
        } else if (index-- == 0) {
            return true;
        }
        skip_value(cursor);
    }
    return false;
}

void json_locate(struct span text, const char *path, int *ret_line, int *ret_column) {
    struct cursor cursor = {text.ptr, text.ptr + text.len, text.ptr};
    struct span rest = span_of(path), name;
    skip_blank(&cursor);
    place(&cursor, ret_line, ret_column);
    if (rest.len)
        rest = span_slice(rest, 1, rest.len);
    while (rest.len && span_next_field(&rest, '/', &name)) {
        if (!enter(&cursor, name))
            return;
        skip_blank(&cursor);
        place(&cursor, ret_line, ret_column);
    }
}
