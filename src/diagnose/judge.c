#include "diagnose/judge.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

struct cause *judge_found(const struct judge *judge, const char *id) {
    for (size_t i = 0; i < judge->out->causes.count; i++)
        if (strcmp(judge->out->causes.items[i].id, id) == 0)
            return &judge->out->causes.items[i];
    return NULL;
}

struct cause *judge_find(struct judge *judge, const char *id, enum confidence confidence, const char *format,
                         ...) {
    struct cause *cause = judge_found(judge, id);
    if (cause) {
        if (confidence > cause->confidence)
            cause->confidence = confidence;
        return cause;
    }
    va_list args;
    va_start(args, format);
    const char *summary = arena_vprintf(judge->arena, format, args);
    va_end(args);
    cause = &LIST_PUSH(judge->arena, &judge->out->causes);
    *cause = (struct cause){.id = id, .confidence = confidence, .summary = summary};
    return cause;
}

static void add_unknown(struct judge *judge, struct unknown_item item) {
    for (size_t i = 0; i < judge->out->unknown.count; i++)
        if (strcmp(judge->out->unknown.items[i].fact, item.fact) == 0)
            return;
    LIST_PUSH(judge->arena, &judge->out->unknown) = item;
}

void judge_cannot_tell(struct judge *judge, const char *fact, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *reason = arena_vprintf(judge->arena, format, args);
    va_end(args);
    add_unknown(judge, (struct unknown_item){.fact = fact, .reason = reason});
}

void judge_ask(struct judge *judge, const char *fact, const char *shows, const char *command) {
    const char *reason = arena_printf(judge->arena, "this shows %s", shows);
    add_unknown(judge, (struct unknown_item){.fact = fact, .reason = reason, .command = command});
}

void cause_evidence(struct judge *judge, struct cause *cause, const char *fact, const char *value,
                    const char *source) {
    if (!fact || !value)
        return; /* nothing to show */
    for (size_t i = 0; i < cause->evidence.count; i++)
        if (text_eq(cause->evidence.items[i].fact, fact) && text_eq(cause->evidence.items[i].value, value))
            return;
    LIST_PUSH(judge->arena, &cause->evidence) = (struct evidence){fact, value, source};
}

/* Unknown facts are no evidence; an absent one is. */
static const char *fact_words(const struct fact *fact, const char *value) {
    return fact->state == FACT_KNOWN ? value : fact->state == FACT_ABSENT ? "absent" : NULL;
}

void cause_fact_text(struct judge *judge, struct cause *cause, const char *name, const struct text_fact *fact) {
    const char *value = fact_words(&fact->is, fact->value);
    if (value)
        cause_evidence(judge, cause, name, value, fact->is.source);
}

void cause_fact_number(struct judge *judge, struct cause *cause, const char *name,
                       const struct number_fact *fact) {
    const char *value = fact_words(&fact->is, arena_printf(judge->arena, "%lld", (long long)fact->value));
    if (value)
        cause_evidence(judge, cause, name, value, fact->is.source);
}

void cause_fact_flag(struct judge *judge, struct cause *cause, const char *name, const struct flag_fact *fact) {
    const char *value = fact_words(&fact->is, fact->value ? "yes" : "no");
    if (value)
        cause_evidence(judge, cause, name, value, fact->is.source);
}

void cause_message(struct judge *judge, struct cause *cause, const struct printed_message *message) {
    const char *source = message->text.is.source;
    if (!source && known(message->line))
        source = arena_printf(judge->arena, "line %lld", (long long)message->line.value);
    const char *text = text_of(message->text);
    for (size_t i = 0; i < cause->evidence.count; i++) /* the kernel log's line is evidence already */
        if (text_eq(cause->evidence.items[i].value, text) && text_eq(cause->evidence.items[i].source, source))
            return;
    cause_evidence(judge, cause, "printed", text ? text : text_of(message->id), source);
}

struct fix *cause_fix_list(struct judge *judge, struct cause *cause, const char *const *title_and_commands) {
    struct fix *fix = &LIST_PUSH(judge->arena, &cause->fixes);
    *fix = (struct fix){.title = title_and_commands[0]};
    for (const char *const *command = title_and_commands + 1; *command; command++) {
        texts_add(judge->arena, &fix->commands, *command);
        fix->needs_root |= text_starts(*command, "sudo ");
        fix->reboot |= text_has(*command, "reboot");
    }
    return fix;
}

void cause_see(struct judge *judge, struct cause *cause, const char *url) {
    if (!texts_have(&cause->see, url))
        texts_add(judge->arena, &cause->see, url);
}

void link_say(struct judge *judge, struct link_state *state, const char *format, ...) {
    va_list args;
    va_start(args, format);
    state->summary = arena_vprintf(judge->arena, format, args);
    va_end(args);
}

void link_note(struct judge *judge, struct link_state *state, const char *format, ...) {
    va_list args;
    va_start(args, format);
    texts_add(judge->arena, &state->notes, arena_vprintf(judge->arena, format, args));
    va_end(args);
}
