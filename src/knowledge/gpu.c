#include "knowledge/gpu.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "knowledge/gpu_name.h"
#include "knowledge/table.h"

struct chip {
    const char *name, *architecture;
    int capability;
    bool confirmed;
};
enum { ASKED = 64, ASKED_LENGTH = 64 };

struct gpu_cache {
    struct {
        struct chip *items;
        size_t count;
    } chips;
    struct {
        struct architecture *items;
        size_t count;
    } architectures;
    struct gpu_names names;
    bool names_read;
    struct asked_name { /* the last answers, by a hash of the name: a report is asked about the same GPU by many
                           rules */
        char name[ASKED_LENGTH];
        size_t length; /* 0: free */
        const struct gpu_name *found;
    } asked[ASKED];
    struct {
        struct known_gpu {
            const char *row;
            struct gpu_model model;
        } * items;
        size_t count;
    } seen; /* each GPU asked for, so that a million questions take the memory of a few */
};

static enum module_need module_of(struct span text) {
    return span_eq(text, "closed")   ? MODULE_CLOSED_ONLY
           : span_eq(text, "either") ? MODULE_EITHER
           : span_eq(text, "open")   ? MODULE_OPEN_ONLY
                                     : MODULE_UNKNOWN;
}

static void read_chips(struct knowledge *knowledge, struct gpu_cache *cache) {
    static const char *const names[] = {"chip", "architecture", "capability", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_CHIPS, names);
    while (cursor_next(&cursor))
        LIST_PUSH(&knowledge->arena, &cache->chips) =
            (struct chip){.name = cursor_text(&cursor, 0),
                          .architecture = cursor_text_or_null(&cursor, 1),
                          .capability = cursor_capability(&cursor, 2),
                          .confirmed = cursor_confirmed(&cursor)};
}

static void read_architectures(struct knowledge *knowledge, struct gpu_cache *cache) {
    static const char *const names[] = {"capability",  "architecture", "first_cuda", "last_cuda", "first_branch",
                                        "last_branch", "tegra",        "module",     "examples",  NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_ARCHITECTURES, names);
    while (cursor_next(&cursor))
        LIST_PUSH(&knowledge->arena, &cache->architectures) =
            (struct architecture){.capability = cursor_capability(&cursor, 0),
                                  .name = cursor_text(&cursor, 1),
                                  .first_cuda = cursor_cuda(&cursor, 2),
                                  .last_cuda = cursor_cuda(&cursor, 3),
                                  .first_branch = cursor_number(&cursor, 4),
                                  .last_branch = cursor_number(&cursor, 5),
                                  .last_known = cursor_span(&cursor, 5).len != 0,
                                  .tegra = span_eq(cursor_span(&cursor, 6), "yes"),
                                  .module = module_of(cursor_span(&cursor, 7)),
                                  .examples = cursor_text(&cursor, 8),
                                  .confirmed = cursor_confirmed(&cursor)};
}

static struct gpu_cache *gpu_cache(struct knowledge *knowledge) {
    if (!knowledge->gpu) {
        knowledge->gpu = arena_alloc(&knowledge->arena, sizeof *knowledge->gpu);
        read_chips(knowledge, knowledge->gpu);
        read_architectures(knowledge, knowledge->gpu);
    }
    return knowledge->gpu;
}

int knowledge_architecture(struct knowledge *knowledge, int capability, struct architecture *ret_architecture) {
    const struct gpu_cache *cache = gpu_cache(knowledge);
    for (size_t i = 0; i < cache->architectures.count; i++)
        if (cache->architectures.items[i].capability == capability) {
            *ret_architecture = cache->architectures.items[i];
            return 0;
        }
    return -ENOENT;
}

static const struct chip *find_chip(struct knowledge *knowledge, struct span name) {
    const struct gpu_cache *cache = gpu_cache(knowledge);
    for (size_t i = 0; name.len && i < cache->chips.count; i++)
        if (span_eq(name, cache->chips.items[i].name))
            return &cache->chips.items[i];
    return NULL;
}

/* What follows from the chip, where the id's own row says nothing. */
static void fill_from_chip(struct knowledge *knowledge, struct span chip_name, struct gpu_model *gpu) {
    const struct chip *chip = find_chip(knowledge, chip_name);
    if (!chip)
        return;
    gpu->chip = chip->name;
    gpu->architecture = chip->architecture;
    gpu->capability = chip->capability;
    gpu->confirmed = gpu->confirmed && chip->confirmed;
    struct architecture architecture;
    if (knowledge_architecture(knowledge, chip->capability, &architecture) || !architecture.confirmed)
        return;
    gpu->first_branch = architecture.first_branch;
    gpu->module = architecture.module;
    if (!gpu->last_known) {
        gpu->last_known = architecture.last_known;
        gpu->last_branch = architecture.last_branch;
    }
}

enum { ID_ID, ID_CHIP, ID_NAME, ID_OTHER, ID_LAST, ID_OPEN };
static const char *const id_columns[] = {"id", "chip", "name", "other_name", "last_branch", "open_module", NULL};
static const char *const name_columns[] = {"name", "chip", NULL};

static void gpu_from_row(const struct cursor *cursor, bool by_id, struct gpu_model *gpu) {
    *gpu = (struct gpu_model){.name = cursor_text(cursor, by_id ? ID_NAME : 0),
                              .confirmed = cursor_confirmed(cursor)};
    if (by_id) {
        gpu->last_branch = cursor_number(cursor, ID_LAST);
        gpu->last_known = cursor_span(cursor, ID_LAST).len != 0;
    }
    fill_from_chip(cursor->knowledge, cursor_span(cursor, by_id ? ID_CHIP : 1), gpu);
    /* What NVIDIA says of the very id goes before what holds for its chip. */
    if (by_id && span_eq(cursor_span(cursor, ID_OPEN), "no"))
        gpu->module = MODULE_CLOSED_ONLY;
}

/* The GPU of the row that starts at `row`, in one of the two tables. */
static int gpu_at(struct knowledge *knowledge, const char *row, struct gpu_model *ret_gpu) {
    struct gpu_cache *cache = gpu_cache(knowledge);
    for (size_t i = 0; i < cache->seen.count; i++)
        if (cache->seen.items[i].row == row) {
            *ret_gpu = cache->seen.items[i].model;
            return 0;
        }
    struct span table = knowledge->table[TABLE_GPU_IDS];
    bool by_id = row >= table.ptr && row < table.ptr + table.len;
    if (!by_id)
        table = knowledge->table[TABLE_GPU_NAMES];
    struct cursor cursor;
    cursor_open(&cursor, knowledge, by_id ? TABLE_GPU_IDS : TABLE_GPU_NAMES, by_id ? id_columns : name_columns);
    cursor.rest = span_slice(table, (size_t)(row - table.ptr), table.len);
    if (!cursor_next(&cursor))
        return -ENOENT;
    gpu_from_row(&cursor, by_id, ret_gpu);
    LIST_PUSH(&knowledge->arena, &cache->seen) = (struct known_gpu){row, *ret_gpu};
    return 0;
}

int knowledge_gpu_by_id(struct knowledge *knowledge, unsigned device, struct gpu_model *ret_gpu) {
    if (device > 0xffff)
        return -EINVAL;
    /* 1,500 rows are searched as bytes: a row begins with its id, and no field of ours holds a newline. */
    char needle[8];
    snprintf(needle, sizeof needle, "\n%04x,", device);
    struct span table = knowledge->table[TABLE_GPU_IDS];
    size_t at = span_find(table, needle);
    return at == SIZE_MAX ? -ENOENT : gpu_at(knowledge, table.ptr + at + 1, ret_gpu);
}

/* --- names -------------------------------------------------------------------------------------------------- */

static const char *row_start(const struct cursor *cursor) {
    return cursor->row.field[0].ptr - (cursor->row.quoted[0] ? 1 : 0);
}

static void read_names(struct knowledge *knowledge, struct gpu_cache *cache) {
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_GPU_IDS, id_columns);
    while (cursor_next(&cursor)) {
        const struct chip *chip = find_chip(knowledge, cursor_span(&cursor, ID_CHIP));
        if (!chip || !chip->capability)
            continue;
        for (size_t column = ID_NAME; column <= ID_OTHER; column++)
            gpu_names_add(&knowledge->arena, &cache->names, cursor_span(&cursor, column), chip->capability,
                          row_start(&cursor));
    }
    cursor_open(&cursor, knowledge, TABLE_GPU_NAMES, name_columns);
    while (cursor_next(&cursor)) {
        const struct chip *chip = find_chip(knowledge, cursor_span(&cursor, 1));
        if (chip && chip->capability)
            gpu_names_add(&knowledge->arena, &cache->names, cursor_span(&cursor, 0), chip->capability,
                          row_start(&cursor));
    }
}

static const struct gpu_name *find_name(struct gpu_cache *cache, struct span name) {
    if (!name.len || name.len > ASKED_LENGTH)
        return gpu_names_find(&cache->names, name);
    unsigned hash = 5381;
    for (size_t i = 0; i < name.len; i++)
        hash = hash * 33 + (unsigned char)name.ptr[i];
    struct asked_name *asked = &cache->asked[hash % ASKED];
    if (asked->length != name.len || memcmp(asked->name, name.ptr, name.len) != 0) {
        asked->found = gpu_names_find(&cache->names, name);
        asked->length = name.len;
        memcpy(asked->name, name.ptr, name.len);
    }
    return asked->found;
}

int knowledge_gpu_by_name(struct knowledge *knowledge, struct span name, struct gpu_model *ret_gpu) {
    struct gpu_cache *cache = gpu_cache(knowledge);
    if (!cache->names_read) {
        read_names(knowledge, cache);
        cache->names_read = true;
    }
    const struct gpu_name *found = find_name(cache, name);
    return found ? gpu_at(knowledge, found->row, ret_gpu) : -ENOENT;
}
