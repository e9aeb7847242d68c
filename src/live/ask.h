/* Asking a foreign library, in a child: each call is announced before it is made, and each answer that did not
 * come is told with its reason. The answer's members are facts; what is not among them is named in "refused", so
 * that the snapshot can say why it is unknown:
 *   {"field":"name", "device":1, "call":"cuDeviceGetName", "code":999, "error":"CUDA_ERROR_UNKNOWN"}
 *   {"field":"uuid", "call":"cuDeviceGetUuid", "missing":true}           the library has no such function
 *   {"field":"count", "call":"cuDeviceGetCount", "nonsense":"-3"}        an answer that cannot be */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "sys/child.h"

enum {
    ASK_MISSING = -1,    /* what ASK gives where the library has no such function */
    ASK_DEVICES_MAX = 64 /* devices asked about; CUDA itself has no more */
};

struct ask {
    struct child_reply *reply;
    struct arena *arena;
    void *handle;
    int device;    /* that the calls are about; -1: none */
    json_t *facts; /* where answers go: the object of one device, or of the library */
    /* The library's own name of an error; may be NULL. */
    const char *(*error_name)(struct ask *ask, int code);
    const void *api;
};

/* Opens `path`, or `soname` as the loader would; tells "library", or "open_error" and returns false. */
bool ask_open(struct ask *ask, const char *path, const char *soname);

/* One call. `function` is a member of an api struct. Its result, or ASK_MISSING. */
#define ASK(ask, api, function, ...)                                                                              \
    ((api)->function ? (child_at((ask)->reply, #function, (ask)->device), (api)->function(__VA_ARGS__))           \
                     : ASK_MISSING)

/* True for success (0). Otherwise tells that `field` is not known, and why. */
bool ask_worked(struct ask *ask, const char *field, const char *call, int code);
void ask_nonsense(struct ask *ask, const char *field, const char *call, const char *value);

/* Put one answer among the facts. Text comes from outside: it ends within `size` or there, and is cleaned. */
void ask_text(struct ask *ask, const char *field, const char *text, size_t size);
void ask_number(struct ask *ask, const char *field, json_int_t number);
void ask_flag(struct ask *ask, const char *field, bool flag);
/* Sends the facts gathered so far as members of the answer, or as one more item of `array`, and starts anew. */
void ask_send(struct ask *ask);
void ask_send_item(struct ask *ask, const char *array);
