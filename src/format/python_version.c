/* Versions with any number of parts, and the clauses that ask for them. */
#include <ctype.h>

#include "format/python_requirement.h"

/* Digits and dots at the start: "2.9.0.dev2025" gives 2.9.0 and "dev2025". */
static struct span cut_release(struct span version, struct span *ret_suffix) {
    size_t i = 0;
    while (i < version.len &&
           (isdigit((unsigned char)version.ptr[i]) ||
            (version.ptr[i] == '.' && i + 1 < version.len && isdigit((unsigned char)version.ptr[i + 1]))))
        i++;
    *ret_suffix = span_slice(version, i, version.len);
    return span_slice(version, 0, i);
}

static struct span strip(struct span version) {
    struct span head, local;
    version = span_trim(version);
    span_cut(version, '+', &head, &local);
    return span_starts_nocase(head, "v") ? span_slice(head, 1, head.len) : head;
}

static int compare_numbers(struct span a, struct span b) {
    while (a.len > 1 && a.ptr[0] == '0')
        a = span_slice(a, 1, a.len);
    while (b.len > 1 && b.ptr[0] == '0')
        b = span_slice(b, 1, b.len);
    if (!a.len || !b.len) { /* a part that is not written is 0 */
        struct span other = a.len ? a : b;
        int sign = a.len ? 1 : -1;
        return other.len && !span_eq(other, "0") ? sign : 0;
    }
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    int order = memcmp(a.ptr, b.ptr, a.len);
    return (order > 0) - (order < 0);
}

static int compare_releases(struct span a, struct span b, bool only_of_b) {
    for (;;) {
        struct span x = {0}, y = {0};
        bool more_a = span_next_field(&a, '.', &x), more_b = span_next_field(&b, '.', &y);
        if ((!more_a && !more_b) || (only_of_b && !more_b))
            return 0;
        int order = compare_numbers(x, y);
        if (order)
            return order;
    }
}

/* Where a suffix stands: dev < a < b < rc < none < post. */
static int suffix_rank(struct span suffix) {
    static const struct {
        const char *text;
        int rank;
    } ranks[] = {{"dev", -4}, {"alpha", -3}, {"a", -3},   {"beta", -2}, {"b", -2},
                 {"rc", -1},  {"c", -1},     {"pre", -1}, {"post", 1},  {"r", 1}};
    while (suffix.len && strchr(".-_", suffix.ptr[0]))
        suffix = span_slice(suffix, 1, suffix.len);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (span_starts_nocase(suffix, ranks[i].text))
            return ranks[i].rank;
    return suffix.len ? 1 : 0; /* "-1" is a post release, too */
}

static struct span digits_of(struct span text) {
    size_t start = 0, end;
    while (start < text.len && !isdigit((unsigned char)text.ptr[start]))
        start++;
    for (end = start; end < text.len && isdigit((unsigned char)text.ptr[end]);)
        end++;
    return span_slice(text, start, end);
}

int python_version_compare(struct span a, struct span b) {
    struct span suffix_a, suffix_b;
    a = cut_release(strip(a), &suffix_a);
    b = cut_release(strip(b), &suffix_b);
    int order = compare_releases(a, b, false);
    if (!order)
        order = suffix_rank(suffix_a) - suffix_rank(suffix_b);
    return order ? order : compare_numbers(digits_of(suffix_a), digits_of(suffix_b));
}

static bool starts_with_release(struct span version, struct span wanted) {
    struct span suffix;
    return compare_releases(cut_release(strip(version), &suffix), cut_release(strip(wanted), &suffix), true) == 0;
}

/* "~=3.9.1" is ">=3.9.1, ==3.9.*". */
static bool is_compatible(struct span version, struct span wanted) {
    struct span suffix, prefix = cut_release(strip(wanted), &suffix);
    size_t len = prefix.len;
    while (len && prefix.ptr[len - 1] != '.')
        len--;
    if (!len)
        return false;
    return python_version_compare(version, wanted) >= 0 &&
           starts_with_release(version, span_slice(prefix, 0, len - 1));
}

static enum tristate is_equal(struct span version, struct span wanted) {
    if (span_ends(wanted, ".*"))
        return starts_with_release(version, span_slice(wanted, 0, wanted.len - 2)) ? YES : NO;
    struct span head, local, own_head, own_local;
    if (span_cut(wanted, '+', &head, &local)) {
        span_cut(version, '+', &own_head, &own_local);
        if (own_local.len != local.len || (local.len && memcmp(own_local.ptr, local.ptr, local.len) != 0))
            return NO;
    }
    return python_version_compare(version, wanted) == 0 ? YES : NO;
}

static bool is_version(struct span text) {
    struct span version = strip(text);
    return version.len && isdigit((unsigned char)version.ptr[0]);
}

static enum tristate clause_meets(struct span clause, struct span version) {
    static const char *const operators[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">"};
    size_t i = 0;
    while (i < 8 && !span_starts(clause, operators[i]))
        i++;
    if (i == 8)
        return CANNOT_TELL;
    struct span wanted = span_trim(span_slice(clause, strlen(operators[i]), clause.len));
    if (!is_version(wanted) || !is_version(version))
        return CANNOT_TELL;
    if (i == 2)
        return is_compatible(version, wanted) ? YES : NO;
    if (i == 3)
        return is_equal(version, wanted) == YES ? NO : YES;
    if (i < 2)
        return is_equal(version, wanted);
    int order = python_version_compare(version, wanted);
    bool meets = i == 4 ? order <= 0 : i == 5 ? order >= 0 : i == 6 ? order < 0 : order > 0;
    return meets ? YES : NO;
}

enum tristate python_specifier_meets(struct span specifier, struct span version) {
    struct span rest = span_trim(specifier), clause;
    enum tristate all = is_version(version) ? YES : CANNOT_TELL;
    while (rest.len && span_next_field(&rest, ',', &clause)) {
        clause = span_trim(clause);
        if (!clause.len)
            continue;
        enum tristate one = clause_meets(clause, version);
        if (one == NO)
            return NO;
        if (one == CANNOT_TELL)
            all = CANNOT_TELL;
    }
    return all;
}

struct span python_specifier_exact(struct span specifier) {
    specifier = span_trim(specifier);
    if (!span_starts(specifier, "==") || span_has(specifier, ",") || span_has(specifier, "*"))
        return (struct span){0};
    return span_trim(span_slice(specifier, span_starts(specifier, "===") ? 3 : 2, specifier.len));
}
