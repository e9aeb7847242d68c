/* The parts of the toolkit probe. */
#pragma once

#include "probe/probe.h"

/* Describes the toolkit at `home` and adds it, unless it is there already or is none. The row, or NULL. */
const struct cuda_toolkit *toolkit_add(struct probe *probe, const char *home, const char *origin);
/* The version of what lies at `home`, whether listed or not; in the arena. NULL: it does not tell. */
const char *toolkit_version(struct probe *probe, struct arena *arena, const char *home, const char **ret_source);
/* The first executable of that name on PATH, as PATH spells it; NULL: none. */
const char *toolkit_on_path(const struct probe *probe, struct arena *arena, const char *name);

/* Host compilers (toolkit_compilers.c). */
void toolkit_compilers_read(struct probe *probe);
