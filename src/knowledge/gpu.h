/* GPUs: by PCI id, by marketing name, by compute capability. */
#pragma once

#include "knowledge/knowledge.h"

enum module_need {
    MODULE_UNKNOWN,
    MODULE_CLOSED_ONLY, /* before Turing: the open kernel modules do not drive it */
    MODULE_EITHER,      /* Turing, Ampere, Ada, Hopper */
    MODULE_OPEN_ONLY    /* Blackwell and newer: the closed modules do not drive it */
};

struct gpu_model {
    const char *name;         /* NVIDIA's name if a driver lists it, else the PCI id list's; never NULL */
    const char *chip;         /* "GB202"; NULL: not known */
    const char *architecture; /* "Blackwell"; NULL: not known */
    int capability;           /* 120; 0: not known */
    unsigned last_branch;     /* last driver branch that serves it (470); 0: no end known, see last_known */
    bool last_known;          /* false: nothing is known about the end; true with last_branch 0: current */
    unsigned first_branch;    /* first driver branch that serves its architecture; 0: not known */
    enum module_need module;
    bool confirmed;
};

/* Vendor is always 10de. -ENOENT: an id the tables lack (a newer GPU, or an audio function). */
int knowledge_gpu_by_id(struct knowledge *knowledge, unsigned device, struct gpu_model *ret_gpu);

/* By name, as nvidia-smi, PyTorch, shops and people write it: "NVIDIA GeForce RTX 5090", "rtx 5090", "RTX5090",
 * "Tesla V100-SXM2-16GB", "A100-SXM4-80GB", "H100 PCIe", "RTX 3080 Laptop GPU", "GTX 1070 with Max-Q Design",
 * "GB10". Memory sizes, board forms and vGPU profiles may be left out; a MIG name ("... MIG 1g.10gb") is its
 * GPU's. A name that fits GPUs of different capability is -ENOENT, it never guesses: "GT 640", "RTX 4000" (Quadro
 * RTX 4000, RTX 4000 Ada), "RTX". */
int knowledge_gpu_by_name(struct knowledge *knowledge, struct span name, struct gpu_model *ret_gpu);

struct architecture {
    int capability;
    const char *name;      /* "Ada Lovelace" */
    const char *examples;  /* "RTX 4050-4090, L4, L40" */
    int first_cuda;        /* API number of the first toolkit that compiles for it */
    int last_cuda;         /* of the last one; 0: current */
    unsigned first_branch; /* first driver branch; 0: not known or not a PC product */
    unsigned last_branch;  /* last one; 0 with last_known: current */
    bool last_known;
    bool tegra; /* integrated in a Tegra: code of the discrete chips of its major does not count */
    enum module_need module;
    bool confirmed;
};
int knowledge_architecture(struct knowledge *knowledge, int capability, struct architecture *ret_architecture);
