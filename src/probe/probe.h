/* From a machine to facts. Probes gather and never judge. */
#pragma once

#include "facts/snapshot.h"
#include "sys/root.h"

struct knowledge;

struct probe_options {
    const char *python;          /* --python, or NULL */
    struct knowledge *knowledge; /* names and capabilities of GPUs; may be NULL */
    bool for_build;
};

struct probe {
    const struct root *root;
    struct probe_options options;
    struct snapshot *out;
    struct arena *arena; /* of the snapshot */
};

/* Runs every probe. The snapshot is the caller's. */
struct snapshot *probe_machine(const struct root *root, struct probe_options options);

/* One per link (probe/NAME.c). Each fills its record, and nothing else. */
void probe_system(struct probe *probe);
void probe_gpu(struct probe *probe);
void probe_driver(struct probe *probe);
void probe_access(struct probe *probe);
void probe_toolkit(struct probe *probe);
void probe_environment(struct probe *probe);
void probe_torch(struct probe *probe);
