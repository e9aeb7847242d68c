/* From what a child answered to facts. Shared by the files of src/live; the shapes are told in live/cuda.h,
 * nvml.h, compute.h and torch.h. `result` is what came, also when the child ended badly. */
#pragma once

#include "facts/snapshot.h"
#include "sys/child.h"

struct root;

/* "answered", "no library", "timeout", "signal 11", "exit 3", "stuck in the kernel", … */
const char *record_end(struct arena *arena, const struct child_result *result);

void record_cuda(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result);
void record_cuda_unmasked(struct snapshot *snapshot, const struct child_task *task,
                          const struct child_result *result);
void record_nvml(struct snapshot *snapshot, const struct root *root, const struct child_task *task,
                 const struct child_result *result);
/* One GPU put to use; `index` is CUDA's. */
void record_compute(struct snapshot *snapshot, int index, const struct child_task *task,
                    const struct child_result *result);
void record_cpu(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result);
void record_torch(struct snapshot *snapshot, const struct child_task *task, const struct child_result *result);

/* What the library printed, after what another one did. */
void record_said(struct snapshot *snapshot, const struct child_result *result);
/* Calls that were refused, as rows; `asked` names who was asked. */
void record_refused(struct snapshot *snapshot, const char *asked, const json_t *answer);
/* "cuMemAlloc_v2: 2 CUDA_ERROR_OUT_OF_MEMORY": the refusal that says why `field` (of `device`, -1: of none) is not
 * known; NULL when there is none. */
const char *record_reason(struct arena *arena, const json_t *answer, const char *field, int device);

/* One answer to one fact: known with its source; unknown for the reason told; where neither came, unknown for
 * `otherwise`, or absent when `otherwise` is NULL: what the device does not have. */
struct record_from {
    struct arena *arena;
    const json_t *answer;  /* the whole, for its refusals */
    const json_t *object;  /* where the member is looked for */
    int device;            /* -1: none */
    const char *otherwise; /* see above */
};
void record_text(const struct record_from *from, struct text_fact *fact, const char *member, const char *source);
void record_number(const struct record_from *from, struct number_fact *fact, const char *member,
                   const char *source);
void record_mib(const struct record_from *from, struct number_fact *fact, const char *member, const char *source);
void record_flag(const struct record_from *from, struct flag_fact *fact, const char *member, const char *source);
void record_texts(const struct record_from *from, struct texts_fact *fact, const char *member, const char *source);
/* A PCI address as sysfs writes it: "00000000:01:00.0" and "0000:01:00.0" are one. */
const char *record_address(struct arena *arena, const char *address);
