/* Comma-separated values as data/ has them: RFC 4180 plus comment lines that begin with '#'. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

enum { CSV_COLUMNS = 24 };

struct csv_row {
    struct span field[CSV_COLUMNS]; /* as in the file, without the outer quotes; see csv_text */
    bool quoted[CSV_COLUMNS];
    size_t count;
};

/* Cuts the next row off *rest; comment lines and empty ones are passed over. 1: a row; 0: the end; -EINVAL: a row
 * that is none (a quote that never ends, text after a closing quote), -E2BIG: more than CSV_COLUMNS fields. After
 * an error *rest stands behind that row (behind everything for an endless quote), so the caller may go on. */
int csv_next(struct span *rest, struct csv_row *ret_row);

/* The field's text, "" made ": a copy in the arena. Empty text for a field the row does not have. */
const char *csv_text(struct arena *arena, const struct csv_row *row, size_t field);
/* Does the field say exactly this? No allocation; a field with doubled quotes inside never does. */
bool csv_is(const struct csv_row *row, size_t field, const char *text);
/* Its position in the row (a header), or SIZE_MAX. */
size_t csv_find(const struct csv_row *row, const char *text);
