#include "base/span.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span span_slice(struct span span, size_t start, size_t end) {
    if (end > span.len)
        end = span.len;
    if (start > end)
        start = end;
    return (struct span){start ? span.ptr + start : span.ptr, end - start};
}

struct span span_trim(struct span span) {
    while (span.len && is_blank(span.ptr[0]))
        span.ptr++, span.len--;
    while (span.len && is_blank(span.ptr[span.len - 1]))
        span.len--;
    return span;
}

struct span span_unquote(struct span span) {
    if (span.len >= 2 && (span.ptr[0] == '"' || span.ptr[0] == '\'') && span.ptr[span.len - 1] == span.ptr[0])
        return span_slice(span, 1, span.len - 1);
    return span;
}

static bool first_differs(struct span span, const char *text) {
    return text[0] && (!span.len || tolower((unsigned char)span.ptr[0]) != tolower((unsigned char)text[0]));
}

bool span_eq_nocase(struct span span, const char *text) {
    if (first_differs(span, text))
        return false;
    size_t len = strlen(text);
    return span.len == len && (len == 0 || strncasecmp(span.ptr, text, len) == 0);
}

bool span_starts_nocase(struct span span, const char *text) {
    if (first_differs(span, text))
        return false;
    size_t len = strlen(text);
    return span.len >= len && (len == 0 || strncasecmp(span.ptr, text, len) == 0);
}

bool span_ends(struct span span, const char *text) {
    size_t len = strlen(text);
    return span.len >= len && (len == 0 || memcmp(span.ptr + span.len - len, text, len) == 0);
}

size_t span_find(struct span span, const char *text) {
    size_t len = strlen(text);
    if (len == 0)
        return 0;
    /* a look for the first byte is quicker than memmem's preparations, and than its way with two bytes */
    enum { SHORT = 256 };
    if (span.len > SHORT && len > 2) {
        const char *hit = memmem(span.ptr, span.len, text, len);
        return hit ? (size_t)(hit - span.ptr) : SIZE_MAX;
    }
    for (size_t at = 0; at + len <= span.len; at++) {
        const char *hit = memchr(span.ptr + at, text[0], span.len - len + 1 - at);
        if (!hit)
            break;
        at = (size_t)(hit - span.ptr);
        if (memcmp(hit, text, len) == 0)
            return at;
    }
    return SIZE_MAX;
}

size_t span_find_nocase(struct span span, const char *text) {
    size_t len = strlen(text);
    int first = tolower((unsigned char)text[0]);
    for (size_t at = 0; at + len <= span.len; at++)
        if (len == 0 ||
            (tolower((unsigned char)span.ptr[at]) == first && strncasecmp(span.ptr + at, text, len) == 0))
            return at;
    return SIZE_MAX;
}

bool span_next_line(struct span *rest, struct span *ret_line) {
    if (!rest->len)
        return false;
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    *ret_line = span_slice(*rest, 0, len);
    *rest = span_slice(*rest, len + (end ? 1 : 0), rest->len);
    if (ret_line->len && ret_line->ptr[ret_line->len - 1] == '\r')
        ret_line->len--;
    return true;
}

bool span_next_field(struct span *rest, char separator, struct span *ret_field) {
    if (!rest->ptr)
        return false;
    const char *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (!end) {
        *ret_field = *rest;
        *rest = (struct span){0};
        return true;
    }
    size_t len = (size_t)(end - rest->ptr);
    *ret_field = span_slice(*rest, 0, len);
    *rest = span_slice(*rest, len + 1, rest->len);
    return true;
}

bool span_next_word(struct span *rest, struct span *ret_word) {
    struct span left = *rest;
    while (left.len && is_blank(left.ptr[0]))
        left.ptr++, left.len--;
    size_t len = 0;
    while (len < left.len && !is_blank(left.ptr[len]))
        len++;
    *ret_word = span_slice(left, 0, len);
    *rest = span_slice(left, len, left.len);
    return len > 0;
}

bool span_cut(struct span span, char separator, struct span *ret_head, struct span *ret_tail) {
    const char *hit = span.len ? memchr(span.ptr, separator, span.len) : NULL;
    size_t at = hit ? (size_t)(hit - span.ptr) : span.len;
    *ret_head = span_slice(span, 0, at);
    *ret_tail = span_slice(span, hit ? at + 1 : at, span.len);
    return hit != NULL;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

int span_to_number(struct span span, int base, int64_t *ret_number) {
    bool negative = span.len && span.ptr[0] == '-';
    if (negative)
        span = span_slice(span, 1, span.len);
    if (base == 16 && span_starts_nocase(span, "0x"))
        span = span_slice(span, 2, span.len);
    if (!span.len)
        return -EINVAL;
    int64_t value = 0;
    for (size_t i = 0; i < span.len; i++) {
        int digit = digit_of(span.ptr[i]);
        if (digit >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return -ERANGE;
    }
    *ret_number = negative ? -value : value;
    return 0;
}
