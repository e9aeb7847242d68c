#include "format/python_metadata.h"

#include "base/limits.h"
#include "base/list.h"

void python_metadata_parse(struct arena *arena, struct span bytes, struct python_metadata *ret_metadata) {
    struct python_metadata metadata = {0};
    struct span line, key, value;
    while (span_next_line(&bytes, &line) && line.len) {
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t' || !span_cut(line, ':', &key, &value))
            continue; /* a folded line, or nothing */
        value = span_trim(value);
        if (span_eq_nocase(key, "Requires-Dist")) {
            if (metadata.requirements.count < LIMIT_ROWS)
                LIST_PUSH(arena, &metadata.requirements) = value;
        } else if (span_eq_nocase(key, "Name")) {
            metadata.name = value;
        } else if (span_eq_nocase(key, "Version")) {
            metadata.version = value;
        } else if (span_eq_nocase(key, "Requires-Python")) {
            metadata.requires_python = value;
        }
    }
    *ret_metadata = metadata;
}
