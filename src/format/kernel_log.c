#include "format/kernel_log.h"

#include <ctype.h>

static size_t digits_at(struct span span, size_t at) {
    size_t start = at;
    while (at < span.len && isdigit((unsigned char)span.ptr[at]))
        at++;
    return at - start;
}

/* "<6>" or "<14>" of the ring buffer */
static struct span without_level(struct span line) {
    size_t digits = line.len > 2 && line.ptr[0] == '<' ? digits_at(line, 1) : 0;
    return digits && digits + 1 < line.len && line.ptr[digits + 1] == '>' ? span_slice(line, digits + 2, line.len)
                                                                          : line;
}

/* "[    5.499014] ", "[Sun Nov 22 20:57:01 2026] " and "[    5.499014][    T1] " */
static struct span without_stamp(struct span line) {
    while (line.len && line.ptr[0] == '[') {
        const char *end = memchr(line.ptr, ']', line.len < 40 ? line.len : 40);
        if (!end)
            break;
        line = span_slice(line, (size_t)(end - line.ptr) + 1, line.len);
        while (line.len && line.ptr[0] == ' ')
            line = span_slice(line, 1, line.len);
    }
    return line;
}

struct span kernel_log_message(struct span line) {
    static const char mark[] = "kernel: ";
    line = span_trim(without_level(line));
    /* "Nov 22 20:57:01 host kernel: [    5.499014] …": the mark stands near the start or is part of a message */
    size_t at = span_find(span_slice(line, 0, 160), mark);
    if (at != SIZE_MAX && at > 0 && line.ptr[at - 1] == ' ' && line.ptr[0] != '[')
        line = span_slice(line, at + sizeof mark - 1, line.len);
    return span_trim(without_stamp(span_trim(line)));
}

struct span kernel_log_current_boot(struct span log, bool *ret_start_seen) {
    static const char first[] = "Linux version ";
    struct span rest = log;
    size_t start = 0, offset = 0;
    *ret_start_seen = false;
    for (size_t at; (at = span_find(rest, first)) != SIZE_MAX;) {
        size_t line = offset + at;
        while (line > 0 && log.ptr[line - 1] != '\n')
            line--;
        struct span whole = span_slice(log, line, log.len), head;
        span_next_line(&whole, &head);
        if (span_starts(kernel_log_message(head), first)) {
            start = line;
            *ret_start_seen = true;
        }
        offset += at + sizeof first - 1;
        rest = span_slice(log, offset, log.len);
    }
    return span_slice(log, start, log.len);
}

static bool concerns_gpu(struct span line) {
    static const char *const words[] = {
        "NVRM", "nvidia", "nouveau", "Key was rejected", "PKCS#7", "Loading of", "Lockdown:", "Link Down", "GSP"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_has(line, words[i]))
            return true;
    return false;
}

void kernel_log_collect(struct span log, struct buffer *messages) {
    struct span line;
    while (span_next_line(&log, &line)) {
        if (!concerns_gpu(line))
            continue;
        buffer_add_span(messages, kernel_log_message(line));
        buffer_add(messages, "\n", 1);
    }
}
