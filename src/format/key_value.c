#include "format/key_value.h"

bool key_value_next(struct span *rest, struct span *ret_key, struct span *ret_value) {
    struct span line, key, value;
    while (span_next_line(rest, &line)) {
        line = span_trim(line);
        if (!line.len || line.ptr[0] == '#' || !span_cut(line, '=', &key, &value))
            continue;
        key = span_trim(key);
        if (!key.len)
            continue;
        *ret_key = key;
        *ret_value = span_unquote(span_trim(value));
        return true;
    }
    return false;
}
