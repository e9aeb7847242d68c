/* For src/knowledge only: which of many expressions could match a text at all, found in one pass over it. */
#pragma once

#include <stdbool.h>

#include "base/span.h"

enum {
    LITERAL_MAX = 256,   /* expressions */
    LITERAL_LENGTH = 48, /* bytes kept of one's literal */
    LITERAL_SLOTS = 4096
};

struct literal_set {
    struct {
        char text[LITERAL_LENGTH];
        unsigned length; /* 0: the expression has none of four bytes or more, it is always a candidate */
        unsigned next;   /* index + 1 of the next one with the same hash */
    } items[LITERAL_MAX];
    unsigned count;
    unsigned short slot[LITERAL_SLOTS]; /* index + 1 of the first one whose first four bytes hash to it */
    unsigned char used[LITERAL_SLOTS / 8];
};

struct literal_hits {
    uint64_t bits[LITERAL_MAX / 64];
};
static inline bool literal_hit(const struct literal_hits *hits, unsigned index) {
    return hits->bits[index / 64] >> (index % 64) & 1;
}

/* Adds expression number `index` (they come in order): its longest run of plain bytes that every match must hold.
 */
void literal_set_add(struct literal_set *set, unsigned index, const char *regex);
/* Bytes of that run, written to `buffer` of LITERAL_LENGTH bytes; 0: none. For tests. */
unsigned literal_of_regex(const char *regex, char *buffer);
void literal_set_scan(const struct literal_set *set, struct span text, struct literal_hits *ret_hits);
