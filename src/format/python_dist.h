/* Names of installed Python packages: of the directories and files that say a package is installed. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/span.h"

enum python_dist_kind {
    PYTHON_DIST_INFO, /* NAME-VERSION.dist-info, a directory (PEP 376, PEP 427) */
    PYTHON_EGG_INFO,  /* NAME-VERSION[-pyX.Y].egg-info, a directory or a file; or NAME.egg-info */
    PYTHON_EGG_LINK,  /* NAME.egg-link: installed with `setup.py develop` */
    PYTHON_CONDA_META /* NAME-VERSION-BUILD.json in conda-meta */
};

struct python_dist {
    enum python_dist_kind kind;
    struct span name;    /* as written */
    struct span version; /* empty where the name does not say */
    struct span build;   /* of PYTHON_CONDA_META */
    bool leftover;       /* "~orch-2.6.0.dist-info": pip was interrupted while it replaced or removed it */
};

/* False for other names. In a conda-meta directory `conda` is set: every "*.json" there is a package. */
bool python_dist_parse(struct span file_name, bool conda, struct python_dist *ret_dist);

/* Lower case with single dashes (PEP 503): "NVIDIA_cublas.cu12" is "nvidia-cublas-cu12". */
char *python_name_normalise(struct arena *arena, struct span name);
/* Whether a name, as written, is this normalised one. */
bool python_name_is(struct span name, const char *normalised);
/* Whether the normalised form of a name starts with this. */
bool python_name_starts(struct span name, const char *prefix);
