#include "facts/redact.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"

enum { MAX_PAIRS = 512 };

struct redactor {
    struct arena *arena;
    bool credentials_only;
    const char *user, *home, *host; /* NULL: not known or not telling */
    const char *from[MAX_PAIRS], *to[MAX_PAIRS];
    size_t pairs;
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* Replaces each whole-word occurrence of `old`. */
static const char *replace(struct arena *arena, const char *text, const char *old, const char *new_text) {
    size_t len = strlen(old);
    const char *hit = text;
    while (len && (hit = strstr(hit, old))) {
        bool whole = (hit == text || !is_word(hit[-1]) || !is_word(old[0])) && !is_word(hit[len]);
        if (!whole) {
            hit += len;
            continue;
        }
        size_t at = (size_t)(hit - text);
        text = arena_printf(arena, "%.*s%s%s", (int)at, text, new_text, hit + len);
        hit = text + at + strlen(new_text);
    }
    return text;
}

/* user:secret@ before the host of a URL becomes three asterisks */
static const char *without_credentials(struct arena *arena, const char *text) {
    const char *scheme = text;
    while ((scheme = strstr(scheme, "://"))) {
        const char *host = scheme + 3;
        size_t len = strcspn(host, "/ \t'\"<>");
        const char *at = memrchr(host, '@', len);
        if (!at) {
            scheme = host;
            continue;
        }
        size_t keep = (size_t)(host - text);
        text = arena_printf(arena, "%.*s***%s", (int)keep, text, at);
        scheme = text + keep;
    }
    return text;
}

static size_t hex_run(const char *text) {
    size_t len = 0;
    while (isxdigit((unsigned char)text[len]) || (text[len] == '-' && isxdigit((unsigned char)text[len + 1])))
        len++;
    return len;
}

static const char *pseudonym_for(struct redactor *redactor, const char *uuid) {
    for (size_t i = 0; i < redactor->pairs; i++)
        if (strcmp(redactor->from[i], uuid) == 0)
            return redactor->to[i];
    /* a prefix of a known UUID stays a prefix of its pseudonym, as CUDA_VISIBLE_DEVICES allows */
    for (size_t i = 0; i < redactor->pairs; i++)
        if (text_starts(redactor->from[i], uuid))
            return arena_printf(redactor->arena, "%.*s", (int)strlen(uuid), redactor->to[i]);
    const char *fresh = arena_printf(redactor->arena, "%08zx-0000-0000-0000-000000000000", redactor->pairs + 1);
    if (redactor->pairs == MAX_PAIRS)
        return "ffffffff-0000-0000-0000-000000000000";
    redactor->from[redactor->pairs] = arena_copy(redactor->arena, uuid);
    redactor->to[redactor->pairs++] = fresh;
    return fresh;
}

/* GPU-xxxxxxxx-… and MIG-… wherever they stand in a text. */
static const char *without_uuids(struct redactor *redactor, const char *text) {
    static const char *const kinds[] = {"GPU-", "MIG-"};
    for (size_t k = 0; k < 2; k++) {
        const char *hit = text;
        while ((hit = strstr(hit, kinds[k]))) {
            const char *uuid = hit + 4;
            if (text_starts(uuid, "GPU-")) /* MIG-GPU-uuid/3/0, the form before driver 470 */
                uuid += 4;
            size_t len = hex_run(uuid);
            if (len < 4) {
                hit = uuid;
                continue;
            }
            const char *new_text = pseudonym_for(redactor, arena_copy_span(redactor->arena, span_from(uuid, len)));
            size_t keep = (size_t)(uuid - text);
            text = arena_printf(redactor->arena, "%.*s%s%s", (int)keep, text, new_text, uuid + len);
            hit = text + keep + strlen(new_text);
        }
    }
    return text;
}

static const char *redact_text(struct redactor *redactor, enum mark mark, const char *text) {
    text = without_credentials(redactor->arena, text);
    if (redactor->credentials_only || mark == MARK_PLAIN)
        return text;
    if (mark == MARK_USER)
        return text_eq(text, "root") ? text : "user";
    if (mark == MARK_HOST)
        return "host";
    text = without_uuids(redactor, text);
    if (redactor->home)
        text = replace(redactor->arena, text, redactor->home, "/home/user");
    if (redactor->user)
        text = replace(redactor->arena, text, redactor->user, "user");
    if (redactor->host)
        text = replace(redactor->arena, text, redactor->host, "host");
    return text;
}

static void redact_record(struct redactor *redactor, const struct record_type *type, char *record) {
    for (size_t i = 0; i < type->count; i++) {
        const struct field *field = &type->fields[i];
        char *memory = record + field->offset;
        struct fact *fact = (struct fact *)memory;
        if (fact->source)
            fact->source = redact_text(redactor, MARK_PATH, fact->source);
        if (fact->reason)
            fact->reason = redact_text(redactor, MARK_PATH, fact->reason);
        if (fact->state != FACT_KNOWN)
            continue;
        if (field->kind == FIELD_TEXT) {
            struct text_fact *text = (struct text_fact *)memory;
            text->value = redact_text(redactor, field->mark, text->value);
        } else if (field->kind == FIELD_TEXTS) {
            struct texts_fact *list = (struct texts_fact *)memory;
            for (size_t j = 0; j < list->count; j++)
                list->items[j] = redact_text(redactor, field->mark, list->items[j]);
        } else if (field->kind == FIELD_ROWS) {
            struct rows_fact *rows = (struct rows_fact *)memory;
            for (size_t j = 0; j < rows->count; j++)
                redact_record(redactor, field->rows, rows->items + j * field->rows->size);
        }
    }
}

void snapshot_redact(struct snapshot *snapshot, bool keep_names) {
    struct redactor redactor = {.arena = &snapshot->arena, .credentials_only = keep_names};
    const char *user = text_of(snapshot->system.user), *home = text_of(snapshot->system.home);
    const char *host = text_of(snapshot->system.host);
    /* names that are ordinary words would make nonsense of paths and tell nothing */
    if (user && strlen(user) > 1 && !text_eq(user, "root") && !text_eq(user, "user"))
        redactor.user = user;
    if (home && strlen(home) > 1 && !text_eq(home, "/root"))
        redactor.home = home;
    if (host && strlen(host) > 2 && !text_eq(host, "localhost"))
        redactor.host = host;
    for (size_t i = 0; i < snapshot_part_count; i++)
        redact_record(&redactor, snapshot_parts[i].type, (char *)snapshot + snapshot_parts[i].offset);
}
