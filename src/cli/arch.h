/* Shared by the files of `whycuda arch`; nobody else includes this. */
#pragma once

#include <jansson.h>

#include "cli/verb.h"
#include "format/fatbin_file.h"

/* One file, read. */
struct arch_file {
    const char *name; /* as given on the command line, cleaned for printing */
    const char *path; /* absolute, inside the root */
    struct fatbin_file code;
    struct texts torch_flags; /* PyTorch's own list; empty unless the file is one of PyTorch's libraries */
};

/* Reads path and, of PyTorch's libraries, the list beside it. The errors of fatbin_file_read. */
int arch_file_read(const struct root *root, struct arena *arena, const char *given, enum fatbin_reach reach,
                   struct arch_file *ret_file);

void arch_text(FILE *out, struct arena *arena, const struct arch_file *file, bool verbose);
/* A new reference. */
json_t *arch_json(struct arena *arena, const struct arch_file *file, bool verbose);
