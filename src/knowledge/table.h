/* For src/knowledge only: the tables' bytes and a cursor over one. */
#pragma once

#include "format/csv.h"
#include "knowledge/knowledge.h"

enum table_id {
    TABLE_GPU_IDS,
    TABLE_GPU_NAMES,
    TABLE_CHIPS,
    TABLE_ARCHITECTURES,
    TABLE_CUDA_DRIVERS,
    TABLE_DRIVER_BRANCHES,
    TABLE_TORCH_RELEASES,
    TABLE_TORCH_VARIANTS,
    TABLE_COMPANIONS,
    TABLE_ERRORS,
    TABLE_XIDS,
    TABLE_MESSAGES,
    TABLE_FIXES,
    TABLE_KERNEL_MESSAGES,
    TABLE_COUNT
};

/* What has been parsed so far; each member belongs to one file of this room. */
struct gpu_cache;
struct driver_cache;
struct torch_cache;
struct error_cache;
struct fix_cache;
struct recommend_cache;
struct message_set;

struct knowledge {
    struct arena arena;
    struct span table[TABLE_COUNT];
    size_t bad_rows;
    struct gpu_cache *gpu;
    struct driver_cache *driver;
    struct torch_cache *torch;
    struct error_cache *error;
    struct fix_cache *fixes;
    struct recommend_cache *recommended;
    struct message_set *messages;
    int messages_error;
};
/* Frees what is not in the arena. */
void message_set_free(struct message_set *set);

struct cursor {
    struct knowledge *knowledge;
    struct span rest;
    struct csv_row row;
    size_t column[CSV_COLUMNS]; /* position in the row of each name asked for */
    size_t confidence;
};
/* Stands before the first row. `names`: the columns that will be asked for, in that order, NULL at the end; one
 * that the table lacks reads as empty, so that an older --data still serves. */
void cursor_open(struct cursor *cursor, struct knowledge *knowledge, enum table_id table,
                 const char *const *names);
bool cursor_next(struct cursor *cursor);
/* The field as it stands in the file (quotes inside still doubled). */
struct span cursor_span(const struct cursor *cursor, size_t name);
/* A copy in the knowledge's arena; "" for an empty field. */
const char *cursor_text(const struct cursor *cursor, size_t name);
/* NULL for an empty field. */
const char *cursor_text_or_null(const struct cursor *cursor, size_t name);
/* 0 for an empty field or none that is a number. */
unsigned cursor_number(const struct cursor *cursor, size_t name);
/* "8.6" as 86, "12.4" as 12040, a driver version; 0 (count 0) for an empty field. */
int cursor_capability(const struct cursor *cursor, size_t name);
int cursor_cuda(const struct cursor *cursor, size_t name);
struct driver_version cursor_driver(const struct cursor *cursor, size_t name);
bool cursor_confirmed(const struct cursor *cursor);
/* The blank-separated words of a field, in the knowledge's arena. */
struct texts cursor_words(const struct cursor *cursor, size_t name);
