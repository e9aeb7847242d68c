#include "import/reading.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"

const char *place_name(enum place place) {
    static const char *const names[] = {NULL, "host", "container", "wsl", "windows", "job"};
    return names[place];
}

/* --- blocks -------------------------------------------------------------------------------------------------- */

void reading_open_block(struct reading *reading) {
    size_t line = reading->line ? reading->line->number : 1;
    if (reading->blocks.count == LIMIT_REPORT_BLOCKS)
        return;
    struct block *block = &LIST_PUSH(reading->arena, &reading->blocks);
    block->first = block->last = line;
    block->place = reading->place;
    block->facts = arena_alloc(reading->arena, sizeof *block->facts);
    reading->facts = block->facts;
}

const char *reading_source(struct reading *reading) {
    if (!reading->source)
        reading->source = arena_printf(reading->arena, "line %zu", reading->line ? reading->line->number : 1);
    return reading->source;
}

void reading_kind(struct reading *reading, const char *kind) {
    struct texts_fact *kinds = &reading->facts->printed.kinds;
    if (!known(*kinds))
        set_listed(kinds, reading_source(reading));
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->items[i], kind) == 0)
            return;
    texts_push(reading->arena, kinds, kind);
}

/* --- facts --------------------------------------------------------------------------------------------------- */

void put_text(struct reading *reading, struct text_fact *fact, struct span value) {
    set_text(fact, text_clean(reading->arena, span_trim(value)), reading_source(reading));
}

void put_flag(struct reading *reading, struct flag_fact *fact, bool value) {
    set_flag(fact, value, reading_source(reading));
}

void note_text(struct reading *reading, struct text_fact *fact, struct span value) {
    if (!known(*fact) && span_trim(value).len)
        put_text(reading, fact, value);
}

void note_word(struct reading *reading, struct text_fact *fact, const char *value) {
    if (value && !known(*fact))
        set_text(fact, value, reading_source(reading));
}

void note_number(struct reading *reading, struct number_fact *fact, int64_t value) {
    if (!known(*fact))
        set_number(fact, value, reading_source(reading));
}

void note_flag(struct reading *reading, struct flag_fact *fact, bool value) {
    if (!known(*fact))
        set_flag(fact, value, reading_source(reading));
}

void note_absent(struct reading *reading, struct fact *fact) {
    if (fact->state == FACT_UNKNOWN)
        *fact = (struct fact){.state = FACT_ABSENT, .source = reading_source(reading)};
}

void note_listed(struct reading *reading, struct texts_fact *list, struct span value) {
    if (!known(*list))
        set_listed(list, reading_source(reading));
    if (list->count >= LIMIT_REPORT_ROWS)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (span_eq(value, list->items[i]))
            return;
    texts_push(reading->arena, list, text_clean(reading->arena, value));
}

/* --- rows ---------------------------------------------------------------------------------------------------- */

struct python_environment *reading_python(struct reading *reading) {
    struct python_environment_rows *rows = &reading->facts->torch.environments;
    for (size_t i = 0; i < rows->count; i++)
        if (is_true(rows->items[i].in_use))
            return &rows->items[i];
    set_listed(rows, reading_source(reading));
    struct python_environment *python = &LIST_PUSH(reading->arena, rows);
    set_flag(&python->in_use, true, reading_source(reading));
    return python;
}

static const char *package_name(struct arena *arena, struct span name) {
    char *text = arena_copy_span(arena, span_slice(name, 0, 100));
    for (char *c = text; *c; c++)
        *c = *c == '_' || *c == '.' ? '-' : (char)tolower((unsigned char)*c);
    return text_clean(arena, span_of(text));
}

struct python_package *reading_package(struct reading *reading, struct span name) {
    struct python_package_rows *packages = &reading_python(reading)->packages;
    const char *normal = package_name(reading->arena, name);
    for (size_t i = 0; i < packages->count; i++)
        if (text_eq(text_of(packages->items[i].name), normal))
            return &packages->items[i];
    struct python_package *package = READING_PUSH(reading, packages);
    if (package)
        set_text(&package->name, normal, reading_source(reading));
    return package;
}

struct gpu_device *reading_gpu(struct reading *reading, size_t index) {
    struct gpu_device_rows *devices = &reading->facts->gpu.devices;
    while (devices->count <= index)
        if (!READING_PUSH(reading, devices))
            return NULL;
    return &devices->items[index];
}

/* "NVIDIA GeForce RTX 3090" and "GeForce RTX 3090" are one; nvidia-smi cuts a long name: "NVIDIA A100-PCI...". */
static bool same_name(const char *a, struct span b) {
    struct span first = span_of(a);
    for (int round = 0; round < 2; round++) {
        struct span *name = round ? &b : &first;
        if (span_starts_nocase(*name, "NVIDIA "))
            *name = span_slice(*name, 7, name->len);
        while (span_ends(*name, "."))
            name->len--;
    }
    size_t len = first.len < b.len ? first.len : b.len;
    return len && (first.len == b.len || len >= 8) && strncasecmp(first.ptr, b.ptr, len) == 0;
}

struct gpu_device *reading_gpu_named(struct reading *reading, struct span name) {
    struct gpu_device_rows *devices = &reading->facts->gpu.devices;
    for (size_t i = 0; i < devices->count; i++)
        if (!known(devices->items[i].name) || same_name(devices->items[i].name.value, name)) {
            note_text(reading, &devices->items[i].name, name);
            return &devices->items[i];
        }
    struct gpu_device *device = READING_PUSH(reading, devices);
    if (device)
        put_text(reading, &device->name, name);
    return device;
}

struct compute_device *reading_compute(struct reading *reading, size_t index) {
    struct compute_device_rows *devices = &reading->facts->compute.devices;
    for (size_t i = 0; i < devices->count; i++)
        if (number_of(devices->items[i].index, -1) == (int64_t)index)
            return &devices->items[i];
    struct compute_device *device = READING_PUSH(reading, devices);
    if (device)
        set_number(&device->index, (int64_t)index, reading_source(reading));
    return device;
}

struct variable *reading_variable(struct reading *reading, struct span name) {
    struct variable_rows *variables = &reading->facts->environment.variables;
    for (size_t i = 0; i < variables->count; i++)
        if (span_eq(name, variables->items[i].name.value))
            return &variables->items[i];
    struct variable *variable = READING_PUSH(reading, variables);
    reading_kind(reading, "variables");
    if (variable)
        set_text(&variable->name, text_clean(reading->arena, name), reading_source(reading));
    return variable;
}

void reading_message(struct reading *reading, const char *id, struct span argument, struct span second) {
    struct printed_message_rows *messages = &reading->facts->printed.messages;
    for (size_t i = 0; i < messages->count; i++)
        if (text_eq(messages->items[i].id.value, id) &&
            span_eq(argument, text_of(messages->items[i].argument) ? text_of(messages->items[i].argument) : ""))
            return;
    struct printed_message *message = READING_PUSH(reading, messages);
    if (!message)
        return;
    const char *source = reading_source(reading);
    set_text(&message->id, id, source);
    set_number(&message->line, reading->line ? (int64_t)reading->line->number : 1, source);
    if (reading->line)
        set_text(&message->text, text_clean(reading->arena, span_trim(reading->line->whole)), source);
    if (argument.len)
        set_text(&message->argument, text_clean(reading->arena, argument), source);
    if (second.len)
        set_text(&message->second, text_clean(reading->arena, second), source);
}

/* --- words in lines ------------------------------------------------------------------------------------------ */

bool after_key(struct span line, const char *key, struct span *ret_value) {
    size_t at = span_find(line, key);
    if (at == SIZE_MAX)
        return false;
    *ret_value = span_trim(span_slice(line, at + strlen(key), line.len));
    return true;
}

struct span version_at(struct span text) {
    size_t at = 0;
    while (at < text.len &&
           (isdigit((unsigned char)text.ptr[at]) ||
            (text.ptr[at] == '.' && at && at + 1 < text.len && isdigit((unsigned char)text.ptr[at + 1]))))
        at++;
    return span_slice(text, 0, at);
}

struct span release_at(struct span text) {
    struct span numbers = version_at(text);
    size_t at = numbers.len;
    while (at && at < text.len && at < 80 &&
           (isalnum((unsigned char)text.ptr[at]) ||
            (strchr("+._", text.ptr[at]) && at + 1 < text.len && isalnum((unsigned char)text.ptr[at + 1]))))
        at++;
    return span_slice(text, 0, at);
}

int64_t mebibytes(struct span text) {
    char number[32];
    struct span digits = version_at(text);
    if (!digits.len || digits.len >= sizeof number)
        return -1;
    memcpy(number, digits.ptr, digits.len);
    number[digits.len] = '\0';
    double value = strtod(number, NULL);
    struct span unit = span_trim(span_slice(text, digits.len, text.len));
    double factor = span_starts_nocase(unit, "G")   ? 1024
                    : span_starts_nocase(unit, "M") ? 1
                    : span_starts_nocase(unit, "K") ? 1.0 / 1024
                    : span_starts_nocase(unit, "T") ? 1024.0 * 1024
                                                    : 1.0 / (1024 * 1024);
    value *= factor;
    return value < 1e12 ? (int64_t)(value + 0.5) : -1;
}

size_t find_word(struct span text, const char *word) {
    size_t from = 0, length = strlen(word);
    while (from < text.len) {
        size_t at = span_find(span_slice(text, from, text.len), word);
        if (at == SIZE_MAX)
            return SIZE_MAX;
        at += from;
        bool left = at == 0 || !isalnum((unsigned char)text.ptr[at - 1]);
        bool right = at + length >= text.len || !isalnum((unsigned char)text.ptr[at + length]);
        if (left && right)
            return at;
        from = at + 1;
    }
    return SIZE_MAX;
}

bool command_option(struct span command, const char *option, struct span *ret_value) {
    struct span rest = command, word;
    size_t length = strlen(option);
    while (span_next_word(&rest, &word)) {
        if (!span_starts(word, option))
            continue;
        struct span value = span_slice(word, length, word.len);
        bool joined = length == 2 && option[0] == '-' && option[1] != '-' && value.len; /* -G2, -eNAME=1 */
        if (value.len && value.ptr[0] != '=' && !joined)
            continue;
        if (value.len && value.ptr[0] == '=')
            value = span_slice(value, 1, value.len);
        else if (!joined)
            span_next_word(&rest, &value);
        if (ret_value)
            *ret_value = span_unquote(value);
        return true;
    }
    return false;
}
