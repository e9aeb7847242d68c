/* Everything known about one machine, as data. One record per link; all memory in one arena. */
#pragma once

#include "facts/access.h"
#include "facts/compute.h"
#include "facts/driver.h"
#include "facts/environment.h"
#include "facts/gpu.h"
#include "facts/printed.h"
#include "facts/system.h"
#include "facts/toolkit.h"
#include "facts/torch.h"

/* X(member, record, doc) */
#define SNAPSHOT_RECORDS(X)                                                                                       \
    X(system, system_facts, "the machine")                                                                        \
    X(gpu, gpu_facts, "link 1: GPUs on the bus")                                                                  \
    X(driver, driver_facts, "link 2: kernel driver and its libraries")                                            \
    X(access, access_facts, "link 3: whether this process may use the GPU")                                       \
    X(toolkit, toolkit_facts, "link 4: CUDA toolkits and compilers")                                              \
    X(environment, environment_facts, "link 5: variables")                                                        \
    X(torch, torch_facts, "link 6: Python environments and their PyTorch")                                        \
    X(compute, compute_facts, "link 8: what the driver and PyTorch answered")                                     \
    X(printed, printed_facts, "messages that programs printed")

struct snapshot {
    struct arena arena;
    /* How it came to be: "live", "root", "text" or "snapshot". Rules use it only to word what could not be known. */
    const char *origin;
#define SNAPSHOT_MEMBER(member, record, doc) struct record member;
    SNAPSHOT_RECORDS(SNAPSHOT_MEMBER)
#undef SNAPSHOT_MEMBER
};

/* The records as data, in order. */
struct snapshot_part {
    const char *name;
    const struct record_type *type;
    size_t offset;
    const char *doc;
};
extern const struct snapshot_part snapshot_parts[];
extern const size_t snapshot_part_count;

struct snapshot *snapshot_new(const char *origin);
void snapshot_free(struct snapshot *snapshot);

/* The environment in use, or NULL. */
const struct python_environment *snapshot_python(const struct snapshot *snapshot);
