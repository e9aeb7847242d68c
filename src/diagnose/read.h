/* What rules ask of the facts again and again: the platform, what was printed or answered, the GPUs, the driver.
 * Nothing here judges; where a fact is unknown the answer is NULL, 0 or false, and `..._known` tells the two
 * apart. */
#pragma once

#include "diagnose/judge.h"
#include "format/version.h"

struct gpu_model;

/* --- the platform -------------------------------------------------------------------------------------------- */

bool on_wsl(const struct judge *judge);     /* 1 or 2; a Windows build around a Linux counts */
bool on_windows(const struct judge *judge); /* Windows itself */
bool on_macos(const struct judge *judge);
bool on_jetson(const struct judge *judge); /* a Tegra with NVIDIA's L4T: no PCI bus to the GPU */
bool on_arm(const struct judge *judge);    /* aarch64, Jetson among them */
bool in_container(const struct judge *judge);
/* The facts were gathered from pasted text: what was not pasted is not known, and asking is the way to learn it. */
bool from_text(const struct judge *judge);
/* An extension is to be compiled: --for-build, or build output was printed. */
bool building(const struct judge *judge);

/* --- what was printed ---------------------------------------------------------------------------------------- */

const struct printed_message *printed(const struct judge *judge, const char *id);
/* The first one of this id whose argument is `argument`. */
const struct printed_message *printed_with(const struct judge *judge, const char *id, const char *argument);
/* The first one of this id whose argument holds `part`, case ignored. */
const struct printed_message *printed_about(const struct judge *judge, const char *id, const char *part);
/* The first one of this id whose line holds `part`, case ignored. */
const struct printed_message *printed_saying(const struct judge *judge, const char *id, const char *part);
/* The first of the ids in a list that ends with NULL. */
#define printed_any(judge, ...) printed_any_list(judge, (const char *const[]){__VA_ARGS__})
const struct printed_message *printed_any_list(const struct judge *judge, const char *const *ids);
/* Every message of each id in a list that ends with NULL, as evidence. */
#define evidence_printed_all(judge, cause, ...)                                                                   \
    evidence_printed_list(judge, cause, (const char *const[]){__VA_ARGS__})
void evidence_printed_list(struct judge *judge, struct cause *cause, const char *const *ids);
/* The first command that holds every word of a list that ends with NULL: typed(judge, "docker", " run ", NULL). */
#define typed(judge, ...) typed_list(judge, (const char *const[]){__VA_ARGS__})
const struct printed_command *typed_list(const struct judge *judge, const char *const *words);
/* A line of the kernel log with this id, or NULL. */
const struct log_line *logged(const struct judge *judge, const char *id);

/* Did anybody (cuInit, the runtime in pasted text, a device's own error) answer this CUDA or NVML error? Numbers
 * are today's; the runtime's old ones (before CUDA 10.1: 30 for 999, 38 for 100 …) count as the same. */
bool cuda_said(const struct judge *judge, int code);
bool nvml_said(const struct judge *judge, int code);
/* The same as evidence of a cause: every place where it was said. */
void evidence_cuda(struct judge *judge, struct cause *cause, int code);
void evidence_nvml(struct judge *judge, struct cause *cause, int code);
void evidence_log(struct judge *judge, struct cause *cause, const char *id);
/* Every message of this id. */
void evidence_printed(struct judge *judge, struct cause *cause, const char *id);
void evidence_typed(struct judge *judge, struct cause *cause, const struct printed_command *command);
/* The same name and value, where the variable is set. */
void evidence_variable(struct judge *judge, struct cause *cause, const char *name);
/* A variable of the environment record, or NULL. */
const struct variable *variable_of(const struct judge *judge, const char *name);

/* --- what is proven by an answer ----------------------------------------------------------------------------- */

/* CUDA listed at least one GPU: nothing before it can be broken for all of them. libcuda or PyTorch said so. */
bool cuda_lists_gpus(const struct judge *judge);
/* PyTorch did work on the GPU, and finished it. */
bool torch_worked(const struct judge *judge);
/* The program got as far as an error of its own: a kernel of it ran, or nvidia-smi lists GPUs and the error is one
 * that only a running program makes (mixed types). */
bool program_ran(const struct judge *judge);
/* PyTorch said False, or 0 devices. */
bool torch_sees_none(const struct judge *judge);
/* NVML (nvidia-smi) lists GPUs: kernel driver, its nodes and its library work. */
bool nvml_lists_gpus(const struct judge *judge);

/* --- the GPUs ------------------------------------------------------------------------------------------------ */

struct gpu_view {
    const char *name;   /* never NULL: "GPU 0" where nothing is known */
    int capability;     /* 0: not known */
    const char *source; /* where the capability is from */
    bool from_table;    /* by name or PCI id; otherwise the driver or PyTorch said it */
    const char *fact;   /* "gpu.devices.compute_capability" … */
    const char *driver; /* bound kernel driver, or NULL */
    unsigned device_id; /* PCI device; 0: not known */
};
struct gpu_views {
    struct gpu_view *items;
    size_t count;
};
/* From the bus, else as CUDA lists them. */
struct gpu_views gpus(struct judge *judge);
/* What the tables know of it. False: nothing. */
bool gpu_model_of(struct judge *judge, const struct gpu_view *view, struct gpu_model *ret_model);
/* The bus was listed and has NVIDIA's functions, or something else shows that there is such a GPU. */
bool gpu_present(const struct judge *judge);

/* --- the driver ---------------------------------------------------------------------------------------------- */

/* The kernel driver's release: the loaded module's, else the library's or NVML's. False: not known. */
bool driver_release(const struct judge *judge, struct driver_version *ret_version,
                    const struct text_fact **ret_fact, const char **ret_name);
/* The newest CUDA its own library offers, as an API number; 0: not known. */
int driver_cuda(const struct judge *judge);
/* The libcuda or NVML that a program gets, or NULL. */
const struct driver_library *library_in_use(const struct judge *judge, const char *soname);
/* "libcuda.so.1" is there for 64-bit programs and is no stub. Known only where the list is. */
bool library_usable(const struct judge *judge, const char *soname);

/* Is there a device node at this path? */
bool has_node(const struct judge *judge, const char *path);
/* Why a device node is taken for one that hangs: "did not answer within 10 s"; NULL: it does not. */
const char *node_hangs(const struct device_node *node);

/* --- PyTorch ------------------------------------------------------------------------------------------------- */

const struct python_environment *python_in_use(const struct judge *judge);
const struct python_package *package_of(const struct python_environment *python, const char *name);
/* The version of torch, as PyTorch said it or as its files tell; NULL: not known or not there. */
const char *torch_version(const struct judge *judge);
/* The CUDA of the build as an API number; 0: not known, or none (see torch_build_is_cpu). */
int torch_cuda(struct judge *judge);
/* "cuda", "cpu", "rocm", "xpu", "mps"; NULL: not known. */
const char *torch_build_of(const struct judge *judge);

/* True where the fact is known or absent. Otherwise says that it cannot be told, and why; pasted text is silent
 * here, since what to ask for is said once, at the end (diagnose/ask.c). */
bool settled(struct judge *judge, const char *name, const struct fact *fact);
