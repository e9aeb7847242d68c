#include "base/text.h"

#include <stdio.h>
#include <strings.h>
#include <wchar.h>

#include "base/limits.h"

size_t utf8_sequence(struct span span) {
    if (!span.len)
        return 0;
    const unsigned char *p = (const unsigned char *)span.ptr;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || span.len < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates and values past U+10FFFF (Unicode 15, table 3-7) */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* How many bytes the next character becomes; *ret_taken is what it takes from the input. */
static size_t clean_one(struct span span, bool lines, size_t *ret_taken, char out[8]) {
    size_t len = utf8_sequence(span);
    unsigned char c = (unsigned char)span.ptr[0];
    bool c1 = len == 2 && c == 0xc2 && (unsigned char)span.ptr[1] < 0xa0; /* U+0080 to U+009F: controls too */
    bool control = c < 0x20 || c == 0x7f || c1;
    if (lines && (c == '\n' || c == '\t'))
        control = false;
    if (len && !control) {
        *ret_taken = len;
        memcpy(out, span.ptr, len);
        return len;
    }
    *ret_taken = 1;
    if (c == '\t') {
        out[0] = ' ';
        return 1;
    }
    snprintf(out, 8, "\\x%02x", c);
    return 4;
}

static const char *text_filter(struct arena *arena, struct span span, bool lines) {
    bool plain = span.len <= LIMIT_TEXT;
    for (size_t i = 0; plain && i < span.len; i++)
        plain = (span.ptr[i] >= 0x20 && span.ptr[i] < 0x7f) || (lines && span.ptr[i] == '\n');
    if (plain) /* the common case */
        return arena_copy_span(arena, span);
    size_t room = span.len < LIMIT_TEXT / 4 ? span.len * 4 : LIMIT_TEXT;
    char *text = arena_alloc(arena, room + 4);
    size_t used = 0, taken;
    char one[8];
    while (span.len) {
        size_t len = clean_one(span, lines, &taken, one);
        if (used + len > room) {
            memcpy(text + used, "...", 3);
            break;
        }
        memcpy(text + used, one, len);
        used += len;
        span = span_slice(span, taken, span.len);
    }
    return text;
}

const char *text_clean(struct arena *arena, struct span span) {
    return text_filter(arena, span, false);
}

const char *text_lines(struct arena *arena, struct span span) {
    return text_filter(arena, span, true);
}

size_t text_columns(const char *text) {
    size_t columns = 0;
    struct span rest = span_of(text);
    while (rest.len) {
        size_t len = utf8_sequence(rest);
        const unsigned char *p = (const unsigned char *)rest.ptr;
        unsigned code = len < 3 ? 0 : len == 3 ? (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u) : 0x20000;
        bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) || code >= 0x20000;
        columns += wide ? 2 : 1;
        rest = span_slice(rest, len ? len : 1, rest.len);
    }
    return columns;
}

bool text_eq(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts(const char *text, const char *prefix) {
    if (!text)
        return false;
    while (*prefix && *text == *prefix)
        text++, prefix++;
    return !*prefix;
}

bool text_ends(const char *text, const char *suffix) {
    return text && span_ends(span_of(text), suffix);
}

bool text_has(const char *text, const char *part) {
    return text && strstr(text, part) != NULL;
}

bool text_has_nocase(const char *text, const char *part) {
    return text && strcasestr(text, part) != NULL;
}

const char *text_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *text_path(struct arena *arena, const char *directory, const char *name) {
    while (*name == '/')
        name++;
    size_t before = strlen(directory), behind = strlen(name);
    bool slash = !before || directory[before - 1] != '/';
    char *path = arena_bytes(arena, before + slash + behind + 1);
    memcpy(path, directory, before);
    path[before] = '/';
    memcpy(path + before + slash, name, behind + 1);
    return path;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int text_compare_natural(const char *a, const char *b) {
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            size_t la, lb;
            while (*a == '0')
                a++;
            while (*b == '0')
                b++;
            for (la = 0; is_digit(a[la]);)
                la++;
            for (lb = 0; is_digit(b[lb]);)
                lb++;
            if (la != lb)
                return la < lb ? -1 : 1;
            int order = strncmp(a, b, la);
            if (order)
                return order;
            a += la;
            b += lb;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++, b++;
        }
    }
    return *a ? 1 : *b ? -1 : 0;
}
