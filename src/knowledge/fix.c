#include "knowledge/fix.h"

#include "base/limits.h"
#include "knowledge/table.h"

/* "first ;; second" as two commands. */
static struct texts split_commands(struct arena *arena, const struct cursor *cursor, size_t column) {
    struct texts commands = {0};
    struct span rest = span_of(csv_text(arena, &cursor->row, cursor->column[column]));
    while (rest.len && commands.count < LIMIT_ROWS) {
        size_t end = span_find(rest, ";;");
        struct span command = span_trim(span_slice(rest, 0, end == SIZE_MAX ? rest.len : end));
        if (command.len)
            texts_add(arena, &commands, arena_copy_span(arena, command));
        rest = span_slice(rest, end == SIZE_MAX ? rest.len : end + 2, rest.len);
    }
    return commands;
}

/* The text of a source key, from the "#   key = text" lines at the top of the table. */
static const char *source_text(struct arena *arena, struct span table, struct span keys) {
    struct span key, line, name, text;
    if (!span_next_word(&keys, &key))
        return "";
    while (span_next_line(&table, &line) && span_starts(line, "#"))
        if (span_starts(line, "#   ") && span_cut(span_slice(line, 4, line.len), '=', &name, &text)) {
            name = span_trim(name);
            if (name.len == key.len && memcmp(name.ptr, key.ptr, key.len) == 0)
                return arena_copy_span(arena, span_trim(text));
        }
    return arena_copy_span(arena, key);
}

struct fix_cache {
    struct fix_entry *items; /* the confirmed rows */
    size_t count;
};

static void read_fixes(struct knowledge *knowledge, struct fix_cache *cache) {
    struct arena *arena = &knowledge->arena;
    static const char *const names[] = {"system", "action", "title",  "commands", "needs_root",
                                        "reboot", "notes",  "source", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_FIXES, names);
    while (cursor_next(&cursor)) {
        if (!cursor_confirmed(&cursor))
            continue;
        LIST_PUSH(arena, cache) = (struct fix_entry){
            .system = csv_text(arena, &cursor.row, cursor.column[0]),
            .action = csv_text(arena, &cursor.row, cursor.column[1]),
            .title = csv_text(arena, &cursor.row, cursor.column[2]),
            .commands = split_commands(arena, &cursor, 3),
            .needs_root = span_eq(cursor_span(&cursor, 4), "yes"),
            .reboot = span_eq(cursor_span(&cursor, 5), "yes"),
            .notes = csv_text(arena, &cursor.row, cursor.column[6]),
            .source = source_text(arena, knowledge->table[TABLE_FIXES], cursor_span(&cursor, 7)),
        };
    }
}

size_t knowledge_fixes(struct knowledge *knowledge, struct arena *arena, const char *system, const char *action,
                       struct fix_entry **ret_fixes) {
    struct {
        struct fix_entry *items;
        size_t count;
    } fixes = {0};
    if (!knowledge->fixes) {
        knowledge->fixes = arena_alloc(&knowledge->arena, sizeof *knowledge->fixes);
        read_fixes(knowledge, knowledge->fixes);
    }
    for (size_t i = 0; i < knowledge->fixes->count; i++) {
        const struct fix_entry *fix = &knowledge->fixes->items[i];
        if (strcmp(fix->system, system) == 0 && strcmp(fix->action, action) == 0)
            LIST_PUSH(arena, &fixes) = *fix;
    }
    *ret_fixes = fixes.items;
    return fixes.count;
}
