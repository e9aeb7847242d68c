/* Memory with one lifetime: everything taken from an arena is freed together. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/span.h"

struct arena_block;
struct arena {
    struct arena_block *head; /* newest block first; NULL while empty */
    size_t total;             /* bytes asked for, over all blocks */
};

/* A zeroed struct arena is an empty one; no other preparation is needed. */
void arena_release(struct arena *arena);

#define AUTO_ARENA __attribute__((cleanup(arena_release))) struct arena

/* Zeroed memory, aligned for any type. Never NULL: when the system has none left the process says so and
 * ends with status 70, since nothing sensible can follow. Inputs are bounded by base/limits.h, not here. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same, not zeroed: buffers that are written before anything is read from them. */
char *arena_bytes(struct arena *arena, size_t size);

/* Copies as they are (see base/text.h for text that came from outside). */
char *arena_copy(struct arena *arena, const char *text);
char *arena_copy_span(struct arena *arena, struct span span);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
