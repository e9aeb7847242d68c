/* The JSON Schema of a diagnosis. */
#include "report/report.h"

static json_t *of_type(const char *type) {
    return json_pack("{s:s}", "type", type);
}

static json_t *nullable(const char *type) {
    return json_pack("{s:[s,s]}", "type", type, "null");
}

static json_t *list_of(json_t *items) {
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

/* An object all of whose properties are required. */
static json_t *object_of(json_t *properties) {
    json_t *required = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(properties, key, value) json_array_append_new(required, json_string(key));
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

static json_t *one_of(const char *(*name)(int), int count) {
    json_t *names = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(names, json_string(name(i)));
    return json_pack("{s:o}", "enum", names);
}

static const char *link_by_number(int i) {
    return link_name((enum link)i);
}
static const char *verdict_by_number(int i) {
    return verdict_name((enum verdict)i);
}
static const char *role_by_number(int i) {
    return role_name((enum role)i);
}
static const char *confidence_by_number(int i) {
    return confidence_name((enum confidence)i);
}
static const char *state_by_number(int i) {
    return link_state_name((enum link_state_kind)i);
}

static json_t *cause_schema(void) {
    json_t *evidence = object_of(json_pack("{s:o, s:o, s:o}", "fact", of_type("string"), "value",
                                           of_type("string"), "source", nullable("string")));
    json_t *fix = object_of(json_pack("{s:o, s:o, s:o, s:o}", "title", of_type("string"), "commands",
                                      list_of(of_type("string")), "needs_root", of_type("boolean"), "reboot",
                                      of_type("boolean")));
    return object_of(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", of_type("string"), "link",
                               one_of(link_by_number, LINK_COUNT), "role", one_of(role_by_number, 3),
                               "explained_by", nullable("string"), "confidence", one_of(confidence_by_number, 3),
                               "summary", of_type("string"), "evidence", list_of(evidence), "fixes", list_of(fix),
                               "see", list_of(of_type("string"))));
}

json_t *report_json_schema(void) {
    json_t *link = object_of(json_pack("{s:o, s:o, s:o, s:o}", "id", one_of(link_by_number, LINK_COUNT), "state",
                                       one_of(state_by_number, 6), "summary", of_type("string"), "notes",
                                       list_of(of_type("string"))));
    json_t *pytorch = object_of(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "version", nullable("string"),
                                          "version_cuda", nullable("string"), "is_available", nullable("boolean"),
                                          "device_count", nullable("integer"), "device_name", nullable("string"),
                                          "basis", json_pack("{s:[s,s]}", "enum", "predicted", "observed")));
    json_t *unknown = object_of(json_pack("{s:o, s:o}", "fact", of_type("string"), "reason", of_type("string")));
    json_t *schema = object_of(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                                         json_pack("{s:s}", "const", DIAGNOSIS_SCHEMA), "verdict",
                                         one_of(verdict_by_number, 4), "causes", list_of(cause_schema()), "links",
                                         list_of(link), "pytorch", pytorch, "unknown", list_of(unknown)));
    json_t *also = object_of(json_pack("{s:o, s:o, s:o}", "first_line", of_type("integer"), "last_line",
                                       of_type("integer"), "summary", nullable("string")));
    json_t *properties = json_object_get(schema, "properties");
    json_object_set_new(properties, "also_seen", list_of(also));
    json_object_set_new(properties, "snapshot", of_type("object"));
    json_object_set_new(properties, "compute", of_type("object"));
    json_object_set_new(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "$id", json_string("https://whycuda.dev/schema/diagnosis-1.json"));
    json_object_set_new(schema, "title", json_string(DIAGNOSIS_SCHEMA));
    return schema;
}
