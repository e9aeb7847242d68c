/* For src/knowledge only: marketing names compared as people write them. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

struct gpu_name {
    const char *words; /* lower-case words, one blank between, without the maker: "geforce rtx 5090" */
    const char *key;   /* what tells GPUs apart, written together: "rtx5090" */
    bool brand;        /* a word that tells two GPUs apart was left out of the key: quadro, tesla, nvs, grid */
    int capability;
    const char *row; /* start of its row in a table */
};
struct gpu_names {
    struct gpu_name *items;
    size_t count;
};

/* An empty name, or one without a key ("NVIDIA GPU"), is not added. */
void gpu_names_add(struct arena *arena, struct gpu_names *names, struct span name, int capability,
                   const char *row);
/* NULL where nothing fits, or GPUs of different capability do. */
const struct gpu_name *gpu_names_find(const struct gpu_names *names, struct span name);
