/* Link 7: how driver, CUDA, PyTorch and GPU fit, computed once per question; rules and the link's line use the
 * same answer. */
#pragma once

#include "diagnose/judge.h"
#include "diagnose/read.h"
#include "knowledge/compat.h"

/* The CUDA that PyTorch's build needs; `assumed`: told by nothing here but that PyPI's default of this release is
 * that. */
struct needed_cuda {
    int cuda; /* 0: not known */
    bool assumed;
};
struct needed_cuda match_needed_cuda(struct judge *judge);

/* Driver against PyTorch's CUDA. floor.count 0: not known. */
struct driver_match {
    struct driver_verdict verdict;
    struct needed_cuda needed;
    struct driver_version floor;
};
struct driver_match match_driver(struct judge *judge);

/* The code in PyTorch's libraries: read from the files, told by PyTorch, or (pasted text only) as the build was
 * published. */
struct code_list {
    struct texts architectures; /* empty: not known */
    const char *source, *fact;
    bool published; /* from the tables */
};
struct code_list match_code(struct judge *judge);
struct code_verdict match_gpu(struct judge *judge, const struct code_list *code, const struct gpu_view *gpu);
