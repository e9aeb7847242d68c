#define PCRE2_CODE_UNIT_WIDTH 8
#include "knowledge/kernel_message.h"

#include <errno.h>
#include <pcre2.h>

#include "knowledge/table.h"

/* Steps of one match; foreign text cannot make an expression run away. */
enum { MATCH_STEPS = 100000 };

static void code_free(pcre2_code **code) {
    pcre2_code_free(*code);
}
static void data_free(pcre2_match_data **data) {
    pcre2_match_data_free(*data);
}
static void context_free(pcre2_match_context **context) {
    pcre2_match_context_free(*context);
}

static struct span named(const pcre2_code *code, pcre2_match_data *data, struct span text, const char *name) {
    int group = pcre2_substring_number_from_name(code, (PCRE2_SPTR)name);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(data);
    if (group < 0 || (uint32_t)group >= pcre2_get_ovector_count(data) || offsets[2 * group] == PCRE2_UNSET)
        return (struct span){0};
    return span_slice(text, offsets[2 * group], offsets[2 * group + 1]);
}

/* Expressions are compiled only for rows whose literal occurs, which is none of them on most machines. */
static int find_row(const char *id, const char *expression, struct span log,
                    bool (*add)(void *context, const struct kernel_hit *hit), void *context, bool *more) {
    int error;
    PCRE2_SIZE offset;
    __attribute__((cleanup(code_free))) pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &error, &offset, NULL);
    if (!code)
        return -EINVAL;
    __attribute__((cleanup(data_free))) pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    __attribute__((cleanup(context_free))) pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!data || !limits)
        return -ENOMEM;
    pcre2_set_match_limit(limits, MATCH_STEPS);
    for (size_t from = 0; *more && from < log.len;) {
        if (pcre2_match(code, (PCRE2_SPTR)log.ptr, log.len, from, PCRE2_NO_UTF_CHECK, data, limits) < 0)
            break;
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(data);
        struct kernel_hit hit = {.id = id,
                                 .start = offsets[0],
                                 .end = offsets[1],
                                 .xid = -1,
                                 .address = named(code, data, log, "address")};
        int64_t number;
        if (span_to_number(named(code, data, log, "xid"), 10, &number) == 0 && number <= INT32_MAX)
            hit.xid = (int)number;
        *more = add(context, &hit);
        from = hit.end > from ? hit.end : from + 1;
    }
    return 0;
}

int kernel_message_find(struct knowledge *knowledge, struct span log,
                        bool (*add)(void *context, const struct kernel_hit *hit), void *context) {
    static const char *const names[] = {"id", "contains", "expression", NULL};
    struct cursor cursor;
    bool more = true;
    int result = 0;
    cursor_open(&cursor, knowledge, TABLE_KERNEL_MESSAGES, names);
    while (more && cursor_next(&cursor)) {
        AUTO_ARENA scratch = {0};
        const char *text[3];
        for (size_t i = 0; i < 3; i++)
            text[i] = csv_text(&scratch, &cursor.row, cursor.column[i]);
        if (!span_has(log, text[1]))
            continue;
        int r = find_row(text[0], text[2], log, add, context, &more);
        if (r < 0)
            result = r;
    }
    return result;
}
