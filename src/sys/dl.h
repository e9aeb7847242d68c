/* Foreign libraries. Opened in a child only (sys/child.h): their constructors run here. */
#pragma once

#include "base/arena.h"

/* Opens a library by soname, which is then searched as the loader would for this process, or by path. The handle,
 * or NULL and the loader's own words in *ret_error. Never closed: drivers do not survive it. */
void *dl_open(struct arena *arena, const char *name, const char **ret_error);
/* A function or NULL. Only the library's own: the same name in another library does not count. */
void *dl_symbol(void *handle, const char *name);
/* The file behind the handle with symlinks resolved, NULL when not known. */
const char *dl_path(struct arena *arena, void *handle);
