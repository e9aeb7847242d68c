#include "knowledge/knowledge.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "knowledge/table.h"
#include "sys/root.h"

#define TABLES(X)                                                                                                 \
    X(TABLE_GPU_IDS, gpu_ids)                                                                                     \
    X(TABLE_GPU_NAMES, gpu_names)                                                                                 \
    X(TABLE_CHIPS, chips)                                                                                         \
    X(TABLE_ARCHITECTURES, architectures)                                                                         \
    X(TABLE_CUDA_DRIVERS, cuda_drivers)                                                                           \
    X(TABLE_DRIVER_BRANCHES, driver_branches)                                                                     \
    X(TABLE_TORCH_RELEASES, torch_releases)                                                                       \
    X(TABLE_TORCH_VARIANTS, torch_variants)                                                                       \
    X(TABLE_COMPANIONS, companions)                                                                               \
    X(TABLE_ERRORS, errors)                                                                                       \
    X(TABLE_XIDS, xids)                                                                                           \
    X(TABLE_MESSAGES, messages)                                                                                   \
    X(TABLE_FIXES, fixes)                                                                                         \
    X(TABLE_KERNEL_MESSAGES, kernel_messages)

#define DECLARE(id, name) extern const char table_##name[], table_##name##_end[];
TABLES(DECLARE)

static const struct {
    const char *name, *start, *end;
} compiled[TABLE_COUNT] = {
#define ENTRY(id, table) [id] = {#table, table_##table, table_##table##_end},
    TABLES(ENTRY)};

/* --- opening ------------------------------------------------------------------------------------------------ */

static void close_root_pointer(struct root **root) {
    root_close(*root);
}

/* Puts the directory's tables in the place of the compiled ones. The directory is one of the host, also where
 * another root is looked at, hence a root of its own. */
static int read_directory(struct knowledge *knowledge, const char *directory) {
    __attribute__((cleanup(close_root_pointer))) struct root *root = NULL;
    int error = root_open(&root, NULL);
    if (error)
        return error;
    if (directory[0] != '/') {
        const char *here = root_env(root, "PWD", NULL);
        directory = text_path(&knowledge->arena, here ? here : "/", directory);
    }
    struct texts names;
    error = root_list(root, &knowledge->arena, directory, &names);
    if (error && error != -EFBIG)
        return error;
    bool any = false;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const char *name = arena_printf(&knowledge->arena, "%s.csv", compiled[i].name);
        if (!texts_have(&names, name))
            continue;
        error = root_read(root, &knowledge->arena, text_path(&knowledge->arena, directory, name), LIMIT_FILE,
                          &knowledge->table[i]);
        if (error)
            return error;
        any = true;
    }
    return any ? 0 : -EINVAL;
}

int knowledge_open(struct knowledge **ret_knowledge, const char *data_dir) {
    struct knowledge *knowledge = calloc(1, sizeof *knowledge);
    if (!knowledge)
        return -ENOMEM;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        knowledge->table[i] = span_from(compiled[i].start, (size_t)(compiled[i].end - compiled[i].start));
    int error = data_dir ? read_directory(knowledge, data_dir) : 0;
    if (error) {
        knowledge_close(knowledge);
        return error;
    }
    *ret_knowledge = knowledge;
    return 0;
}

void knowledge_close(struct knowledge *knowledge) {
    if (!knowledge)
        return;
    message_set_free(knowledge->messages);
    arena_release(&knowledge->arena);
    free(knowledge);
}

size_t knowledge_bad_rows(const struct knowledge *knowledge) {
    return knowledge->bad_rows;
}

/* --- a cursor over a table ---------------------------------------------------------------------------------- */

void cursor_open(struct cursor *cursor, struct knowledge *knowledge, enum table_id table,
                 const char *const *names) {
    *cursor = (struct cursor){.knowledge = knowledge, .rest = knowledge->table[table], .confidence = SIZE_MAX};
    for (size_t i = 0; i < CSV_COLUMNS; i++)
        cursor->column[i] = SIZE_MAX;
    if (csv_next(&cursor->rest, &cursor->row) != 1) {
        cursor->rest.len = 0;
        return;
    }
    for (size_t i = 0; i < CSV_COLUMNS && names[i]; i++)
        cursor->column[i] = csv_find(&cursor->row, names[i]);
    cursor->confidence = csv_find(&cursor->row, "confidence");
}

bool cursor_next(struct cursor *cursor) {
    int got;
    while ((got = csv_next(&cursor->rest, &cursor->row)) < 0)
        cursor->knowledge->bad_rows++;
    return got == 1;
}

struct span cursor_span(const struct cursor *cursor, size_t name) {
    size_t column = cursor->column[name];
    return column < cursor->row.count ? cursor->row.field[column] : span_from("", 0);
}

const char *cursor_text(const struct cursor *cursor, size_t name) {
    return csv_text(&cursor->knowledge->arena, &cursor->row, cursor->column[name]);
}

const char *cursor_text_or_null(const struct cursor *cursor, size_t name) {
    return cursor_span(cursor, name).len ? cursor_text(cursor, name) : NULL;
}

unsigned cursor_number(const struct cursor *cursor, size_t name) {
    int64_t number;
    if (span_to_number(cursor_span(cursor, name), 10, &number) || number < 0 || number > INT32_MAX)
        return 0;
    return (unsigned)number;
}

int cursor_capability(const struct cursor *cursor, size_t name) {
    int capability;
    return capability_parse(cursor_span(cursor, name), &capability) ? 0 : capability;
}

int cursor_cuda(const struct cursor *cursor, size_t name) {
    int number;
    return cuda_version_parse(cursor_span(cursor, name), &number) ? 0 : number;
}

struct driver_version cursor_driver(const struct cursor *cursor, size_t name) {
    struct driver_version version = {0};
    driver_version_parse(cursor_span(cursor, name), &version);
    return version;
}

bool cursor_confirmed(const struct cursor *cursor) {
    return csv_is(&cursor->row, cursor->confidence, "confirmed");
}

struct texts cursor_words(const struct cursor *cursor, size_t name) {
    struct texts words = {0};
    struct span rest = cursor_span(cursor, name), word;
    while (words.count < LIMIT_ROWS && span_next_word(&rest, &word))
        texts_add(&cursor->knowledge->arena, &words, arena_copy_span(&cursor->knowledge->arena, word));
    return words;
}

/* --- capabilities and platforms ----------------------------------------------------------------------------- */

int capability_parse(struct span text, int *ret_capability) {
    text = span_trim(text);
    struct span digits = text;
    if (span_starts_nocase(digits, "sm_"))
        digits = span_slice(digits, 3, digits.len);
    else if (span_starts_nocase(digits, "compute_"))
        digits = span_slice(digits, 8, digits.len);
    if (digits.len > 1 && isalpha((unsigned char)digits.ptr[digits.len - 1]))
        digits.len--;
    struct span major, minor;
    bool dot = span_cut(digits, '.', &major, &minor);
    int64_t number, part = 0;
    if (span_to_number(major, 10, &number) || (dot && span_to_number(minor, 10, &part)))
        return -EINVAL;
    if (dot)
        number = number > 99 || part < 0 || part > 9 || number < 1 ? 0 : number * 10 + part;
    if (number < 10 || number > 999)
        return -EINVAL;
    *ret_capability = (int)number;
    return 0;
}

const char *capability_text(int capability, char *buffer) {
    snprintf(buffer, 8, "%d.%d", capability_major(capability) % 1000, capability_minor(capability) % 10);
    return buffer;
}

const char *platform_name(enum platform platform) {
    static const char *const names[] = {[PLATFORM_UNKNOWN] = "unknown",
                                        [PLATFORM_LINUX_X86_64] = "linux_x86_64",
                                        [PLATFORM_LINUX_AARCH64] = "linux_aarch64",
                                        [PLATFORM_JETSON] = "jetson",
                                        [PLATFORM_WINDOWS] = "windows_amd64",
                                        [PLATFORM_MACOS] = "macos"};
    return names[platform];
}
