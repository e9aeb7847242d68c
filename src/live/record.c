#include "live/record.h"

#include <ctype.h>

#include "base/limits.h"
#include "base/text.h"

const char *record_end(struct arena *arena, const struct child_result *result) {
    switch (result->end) {
    case CHILD_OK:
        return json_object_get(result->answer, "open_error") ? "no library" : "answered";
    case CHILD_SIGNAL:
        return arena_printf(arena, "signal %d", result->code);
    case CHILD_EXIT:
        return arena_printf(arena, "exit %d", result->code);
    case CHILD_STUCK:
        return "stuck in the kernel";
    default:
        return child_end_name(result->end);
    }
}

static const char *refusal_words(struct arena *arena, const json_t *refusal) {
    const char *call = json_string_value(json_object_get(refusal, "call"));
    const char *error = json_string_value(json_object_get(refusal, "error"));
    const char *nonsense = json_string_value(json_object_get(refusal, "nonsense"));
    const json_t *code = json_object_get(refusal, "code");
    call = call ? call : "a call";
    if (code)
        return arena_printf(arena, "%s: %d%s%s", call, (int)json_integer_value(code), error ? " " : "",
                            error ? error : "");
    if (nonsense)
        return arena_printf(arena, "%s answered nonsense: %s", call, nonsense);
    return arena_printf(arena, "the library has no %s", call);
}

const char *record_reason(struct arena *arena, const json_t *answer, const char *field, int device) {
    size_t i;
    json_t *refusal;
    json_array_foreach(json_object_get(answer, "refused"), i, refusal) {
        const json_t *of = json_object_get(refusal, "device");
        if (text_eq(json_string_value(json_object_get(refusal, "field")), field) &&
            (of ? (int)json_integer_value(of) : -1) == device)
            return refusal_words(arena, refusal);
    }
    return NULL;
}

void record_said(struct snapshot *snapshot, const struct child_result *result) {
    struct text_fact *said = &snapshot->compute.driver_said;
    struct arena *arena = &snapshot->arena;
    if (result->said && *result->said)
        set_text(said,
                 known(*said) ? arena_printf(arena, "%s%s", said->value, result->said)
                              : arena_copy(arena, result->said),
                 "standard output and error");
    else if (unknown(*said))
        set_absent(said, "standard output and error");
}

void record_refused(struct snapshot *snapshot, const char *asked, const json_t *answer) {
    struct arena *arena = &snapshot->arena;
    struct refused_call_rows *rows = &snapshot->compute.refused;
    size_t i;
    json_t *refusal;
    json_array_foreach(json_object_get(answer, "refused"), i, refusal) {
        if (rows->count >= LIMIT_ROWS)
            return;
        struct refused_call *row = &LIST_PUSH(arena, rows);
        const json_t *device = json_object_get(refusal, "device"), *code = json_object_get(refusal, "code");
        const char *call = json_string_value(json_object_get(refusal, "call"));
        const char *field = json_string_value(json_object_get(refusal, "field"));
        const char *error = json_string_value(json_object_get(refusal, "error"));
        set_text(&row->asked, asked, NULL);
        set_text(&row->call, arena_copy(arena, call ? call : ""), NULL);
        set_text(&row->fact, arena_copy(arena, field ? field : ""), NULL);
        if (device)
            set_number(&row->device, json_integer_value(device), NULL);
        else
            set_absent(&row->device, NULL);
        if (code)
            set_number(&row->code, json_integer_value(code), NULL);
        else
            set_absent(&row->code, NULL);
        set_text(&row->error, error ? arena_copy(arena, error) : refusal_words(arena, refusal), NULL);
    }
}

/* What a member that did not come means. */
static struct fact no_answer(const struct record_from *from, const char *member, const char *source) {
    const char *why = record_reason(from->arena, from->answer, member, from->device);
    if (!why)
        why = from->otherwise;
    if (!why)
        return (struct fact){.state = FACT_ABSENT, .source = source};
    return (struct fact){.state = FACT_UNKNOWN, .reason = why, .source = source};
}

void record_text(const struct record_from *from, struct text_fact *fact, const char *member, const char *source) {
    const json_t *value = json_object_get(from->object, member);
    if (json_is_string(value))
        set_text(fact, text_lines(from->arena, span_of(json_string_value(value))), source);
    else
        fact->is = no_answer(from, member, source);
}

void record_number(const struct record_from *from, struct number_fact *fact, const char *member,
                   const char *source) {
    const json_t *value = json_object_get(from->object, member);
    if (json_is_integer(value))
        set_number(fact, json_integer_value(value), source);
    else
        fact->is = no_answer(from, member, source);
}

void record_mib(const struct record_from *from, struct number_fact *fact, const char *member, const char *source) {
    record_number(from, fact, member, source);
    fact->value >>= 20;
}

void record_flag(const struct record_from *from, struct flag_fact *fact, const char *member, const char *source) {
    const json_t *value = json_object_get(from->object, member);
    if (json_is_boolean(value))
        set_flag(fact, json_is_true(value), source);
    else
        fact->is = no_answer(from, member, source);
}

void record_texts(const struct record_from *from, struct texts_fact *fact, const char *member,
                  const char *source) {
    const json_t *value = json_object_get(from->object, member);
    size_t i;
    json_t *item;
    if (!json_is_array(value)) {
        fact->is = no_answer(from, member, source);
        return;
    }
    set_listed(fact, source);
    json_array_foreach(value, i, item) {
        if (json_is_string(item) && fact->count < LIMIT_ROWS)
            texts_push(from->arena, fact, text_lines(from->arena, span_of(json_string_value(item))));
    }
}

const char *record_address(struct arena *arena, const char *address) {
    char *copy = arena_copy(arena, address);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *colon = strchr(copy, ':');
    return colon && colon - copy > 4 ? colon - 4 : copy;
}
