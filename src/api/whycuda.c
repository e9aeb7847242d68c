/* The public library: the rooms behind five calls (include/whycuda.h). */
#include "whycuda.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "diagnose/engine.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "import/import.h"
#include "knowledge/knowledge.h"
#include "probe/probe.h"
#include "report/report.h"

struct whycuda_snapshot {
    struct snapshot *facts;
};

struct whycuda_diagnosis {
    struct snapshot *facts, *facts_anonymous;
    struct diagnosis *diagnosis, *diagnosis_anonymous;
    struct knowledge *knowledge;
};

const char *whycuda_version(void) {
    return WHYCUDA_VERSION;
}

static int wrap(struct whycuda_snapshot **ret_snapshot, struct snapshot *facts) {
    struct whycuda_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) {
        snapshot_free(facts);
        return -ENOMEM;
    }
    snapshot->facts = facts;
    *ret_snapshot = snapshot;
    return 0;
}

int whycuda_probe(struct whycuda_snapshot **ret_snapshot, const char *root, const char *python) {
    AUTO_KNOWLEDGE knowledge = NULL;
    int r = knowledge_open(&knowledge, NULL);
    if (r < 0)
        return r;
    struct root *machine;
    r = root_open(&machine, root);
    if (r < 0)
        return r;
    struct snapshot *facts =
        probe_machine(machine, (struct probe_options){.python = python, .knowledge = knowledge});
    root_close(machine);
    return wrap(ret_snapshot, facts);
}

int whycuda_import(struct whycuda_snapshot **ret_snapshot, const char *text, size_t length) {
    struct span bytes = span_from(text, length);
    struct snapshot *facts = NULL;
    if (snapshot_recognise(bytes)) {
        struct snapshot_error error;
        int r = snapshot_from_json(bytes, &facts, NULL, &error);
        return r < 0 ? r : wrap(ret_snapshot, facts);
    }
    AUTO_KNOWLEDGE knowledge = NULL;
    int r = knowledge_open(&knowledge, NULL);
    if (r < 0)
        return r;
    return wrap(ret_snapshot, import_text(bytes, knowledge));
}

/* A copy that may be changed. */
static struct snapshot *copy_facts(const struct snapshot *facts) {
    struct snapshot_error error;
    struct snapshot *copy = NULL;
    json_t *json = snapshot_to_json(facts);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text && snapshot_from_json(span_of(text), &copy, NULL, &error) < 0)
        copy = NULL;
    free(text);
    return copy;
}

char *whycuda_snapshot_json(const struct whycuda_snapshot *snapshot, bool keep_names) {
    struct snapshot *copy = copy_facts(snapshot->facts);
    if (!copy)
        return NULL;
    snapshot_redact(copy, keep_names);
    json_t *json = snapshot_to_json(copy);
    char *text = json_dumps(json, JSON_INDENT(1));
    json_decref(json);
    snapshot_free(copy);
    return text;
}

int whycuda_diagnose(struct whycuda_diagnosis **ret_diagnosis, const struct whycuda_snapshot *snapshot) {
    struct whycuda_diagnosis *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    int r = knowledge_open(&made->knowledge, NULL);
    if (r == 0) {
        made->facts = copy_facts(snapshot->facts);
        made->facts_anonymous = copy_facts(snapshot->facts);
        r = made->facts && made->facts_anonymous ? 0 : -ENOMEM;
    }
    if (r < 0) {
        whycuda_diagnosis_free(made);
        return r;
    }
    snapshot_redact(made->facts, true);
    snapshot_redact(made->facts_anonymous, false);
    struct judge_options options = {.knowledge = made->knowledge};
    made->diagnosis = diagnose(made->facts, options);
    made->diagnosis_anonymous = diagnose(made->facts_anonymous, options);
    *ret_diagnosis = made;
    return 0;
}

_Static_assert((int)WHYCUDA_HEALTHY == VERDICT_HEALTHY && (int)WHYCUDA_DEGRADED == VERDICT_DEGRADED &&
                   (int)WHYCUDA_BROKEN == VERDICT_BROKEN && (int)WHYCUDA_UNKNOWN == VERDICT_UNKNOWN,
               "the public verdicts are the engine's");

enum whycuda_verdict whycuda_diagnosis_verdict(const struct whycuda_diagnosis *diagnosis) {
    return (enum whycuda_verdict)diagnosis->diagnosis->verdict;
}

const char *whycuda_diagnosis_cause(const struct whycuda_diagnosis *diagnosis) {
    const struct cause *root = diagnosis_root(diagnosis->diagnosis);
    return root ? root->id : NULL;
}

char *whycuda_report(const struct whycuda_diagnosis *diagnosis, const char *format) {
    for (size_t i = 0; i < report_format_count; i++) {
        if (strcmp(report_formats[i].name, format) != 0)
            continue;
        bool text = strcmp(format, "text") == 0;
        struct report_input input = {text ? diagnosis->diagnosis : diagnosis->diagnosis_anonymous,
                                     text ? diagnosis->facts : diagnosis->facts_anonymous, false};
        struct report_style style = {.utf8 = true, .width = 80};
        struct buffer out = BUFFER_INIT(LIMIT_REPORT);
        report_formats[i].write(&out, input, style);
        return out.ptr; /* the caller's now */
    }
    return NULL;
}

void whycuda_snapshot_free(struct whycuda_snapshot *snapshot) {
    if (!snapshot)
        return;
    snapshot_free(snapshot->facts);
    free(snapshot);
}

void whycuda_diagnosis_free(struct whycuda_diagnosis *diagnosis) {
    if (!diagnosis)
        return;
    diagnosis_free(diagnosis->diagnosis);
    diagnosis_free(diagnosis->diagnosis_anonymous);
    snapshot_free(diagnosis->facts);
    snapshot_free(diagnosis->facts_anonymous);
    knowledge_close(diagnosis->knowledge);
    free(diagnosis);
}
