#include "diagnose/heard.h"

#include <errno.h>

#include "base/text.h"
#include "knowledge/message.h"

enum { HEARD_AT_ONCE = 16 }; /* messages in one error; they are few */

static const char *group_text(struct judge *judge, const struct message_match *match, size_t group) {
    return match->group[group].ptr ? arena_copy_span(judge->arena, match->group[group]) : NULL;
}

static void hear(struct judge *judge, const struct message_set *set, const char *text, const char *source) {
    struct message_match matches[HEARD_AT_ONCE];
    size_t count = text ? message_find(set, span_of(text), matches, HEARD_AT_ONCE) : 0;
    for (size_t i = 0; i < count && i < HEARD_AT_ONCE; i++) {
        if (!matches[i].message->confirmed)
            continue;
        struct printed_message *message = &LIST_PUSH(judge->arena, &judge->messages);
        set_text(&message->id, matches[i].message->id, source);
        set_text(&message->text, text, source);
        const char *argument = group_text(judge, &matches[i], 1), *second = group_text(judge, &matches[i], 2);
        if (text_eq(matches[i].message->id, "undefined_symbol")) { /* the table has the file first */
            const char *file = argument;
            argument = second;
            second = file;
        }
        if (argument)
            set_text(&message->argument, argument, source);
        if (second)
            set_text(&message->second, second, source);
    }
}

void hear_messages(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    const struct compute_facts *compute = &facts->compute;
    const struct message_set *set;
    for (size_t i = 0; i < facts->printed.messages.count; i++)
        LIST_PUSH(judge->arena, &judge->messages) = facts->printed.messages.items[i];
    if ((!compute->torch_errors.count && !compute->torch_warnings.count) || !judge->options.knowledge ||
        knowledge_messages(judge->options.knowledge, &set) == -ENOMEM)
        return;
    for (size_t i = 0; i < compute->torch_errors.count; i++) {
        const struct torch_error *error = &compute->torch_errors.items[i];
        hear(judge, set, text_of(error->message),
             known(error->step) ? error->step.value : compute->torch_errors.is.source);
    }
    for (size_t i = 0; i < compute->torch_warnings.count; i++)
        hear(judge, set, compute->torch_warnings.items[i], compute->torch_warnings.is.source);
}
