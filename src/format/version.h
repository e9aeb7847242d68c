/* Version numbers as drivers, CUDA, PyTorch and conda write them. All fixed-size values; nothing is allocated.
 *
 * Parsers take the whole span (white space around it is ignored) and answer 0, or -EINVAL with *ret untouched.
 * Numbers above 2^31-1 are -EINVAL. */
#pragma once

#include <stdbool.h>

#include "base/span.h"

/* --- NVIDIA driver: "535.104.05", "550", "580.65.06", Windows "551.61" and "31.0.15.5161" ------------------- */

struct driver_version {
    unsigned part[3]; /* branch, then what follows; missing parts are 0 */
    unsigned count;   /* how many were written, 1 to 3: "550" names a branch, not release 550.0.0 */
    char text[24];    /* as written, or "551.61" for the long form that Windows' device manager shows */
};
int driver_version_parse(struct span text, struct driver_version *ret_version);
/* <0, 0, >0. Only the parts that both wrote are compared: "550" equals every 550.x. */
int driver_version_compare(const struct driver_version *a, const struct driver_version *b);
/* The same with missing parts taken as 0: a total order. */
int driver_version_order(const struct driver_version *a, const struct driver_version *b);

/* --- CUDA: everywhere in whycuda the API number 1000 * major + 10 * minor (12.4 is 12040); 0 is "not known" -- */

/* "12.4", "12.4.1", "V12.4.131", "cuda_12.4", "12040", "12" (as 12.0). */
int cuda_version_parse(struct span text, int *ret_number);
static inline int cuda_major(int number) {
    return number / 1000;
}
static inline int cuda_minor(int number) {
    return number % 1000 / 10;
}
/* "12.4" into a buffer of at least 16 bytes; returns it. */
const char *cuda_version_text(int number, char *buffer);

/* --- Python packages (PEP 440, as far as wheels of PyTorch and its companions use it) ------------------------ */

enum version_phase { PHASE_DEV, PHASE_ALPHA, PHASE_BETA, PHASE_CANDIDATE, PHASE_FINAL };

struct package_version {
    unsigned release[4];      /* missing parts are 0 */
    unsigned count;           /* parts written, 1 to 4 */
    enum version_phase phase; /* PHASE_DEV: "2.9.0.dev20250801" without a, b or rc */
    unsigned phase_number;    /* the n of an, bn, rcn */
    unsigned post;            /* n + 1 of .postn; 0: none */
    unsigned dev;             /* the date or number of .devN; 0: none */
    char local[64];           /* "cu124", "cpu", "32f93b1"; "" when there is none. Lower case, cut to fit */
};
/* "2.6.0+cu124", "2.9.0.dev20250801+cu130", "1.13.1", "2.1.0a0+32f93b1", "0.4.1.post2", "v2.0", "3.10". */
int package_version_parse(struct span text, struct package_version *ret_version);
/* <0, 0, >0 in PEP 440's order, the local part left out ("2.6" equals "2.6.0+cpu"). */
int package_version_compare(const struct package_version *a, const struct package_version *b);
/* Major, minor and micro equal, whatever the phase: "2.1.0a0+32f93b1" is of the release 2.1.0. */
bool package_version_same_release(const struct package_version *a, const struct package_version *b);
/* "2.6.0" into a buffer of at least 48 bytes; returns it. At least three parts are written. */
const char *package_version_release_text(const struct package_version *version, char *buffer);

/* --- what a PyTorch build was made for ----------------------------------------------------------------------- */

enum torch_build_kind {
    TORCH_BUILD_UNTAGGED, /* nothing said: PyPI's default, CUDA on Linux x86_64, CPU on Windows and macOS */
    TORCH_BUILD_CPU,
    TORCH_BUILD_CUDA,
    TORCH_BUILD_ROCM,
    TORCH_BUILD_XPU,
    TORCH_BUILD_SOURCE, /* a git hash: built from source, also NVIDIA's containers and Jetson wheels */
    TORCH_BUILD_OTHER   /* a tag that says nothing about the accelerator ("+computecanada", "+cxx11.abi") */
};
struct torch_build {
    enum torch_build_kind kind;
    int cuda;         /* API number of a CUDA build; 0 when not told */
    char variant[16]; /* "cu124", "cpu", "rocm6.2.4", "xpu"; "" where nothing is told */
    char nvidia[8];   /* "24.12" of NVIDIA's container or Jetson release tag ".nv24.12"; "" otherwise */
};
/* The local part of a version ("cu121.with.pypi.cudnn", "cpu.cxx11.abi", "df5bbc09d1.nv24.12", ""). Always
 * answers. */
void torch_build_of_local(const char *local, struct torch_build *ret_build);
/* A conda build string: "py3.10_cuda11.8_cudnn8.7.0_0", "cuda126_mkl_py312_h1", "cpu_py39h7c1a5a3_0",
 * "gpu_cuda118py310h6f85f1c_0", "py3.9_cpu_0". UNTAGGED when it tells nothing. Always answers. */
void torch_build_of_conda(struct span build, struct torch_build *ret_build);
/* "cu124" -> 12040, "cu92" -> 9020. 0 or -EINVAL ("cu12" is a major version, not a variant). */
int torch_variant_cuda(struct span variant, int *ret_number);
/* 12040 -> "cu124" into a buffer of at least 16 bytes; returns it. */
const char *torch_variant_text(int cuda, char *buffer);
