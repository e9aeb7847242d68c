#include "format/python_text.h"

static struct span version_head(struct span version) {
    size_t dots = 0, i = 0;
    for (; i < version.len; i++) {
        if (version.ptr[i] == '.' && ++dots == 3)
            break;
        if (version.ptr[i] != '.' && (version.ptr[i] < '0' || version.ptr[i] > '9'))
            break;
    }
    return span_slice(version, 0, i);
}

void pyvenv_parse(struct span bytes, struct pyvenv *ret_pyvenv) {
    /* a file without the key means "true" to site.py, which only asks for the word itself otherwise */
    struct pyvenv pyvenv = {.system_site = true};
    struct span line, key, value;
    while (span_next_line(&bytes, &line)) {
        if (!span_cut(line, '=', &key, &value))
            continue;
        key = span_trim(key);
        value = span_trim(value);
        if (span_eq_nocase(key, "home"))
            pyvenv.home = value;
        else if (span_eq_nocase(key, "include-system-site-packages"))
            pyvenv.system_site = span_eq_nocase(value, "true");
        else if (span_eq_nocase(key, "version") || span_eq_nocase(key, "version_info"))
            pyvenv.version = version_head(value);
        else if (span_eq_nocase(key, "prompt"))
            pyvenv.prompt = span_unquote(value);
        else if (span_eq_nocase(key, "uv"))
            pyvenv.uv = value;
    }
    *ret_pyvenv = pyvenv;
}

bool pth_next(struct span *rest, enum pth_kind *ret_kind, struct span *ret_text) {
    struct span line;
    while (span_next_line(rest, &line)) {
        if (span_starts(line, "\xef\xbb\xbf")) /* a byte order mark: since Python 3.13 passed over */
            line = span_slice(line, 3, line.len);
        struct span text = span_trim(line);
        if (!text.len || line.ptr[0] == '#')
            continue;
        *ret_kind = span_starts(line, "import ") || span_starts(line, "import\t") ? PTH_CODE : PTH_PATH;
        *ret_text = text;
        return true;
    }
    return false;
}

static bool is_name(struct span span) {
    for (size_t i = 0; i < span.len; i++) {
        char c = span.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return span.len > 0;
}

/* The '=' of an assignment: outside brackets, and no part of ==, <=, += and the like. */
static size_t find_equals(struct span line) {
    int depth = 0;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (c == '#' || c == '\'' || c == '"')
            return SIZE_MAX;
        if (c == '[' || c == '(')
            depth++;
        if (c == ']' || c == ')')
            depth--;
        if (c != '=' || depth != 0)
            continue;
        bool compares = (i + 1 < line.len && line.ptr[i + 1] == '=') ||
                        (i > 0 && strchr("=<>!+-*/%&|^@:", line.ptr[i - 1]) && line.ptr[i - 1]);
        return compares ? SIZE_MAX : i;
    }
    return SIZE_MAX;
}

static void read_value(struct span text, struct python_assignment *assignment) {
    assignment->kind = PYTHON_OTHER;
    assignment->value = text;
    if (!text.len)
        return;
    char quote = text.ptr[0];
    if (quote == '\'' || quote == '"') {
        for (size_t i = 1; i < text.len; i++) {
            if (text.ptr[i] == '\\')
                return; /* escapes: not what a version looks like */
            if (text.ptr[i] != quote)
                continue;
            struct span behind = span_trim(span_slice(text, i + 1, text.len));
            if (behind.len && behind.ptr[0] != '#')
                return;
            assignment->kind = PYTHON_TEXT;
            assignment->value = span_slice(text, 1, i);
            return;
        }
        return;
    }
    struct span word = text, comment;
    span_cut(text, '#', &word, &comment);
    if (span_eq(span_trim(word), "None"))
        assignment->kind = PYTHON_NONE;
}

bool python_next_assignment(struct span *rest, struct python_assignment *ret_assignment) {
    struct span line, name, annotation;
    while (span_next_line(rest, &line)) {
        size_t equals = find_equals(line);
        if (equals == SIZE_MAX || !line.len || line.ptr[0] == ' ' || line.ptr[0] == '\t')
            continue;
        span_cut(span_slice(line, 0, equals), ':', &name, &annotation);
        name = span_trim(name);
        if (!is_name(name))
            continue;
        *ret_assignment = (struct python_assignment){.name = name};
        read_value(span_trim(span_slice(line, equals + 1, line.len)), ret_assignment);
        return true;
    }
    return false;
}
