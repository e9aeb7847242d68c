/* Messages that PyTorch, nvidia-smi and the kernel print, as regular expressions (data/messages.csv).
 *
 * Made for megabytes of pasted text: one pass over it finds the literals of all expressions, only those whose
 * literal is there are matched, and each is compiled once, at its first such text (JIT where there is one). */
#pragma once

#include "knowledge/knowledge.h"

struct message_entry {
    const char *id; /* "driver_too_old", stable: importers and rules go by it */
    const char *regex;
    const char *kind;                  /* "error", "warning", "kernel log", "nvidia-smi" … */
    const char *condition;             /* when it is printed */
    const char *advice;                /* likely cause, and what helps */
    const char *torch_min, *torch_max; /* releases that print it, "" where that does not apply */
    bool confirmed;
};

enum { MESSAGE_GROUPS = 4 };
struct message_match {
    const struct message_entry *message;
    size_t start, end;                     /* in the text */
    struct span group[MESSAGE_GROUPS + 1]; /* [0]: the whole match, then the expression's; ptr NULL: not taken */
};

struct message_set;
/* The table, read at the first call; it belongs to the knowledge. 0 or -ENOMEM. A wrong expression never matches. */
int knowledge_messages(struct knowledge *knowledge, const struct message_set **ret_set);

/* How many expressions are wrong; compiles them all. For tests, and for who edits the table. */
size_t message_wrong(const struct message_set *set);
size_t message_count(const struct message_set *set);
const struct message_entry *message_at(const struct message_set *set, size_t index);
const struct message_entry *message_by_id(const struct message_set *set, const char *id);

/* An id may have several rows: other wordings of one message. By id they are one.
 *
 * Every message that occurs in the text, in the order of the first occurrence of each; each id once.
 * Expressions may span lines. At most `max`; the number found is returned. */
size_t message_find(const struct message_set *set, struct span text, struct message_match *matches, size_t max);
/* Every expression by itself, the first `times` occurrences of each: one id may come with several arguments. In
 * the order of the table; at most `max`. */
size_t message_find_each(const struct message_set *set, struct span text, size_t times,
                         struct message_match *matches, size_t max);
/* The next occurrence of one message at or after `from`. */
bool message_next(const struct message_set *set, const char *id, struct span text, size_t from,
                  struct message_match *ret_match);
