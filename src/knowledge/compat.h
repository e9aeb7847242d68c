/* The compatibility rules, as functions without state: no table is asked, nothing is looked up.
 *
 * Every answer is three-valued and has a reason, one sentence in the caller's arena. FIT_UNKNOWN is "cannot tell":
 * an input was missing. Capabilities are numbers (86), architectures are strings as toolkits and PyTorch write
 * them ("sm_90a", "compute_120", "sm_100f"). Sources: CUDA compatibility guide, CUDA programming guide 5.1, NVIDIA's
 * blog on family-specific features (CUDA 12.9), PyTorch's torch/cuda/__init__.py. */
#pragma once

#include "knowledge/knowledge.h"

enum fit { FIT_UNKNOWN, FIT_YES, FIT_NO };

struct fit_verdict {
    enum fit fit;
    const char *reason; /* never NULL */
};

/* --- driver and CUDA ----------------------------------------------------------------------------------------- */

enum driver_way {
    DRIVER_WAY_NONE,     /* does not fit, or not known */
    DRIVER_WAY_BACKWARD, /* the driver's CUDA is as new as the program's, or newer */
    DRIVER_WAY_MINOR,    /* minor-version compatibility: same major, older driver; no PTX of the newer version */
    DRIVER_WAY_FORWARD   /* through a forward-compatibility package */
};

struct driver_question {
    int program_cuda;             /* the CUDA the program was built with; 0: not known */
    int driver_cuda;              /* cuDriverGetVersion of the kernel driver's own libcuda; 0: not known */
    struct driver_version driver; /* the release; count 0: not known */
    struct driver_version floor; /* oldest one for that CUDA on this system (knowledge_cuda); count 0: not known */
    int compat_cuda;             /* CUDA of a forward-compatibility libcuda that comes first; 0: there is none */
    bool compat_gpu;             /* the GPU is of a kind that permits it (data centre, some RTX boards, Jetson) */
    bool compat_gpu_known;
};
struct driver_verdict {
    enum fit fit;
    enum driver_way way;
    enum fit ptx; /* can this driver compile PTX made by the program's CUDA (also that of Triton and NVRTC)? */
    const char *reason;
};
/* Does a driver run programs of that CUDA? The version nvidia-smi shows is no ceiling within a major. */
struct driver_verdict compat_driver(struct arena *arena, const struct driver_question *question);

/* --- code and GPU -------------------------------------------------------------------------------------------- */

enum code_way { CODE_WAY_NONE, CODE_WAY_SASS, CODE_WAY_PTX };

struct code_verdict {
    enum fit fit;
    enum code_way way;
    const char *by; /* the architecture that serves, as given; NULL: none */
    bool too_new; /* FIT_NO: the GPU is newer than all the code is for; otherwise it is older, or of a kind that is
                     skipped */
    const char *reason;
};

/* One architecture against one GPU: SASS within a major at or below the GPU's minor; suffix `a` only the exact
 * capability, `f` the same major at or above; code of discrete chips is no promise for Tegra ones
 * (5.3, 6.2, 7.2, 8.7, 10.1) unless it was built by CUDA 13.2 or later. `cuda`: the CUDA that built it, 0: not
 * known. */
enum fit compat_sass(const char *architecture, int capability, int cuda);
/* PTX is compiled for any GPU at or above; `a` and `f` as above. Says nothing about the driver. */
enum fit compat_ptx(const char *architecture, int capability);
/* All that a library holds. `ptx_driver`: FIT_NO when the driver is older than the PTX (compat_driver's .ptx).
 * Names are taken from either list by their prefix; strings that are neither sm_ nor compute_ are passed over. */
struct code_verdict compat_code(struct arena *arena, const struct texts *architectures, int capability, int cuda,
                                enum fit ptx_driver);

/* --- driver and GPU ------------------------------------------------------------------------------------------ */

/* Does a driver branch serve a GPU? first, last: branches (0 with last_known: current). */
struct fit_verdict compat_branch(struct arena *arena, unsigned branch, int capability, unsigned first,
                                 unsigned last, bool last_known);

/* True for the capabilities of Tegra's integrated GPUs. */
bool capability_is_tegra(int capability);
