/* Growing text with a maximum given at birth. What does not fit is dropped and `full` says so. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

#include "base/span.h"

struct buffer {
    char *ptr; /* terminated once anything was added; NULL before */
    size_t len, cap, max;
    bool full;
};

#define BUFFER_INIT(maximum)                                                                                      \
    { .max = (maximum) }

void buffer_release(struct buffer *buffer);
#define AUTO_BUFFER __attribute__((cleanup(buffer_release))) struct buffer

void buffer_add(struct buffer *buffer, const char *ptr, size_t len);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_span(struct buffer *buffer, struct span span);
void buffer_addf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void buffer_clear(struct buffer *buffer) {
    buffer->len = 0;
    buffer->full = false;
}
static inline struct span buffer_span(const struct buffer *buffer) {
    return span_from(buffer->ptr, buffer->len);
}
static inline const char *buffer_text(const struct buffer *buffer) {
    return buffer->ptr && buffer->len ? buffer->ptr : "";
}
