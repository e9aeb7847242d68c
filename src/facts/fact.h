/* A fact is known (a value and where it is from), absent (looked, is not there) or unknown (could not look, and
 * why). A zeroed fact is unknown without a reason: nobody looked. Unknown is never treated as absent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"

enum fact_state { FACT_UNKNOWN, FACT_ABSENT, FACT_KNOWN };

/* The part all kinds of facts begin with. */
struct fact {
    enum fact_state state;
    const char *source; /* file, variable, call or "line N"; NULL in a row: the source of the whole list */
    const char *reason; /* of FACT_UNKNOWN; NULL: nobody looked */
};

struct text_fact {
    struct fact is;
    const char *value;
};
struct number_fact {
    struct fact is;
    int64_t value;
};
struct flag_fact {
    struct fact is;
    bool value;
};
struct texts_fact {
    struct fact is;
    const char **items;
    size_t count;
};

/* How a value is treated before it leaves the machine (facts/redact.h). */
enum mark {
    MARK_PLAIN,
    MARK_PATH, /* may hold the home directory, the user's or the host's name */
    MARK_USER,
    MARK_HOST,
    MARK_UUID,  /* GPU or MIG UUID, serial number */
    MARK_VALUE, /* a variable's value: paths, UUIDs, credentials in URLs */
};

enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_FLAG, FIELD_TEXTS, FIELD_ROWS };

/* One row of a field list, as data: from these come the JSON writer and reader, the schema, the documentation
 * table and the redaction. */
struct field {
    const char *name;
    enum field_kind kind;
    size_t offset; /* of the fact in its struct */
    enum mark mark;
    const char *doc;
    const struct record_type *rows; /* of FIELD_ROWS */
};

struct record_type {
    const char *name;
    const char *doc;
    size_t size;
    const struct field *fields;
    size_t count;
};

/* A list of rows as the generic code sees it; `items` points to `count` structs of the row's record_type. */
struct rows_fact {
    struct fact is;
    char *items;
    size_t count;
};

/* --- reading ----------------------------------------------------------------------------------------------- */

#define known(f) ((f).is.state == FACT_KNOWN)
#define absent(f) ((f).is.state == FACT_ABSENT)
#define unknown(f) ((f).is.state == FACT_UNKNOWN)
/* A flag that is known to be set, known not to be. Neither holds where it is unknown. */
#define is_true(f) (known(f) && (f).value)
#define is_false(f) (known(f) && !(f).value)
/* The text where known, else NULL. The number where known, else `otherwise`. */
#define text_of(f) (known(f) ? (f).value : NULL)
#define number_of(f, otherwise) (known(f) ? (f).value : (otherwise))

/* --- writing ----------------------------------------------------------------------------------------------- */

#define KNOWN(from)                                                                                               \
    { .state = FACT_KNOWN, .source = (from) }
#define set_absent(f, from) ((f)->is = (struct fact){.state = FACT_ABSENT, .source = (from)})
#define set_unknown(f, why, from)                                                                                 \
    ((f)->is = (struct fact){.state = FACT_UNKNOWN, .reason = (why), .source = (from)})
/* For texts and rows: known from here on, though still empty; then LIST_PUSH or texts_push. */
#define set_listed(f, from) ((f)->is = (struct fact)KNOWN(from))

static inline void set_text(struct text_fact *fact, const char *value, const char *source) {
    *fact = (struct text_fact){KNOWN(source), value};
}
static inline void set_number(struct number_fact *fact, int64_t value, const char *source) {
    *fact = (struct number_fact){KNOWN(source), value};
}
static inline void set_flag(struct flag_fact *fact, bool value, const char *source) {
    *fact = (struct flag_fact){KNOWN(source), value};
}
static inline void texts_push(struct arena *arena, struct texts_fact *fact, const char *value) {
    LIST_PUSH(arena, fact) = value;
}
/* The fact that a failed look-up (negative errno) gives: ENOENT and ENOTDIR are absent, the rest unknown with the
 * error's words as the reason. */
#define set_missing(f, error, from) ((f)->is = fact_of_error((error), (from)))
struct fact fact_of_error(int error, const char *source);

/* --- field lists --------------------------------------------------------------------------------------------- */

/* One row a fact (facts/gpu.h is an example):
 *
 *     #define THING_FIELDS(T, N, F, L, R)           \
 *         T(name, MARK, "doc")                      \   text
 *         N(name, MARK, "doc")                      \   number
 *         F(name, MARK, "doc")                      \   flag
 *         L(name, MARK, "doc")                      \   list of texts
 *         R(name, record, "doc")                        list of records
 *     RECORD(thing, THING_FIELDS)
 *
 * MARK is one of enum mark without MARK_. RECORD makes struct thing and struct thing_rows and declares thing_type;
 * facts/types.c has three lines a record. */
#define MEMBER_T(name, mark, doc) struct text_fact name;
#define MEMBER_N(name, mark, doc) struct number_fact name;
#define MEMBER_F(name, mark, doc) struct flag_fact name;
#define MEMBER_L(name, mark, doc) struct texts_fact name;
#define MEMBER_R(name, record, doc) struct record##_rows name;
#define RECORD(record, FIELDS)                                                                                    \
    struct record {                                                                                               \
        FIELDS(MEMBER_T, MEMBER_N, MEMBER_F, MEMBER_L, MEMBER_R)                                                  \
    };                                                                                                            \
    struct record##_rows {                                                                                        \
        struct fact is;                                                                                           \
        struct record *items;                                                                                     \
        size_t count;                                                                                             \
    };                                                                                                            \
    extern const struct record_type record##_type;
