/* A run of bytes somebody else owns; not terminated, may hold anything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

/* Of a terminated string; NULL gives the empty span. */
static inline struct span span_of(const char *text) {
    return (struct span){text, text ? strlen(text) : 0};
}

static inline struct span span_from(const void *ptr, size_t len) {
    return (struct span){ptr, len};
}

/* Bytes [start, end), both cut to the span. */
struct span span_slice(struct span span, size_t start, size_t end);
/* Without white space (space, tab, CR, LF, VT, FF) at both ends. */
struct span span_trim(struct span span);
/* Without one pair of matching ' or " around it. */
struct span span_unquote(struct span span);

/* The first byte decides most comparisons, and with a literal the compiler does the rest: hence here, not in
 * span.c. */
static inline bool span_eq(struct span span, const char *text) {
    size_t len = strlen(text);
    return span.len == len && (len == 0 || (span.ptr[0] == text[0] && memcmp(span.ptr, text, len) == 0));
}
bool span_eq_nocase(struct span span, const char *text);
static inline bool span_starts(struct span span, const char *text) {
    if (!span.len || span.ptr[0] != text[0])
        return text[0] == '\0';
    size_t len = strlen(text);
    return span.len >= len && memcmp(span.ptr, text, len) == 0;
}
bool span_starts_nocase(struct span span, const char *text);
bool span_ends(struct span span, const char *text);
/* Position of the first occurrence, or SIZE_MAX. */
size_t span_find(struct span span, const char *text);
size_t span_find_nocase(struct span span, const char *text);
static inline bool span_has(struct span span, const char *text) {
    return span_find(span, text) != SIZE_MAX;
}

/* Cuts the next line off *rest (without its LF or CRLF). False when nothing is left. */
bool span_next_line(struct span *rest, struct span *ret_line);
/* Cuts the next field off *rest at `separator`. False when nothing is left; "a,,b" has an empty field. */
bool span_next_field(struct span *rest, char separator, struct span *ret_field);
/* Cuts the next run of non-blank bytes off *rest. */
bool span_next_word(struct span *rest, struct span *ret_word);
/* Splits at the first `separator`: true and both parts, or false and head = all, tail = empty. */
bool span_cut(struct span span, char separator, struct span *ret_head, struct span *ret_tail);

/* The whole span as a number in base 10, 16 (0x allowed) or 8. 0 or -EINVAL, -ERANGE. */
int span_to_number(struct span span, int base, int64_t *ret_number);
