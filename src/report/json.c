/* The diagnosis as JSON, schema whycuda/diagnosis/1. */
#include "facts/snapshot_json.h"
#include "report/report.h"

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *texts_to_json(const struct texts *texts) {
    json_t *array = json_array();
    for (size_t i = 0; i < texts->count; i++)
        json_array_append_new(array, json_string(texts->items[i]));
    return array;
}

static json_t *cause_to_json(const struct cause *cause) {
    json_t *evidence = json_array(), *fixes = json_array();
    for (size_t i = 0; i < cause->evidence.count; i++) {
        const struct evidence *e = &cause->evidence.items[i];
        json_t *item = json_pack("{s:s, s:o, s:o}", "fact", e->fact, "value", text_or_null(e->value), "source",
                                 text_or_null(e->source));
        json_array_append_new(evidence, item);
    }
    for (size_t i = 0; i < cause->fixes.count; i++) {
        const struct fix *fix = &cause->fixes.items[i];
        json_array_append_new(fixes, json_pack("{s:s, s:o, s:b, s:b}", "title", fix->title, "commands",
                                               texts_to_json(&fix->commands), "needs_root", fix->needs_root,
                                               "reboot", fix->reboot));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "id", cause->id, "link",
                     link_name(cause->link), "role", role_name(cause->role), "explained_by",
                     text_or_null(cause->explained_by), "confidence", confidence_name(cause->confidence),
                     "summary", cause->summary, "evidence", evidence, "fixes", fixes, "see",
                     texts_to_json(&cause->see));
}

static json_t *pytorch_to_json(const struct pytorch_answers *a) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "version", text_or_null(a->version), "version_cuda",
                     text_or_null(a->version_cuda), "is_available",
                     a->known_available ? json_boolean(a->is_available) : json_null(), "device_count",
                     a->known_count ? json_integer(a->device_count) : json_null(), "device_name",
                     text_or_null(a->device_name), "basis", a->observed ? "observed" : "predicted");
}

json_t *report_json_object(struct report_input input) {
    const struct diagnosis *d = input.diagnosis;
    json_t *causes = json_array(), *links = json_array(), *unknown = json_array();
    for (size_t i = 0; i < d->causes.count; i++)
        json_array_append_new(causes, cause_to_json(&d->causes.items[i]));
    for (size_t i = 0; i < diagnosis_link_count(d); i++) {
        const struct link_state *link = &d->links[i];
        json_array_append_new(links, json_pack("{s:s, s:s, s:s, s:o}", "id", link_name(link->link), "state",
                                               link_state_name(link->state), "summary", link->summary, "notes",
                                               texts_to_json(&link->notes)));
    }
    for (size_t i = 0; i < d->unknown.count; i++) {
        const struct unknown_item *item = &d->unknown.items[i];
        const char *colon = item->command ? ": " : "", *command = item->command ? item->command : "";
        json_array_append_new(
            unknown, json_pack("{s:s, s:s++}", "fact", item->fact, "reason", item->reason, colon, command));
    }
    json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "schema", DIAGNOSIS_SCHEMA, "verdict",
                             verdict_name(d->verdict), "causes", causes, "links", links, "pytorch",
                             pytorch_to_json(&d->pytorch), "unknown", unknown);
    const struct printed_facts *printed = &input.snapshot->printed;
    if (printed->also_seen.count) {
        json_t *also = json_array();
        for (size_t i = 0; i < printed->also_seen.count; i++) {
            const struct printed_report *r = &printed->also_seen.items[i];
            json_array_append_new(also, json_pack("{s:I, s:I, s:o}", "first_line",
                                                  (json_int_t)number_of(r->first_line, 0), "last_line",
                                                  (json_int_t)number_of(r->last_line, 0), "summary",
                                                  text_or_null(text_of(r->summary))));
        }
        json_object_set_new(json, "also_seen", also);
    }
    if (input.with_snapshot)
        json_object_set_new(json, "snapshot", snapshot_to_json(input.snapshot));
    return json;
}

static int add_chunk(const char *bytes, size_t len, void *buffer) {
    buffer_add(buffer, bytes, len);
    return 0;
}

void report_json_append(struct buffer *out, const json_t *json, size_t flags) {
    json_dump_callback(json, add_chunk, out, flags);
}

void report_json(struct buffer *out, struct report_input input) {
    json_t *json = report_json_object(input);
    report_json_append(out, json, JSON_INDENT(2));
    buffer_add_text(out, "\n");
    json_decref(json);
}
