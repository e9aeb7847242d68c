/* Text that came from outside becomes valid UTF-8 without control characters, here and nowhere else. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

/* A terminated copy: invalid bytes and control characters as \xNN, tab and newline kept only by text_lines.
 * Cut at LIMIT_TEXT bytes with "..." at the end. */
const char *text_clean(struct arena *arena, struct span span);
/* The same, keeping \n and \t, for quoted output of several lines. */
const char *text_lines(struct arena *arena, struct span span);

/* Length of the valid UTF-8 sequence at the start, 0 if there is none. */
size_t utf8_sequence(struct span span);
/* Columns a text takes on a terminal; wide characters count two. */
size_t text_columns(const char *text);

bool text_eq(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
bool text_has(const char *text, const char *part);        /* NULL has nothing */
bool text_has_nocase(const char *text, const char *part); /* ASCII case folded */
/* The part after the last '/', or the whole. */
const char *text_basename(const char *path);
/* `directory/name`, with one slash between. */
const char *text_path(struct arena *arena, const char *directory, const char *name);
/* Compares as people do: runs of digits as numbers ("sm_75" < "sm_100"). For qsort-like use. */
int text_compare_natural(const char *a, const char *b);
