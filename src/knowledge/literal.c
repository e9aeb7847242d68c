#include "knowledge/literal.h"

#include <ctype.h>

/* --- the literals of an expression -------------------------------------------------------------------------- */

enum { SHORTEST = 4, LONG_ENOUGH = 8, DEEPEST = 8 };

static bool is_quantifier(char c) {
    return c == '?' || c == '*' || c == '+' || c == '{';
}

/* Passes over a quantifier. True where what stands before it may be absent. */
static bool take_quantifier(const char **at) {
    if (!is_quantifier(**at))
        return false;
    bool optional = **at != '+' && !(**at == '{' && isdigit((unsigned char)(*at)[1]) && (*at)[1] != '0');
    if (**at == '{')
        while (**at && **at != '}')
            (*at)++;
    if (**at)
        (*at)++;
    while (**at == '?' || **at == '+')
        (*at)++;
    return optional;
}

static void skip_class(const char **at) {
    (*at)++;
    if (**at == '^')
        (*at)++;
    if (**at == ']')
        (*at)++;
    while (**at && **at != ']')
        *at += **at == '\\' && (*at)[1] ? 2 : 1;
    if (**at)
        (*at)++;
}

/* Behind the parenthesis that closes what *at stands in. */
static void skip_group(const char **at) {
    unsigned depth = 1;
    while (**at && depth) {
        if (**at == '[') {
            skip_class(at);
            continue;
        }
        if (**at == '\\' && (*at)[1])
            (*at)++;
        else
            depth += (**at == '(') - (**at == ')');
        (*at)++;
    }
}

/* Passes over "(", "(?:", "(?s:", "(?P<name>". False for what its inside tells nothing of: look-arounds, (?i:. */
static bool open_group(const char **at) {
    (*at)++;
    if (**at != '?')
        return true;
    if (strncmp(*at, "?:", 2) == 0 || strncmp(*at, "?s:", 3) == 0) {
        *at += (*at)[1] == ':' ? 2 : 3;
        return true;
    }
    if (strncmp(*at, "?P<", 3) != 0)
        return false;
    while (**at && **at != '>')
        (*at)++;
    if (**at)
        (*at)++;
    return true;
}

static void add_choice(struct literal_choice *choice, const char *text, unsigned length) {
    if (choice->count == LITERAL_CHOICE)
        return;
    memcpy(choice->items[choice->count].text, text, length);
    choice->items[choice->count].length = length;
    if (!choice->count || length < choice->shortest)
        choice->shortest = length;
    choice->count++;
}

/* A single long run beats any set; otherwise the set whose shortest member is longest. */
static void keep_better(struct literal_choice *best, const struct literal_choice *other) {
    if (other->count && (!best->count || (best->shortest < LONG_ENOUGH && other->shortest > best->shortest)))
        *best = *other;
}

struct run {
    char text[LITERAL_LENGTH];
    unsigned length;
};

static void end_run(struct run *run, struct literal_choice *best) {
    if (run->length >= SHORTEST) {
        struct literal_choice one = {.count = 0};
        add_choice(&one, run->text, run->length);
        if (!best->count || best->count > 1 || run->length > best->shortest)
            keep_better(best, &one);
        if (best->count == 1 && run->length > best->shortest)
            *best = one;
    }
    run->length = 0;
}

static void read_alternatives(const char **at, unsigned depth, struct literal_choice *ret_choice);

static void read_group(const char **at, unsigned depth, struct literal_choice *best) {
    struct literal_choice inside = {.count = 0};
    if (depth < DEEPEST && open_group(at))
        read_alternatives(at, depth + 1, &inside);
    else
        skip_group(at);
    if (**at == ')')
        (*at)++;
    if (!take_quantifier(at))
        keep_better(best, &inside);
}

/* One plain character, or an escape. */
static void read_character(const char **at, struct run *run, struct literal_choice *best) {
    char c = **at;
    bool plain = c != '.' && c != '^' && c != '$';
    if (c == '\\') {
        (*at)++;
        c = **at;
        plain = c && !isalnum((unsigned char)c); /* \. is a dot; \d \w \b stand for something else */
    }
    if (**at)
        (*at)++;
    bool repeated = is_quantifier(**at);
    bool optional = take_quantifier(at);
    if (!plain || optional || run->length == LITERAL_LENGTH)
        end_run(run, best);
    if (plain && !optional && run->length < LITERAL_LENGTH)
        run->text[run->length++] = c;
    if (repeated)
        end_run(run, best);
}

static void read_sequence(const char **at, unsigned depth, struct literal_choice *best) {
    struct run run = {.length = 0};
    while (**at && **at != '|' && **at != ')') {
        if (**at == '(') {
            end_run(&run, best);
            read_group(at, depth, best);
        } else if (**at == '[') {
            end_run(&run, best);
            skip_class(at);
            take_quantifier(at);
        } else {
            read_character(at, &run, best);
        }
    }
    end_run(&run, best);
}

static void read_alternatives(const char **at, unsigned depth, struct literal_choice *ret_choice) {
    bool all = true;
    for (;;) {
        struct literal_choice one = {.count = 0};
        read_sequence(at, depth, &one);
        all = all && one.count && ret_choice->count + one.count <= LITERAL_CHOICE;
        for (unsigned i = 0; all && i < one.count; i++)
            add_choice(ret_choice, one.items[i].text, one.items[i].length);
        if (**at != '|')
            break;
        (*at)++;
    }
    if (!all)
        ret_choice->count = 0;
}

void literal_of_regex(const char *regex, struct literal_choice *ret_choice) {
    ret_choice->count = 0;
    read_alternatives(&regex, 0, ret_choice);
    if (*regex) /* a parenthesis too many: PCRE will refuse it anyway */
        ret_choice->count = 0;
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
    struct literal_choice choice;
    literal_of_regex(regex, &choice);
    if (!choice.count || set->count + choice.count > LITERAL_MAX)
        set->always[expression / 64] |= (uint64_t)1 << expression % 64;
    else
        for (unsigned i = 0; i < choice.count; i++)
            add_literal(set, expression, choice.items[i].text, choice.items[i].length);
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
