#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BLOCK = 4 * 1024, BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ALIGNMENT) char bytes[];
};

__attribute__((noreturn)) static void out_of_memory(void) {
    static const char words[] = "whycuda: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    _exit(70);
}

/* With the bytes not yet written; of large blocks the system has pages that are zero already. */
static struct arena_block *block_new(size_t size, bool zeroed) {
    struct arena_block *block = NULL;
    if (size <= SIZE_MAX - sizeof *block)
        block = zeroed ? calloc(1, sizeof *block + size) : malloc(sizeof *block + size);
    if (!block)
        out_of_memory();
    *block = (struct arena_block){.size = size};
    return block;
}

static void *take(struct arena *arena, size_t size, bool zeroed) {
    if (size > SIZE_MAX / 2)
        out_of_memory();
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    arena->total += size;
    struct arena_block *head = arena->head;
    if (size > BLOCK_SIZE / 4) { /* a block of its own, behind the head, so that the head keeps filling */
        struct arena_block *own = block_new(size, zeroed);
        own->used = size;
        if (head) {
            own->next = head->next;
            head->next = own;
        } else {
            arena->head = own;
        }
        return own->bytes;
    }
    if (!head || head->size - head->used < size) {
        /* many arenas live for one call only and hold little */
        size_t room = !head ? FIRST_BLOCK : head->size < BLOCK_SIZE / 4 ? head->size * 4 : BLOCK_SIZE;
        struct arena_block *block = block_new(room > size ? room : size, false);
        block->next = head;
        arena->head = head = block;
    }
    void *memory = head->bytes + head->used;
    head->used += size;
    return zeroed ? memset(memory, 0, size) : memory;
}

void *arena_alloc(struct arena *arena, size_t size) {
    return take(arena, size, true);
}

char *arena_bytes(struct arena *arena, size_t size) {
    return take(arena, size, false);
}

void arena_release(struct arena *arena) {
    for (struct arena_block *block = arena->head, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){0};
}

char *arena_copy_span(struct arena *arena, struct span span) {
    char *copy = arena_bytes(arena, span.len + 1);
    if (span.len)
        memcpy(copy, span.ptr, span.len);
    copy[span.len] = '\0';
    return copy;
}

char *arena_copy(struct arena *arena, const char *text) {
    return arena_copy_span(arena, span_of(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
    char most[256]; /* long enough for nearly all, which are then formatted once */
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(most, sizeof most, format, again);
    va_end(again);
    if (length < 0)
        return arena_copy(arena, "");
    if ((size_t)length < sizeof most)
        return arena_copy_span(arena, span_from(most, (size_t)length));
    char *text = arena_bytes(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
