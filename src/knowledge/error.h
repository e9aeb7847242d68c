/* Errors of CUDA and NVML, and the Xids of the kernel log. */
#pragma once

#include "knowledge/knowledge.h"

enum error_api { ERROR_CUDA, ERROR_NVML };

struct error_entry {
    enum error_api api;
    int code;
    const char *name;        /* "cudaErrorNoDevice", "NVML_ERROR_DRIVER_NOT_LOADED" */
    const char *driver_name; /* "CUDA_ERROR_NO_DEVICE"; NULL: the runtime or NVML only */
    const char *text;        /* the library's own words */
    const char *meaning;     /* one sentence */
    const char *causes;      /* likely causes, most likely first, separated by "; " */
    bool confirmed;
};
int knowledge_error(struct knowledge *knowledge, enum error_api api, int code, struct error_entry *ret_error);
/* Either spelling, case ignored: "CUDA_ERROR_NO_DEVICE", "cudaErrorNoDevice", "NVML_ERROR_TIMEOUT". */
int knowledge_error_by_name(struct knowledge *knowledge, struct span name, struct error_entry *ret_error);

/* By the library's own words, with which `words` begins, case ignored; the longest counts. */
int knowledge_error_by_text(struct knowledge *knowledge, enum error_api api, struct span words,
                            struct error_entry *ret_error);

struct xid_entry {
    int xid;
    const char *symbol; /* the driver's name of it */
    const char *meaning;
    const char *severity; /* "info", "warning", "error", "critical" */
    const char *action;   /* what to do */
    const char *look;     /* where to look; "" nowhere special */
    bool confirmed;
};
int knowledge_xid(struct knowledge *knowledge, int xid, struct xid_entry *ret_xid);
