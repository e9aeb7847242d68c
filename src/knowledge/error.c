#include "knowledge/error.h"

#include <ctype.h>
#include <errno.h>

#include "knowledge/table.h"

struct error_cache {
    struct {
        struct error_entry *items;
        size_t count;
    } errors;
    struct {
        struct xid_entry *items;
        size_t count;
    } xids;
};

static void read_errors(struct knowledge *knowledge, struct error_cache *cache) {
    static const char *const names[] = {"api", "code", "name", "driver_name", "text", "meaning", "causes", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_ERRORS, names);
    while (cursor_next(&cursor))
        LIST_PUSH(&knowledge->arena, &cache->errors) =
            (struct error_entry){.api = span_eq(cursor_span(&cursor, 0), "nvml") ? ERROR_NVML : ERROR_CUDA,
                                 .code = (int)cursor_number(&cursor, 1),
                                 .name = cursor_text(&cursor, 2),
                                 .driver_name = cursor_text_or_null(&cursor, 3),
                                 .text = cursor_text(&cursor, 4),
                                 .meaning = cursor_text(&cursor, 5),
                                 .causes = cursor_text(&cursor, 6),
                                 .confirmed = cursor_confirmed(&cursor)};
}

static void read_xids(struct knowledge *knowledge, struct error_cache *cache) {
    static const char *const names[] = {"xid", "symbol", "meaning", "severity", "action", "look", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_XIDS, names);
    while (cursor_next(&cursor))
        LIST_PUSH(&knowledge->arena, &cache->xids) = (struct xid_entry){.xid = (int)cursor_number(&cursor, 0),
                                                                        .symbol = cursor_text(&cursor, 1),
                                                                        .meaning = cursor_text(&cursor, 2),
                                                                        .severity = cursor_text(&cursor, 3),
                                                                        .action = cursor_text(&cursor, 4),
                                                                        .look = cursor_text(&cursor, 5),
                                                                        .confirmed = cursor_confirmed(&cursor)};
}

static struct error_cache *error_cache(struct knowledge *knowledge) {
    if (!knowledge->error) {
        knowledge->error = arena_alloc(&knowledge->arena, sizeof *knowledge->error);
        read_errors(knowledge, knowledge->error);
        read_xids(knowledge, knowledge->error);
    }
    return knowledge->error;
}

int knowledge_error(struct knowledge *knowledge, enum error_api api, int code, struct error_entry *ret_error) {
    const struct error_cache *cache = error_cache(knowledge);
    for (size_t i = 0; i < cache->errors.count; i++)
        if (cache->errors.items[i].api == api && cache->errors.items[i].code == code) {
            *ret_error = cache->errors.items[i];
            return 0;
        }
    return -ENOENT;
}

int knowledge_error_by_name(struct knowledge *knowledge, struct span name, struct error_entry *ret_error) {
    const struct error_cache *cache = error_cache(knowledge);
    name = span_trim(name);
    for (size_t i = 0; name.len && i < cache->errors.count; i++) {
        const struct error_entry *entry = &cache->errors.items[i];
        if (span_eq_nocase(name, entry->name) ||
            (entry->driver_name && span_eq_nocase(name, entry->driver_name))) {
            *ret_error = *entry;
            return 0;
        }
    }
    return -ENOENT;
}

int knowledge_error_by_text(struct knowledge *knowledge, enum error_api api, struct span words,
                            struct error_entry *ret_error) {
    const struct error_cache *cache = error_cache(knowledge);
    size_t best = 0;
    for (size_t i = 0; i < cache->errors.count; i++) {
        const struct error_entry *entry = &cache->errors.items[i];
        size_t length = entry->text ? strlen(entry->text) : 0;
        bool ends = length <= words.len && (length == words.len || !isalnum((unsigned char)words.ptr[length]));
        if (entry->api != api || !entry->code || length <= best || !ends ||
            !span_starts_nocase(words, entry->text))
            continue;
        best = length;
        *ret_error = *entry;
    }
    return best ? 0 : -ENOENT;
}

int knowledge_xid(struct knowledge *knowledge, int xid, struct xid_entry *ret_xid) {
    const struct error_cache *cache = error_cache(knowledge);
    for (size_t i = 0; xid > 0 && i < cache->xids.count; i++)
        if (cache->xids.items[i].xid == xid) {
            *ret_xid = cache->xids.items[i];
            return 0;
        }
    return -ENOENT;
}
