/* Whether a GPU, a driver, a PyTorch, a CUDA and a Python fit together, asked in words and answered from the
 * tables. */
#pragma once

#include "knowledge/gpu.h"
#include "knowledge/recommend.h"

/* All as people write them; NULL: not part of the question. */
struct ask_question {
    const char *gpu;    /* a name, "10de:2b85", or a capability: "8.6", "sm_86" */
    const char *driver; /* "550", "550.54.15", Windows "551.61" */
    const char *torch;  /* "2.6.0", "2.6.0+cu124" */
    const char *cuda;   /* "12.4" */
    const char *python; /* "3.12" */
    /* "linux-x86_64", "linux-aarch64", "windows", "jetson", "macos"; NULL: guessed from the rest */
    const char *platform;
};

struct ask_part {
    const char *what; /* "driver and GPU" */
    enum fit fit;
    const char *reason;
};

struct ask_answer {
    enum fit fit; /* FIT_NO where one part does not fit; FIT_UNKNOWN where one cannot be told, or there was nothing
                     to judge */
    struct ask_part *parts;
    size_t part_count;

    struct gpu_model gpu; /* name NULL: not asked, or not known */
    struct driver_version driver;
    int driver_cuda; /* 0: not known */
    bool windows;    /* the driver's number is one of Windows */
    enum platform platform;
    const char *torch;   /* "2.6.0", NULL: not asked */
    const char *variant; /* "cu124"; NULL: none, or not known */

    struct recommendation same; /* builds of the release asked for; empty where none was */
    struct recommendation any;  /* builds of any release */
};

/* 0, or -EINVAL with *ret_problem: which part of the question is not understood. Lives in the arena. */
int knowledge_ask(struct knowledge *knowledge, struct arena *arena, const struct ask_question *question,
                  struct ask_answer *ret_answer, const char **ret_problem);
