#include "format/python_requirement.h"

#include <ctype.h>

#include "base/limits.h"

bool python_requirement_parse(struct span line, struct python_requirement *ret_requirement) {
    struct python_requirement requirement = {0};
    struct span rest;
    span_cut(line, ';', &rest, &requirement.marker);
    requirement.marker = span_trim(requirement.marker);
    rest = span_trim(rest);
    size_t i = 0;
    while (i < rest.len && (isalnum((unsigned char)rest.ptr[i]) || (rest.ptr[i] && strchr("-_.", rest.ptr[i]))))
        i++;
    requirement.name = span_slice(rest, 0, i);
    rest = span_trim(span_slice(rest, i, rest.len));
    if (span_starts(rest, "[")) {
        span_cut(span_slice(rest, 1, rest.len), ']', &requirement.extras, &rest);
        rest = span_trim(rest);
    }
    if (span_starts(rest, "(") && span_ends(rest, ")"))
        rest = span_trim(span_slice(rest, 1, rest.len - 1));
    if (!span_starts(rest, "@"))
        requirement.specifier = rest;
    if (!requirement.name.len)
        return false;
    *ret_requirement = requirement;
    return true;
}

/* --- markers: or_expression := and_expression { "or" and_expression } … -------------------------------------- */

struct marker {
    struct span rest;
    const struct python_target *target;
    int depth;
    bool bad; /* not a marker */
};

struct operand {
    struct span value;
    bool known, is_extra, is_version;
};

static void skip_blanks(struct marker *marker) {
    marker->rest = span_trim(marker->rest);
}

static bool take(struct marker *marker, const char *token) {
    skip_blanks(marker);
    if (!span_starts(marker->rest, token))
        return false;
    size_t len = strlen(token);
    bool word = isalpha((unsigned char)token[0]);
    if (word && marker->rest.len > len &&
        (isalnum((unsigned char)marker->rest.ptr[len]) || marker->rest.ptr[len] == '_'))
        return false;
    marker->rest = span_slice(marker->rest, len, marker->rest.len);
    return true;
}

static struct operand take_variable(struct marker *marker) {
    const struct python_target *t = marker->target;
    const struct {
        const char *name, *value;
        bool is_version;
    } variables[] = {
        {"platform_system", t->system, false},
        {"platform_machine", t->machine, false},
        {"sys_platform", t->platform, false},
        {"os_name", t->os, false},
        {"python_full_version", t->python_full, true},
        {"python_version", t->python, true},
        {"implementation_name", "cpython", false},
        {"platform_python_implementation", "CPython", false},
        {"platform_release", NULL, false},
        {"platform_version", NULL, false},
        {"implementation_version", NULL, true},
    };
    if (take(marker, "extra"))
        return (struct operand){.is_extra = true, .known = true};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (take(marker, variables[i].name))
            return (struct operand){.value = span_of(variables[i].value),
                                    .known = variables[i].value,
                                    .is_version = variables[i].is_version};
    marker->bad = true;
    return (struct operand){0};
}

static struct operand take_operand(struct marker *marker) {
    skip_blanks(marker);
    char quote = marker->rest.len ? marker->rest.ptr[0] : '\0';
    if (quote != '\'' && quote != '"')
        return take_variable(marker);
    struct operand operand = {.known = true};
    marker->rest = span_slice(marker->rest, 1, marker->rest.len);
    if (!span_cut(marker->rest, quote, &operand.value, &marker->rest))
        marker->bad = true;
    return operand;
}

static bool has_extra(struct span extras, struct span wanted) {
    struct span one;
    while (extras.len && span_next_field(&extras, ',', &one)) {
        one = span_trim(one);
        bool same = one.len == wanted.len;
        for (size_t i = 0; same && i < one.len; i++) {
            char a = (char)tolower((unsigned char)one.ptr[i]), b = (char)tolower((unsigned char)wanted.ptr[i]);
            same = (a == '_' || a == '.' ? '-' : a) == (b == '_' || b == '.' ? '-' : b);
        }
        if (same)
            return true;
    }
    return false;
}

static bool same_text(struct span a, struct span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool contains(struct span text, struct span part) {
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (same_text(span_slice(text, i, i + part.len), part))
            return true;
    return false;
}

static enum tristate compare(struct marker *marker, struct operand a, const char *operator, struct operand b) {
    if (a.is_extra || b.is_extra) {
        bool has = has_extra(marker->target->extras, a.is_extra ? b.value : a.value);
        return has == (strcmp(operator, "!=") != 0) ? YES : NO;
    }
    if (!a.known || !b.known)
        return CANNOT_TELL;
    if (strcmp(operator, "in") == 0)
        return contains(b.value, a.value) ? YES : NO;
    if (strcmp(operator, "not in") == 0)
        return contains(b.value, a.value) ? NO : YES;
    bool versions = (a.is_version || b.is_version) && operator[0] != '~';
    int order = versions ? python_version_compare(a.value, b.value) : 0;
    if (versions && span_ends(b.value, ".*"))
        return CANNOT_TELL;
    if (strcmp(operator, "==") == 0 || strcmp(operator, "===") == 0)
        return (versions ? order == 0 : same_text(a.value, b.value)) ? YES : NO;
    if (strcmp(operator, "!=") == 0)
        return (versions ? order != 0 : !same_text(a.value, b.value)) ? YES : NO;
    if (!versions)
        return CANNOT_TELL;
    bool holds = strcmp(operator, "<=") == 0   ? order <= 0
                 : strcmp(operator, ">=") == 0 ? order >= 0
                 : strcmp(operator, "<") == 0  ? order < 0
                                               : order > 0;
    return holds ? YES : NO;
}

static enum tristate take_or(struct marker *marker);

static enum tristate take_term(struct marker *marker) {
    static const char *const operators[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">", "in", "not in"};
    if (take(marker, "(")) {
        if (++marker->depth > LIMIT_MARKER_DEPTH) {
            marker->bad = true;
            return CANNOT_TELL;
        }
        enum tristate inner = take_or(marker);
        marker->depth--;
        if (!take(marker, ")"))
            marker->bad = true;
        return inner;
    }
    struct operand a = take_operand(marker);
    for (size_t i = 0; i < sizeof operators / sizeof *operators && !marker->bad; i++)
        if (take(marker, operators[i]))
            return compare(marker, a, operators[i], take_operand(marker));
    marker->bad = true;
    return CANNOT_TELL;
}

static enum tristate take_and(struct marker *marker) {
    enum tristate all = take_term(marker);
    while (!marker->bad && take(marker, "and")) {
        enum tristate next = take_term(marker);
        all = all == NO || next == NO ? NO : all == YES ? next : all;
    }
    return all;
}

static enum tristate take_or(struct marker *marker) {
    enum tristate any = take_and(marker);
    while (!marker->bad && take(marker, "or")) {
        enum tristate next = take_and(marker);
        any = any == YES || next == YES ? YES : any == NO ? next : any;
    }
    return any;
}

enum tristate python_marker_holds(struct span text, const struct python_target *target) {
    struct marker marker = {.rest = text, .target = target};
    skip_blanks(&marker);
    if (!marker.rest.len)
        return YES;
    enum tristate holds = take_or(&marker);
    skip_blanks(&marker);
    return marker.bad || marker.rest.len ? CANNOT_TELL : holds;
}
