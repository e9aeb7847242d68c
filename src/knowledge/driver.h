/* Drivers and CUDA: which branch serves what, and which driver a CUDA version needs. */
#pragma once

#include "knowledge/knowledge.h"

struct driver_branch {
    unsigned branch;          /* 550 */
    int max_cuda;             /* 12040: what cuDriverGetVersion and nvidia-smi show */
    const char *kind;         /* "production", "long term support", "new feature", "legacy" …; "" unknown */
    const char *last_release; /* newest release seen; "" unknown */
    const char *end_of_life;  /* as published; "" unknown */
    int min_capability;       /* oldest and newest GPUs it serves; 0: not known */
    int max_capability;
    bool open_module; /* open kernel modules exist for it */
    bool confirmed;
};
int knowledge_branch(struct knowledge *knowledge, unsigned branch, struct driver_branch *ret_branch);
/* All confirmed branches, oldest first. */
int knowledge_branches(struct knowledge *knowledge, const struct driver_branch **ret_branches, size_t *ret_count);

/* The branch a driver belongs to: its first number, but on Windows the branch that runs ahead of it (551.61 is
 * R550). 0 for no version, and for a Windows number that fits no branch of the tables. */
unsigned knowledge_driver_branch(struct knowledge *knowledge, const struct driver_version *driver, bool windows);
/* The newest CUDA API of a driver (Linux, or a Windows driver with `windows`). A branch the tables lack, between
 * two they know, is -ENOENT; so is one newer than all: it is not guessed. */
int knowledge_driver_max_cuda(struct knowledge *knowledge, const struct driver_version *driver, bool windows,
                              int *ret_cuda);

struct cuda_release {
    int cuda;                            /* API number, 12040 */
    const char *name;                    /* "12.4 GA", the first release of that minor version */
    struct driver_version toolkit_linux; /* driver of that toolkit; count 0: not told */
    struct driver_version toolkit_windows;
    struct driver_version floor_linux; /* oldest driver that runs its programs: minor-version compatibility from
                                          CUDA 11.1 on, the toolkit's own driver before */
    struct driver_version floor_windows;
    bool minor_compatible; /* the floor is the major version's */
    bool confirmed;
};
/* An unknown minor of a known major (12.7) has the major's floor and no toolkit driver; an unknown major is
 * -ENOENT. */
int knowledge_cuda(struct knowledge *knowledge, int cuda, struct cuda_release *ret_release);
