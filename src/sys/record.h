/* Writes the live machine down as a root, while the probes read it: every file, directory, symlink and node that
 * is looked at appears in a directory that `--root` can read later. Of files read in parts (libraries) only those
 * parts are kept, in a sparse file of the same size. */
#pragma once

#include "sys/root.h"

struct recorder;

/* What stands for what in paths and in text files: the user's home, name, host. */
struct record_names {
    const char *from[8], *to[8];
    size_t count;
};

/* Records into an empty or new directory from now on; one recorder at a time. With directory NULL nothing is
 * written and only the list of what would be taken is made. 0 or -errno (-ENOTEMPTY). */
int record_start(struct root *root, const char *directory, const struct record_names *names);
/* Ends it, and gives the paths that were taken, in order of their first use. */
void record_stop(struct root *root, struct arena *arena, struct texts *ret_paths);
/* Writes DIR/.whycuda/NAME. */
int record_side_file(const char *directory, const char *name, struct span bytes);
