/* What `import torch` makes the loader do, step by step: the interpreter, libtorch_global_deps.so, the nvidia-*
 * libraries that the installed version opens by hand, torch._C, and what is opened later, when a GPU is used.
 *
 * Which libraries a version opens by hand, and when, is read from its own torch/__init__.py (1.13: cublas and
 * cudnn after an error; 2.0 to 2.5: a list, after an error; 2.5.1 to 2.9: nvrtc and nvjitlink besides; since then
 * the whole list in any case), so that releases not known here are followed as long as they keep the form. */
#pragma once

#include "loader/loader.h"

struct torch_plan_options {
    const char *python;          /* the interpreter's file; NULL: not known, only the libraries are looked at */
    const char *torch_directory; /* …/site-packages/torch */
    const struct texts *search_path; /* sys.path: where nvidia/ is looked for */
    bool companions;                 /* also torchvision, torchaudio, flash-attn … from the search path */
};

enum torch_stage {
    TORCH_STAGE_PYTHON,    /* the interpreter and what it needs */
    TORCH_STAGE_DEPS,      /* libtorch_global_deps.so */
    TORCH_STAGE_PRELOAD,   /* nvidia-* libraries opened by torch/__init__.py */
    TORCH_STAGE_EXTENSION, /* torch._C and libtorch */
    TORCH_STAGE_COMPANION, /* other packages with compiled parts */
    TORCH_STAGE_LATER,     /* when a GPU is used: the driver, nvrtc, cuDNN's parts, NVML */
    TORCH_STAGE_COUNT,
};
const char *torch_stage_title(enum torch_stage stage);
/* "python", "deps", "preload", "extension", "companion", "later" */
const char *torch_stage_name(enum torch_stage stage);

struct torch_plan {
    size_t first_request[TORCH_STAGE_COUNT + 1]; /* requests [first[s], first[s + 1]) belong to stage s */
    const char *cuda;                            /* torch.version.cuda; NULL: none, or not known */
    bool preloads_after_error; /* the list was opened because libtorch_global_deps.so could not be */
    const char *failure;       /* why the import stops, in words; NULL: it does not, as far as files tell */
};

/* Goes through the steps with a loader that was not started yet. Strings live in `arena`. 0, or the -errno of
 * reading the interpreter; a torch that is not whole is told by the plan and the loader's requests. */
int loader_torch_plan(struct torch_plan *ret_plan, struct loader *loader, const struct root *root,
                      struct arena *arena, const struct torch_plan_options *options);
