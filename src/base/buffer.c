#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

static bool buffer_reserve(struct buffer *buffer, size_t more) {
    size_t need = buffer->len + more + 1;
    if (need <= buffer->cap)
        return true;
    size_t cap = buffer->cap ? buffer->cap * 2 : 256;
    while (cap < need)
        cap *= 2;
    char *grown = realloc(buffer->ptr, cap);
    if (!grown)
        return false;
    buffer->ptr = grown;
    buffer->cap = cap;
    return true;
}

void buffer_add(struct buffer *buffer, const char *ptr, size_t len) {
    if (len > buffer->max - buffer->len) {
        len = buffer->max - buffer->len;
        buffer->full = true;
    }
    if (!len)
        return;
    if (!buffer_reserve(buffer, len)) {
        buffer->full = true;
        return;
    }
    memcpy(buffer->ptr + buffer->len, ptr, len);
    buffer->len += len;
    buffer->ptr[buffer->len] = '\0';
}

void buffer_add_text(struct buffer *buffer, const char *text) {
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_span(struct buffer *buffer, struct span span) {
    buffer_add(buffer, span.ptr, span.len);
}

void buffer_addf(struct buffer *buffer, const char *format, ...) {
    char small[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len < 0)
        return;
    if ((size_t)len < sizeof small) {
        buffer_add(buffer, small, (size_t)len);
        return;
    }
    char *large = malloc((size_t)len + 1);
    if (!large) {
        buffer->full = true;
        return;
    }
    va_start(args, format);
    vsnprintf(large, (size_t)len + 1, format, args);
    va_end(args);
    buffer_add(buffer, large, (size_t)len);
    free(large);
}

void buffer_release(struct buffer *buffer) {
    free(buffer->ptr);
    *buffer = (struct buffer){.max = buffer->max};
}
