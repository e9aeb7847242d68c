#include "facts/snapshot_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "facts/json_locate.h"

/* --- writing ----------------------------------------------------------------------------------------------- */

static json_t *record_to_json(const struct record_type *type, const char *record);

static json_t *value_to_json(const struct field *field, const char *fact) {
    switch (field->kind) {
    case FIELD_TEXT:
        return json_string(((const struct text_fact *)fact)->value);
    case FIELD_NUMBER:
        return json_integer(((const struct number_fact *)fact)->value);
    case FIELD_FLAG:
        return json_boolean(((const struct flag_fact *)fact)->value);
    case FIELD_TEXTS: {
        const struct texts_fact *list = (const struct texts_fact *)fact;
        json_t *array = json_array();
        for (size_t i = 0; i < list->count; i++)
            json_array_append_new(array, json_string(list->items[i]));
        return array;
    }
    case FIELD_ROWS: {
        const struct rows_fact *rows = (const struct rows_fact *)fact;
        json_t *array = json_array();
        for (size_t i = 0; i < rows->count; i++)
            json_array_append_new(array, record_to_json(field->rows, rows->items + i * field->rows->size));
        return array;
    }
    }
    return NULL;
}

static json_t *fact_to_json(const struct field *field, const char *memory) {
    const struct fact *fact = (const struct fact *)memory;
    json_t *json = json_object();
    if (fact->state == FACT_KNOWN)
        json_object_set_new(json, "value", value_to_json(field, memory));
    else if (fact->state == FACT_ABSENT)
        json_object_set_new(json, "absent", json_true());
    else
        json_object_set_new(json, "unknown", json_string(fact->reason));
    if (fact->source)
        json_object_set_new(json, "source", json_string(fact->source));
    return json;
}

static json_t *record_to_json(const struct record_type *type, const char *record) {
    json_t *json = json_object();
    for (size_t i = 0; i < type->count; i++) {
        const struct fact *fact = (const struct fact *)(record + type->fields[i].offset);
        if (fact->state != FACT_UNKNOWN || fact->reason)
            json_object_set_new(json, type->fields[i].name, fact_to_json(&type->fields[i], (const char *)fact));
    }
    return json;
}

json_t *snapshot_to_json(const struct snapshot *snapshot) {
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string(SNAPSHOT_SCHEMA));
    json_object_set_new(json, "origin", json_string(snapshot->origin));
    for (size_t i = 0; i < snapshot_part_count; i++)
        json_object_set_new(
            json, snapshot_parts[i].name,
            record_to_json(snapshot_parts[i].type, (const char *)snapshot + snapshot_parts[i].offset));
    return json;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

struct reader {
    struct arena *arena;
    struct texts *newer;
    struct snapshot_error *error;
    char path[400]; /* of the value being read: /driver/module_version/value */
};

static int refuse(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct reader *reader, const char *format, ...) {
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(reader->error->message, sizeof reader->error->message, "%s: %s", reader->path, what);
    return -EINVAL;
}

/* Lengthens the path; the caller cuts it back to the length returned. */
static size_t path_enter(struct reader *reader, const char *name) {
    size_t len = strlen(reader->path);
    snprintf(reader->path + len, sizeof reader->path - len, "/%.*s", (int)LIMIT_FIELD_NAME, name);
    return len;
}

static int read_record(struct reader *reader, const struct record_type *type, const json_t *json, char *record);

static const char *read_text(struct reader *reader, const json_t *json) {
    return text_lines(reader->arena, span_from(json_string_value(json), json_string_length(json)));
}

static int read_rows(struct reader *reader, const struct record_type *type, const json_t *json,
                     struct rows_fact *rows) {
    rows->count = 0;
    rows->items = arena_alloc(reader->arena, json_array_size(json) * type->size);
    size_t i;
    json_t *row;
    json_array_foreach(json, i, row) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        size_t back = path_enter(reader, index);
        int r = read_record(reader, type, row, rows->items + i * type->size);
        if (r < 0)
            return r;
        reader->path[back] = '\0';
        rows->count++;
    }
    return 0;
}

static int read_texts(struct reader *reader, const json_t *json, struct texts_fact *list) {
    list->count = 0;
    size_t i;
    json_t *item;
    json_array_foreach(json, i, item) {
        if (!json_is_string(item))
            return refuse(reader, "item %zu must be a string", i);
        texts_push(reader->arena, list, read_text(reader, item));
    }
    return 0;
}

static int read_value(struct reader *reader, const struct field *field, const json_t *json, char *fact) {
    if ((field->kind == FIELD_TEXTS || field->kind == FIELD_ROWS)) {
        if (!json_is_array(json))
            return refuse(reader, "must be an array");
        if (json_array_size(json) > LIMIT_ROWS)
            return refuse(reader, "more than %d items", LIMIT_ROWS);
    }
    switch (field->kind) {
    case FIELD_TEXT:
        if (!json_is_string(json))
            return refuse(reader, "must be a string");
        ((struct text_fact *)fact)->value = read_text(reader, json);
        return 0;
    case FIELD_NUMBER:
        if (!json_is_integer(json))
            return refuse(reader, "must be an integer");
        ((struct number_fact *)fact)->value = json_integer_value(json);
        return 0;
    case FIELD_FLAG:
        if (!json_is_boolean(json))
            return refuse(reader, "must be true or false");
        ((struct flag_fact *)fact)->value = json_is_true(json);
        return 0;
    case FIELD_TEXTS:
        return read_texts(reader, json, (struct texts_fact *)fact);
    case FIELD_ROWS:
        return read_rows(reader, field->rows, json, (struct rows_fact *)fact);
    }
    return 0;
}

static int read_fact(struct reader *reader, const struct field *field, const json_t *json, char *memory) {
    struct fact *fact = (struct fact *)memory;
    if (!json_is_object(json))
        return refuse(reader, "must be an object with value, absent or unknown");
    const json_t *value = json_object_get(json, "value"), *reason = json_object_get(json, "unknown");
    const json_t *source = json_object_get(json, "source");
    bool is_absent = json_is_true(json_object_get(json, "absent"));
    if (!value + !reason + !is_absent != 2)
        return refuse(reader, "must have exactly one of value, absent (true) and unknown");
    if ((source && !json_is_string(source)) || (reason && !json_is_string(reason)))
        return refuse(reader, "source and unknown must be strings");
    *fact = (struct fact){.state = value       ? FACT_KNOWN
                                   : is_absent ? FACT_ABSENT
                                               : FACT_UNKNOWN,
                          .source = source ? read_text(reader, source) : NULL,
                          .reason = reason ? read_text(reader, reason) : NULL};
    if (!value)
        return 0;
    size_t back = path_enter(reader, "value");
    int r = read_value(reader, field, value, memory);
    if (r == 0)
        reader->path[back] = '\0';
    return r;
}

static const struct field *field_named(const struct record_type *type, const char *name) {
    for (size_t i = 0; i < type->count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

static void note_newer(struct reader *reader) {
    if (reader->newer && reader->newer->count < LIMIT_ROWS)
        texts_add(reader->arena, reader->newer, text_clean(reader->arena, span_of(reader->path)));
}

static int read_record(struct reader *reader, const struct record_type *type, const json_t *json, char *record) {
    if (!json_is_object(json))
        return refuse(reader, "must be an object");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        const struct field *field = field_named(type, key);
        size_t back = path_enter(reader, key);
        int r = 0;
        if (field)
            r = read_fact(reader, field, value, record + field->offset);
        else
            note_newer(reader);
        if (r < 0)
            return r;
        reader->path[back] = '\0';
    }
    return 0;
}

static const struct snapshot_part *part_named(const char *name) {
    for (size_t i = 0; i < snapshot_part_count; i++)
        if (strcmp(snapshot_parts[i].name, name) == 0)
            return &snapshot_parts[i];
    return NULL;
}

static int read_parts(struct reader *reader, const json_t *json, struct snapshot *snapshot) {
    const json_t *schema = json_object_get(json, "schema"), *origin = json_object_get(json, "origin");
    if (!json_is_string(schema) || !text_starts(json_string_value(schema), "whycuda/snapshot/"))
        return refuse(reader, "not a snapshot: \"schema\" must be \"" SNAPSHOT_SCHEMA "\"");
    if (json_is_string(origin))
        snapshot->origin = text_clean(&snapshot->arena, span_of(json_string_value(origin)));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        if (strcmp(key, "schema") == 0 || strcmp(key, "origin") == 0)
            continue;
        const struct snapshot_part *part = part_named(key);
        size_t back = path_enter(reader, key);
        int r = 0;
        if (part)
            r = read_record(reader, part->type, value, (char *)snapshot + part->offset);
        else
            note_newer(reader);
        if (r < 0)
            return r;
        reader->path[back] = '\0';
    }
    return 0;
}

int snapshot_from_json(struct span text, struct snapshot **ret_snapshot, struct texts *ret_newer,
                       struct snapshot_error *ret_error) {
    *ret_error = (struct snapshot_error){{0}};
    if (text.len > LIMIT_SNAPSHOT) {
        snprintf(ret_error->message, sizeof ret_error->message, "larger than %d bytes", LIMIT_SNAPSHOT);
        return -EINVAL;
    }
    if (json_depth(text, LIMIT_JSON_DEPTH, &ret_error->line, &ret_error->column) > LIMIT_JSON_DEPTH) {
        snprintf(ret_error->message, sizeof ret_error->message, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
        return -EINVAL;
    }
    json_error_t error;
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        AUTO_ARENA arena = {0};
        snprintf(ret_error->message, sizeof ret_error->message, "%s", text_clean(&arena, span_of(error.text)));
        ret_error->line = error.line;
        ret_error->column = error.column;
        return -EINVAL;
    }
    struct snapshot *snapshot = snapshot_new("snapshot");
    struct reader reader = {.arena = &snapshot->arena, .newer = ret_newer, .error = ret_error};
    int r = json_is_object(json) ? read_parts(&reader, json, snapshot) : refuse(&reader, "must be an object");
    json_decref(json);
    if (r < 0) {
        json_locate(text, reader.path, &ret_error->line, &ret_error->column);
        snapshot_free(snapshot);
        return r;
    }
    *ret_snapshot = snapshot;
    return 0;
}

int snapshot_read_part(struct snapshot *snapshot, const char *part, const json_t *json,
                       struct snapshot_error *ret_error) {
    *ret_error = (struct snapshot_error){{0}};
    struct reader reader = {.arena = &snapshot->arena, .error = ret_error};
    const struct snapshot_part *row = part_named(part);
    if (!row)
        return refuse(&reader, "no part %s", part);
    path_enter(&reader, part);
    return read_record(&reader, row->type, json, (char *)snapshot + row->offset);
}

bool snapshot_recognise(struct span text) {
    struct span start = span_trim(span_slice(text, 0, 4096));
    return start.len && start.ptr[0] == '{' && span_has(start, "\"schema\"") &&
           span_has(start, "whycuda/snapshot/");
}
