#include "format/inf.h"

#include <errno.h>

/* A line without the zero bytes that UTF-16 puts between letters; what does not fit is cut. */
static struct span narrow(struct span line, char *text, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < line.len && len < size; i++)
        if (line.ptr[i])
            text[len++] = line.ptr[i];
    return span_trim(span_from(text, len));
}

int inf_driver_version(struct span text, struct driver_version *ret_version) {
    struct span line, key, value, date, number, rest;
    char buffer[256];
    while (span_next_line(&text, &line)) {
        line = narrow(line, buffer, sizeof buffer);
        if (!span_starts_nocase(line, "DriverVer") || !span_cut(line, '=', &key, &value) ||
            !span_eq_nocase(span_trim(key), "DriverVer") || !span_cut(value, ',', &date, &number))
            continue;
        span_cut(number, ';', &number, &rest); /* a comment */
        if (driver_version_parse(span_trim(number), ret_version) == 0)
            return 0;
    }
    return -ENOENT;
}
