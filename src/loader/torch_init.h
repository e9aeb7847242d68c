/* What torch/__init__.py says about the libraries it opens by hand. */
#pragma once

#include "loader/torch_plan.h"

struct torch_preload {
    const char *folder;  /* cublas, cuda_nvrtc: of nvidia/FOLDER/lib */
    const char *pattern; /* "libcublas.so.*[0-9]", or a whole name */
    bool required;
};

struct torch_init {
    struct {
        struct torch_preload *items;
        size_t count;
    } all,             /* after libtorch_global_deps.so failed */
        first;         /* after it was opened: a few, in versions that have them */
    bool all_always;   /* the whole list is opened after success, too */
    bool all_required; /* and a missing one ends that */
    const char *maps;  /* only if this is part of a mapped path: "libcudart.so"; NULL: no condition */
    bool cuda_folder;  /* also looks into nvidia/cuNN/lib */
    bool plain_folder; /* also looks into FOLDER/lib */
    const char *cuda;  /* torch.version.cuda */
};

/* Reads torch/__init__.py and torch/version.py. A file that is missing gives an empty list. */
void torch_init_read(struct torch_init *ret_init, const struct root *root, struct arena *arena,
                     const char *torch_directory);
/* The file that is opened for an entry. NULL: none. */
const char *torch_init_find(const struct torch_init *init, const struct root *root, struct arena *arena,
                            const struct torch_preload *preload, const struct texts *search_path);
