#include "facts/snapshot.h"

#include <stdlib.h>

#include "base/text.h"

struct snapshot *snapshot_new(const char *origin) {
    struct arena arena = {0};
    struct snapshot *snapshot = arena_alloc(&arena, sizeof *snapshot); /* lives in its own arena */
    snapshot->origin = arena_copy(&arena, origin);
    snapshot->arena = arena;
    return snapshot;
}

void snapshot_free(struct snapshot *snapshot) {
    if (!snapshot)
        return;
    struct arena arena = snapshot->arena;
    arena_release(&arena);
}

const struct python_environment *snapshot_python(const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->torch.environments.count; i++)
        if (is_true(snapshot->torch.environments.items[i].in_use))
            return &snapshot->torch.environments.items[i];
    return NULL;
}

const struct printed_message *snapshot_message(const struct snapshot *snapshot, const char *id) {
    for (size_t i = 0; i < snapshot->printed.messages.count; i++)
        if (text_eq(text_of(snapshot->printed.messages.items[i].id), id))
            return &snapshot->printed.messages.items[i];
    return NULL;
}

const char *snapshot_variable(const struct snapshot *snapshot, const char *name) {
    for (size_t i = 0; i < snapshot->environment.variables.count; i++)
        if (text_eq(text_of(snapshot->environment.variables.items[i].name), name))
            return text_of(snapshot->environment.variables.items[i].value);
    return NULL;
}
