#include "knowledge/literal.h"

#include <ctype.h>

/* --- the literal of an expression --------------------------------------------------------------------------- */

/* Behind the closing parenthesis or bracket of what starts at `regex`. */
static const char *skip_group(const char *regex) {
    unsigned depth = 0;
    do {
        if (*regex == '\\' && regex[1]) {
            regex += 2;
            continue;
        }
        if (*regex == '[') {
            regex++;
            if (*regex == '^')
                regex++;
            if (*regex == ']')
                regex++;
            while (*regex && *regex != ']')
                regex += *regex == '\\' && regex[1] ? 2 : 1;
            if (!*regex)
                return regex;
        }
        depth += *regex == '(';
        depth -= *regex == ')';
        if (*regex)
            regex++;
    } while (*regex && depth);
    return regex;
}

static const char *skip_quantifier(const char *regex) {
    if (*regex == '{')
        while (*regex && *regex != '}')
            regex++;
    if (*regex)
        regex++;
    while (*regex == '?' || *regex == '+')
        regex++;
    return regex;
}

static bool is_quantifier(char c) {
    return c == '?' || c == '*' || c == '+' || c == '{';
}

struct run {
    char text[LITERAL_LENGTH];
    unsigned length;
};

static void run_end(struct run *run, struct run *best) {
    if (run->length > best->length)
        *best = *run;
    run->length = 0;
}

unsigned literal_of_regex(const char *regex, char *buffer) {
    struct run run = {.length = 0}, best = {.length = 0};
    while (*regex) {
        char c = *regex;
        if (c == '|') /* alternatives: nothing need be there */
            return 0;
        if (c == '(' || c == '[') {
            run_end(&run, &best);
            regex = skip_group(regex);
            if (is_quantifier(*regex))
                regex = skip_quantifier(regex);
            continue;
        }
        bool plain = c != '.' && c != '^' && c != '$' && c != ')';
        if (c == '\\') {
            regex++;
            c = *regex;
            plain = c && !isalnum((unsigned char)c); /* \. is a dot, \d \w \b stand for something else */
        }
        if (*regex)
            regex++;
        bool optional = is_quantifier(*regex) && *regex != '+';
        if (!plain || optional || run.length == LITERAL_LENGTH)
            run_end(&run, &best);
        if (plain && !optional && run.length < LITERAL_LENGTH)
            run.text[run.length++] = c;
        if (is_quantifier(*regex)) {
            run_end(&run, &best);
            regex = skip_quantifier(regex);
        }
    }
    run_end(&run, &best);
    memcpy(buffer, best.text, best.length);
    return best.length >= 4 ? best.length : 0;
}

/* --- one pass over a text ----------------------------------------------------------------------------------- */

static unsigned hash4(const char *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word * 2654435761u >> 20; /* 12 bits: LITERAL_SLOTS */
}

void literal_set_add(struct literal_set *set, unsigned index, const char *regex) {
    if (index >= LITERAL_MAX)
        return;
    set->count = index + 1;
    set->items[index].length = literal_of_regex(regex, set->items[index].text);
    if (!set->items[index].length)
        return;
    unsigned hash = hash4(set->items[index].text);
    set->items[index].next = set->slot[hash];
    set->slot[hash] = (unsigned short)(index + 1);
    set->used[hash / 8] |= (unsigned char)(1u << hash % 8);
}

void literal_set_scan(const struct literal_set *set, struct span text, struct literal_hits *ret_hits) {
    *ret_hits = (struct literal_hits){{0}};
    for (unsigned i = 0; i < set->count; i++)
        if (!set->items[i].length)
            ret_hits->bits[i / 64] |= (uint64_t)1 << i % 64;
    for (size_t at = 0; at + 4 <= text.len; at++) {
        unsigned hash = hash4(text.ptr + at);
        if (!(set->used[hash / 8] >> hash % 8 & 1))
            continue;
        for (unsigned next = set->slot[hash]; next; next = set->items[next - 1].next) {
            unsigned length = set->items[next - 1].length;
            if (length <= text.len - at && memcmp(text.ptr + at, set->items[next - 1].text, length) == 0)
                ret_hits->bits[(next - 1) / 64] |= (uint64_t)1 << (next - 1) % 64;
        }
    }
}
