/* For src/diagnose/fix*.c only: rows of data/fixes.csv with their blanks filled in. */
#pragma once

#include "diagnose/judge.h"

/* NULL: not known; a row that needs it is then left out. */
struct fix_values {
    const char *branch, *release, *torch, *variant, *cuda, *path;
};

/* The table's names for this machine, the nearest first: "rhel9", "rocky", "rhel", "fedora", "linux". */
struct texts fix_systems(struct judge *judge);
/* "{torch}" and the like replaced; NULL where a value is not known. */
const char *fix_fill(struct judge *judge, const char *text, const struct fix_values *values);
/* Those of the first of this machine's systems that has any. */
size_t fix_rows_here(struct judge *judge, struct cause *cause, const char *action,
                     const struct fix_values *values);
/* The rows of one system and action as fixes of the cause; their number. */
size_t fix_rows(struct judge *judge, struct cause *cause, const char *system, const char *action,
                const struct fix_values *values);
/* As fix_families, with these values. */
size_t fix_families_with(struct judge *judge, struct cause *cause, const char *action,
                         const struct fix_values *values);
