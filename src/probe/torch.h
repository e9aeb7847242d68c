/* One environment's PyTorch while its facts are gathered. Shared by probe/torch*.c. */
#pragma once

#include "format/python_dist.h"
#include "format/python_requirement.h"
#include "probe/python.h"

/* A `torch` that `import torch` could find. */
struct torch_place {
    const char *package;             /* DIR/torch, or DIR/torch.py */
    const char *directory;           /* DIR, which also holds the metadata */
    enum python_path_origin origin;  /* what put DIR on sys.path */
    enum python_path_origin belongs; /* the same, with .pth lines counted to the directory that holds the file */
    const char *source;
    bool is_file;     /* torch.py */
    bool has_version; /* torch/version.py is there, so that it is PyTorch */
};

struct torch_probe {
    struct probe *probe;
    struct python_search *search;
    const struct root *root;
    struct arena *scratch; /* until the next environment */
    const struct python *python;
    struct python_path path;
    struct python_environment *out;
    struct torch_place place;      /* of the PyTorch that is described */
    const char *library_directory; /* torch/lib */
    struct texts libraries;        /* names in it */
    int library_error;             /* of listing it */
    bool windows;                  /* a wheel for Windows: .dll */
    struct python_target target;
};

/* A package that is installed, as the listing of its directory tells. */
struct torch_package {
    struct python_dist dist;
    const char *file;      /* the dist-info, egg-info or conda-meta file */
    const char *directory; /* that holds it and the package */
};

/* The first ones of the environment's rows, in the same order. */
struct torch_packages {
    struct torch_probe *torch;
    struct torch_package *items;
    size_t count;
    bool cut; /* not every package could be seen */
};

/* torch/version.py, torch/lib: version, accelerator, GPU architectures (torch_build.c). */
void torch_read_build(struct torch_probe *torch);
/* Companions, nvidia-* packages, conda's (torch_packages.c). */
void torch_read_packages(struct torch_probe *torch);
/* Who installed torch, and what it requires (torch_metadata.c). */
void torch_read_metadata(struct torch_packages *packages);
void torch_read_conda(struct torch_packages *packages);
/* Whether the libraries that the RECORD in a dist-info names are there and whole (torch_files.c). Where
 * `sizes_count` is false, only whether they are there. */
void torch_check_record(struct torch_probe *torch, const char *directory, const char *metadata, bool sizes_count);

/* What the loader would take (torch_libraries.c). */
void torch_read_libraries(struct torch_probe *torch);

/* --- small things ----------------------------------------------------------------------------------------- */

struct torch_package *torch_find_package(struct torch_packages *packages, struct span name);
struct python_package *torch_package_row(const struct torch_packages *packages,
                                         const struct torch_package *package);
struct python_package *torch_add_row(struct torch_probe *torch, const struct torch_package *package);
bool torch_is_companion(struct span name);
/* nvidia-*, cuda-toolkit and the like. */
bool torch_is_of_cuda(struct span name);
/* The lower-case name in INSTALLER; the fact stays as it is where there is none. */
void torch_read_installer(struct torch_probe *torch, const char *metadata, struct text_fact *fact);
/* A file of at most LIMIT_SMALL_FILE, or the start of a larger one. */
bool torch_read_small(struct torch_probe *torch, const char *path, struct span *ret_bytes);

/* Into the snapshot. */
const char *torch_keep(const struct torch_probe *torch, const char *text);
const char *torch_keep_span(const struct torch_probe *torch, struct span text);
