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

unsigned literal_next(const char **regex, char *buffer) {
    const char *at = *regex;
    struct run run = {.length = 0}, best = {.length = 0};
    while (*at && *at != '|') {
        char c = *at;
        if (c == '(' || c == '[') {
            run_end(&run, &best);
            at = skip_group(at);
            if (is_quantifier(*at))
                at = skip_quantifier(at);
            continue;
        }
        bool plain = c != '.' && c != '^' && c != '$' && c != ')';
        if (c == '\\') {
            at++;
            c = *at;
            plain = c && !isalnum((unsigned char)c); /* \. is a dot, \d \w \b stand for something else */
        }
        if (*at)
            at++;
        bool optional = is_quantifier(*at) && *at != '+';
        if (!plain || optional || run.length == LITERAL_LENGTH)
            run_end(&run, &best);
        if (plain && !optional && run.length < LITERAL_LENGTH)
            run.text[run.length++] = c;
        if (is_quantifier(*at)) {
            run_end(&run, &best);
            at = skip_quantifier(at);
        }
    }
    run_end(&run, &best);
    *regex = *at ? at + 1 : at;
    memcpy(buffer, best.text, best.length);
    return best.length >= 4 ? best.length : 0;
}

/* --- one pass over a text ----------------------------------------------------------------------------------- */

static unsigned hash4(const char *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word * 2654435761u >> 20; /* 12 bits: LITERAL_SLOTS */
}

static void add_literal(struct literal_set *set, unsigned expression, const char *text, unsigned length) {
    struct literal *literal = &set->items[set->count++];
    unsigned hash = hash4(text);
    memcpy(literal->text, text, length);
    literal->length = (unsigned short)length;
    literal->expression = (unsigned short)expression;
    literal->next = set->slot[hash];
    set->slot[hash] = (unsigned short)set->count;
    set->used[hash / 8] |= (unsigned char)(1u << hash % 8);
}

void literal_set_add(struct literal_set *set, unsigned expression, const char *regex) {
    if (expression >= LITERAL_EXPRESSIONS)
        return;
    do {
        char text[LITERAL_LENGTH];
        unsigned length = literal_next(&regex, text);
        if (length && set->count < LITERAL_MAX)
            add_literal(set, expression, text, length);
        else
            set->always[expression / 64] |= (uint64_t)1 << expression % 64;
    } while (*regex);
}

void literal_set_scan(const struct literal_set *set, struct span text, struct literal_hits *ret_hits) {
    memcpy(ret_hits->bits, set->always, sizeof ret_hits->bits);
    for (size_t at = 0; at + 4 <= text.len; at++) {
        unsigned hash = hash4(text.ptr + at);
        if (!(set->used[hash / 8] >> hash % 8 & 1))
            continue;
        for (unsigned next = set->slot[hash]; next; next = set->items[next - 1].next) {
            const struct literal *literal = &set->items[next - 1];
            if (literal->length <= text.len - at && memcmp(text.ptr + at, literal->text, literal->length) == 0)
                ret_hits->bits[literal->expression / 64] |= (uint64_t)1 << literal->expression % 64;
        }
    }
}
