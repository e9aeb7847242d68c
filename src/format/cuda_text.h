/* Files of a CUDA toolkit that tell its version and which host compilers it takes. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

/* version.json ("cuda": {"version": "12.4.1"}); where that ends in a date ("11.8.20220929") nvcc's own version. In
 * the arena; NULL: not told. */
const char *cuda_version_json(struct arena *arena, struct span text);
/* version.txt: "CUDA Version 10.2.89". */
const char *cuda_version_txt(struct arena *arena, struct span text);
/* The API number of `#define CUDA_VERSION 12040` (cuda.h) or CUDART_VERSION (cuda_runtime_api.h); 0: not told. */
int cuda_version_header(struct span text, const char *macro);

struct cuda_limits {
    int gcc, clang; /* newest major; 0: not told */
};
/* crt/host_config.h: `#if __GNUC__ > 13` and `__clang_major__ >= 19` or `> 18` stand before its errors. */
struct cuda_limits cuda_host_limits(struct span text);
