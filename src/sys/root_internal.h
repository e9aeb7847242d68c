/* Shared by the files that make up sys/root; nobody else includes this. */
#pragma once

#include "sys/root.h"

struct root {
    int fd;                /* of the directory; AT_FDCWD for the live machine */
    const char *directory; /* NULL: live */
    struct arena arena;
    struct texts environment;
    bool environment_known;
    struct root_uname uname;
    struct root_identity identity;
    struct span nodes; /* .whycuda/nodes */
    bool nodes_known;
};

/* openat(2) that cannot leave the root and never blocks. `follow` false: the last symlink is not followed. */
int root_openat(const struct root *root, const char *path, int flags, bool follow);
void root_load_identity(struct root *root);
void root_load_environment(struct root *root);
