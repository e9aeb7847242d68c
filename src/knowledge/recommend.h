/* Which build to install: fits driver AND GPUs AND Python AND platform, confirmed rows only. */
#pragma once

#include "knowledge/compat.h"
#include "knowledge/torch.h"

struct recommend_question {
    struct driver_version driver; /* count 0: not known, then any is thought of as updatable */
    bool driver_windows;          /* it is a Windows number (also under WSL) */
    const int *capabilities;      /* of all GPUs that shall work; the build must serve each */
    size_t capability_count;      /* 0: not known */
    unsigned python;              /* 3.12 is 312; 0: not known */
    enum platform platform;
    const char *torch;   /* wanted release ("2.6.0", "2.6"); NULL: any */
    const char *variant; /* wanted variant; NULL: any */
};

struct recommend_build {
    const char *torch;   /* "2.6.0" */
    const char *variant; /* "cu126" */
    int cuda;
    const char *index_url;      /* "https://download.pytorch.org/whl/cu126" */
    bool pypi_default;          /* a plain `pip install torch==…` gives the same */
    const char *vision, *audio; /* companions; NULL: none known */
    const char *driver_needed;  /* oldest driver for it here, "525.60.13"; NULL: not known */
    bool driver_fits;           /* the driver given is new enough (false also when none is known) */
    unsigned newest_branch;     /* newest branch that still serves all the GPUs; 0: current */
    const char *code; /* architecture that serves, "sm_86" or "compute_120"; NULL where GPUs are unknown */
};

struct recommendation {
    struct recommend_build *items; /* fit now, best first: newest release, newest CUDA that suits the driver */
    size_t count;
    struct recommend_build *after_driver;       /* best build that needs only a newer driver; NULL: none better */
    struct recommend_build *after_least_driver; /* where nothing fits now: the best of those that need the smallest
                                                   driver update; NULL: after_driver is that one already */
    struct fit_verdict why_none;                /* FIT_NO or FIT_UNKNOWN with the reason where count is 0 */
};
/* At most one build per release and variant; `limit` builds at most. Lives as long as the knowledge and the arena.
 * 0, or -EINVAL (a torch or variant that is no version). */
int knowledge_recommend(struct knowledge *knowledge, struct arena *arena,
                        const struct recommend_question *question, size_t limit,
                        struct recommendation *ret_recommendation);
/* The pip command for a build, with torchvision where its version is known. */
const char *recommend_command(struct arena *arena, const struct recommend_build *build);
