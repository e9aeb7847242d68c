#include "facts/snapshot.h"

#include <stdlib.h>

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
