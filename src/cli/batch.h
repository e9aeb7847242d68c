/* whycuda explain --batch: JSON Lines of {"id", "text"} in, of {"id", "diagnosis"} or {"id", "error"} out. */
#pragma once

#include "cli/verb.h"

/* Reads `in` to its end. Lines come out in the order in which they went in, as soon as they are done; all
 * processors work; memory depends on the longest lines, not on their number. Returns the exit status. */
int batch_run(struct cli *cli, FILE *in);

/* One line, without its end: the answer as JSON with its own newline, to be freed. Never NULL. For tests. */
char *batch_answer(const struct cli *cli, struct knowledge *knowledge, const char *line, size_t length);
