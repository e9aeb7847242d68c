#define PCRE2_CODE_UNIT_WIDTH 8
#include "knowledge/message.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#include "knowledge/literal.h"
#include "knowledge/table.h"

/* Steps of one match; foreign text cannot make an expression run away. */
enum { MATCH_STEPS = 200000 };

struct message {
    struct message_entry entry;
    pcre2_code *code; /* NULL: not needed yet, or wrong */
    bool compiled;
};
struct message_set {
    struct {
        struct message *items;
        size_t count;
    } messages;
    struct literal_set literals; /* by index of the message */
    pcre2_match_context *context;
    pcre2_match_data *data;
};

void message_set_free(struct message_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->messages.count; i++)
        pcre2_code_free(set->messages.items[i].code);
    pcre2_match_data_free(set->data);
    pcre2_match_context_free(set->context);
}

static pcre2_code *compile(const char *regex) {
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &error, &offset, NULL);
    if (code)
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it the interpreter matches, only slower */
    return code;
}

static void read_messages(struct knowledge *knowledge, struct message_set *set) {
    static const char *const names[] = {"id",     "regex",     "kind",      "condition",
                                        "advice", "torch_min", "torch_max", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_MESSAGES, names);
    while (cursor_next(&cursor) && set->messages.count < LITERAL_EXPRESSIONS) {
        struct message message = {.entry = {.id = cursor_text(&cursor, 0),
                                            .regex = cursor_text(&cursor, 1),
                                            .kind = cursor_text(&cursor, 2),
                                            .condition = cursor_text(&cursor, 3),
                                            .advice = cursor_text(&cursor, 4),
                                            .torch_min = cursor_text(&cursor, 5),
                                            .torch_max = cursor_text(&cursor, 6),
                                            .confirmed = cursor_confirmed(&cursor)}};
        literal_set_add(&set->literals, (unsigned)set->messages.count, message.entry.regex);
        LIST_PUSH(&knowledge->arena, &set->messages) = message;
    }
}

int knowledge_messages(struct knowledge *knowledge, const struct message_set **ret_set) {
    if (!knowledge->messages) {
        struct message_set *set = arena_alloc(&knowledge->arena, sizeof *set);
        knowledge->messages = set;
        set->context = pcre2_match_context_create(NULL);
        set->data = pcre2_match_data_create(MESSAGE_GROUPS + 1, NULL);
        if (set->context)
            pcre2_set_match_limit(set->context, MATCH_STEPS);
        read_messages(knowledge, set);
        knowledge->messages_error = set->context && set->data ? 0 : -ENOMEM;
    }
    *ret_set = knowledge->messages;
    return knowledge->messages_error;
}

size_t message_count(const struct message_set *set) {
    return set->messages.count;
}

const struct message_entry *message_at(const struct message_set *set, size_t index) {
    return index < set->messages.count ? &set->messages.items[index].entry : NULL;
}

const struct message_entry *message_by_id(const struct message_set *set, const char *id) {
    for (size_t i = 0; i < set->messages.count; i++)
        if (strcmp(set->messages.items[i].entry.id, id) == 0)
            return &set->messages.items[i].entry;
    return NULL;
}

/* Compiled at the first text that may hold it: most texts hold a few messages out of hundreds. */
static bool ready(struct message *message) {
    if (!message->compiled) {
        message->code = compile(message->entry.regex);
        message->compiled = true;
    }
    return message->code;
}

size_t message_wrong(const struct message_set *set) {
    size_t wrong = 0;
    for (size_t i = 0; i < set->messages.count; i++)
        wrong += !ready(&set->messages.items[i]);
    return wrong;
}

static bool match_at(const struct message_set *set, struct message *message, struct span text, size_t from,
                     struct message_match *ret_match) {
    if (from > text.len || !set->data || !ready(message))
        return false;
    int groups = pcre2_match(message->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, 0, set->data,
                             set->context);
    if (groups < 0)
        return false;
    if (groups == 0) /* more groups than asked for */
        groups = MESSAGE_GROUPS + 1;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(set->data);
    *ret_match = (struct message_match){.message = &message->entry, .start = at[0], .end = at[1]};
    for (int i = 0; i < groups; i++)
        if (at[2 * i] != PCRE2_UNSET)
            ret_match->group[i] = span_slice(text, at[2 * i], at[2 * i + 1]);
    return true;
}

/* Puts a match in its place by its start; an id that is there already keeps the earlier one. */
static size_t insert_match(struct message_match *matches, size_t count, size_t max,
                           const struct message_match *match) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(matches[i].message->id, match->message->id) != 0)
            continue;
        if (matches[i].start <= match->start)
            return count;
        memmove(&matches[i], &matches[i + 1], (count - i - 1) * sizeof *matches);
        count--;
        break;
    }
    size_t place = count;
    while (place && matches[place - 1].start > match->start)
        place--;
    if (place >= max)
        return count;
    size_t kept = count < max ? count : max - 1;
    memmove(&matches[place + 1], &matches[place], (kept - place) * sizeof *matches);
    matches[place] = *match;
    return kept + 1;
}

size_t message_find(const struct message_set *set, struct span text, struct message_match *matches, size_t max) {
    struct literal_hits hits;
    literal_set_scan(&set->literals, text, &hits);
    size_t count = 0;
    for (size_t i = 0; i < set->messages.count; i++) {
        struct message_match match;
        /* Where the literal stands within a match depends on the expression, so the search begins at the start. */
        if (literal_hit(&hits, (unsigned)i) && match_at(set, &set->messages.items[i], text, 0, &match))
            count = insert_match(matches, count, max, &match);
    }
    return count;
}

size_t message_find_each(const struct message_set *set, struct span text, size_t times,
                         struct message_match *matches, size_t max) {
    struct literal_hits hits;
    literal_set_scan(&set->literals, text, &hits);
    size_t count = 0;
    for (size_t i = 0; i < set->messages.count; i++) {
        if (!literal_hit(&hits, (unsigned)i))
            continue;
        size_t from = 0;
        for (size_t k = 0; k < times && count < max; k++) {
            if (!match_at(set, &set->messages.items[i], text, from, &matches[count]))
                break;
            from = matches[count].end > from ? matches[count].end : from + 1;
            count++;
        }
    }
    return count;
}

bool message_next(const struct message_set *set, const char *id, struct span text, size_t from,
                  struct message_match *ret_match) {
    bool found = false;
    for (size_t i = 0; i < set->messages.count; i++) {
        struct message_match match;
        if (strcmp(set->messages.items[i].entry.id, id) != 0 ||
            !match_at(set, &set->messages.items[i], text, from, &match) ||
            (found && match.start >= ret_match->start))
            continue;
        *ret_match = match;
        found = true;
    }
    return found;
}
