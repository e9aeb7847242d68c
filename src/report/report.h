/* A diagnosis in words. Reports decide nothing: everything they say is in the diagnosis or the snapshot. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/buffer.h"
#include "diagnose/diagnosis.h"
#include "facts/snapshot.h"

struct report_style {
    bool color;   /* ANSI colours */
    bool utf8;    /* else plain ASCII */
    int width;    /* columns; 80 where it is not a terminal */
    bool verbose; /* evidence of consequences, notes of every link */
};

struct report_input {
    const struct diagnosis *diagnosis;
    const struct snapshot *snapshot;
    bool with_snapshot; /* JSON only */
};

#define DIAGNOSIS_SCHEMA "whycuda/diagnosis/1"

/* The first sentence of a report: the root's, or what the verdict says. */
const char *report_answer(const struct diagnosis *diagnosis);
/* The command that shows whether mending the first root helped; NULL: none does (no root, or the program's own). */
const char *report_check(struct report_input input);
/* What a cause is headed with: "Cause", "Follows from it", "Would break next". */
const char *report_role(enum role role);

void report_text(struct buffer *out, struct report_input input, struct report_style style);
void report_markdown(struct buffer *out, struct report_input input);
void report_json(struct buffer *out, struct report_input input);
/* The same as an object, for --batch and test. A new reference. */
json_t *report_json_object(struct report_input input);
/* Appends any JSON to a buffer; `flags` as json_dumps takes them. */
void report_json_append(struct buffer *out, const json_t *json, size_t flags);
/* The JSON Schema of report_json (draft 2020-12). A new reference. */
json_t *report_json_schema(void);

/* One row per format; the command line's --format takes these names. */
struct report_format {
    const char *name;
    void (*write)(struct buffer *out, struct report_input input, struct report_style style);
};
extern const struct report_format report_formats[];
extern const size_t report_format_count;
