/* Where in a JSON text a value stands, since the parser forgets it once the text is read. */
#pragma once

#include "base/span.h"

/* Deepest nesting of the text; stops at the first place past `limit` and gives its line and column. */
int json_depth(struct span text, int limit, int *ret_line, int *ret_column);

/* Line and column (1-based) of the value at a path like /driver/libraries/value/0; of the nearest parent that is
 * there otherwise. The text must be valid JSON. */
void json_locate(struct span text, const char *path, int *ret_line, int *ret_column);
