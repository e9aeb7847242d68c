/* `whycuda arch --gpu`: would a file's code run on one GPU, and which of it would not? Shared by the files of the
 * verb. */
#pragma once

#include <jansson.h>

#include "cli/arch.h"
#include "knowledge/compat.h"

struct arch_gpu {
    int capability;
    const char *label; /* "sm_120 (NVIDIA GeForce RTX 5090)" */
    const char *name;  /* NULL: given as a capability */
};

/* "sm_86", "8.6", "86", or a GPU's name. 0; -ENOENT: no GPU of that name, or several of different capability. */
int arch_gpu_parse(struct knowledge *knowledge, struct arena *arena, const char *text, struct arch_gpu *ret_gpu);

enum arch_runs {
    ARCH_EMPTY,   /* no GPU code in it */
    ARCH_NO,      /* nothing that this GPU takes */
    ARCH_UNKNOWN, /* code that may run and is not promised to: discrete code on a Tegra */
    ARCH_PTX,     /* compiled by the driver at first start */
    ARCH_SASS
};

/* Modules with the same set of targets, none of which this GPU takes. */
struct arch_lack {
    uint64_t modules, first;
    const char *targets; /* "sm_90a sm_100f" */
};

struct arch_lacks {
    struct arch_lack *items;
    size_t count;
};

struct arch_verdict {
    enum arch_runs runs;     /* of the file as a whole */
    const char *by, *reason; /* the target that serves, NULL where none does; a sentence */
    uint64_t modules[5]; /* of .nv_fatbin: by what each of them runs; those without SASS and PTX are left out */
    struct arch_lacks lacks; /* the most frequent first */
    int ptx_cuda;            /* CUDA of the newest PTX that must be compiled; 0: none, or not known */
    const char *ptx_driver;  /* oldest driver of that CUDA for Linux; NULL: not known */
    enum arch_runs torch;    /* by PyTorch's own list; ARCH_EMPTY: there is none */
};

void arch_judge(struct knowledge *knowledge, struct arena *arena, const struct arch_file *file,
                const struct arch_gpu *gpu, struct arch_verdict *ret_verdict);
void arch_verdict_text(FILE *out, struct arena *arena, const struct arch_gpu *gpu,
                       const struct arch_verdict *verdict, bool verbose);
/* A new reference. */
json_t *arch_verdict_json(const struct arch_gpu *gpu, const struct arch_verdict *verdict);
