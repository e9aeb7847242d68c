/* Shared by the files of the verb libs. */
#pragma once

#include <stdio.h>

#include "loader/torch_plan.h"

/* What is shown: the requests of a loader, and for PyTorch the stages they belong to. */
struct libs_view {
    struct loader *loader;
    const char *file;              /* NULL: PyTorch */
    const struct torch_plan *plan; /* NULL: a file */
    size_t first;                  /* requests before this one are not shown */
    bool symbols;                  /* they were checked */
    bool verbose;
};

/* Whether a library or symbol that is needed is missing. */
bool libs_incomplete(const struct libs_view *view);
void libs_write_json(FILE *out, const struct libs_view *view);
void libs_write_list(FILE *out, const struct libs_view *view);
void libs_write_tree(FILE *out, const struct libs_view *view);
