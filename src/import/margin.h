/* What stands in front of nearly every line of a text: quotes of an answer, a container's or a rank's label, line
 * numbers, a level. One such line alone may be what a program printed; nine of ten are a margin. */
#pragma once

#include <stddef.h>

#include "base/span.h"

enum { MARGIN_DEEPEST = 3 }; /* a quoted log of a container */

struct margins {
    size_t (*length[MARGIN_DEEPEST])(struct span line); /* from the left */
    size_t count;
};

/* Looks at the first lines of the text. */
struct margins margins_find(struct span text);
/* The line without them; as it is where it has none. */
struct span margins_cut(const struct margins *margins, struct span line);
