/* For src/knowledge only: which of many expressions could match a text at all, found in one pass over it.
 *
 * An expression is a candidate where one of its literals stands in the text: the longest run of plain bytes that
 * every match must hold, one for each alternative at the top. One that has an alternative without such a run of
 * four bytes is always a candidate. */
#pragma once

#include <stdbool.h>

#include "base/span.h"

enum {
    LITERAL_EXPRESSIONS = 1024,
    LITERAL_MAX = 4096,  /* literals of all of them */
    LITERAL_LENGTH = 48, /* bytes kept of one */
    LITERAL_CHOICE = 24, /* alternatives of one expression */
    LITERAL_SLOTS = 4096
};

struct literal {
    char text[LITERAL_LENGTH];
    unsigned short length;
    unsigned short expression;
    unsigned short next; /* index + 1 of the next one with the same hash */
};
struct literal_set {
    struct literal items[LITERAL_MAX];
    unsigned count;
    uint64_t always[LITERAL_EXPRESSIONS / 64];
    unsigned short slot[LITERAL_SLOTS]; /* index + 1 of the first one whose first four bytes hash to it */
    unsigned char used[LITERAL_SLOTS / 8];
};

struct literal_hits {
    uint64_t bits[LITERAL_EXPRESSIONS / 64];
};
static inline bool literal_hit(const struct literal_hits *hits, unsigned expression) {
    return hits->bits[expression / 64] >> (expression % 64) & 1;
}

/* What an expression's matches hold one of; count 0: nothing of four bytes. */
struct literal_choice {
    struct {
        char text[LITERAL_LENGTH];
        unsigned length;
    } items[LITERAL_CHOICE];
    unsigned count, shortest;
};
void literal_of_regex(const char *regex, struct literal_choice *ret_choice);

void literal_set_add(struct literal_set *set, unsigned expression, const char *regex);
void literal_set_scan(const struct literal_set *set, struct span text, struct literal_hits *ret_hits);
