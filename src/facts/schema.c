/* The JSON Schema of a snapshot, from the field lists. */
#include "facts/snapshot_json.h"

static json_t *record_schema(const struct record_type *type);

static json_t *type_schema(const char *name) {
    json_t *json = json_object();
    json_object_set_new(json, "type", json_string(name));
    return json;
}

static json_t *list_schema(json_t *items) {
    json_t *json = type_schema("array");
    json_object_set_new(json, "items", items);
    return json;
}

static json_t *value_schema(const struct field *field) {
    switch (field->kind) {
    case FIELD_TEXT:
        return type_schema("string");
    case FIELD_NUMBER:
        return type_schema("integer");
    case FIELD_FLAG:
        return type_schema("boolean");
    case FIELD_TEXTS:
        return list_schema(type_schema("string"));
    case FIELD_ROWS:
        return list_schema(record_schema(field->rows));
    }
    return json_true();
}

/* {"value", "source"} or {"absent": true, …} or {"unknown": reason, …} */
static json_t *fact_schema(const struct field *field) {
    static const char *const states[] = {"value", "absent", "unknown"};
    json_t *choices = json_array();
    for (size_t i = 0; i < 3; i++) {
        json_t *properties = json_object();
        json_t *inner = i == 0   ? value_schema(field)
                        : i == 1 ? json_pack("{s:b}", "const", 1)
                                 : type_schema("string");
        json_object_set_new(properties, states[i], inner);
        json_object_set_new(properties, "source", type_schema("string"));
        json_array_append_new(choices, json_pack("{s:s, s:o, s:[s], s:b}", "type", "object", "properties",
                                                 properties, "required", states[i], "additionalProperties", 0));
    }
    return json_pack("{s:s, s:o}", "description", field->doc, "oneOf", choices);
}

static json_t *record_schema(const struct record_type *type) {
    json_t *properties = json_object();
    for (size_t i = 0; i < type->count; i++)
        json_object_set_new(properties, type->fields[i].name, fact_schema(&type->fields[i]));
    return json_pack("{s:s, s:s, s:o}", "type", "object", "description", type->doc, "properties", properties);
}

json_t *snapshot_schema(void) {
    json_t *properties = json_object(), *required = json_pack("[s,s]", "schema", "origin");
    json_object_set_new(properties, "schema", json_pack("{s:s}", "const", SNAPSHOT_SCHEMA));
    json_object_set_new(properties, "origin", type_schema("string"));
    for (size_t i = 0; i < snapshot_part_count; i++) {
        json_object_set_new(properties, snapshot_parts[i].name, record_schema(snapshot_parts[i].type));
        json_array_append_new(required, json_string(snapshot_parts[i].name));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                     "$id", "https://whycuda.dev/schema/snapshot-1.json", "title", SNAPSHOT_SCHEMA, "type",
                     "object", "properties", properties, "required", required);
}
