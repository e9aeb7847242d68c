/* Any bytes as a table: every row is bounded, every field lies in the input, the reader always gets on. */
#include <stdint.h>
#include <stdlib.h>

#include "format/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    struct span rest = span_from(data, size);
    const char *end = (const char *)data + size;
    for (;;) {
        size_t before = rest.len;
        struct csv_row row;
        int got = csv_next(&rest, &row);
        if (got == 0)
            break;
        if (rest.len >= before)
            abort();
        if (got < 0)
            continue;
        for (size_t i = 0; i < row.count; i++) {
            if (row.field[i].ptr < (const char *)data || row.field[i].ptr + row.field[i].len > end)
                abort();
            if (strlen(csv_text(&arena, &row, i)) > row.field[i].len)
                abort();
        }
        if (arena.total > (size_t)64 << 20)
            arena_release(&arena);
    }
    return 0;
}
