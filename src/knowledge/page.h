/* The pages of the causes (docs/causes/ID.md), compiled into the program. */
#pragma once

#include "base/span.h"

/* The page of a cause id, Markdown, NUL-terminated. False: there is none. */
bool page_find(const char *id, struct span *ret_page);
/* Number `index` of all, in the order of their names. False behind the last one. */
bool page_at(size_t index, const char **ret_id, struct span *ret_page);
