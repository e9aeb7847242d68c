/* What several probes do with small files. */
#pragma once

#include "base/text.h"
#include "probe/probe.h"

/* The first line of a file in the arena, or NULL where there is none to read. For files whose absence says nothing
 * by itself; where it does, use root_read_line and set_missing. */
static inline const char *look_line(const struct probe *probe, struct arena *arena, const char *path) {
    const char *line;
    return root_read_line(probe->root, arena, path, &line) == 0 ? line : NULL;
}

/* A variable's value where the environment is known and it is set, else NULL. */
static inline const char *look_env(const struct probe *probe, const char *name) {
    return root_env(probe->root, name, NULL);
}

/* The same, but NULL also where it is set to nothing. */
static inline const char *look_env_filled(const struct probe *probe, const char *name) {
    const char *value = look_env(probe, name);
    return value && *value ? value : NULL;
}

/* `text`, as a fact keeps it: cleaned, in the snapshot's arena. */
static inline const char *keep(struct probe *probe, const char *text) {
    return text_clean(probe->arena, span_of(text));
}

/* A list that turned out to have a gap: unknown, and empty, since what it holds would be taken for all there is. */
#define forget_list(list, why, from)                                                                              \
    do {                                                                                                          \
        set_unknown(list, why, from);                                                                             \
        (list)->count = 0;                                                                                        \
    } while (0)
