/* Arrays that grow in an arena: any struct with the members `items` and `count` is one. */
#pragma once

#include <string.h>

#include "base/arena.h"

/* A pointer to a new zeroed last item. Capacity is the next power of two, so nothing else need be stored; the
 * old block stays in the arena. Pointers to earlier items do not survive a push. */
#define LIST_PUSH(arena, list)                                                                                    \
    (*({                                                                                                          \
        __typeof__(list) list_ = (list);                                                                          \
        if ((list_->count & (list_->count - 1)) == 0) {                                                           \
            size_t room_ = list_->count ? list_->count * 2 : 1;                                                   \
            __typeof__(list_->items) grown_ = arena_alloc((arena), room_ * sizeof *grown_);                       \
            if (list_->count)                                                                                     \
                memcpy((void *)grown_, (const void *)list_->items, list_->count * sizeof *grown_);                \
            list_->items = grown_;                                                                                \
        }                                                                                                         \
        &list_->items[list_->count++];                                                                            \
    }))

/* A list of strings, arena-owned. */
struct texts {
    const char **items;
    size_t count;
};

static inline void texts_add(struct arena *arena, struct texts *list, const char *text) {
    LIST_PUSH(arena, list) = text;
}

static inline bool texts_have(const struct texts *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}
