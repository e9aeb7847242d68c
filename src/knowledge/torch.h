/* PyTorch's published builds: which there are, for whom, with which companions. */
#pragma once

#include "knowledge/knowledge.h"

struct torch_release {
    const char *version; /* "2.6.0" */
    const char *date;    /* "2025-01-29"; "" unknown */
    const char *vision;  /* companion versions; NULL: none or not known */
    const char *audio;
    unsigned python_min;   /* 3.9 is 309 */
    unsigned python_max;   /* newest Python with wheels of it, 3.13 is 313 */
    struct texts variants; /* published for any platform, "cpu" first: cpu cu118 cu124 cu126 */
    /* What a plain `pip install torch` brings: "cu124", "cpu", "none"; NULL: not known. */
    const char *pypi_linux_x86_64, *pypi_linux_aarch64, *pypi_windows;
    bool confirmed;
};
/* Only the release is looked at: "2.6.0+cu124" and "2.6.0a0+git…" find 2.6.0. -ENOENT: newer than the tables or
 * never published; judge such a build from its own files. */
int knowledge_torch(struct knowledge *knowledge, const struct package_version *version,
                    struct torch_release *ret_release);
/* Its default for a plain `pip install torch==...` there: "cu124", "cpu", "none"; NULL: not known. */
const char *torch_release_default(const struct torch_release *release, enum platform platform);
/* All releases, newest first. */
int knowledge_torch_releases(struct knowledge *knowledge, const struct torch_release **ret_releases,
                             size_t *ret_count);

/* One build: a release, a variant, a platform. */
struct torch_variant {
    const char *torch;   /* "2.6.0" */
    const char *variant; /* "cu124" */
    enum platform platform;
    int cuda;                   /* 12040 */
    struct texts architectures; /* "sm_50" ... "sm_90", "compute_120", as get_arch_list() prints them */
    bool confirmed;             /* that this list is the build's */
};
/* `version` with a CUDA local tag, or with none: then the variant is PyPI's default of that platform. -ENOENT also
 * for CPU and other builds. */
int knowledge_torch_variant(struct knowledge *knowledge, const struct package_version *version,
                            enum platform platform, struct torch_variant *ret_variant);
int knowledge_torch_variants(struct knowledge *knowledge, const struct torch_variant **ret_variants,
                             size_t *ret_count);

/* The release of PyTorch that a companion asks for: package "torchvision" or "torchaudio". *ret_exact: exactly
 * this one; otherwise this one or newer (torchvision since 0.29.1). */
int knowledge_companion(struct knowledge *knowledge, const char *package, const struct package_version *version,
                        struct package_version *ret_torch, bool *ret_exact);
/* The index of a variant: "https://download.pytorch.org/whl/cu124", in the arena. */
const char *torch_index_url(struct arena *arena, const char *variant);
