#include "format/python_dist.h"

static bool cut_last(struct span span, char separator, struct span *ret_head, struct span *ret_tail) {
    for (size_t i = span.len; i > 0; i--)
        if (span.ptr[i - 1] == separator) {
            *ret_head = span_slice(span, 0, i - 1);
            *ret_tail = span_slice(span, i, span.len);
            return true;
        }
    return false;
}

static bool cut_end(struct span *span, const char *end) {
    if (!span_ends(*span, end))
        return false;
    *span = span_slice(*span, 0, span->len - strlen(end));
    return true;
}

bool python_dist_parse(struct span file_name, bool conda, struct python_dist *ret_dist) {
    struct python_dist dist = {0};
    struct span rest = file_name, tail;
    if (conda) {
        dist.kind = PYTHON_CONDA_META;
        if (!cut_end(&rest, ".json") || !cut_last(rest, '-', &rest, &dist.build) ||
            !cut_last(rest, '-', &dist.name, &dist.version))
            return false;
    } else if (cut_end(&rest, ".dist-info")) {
        dist.kind = PYTHON_DIST_INFO;
        if (!cut_last(rest, '-', &dist.name, &dist.version))
            dist.name = rest;
    } else if (cut_end(&rest, ".egg-info")) {
        dist.kind = PYTHON_EGG_INFO;
        if (span_cut(rest, '-', &dist.name, &tail)) /* the version ends at "-py3.11", where that is told */
            span_cut(tail, '-', &dist.version, &tail);
    } else if (cut_end(&rest, ".egg-link")) {
        dist.kind = PYTHON_EGG_LINK;
        dist.name = rest;
    } else {
        return false;
    }
    if (span_starts(dist.name, "~")) {
        dist.leftover = true;
        dist.name = span_slice(dist.name, 1, dist.name.len);
    }
    if (!dist.name.len)
        return false;
    *ret_dist = dist;
    return true;
}

static bool is_separator(char c) {
    return c == '-' || c == '_' || c == '.';
}

/* The next character of the normalised form, '\0' at the end. */
static char normal_next(struct span name, size_t *at) {
    if (*at >= name.len)
        return '\0';
    char c = name.ptr[(*at)++];
    if (!is_separator(c))
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    while (*at < name.len && is_separator(name.ptr[*at]))
        (*at)++;
    return '-';
}

char *python_name_normalise(struct arena *arena, struct span name) {
    char *text = arena_alloc(arena, name.len + 1);
    size_t used = 0, at = 0;
    for (char c; (c = normal_next(name, &at));)
        text[used++] = c > ' ' && c < 0x7f ? c : '?'; /* no package has such a name */
    return text;
}

bool python_name_starts(struct span name, const char *prefix) {
    size_t at = 0;
    for (; *prefix; prefix++)
        if (normal_next(name, &at) != *prefix)
            return false;
    return true;
}

bool python_name_is(struct span name, const char *normalised) {
    size_t at = 0;
    for (; *normalised; normalised++)
        if (normal_next(name, &at) != *normalised)
            return false;
    return at >= name.len;
}
