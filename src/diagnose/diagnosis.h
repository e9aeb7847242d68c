/* What the rules found, as data; reports word it and decide nothing. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/list.h"

enum link {
    LINK_GPU,
    LINK_DRIVER,
    LINK_ACCESS,
    LINK_TOOLKIT,
    LINK_ENVIRONMENT,
    LINK_TORCH,
    LINK_MATCH,
    LINK_COMPUTE,
    LINK_PROGRAM, /* pasted text only: the chain is fine, the user's program is not */
    LINK_COUNT
};

enum verdict { VERDICT_HEALTHY, VERDICT_DEGRADED, VERDICT_BROKEN, VERDICT_UNKNOWN };
enum role { ROLE_ROOT, ROLE_CONSEQUENCE, ROLE_RISK };
enum confidence { POSSIBLE, LIKELY, CERTAIN };
enum link_state_kind { STATE_OK, STATE_NOTE, STATE_WARNING, STATE_BROKEN, STATE_BLOCKED, STATE_UNKNOWN };

struct evidence {
    const char *fact;   /* "torch.version" */
    const char *value;  /* "2.6.0+cpu" */
    const char *source; /* file, call or "line 12"; may be NULL */
};
struct evidence_list {
    struct evidence *items;
    size_t count;
};

struct fix {
    const char *title;
    struct texts commands; /* run in order */
    bool needs_root, reboot;
};
struct fix_list {
    struct fix *items;
    size_t count;
};

struct cause {
    const char *id;
    enum link link;
    enum role role;
    const char *explained_by; /* id of the root it follows from; NULL for roots */
    enum confidence confidence;
    const char *summary; /* one sentence */
    struct evidence_list evidence;
    struct fix_list fixes; /* alternatives, best first */
    struct texts see;      /* documentation */
};
struct cause_list {
    struct cause *items;
    size_t count;
};

struct link_state {
    enum link link;
    enum link_state_kind state;
    const char *summary; /* a few words: what is there */
    struct texts notes;
};

/* What PyTorch answers, or would answer, to its user. */
struct pytorch_answers {
    const char *version, *version_cuda, *device_name; /* NULL: None, or not known (see known_*) */
    bool known_version, known_version_cuda, known_available, known_count, known_name;
    bool is_available;
    int device_count;
    bool observed; /* PyTorch said so itself; else predicted from facts */
};

struct unknown_item {
    const char *fact, *reason;
    const char *command; /* NULL, or one to paste: its output would tell, and the reason says what it shows */
};
struct unknown_list {
    struct unknown_item *items;
    size_t count;
};

struct diagnosis {
    struct arena arena;
    enum verdict verdict;
    struct cause_list causes; /* roots first, earliest link first, then consequences, then risks */
    struct link_state links[LINK_COUNT];
    bool program_used; /* LINK_PROGRAM takes part */
    struct pytorch_answers pytorch;
    struct unknown_list unknown;
};

/* The first root, which is the answer; NULL: there is none. */
const struct cause *diagnosis_root(const struct diagnosis *diagnosis);
/* How many of `links` a report shows: the eight, and `program` where it takes part. */
size_t diagnosis_link_count(const struct diagnosis *diagnosis);

/* As they stand in the JSON: "gpu", "broken", "consequence", "certain", "ok". */
const char *link_name(enum link link);
const char *verdict_name(enum verdict verdict);
const char *role_name(enum role role);
const char *confidence_name(enum confidence confidence);
const char *link_state_name(enum link_state_kind state);

void diagnosis_free(struct diagnosis *diagnosis);
