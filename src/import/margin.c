#include "import/margin.h"

#include <ctype.h>

#include "base/text.h"
#include "import/page.h"

static size_t blanks_length(struct span line, size_t at) {
    size_t start = at;
    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
        at++;
    return at - start;
}

static size_t digits_length(struct span line, size_t at) {
    size_t start = at;
    while (at < line.len && isdigit((unsigned char)line.ptr[at]))
        at++;
    return at - start;
}

/* "> ", and deeper; ">>>" is Python's prompt. */
static size_t quote_length(struct span line) {
    size_t at = 0;
    while (at < line.len && line.ptr[at] == '>' && !span_starts(span_slice(line, at, line.len), ">>>"))
        at += at + 1 < line.len && line.ptr[at + 1] == ' ' ? 2 : 1;
    return at;
}

/* "comfyui  | " (docker compose); a table's border has nothing before the bar. */
static size_t service_length(struct span line) {
    size_t at = 0;
    while (at < line.len && at < 64 && (isalnum((unsigned char)line.ptr[at]) || strchr("_-.", line.ptr[at])))
        at++;
    size_t blanks = blanks_length(line, at);
    if (!at || !blanks || at + blanks >= line.len || line.ptr[at + blanks] != '|')
        return 0;
    at += blanks + 1;
    return at < line.len && line.ptr[at] == ' ' ? at + 1 : at;
}

/* "  12  ", "  12<tab>" (cat -n), "12: " (grep -n), "3: " (srun --label), "12 | "; not "01:00.0", not "1.2". */
static size_t number_length(struct span line) {
    size_t at = blanks_length(line, 0);
    size_t digits = digits_length(line, at);
    at += digits;
    if (!digits || digits > 6 || at >= line.len)
        return 0;
    struct span rest = span_slice(line, at, line.len);
    static const char *const ends[] = {"\t", "  ", ": ", " | "};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (span_starts(rest, ends[i]))
            return at + strlen(ends[i]);
    return rest.len == 1 && rest.ptr[0] == ':' ? at + 1 : 0;
}

/* "12.3s<tab>45<tab>" (Kaggle's logs) */
static size_t elapsed_length(struct span line) {
    size_t seconds = digits_length(line, 0);
    if (!seconds || seconds >= line.len || line.ptr[seconds] != '.')
        return 0;
    size_t at = seconds + 1 + digits_length(line, seconds + 1);
    if (at >= line.len || line.ptr[at] != 's')
        return 0;
    size_t number = at + 1 + blanks_length(line, at + 1);
    size_t digits = digits_length(line, number);
    size_t after = number + digits;
    return number > at + 1 && digits && after < line.len && isspace((unsigned char)line.ptr[after]) ? after + 1
                                                                                                    : 0;
}

/* "[pod/trainer-abc/main] " (kubectl --prefix), "[ERROR] "; an index in brackets is an answer's part. */
static size_t bracket_length(struct span line) {
    if (line.len < 4 || line.ptr[0] != '[' || !isalpha((unsigned char)line.ptr[1]))
        return 0;
    size_t at = 1;
    while (at < line.len && at < 128 && (isalnum((unsigned char)line.ptr[at]) || strchr("._-:/", line.ptr[at])))
        at++;
    return at + 1 < line.len && line.ptr[at] == ']' && line.ptr[at + 1] == ' ' ? at + 2 : 0;
}

/* "ERROR: ", "WARNING | " */
static size_t level_length(struct span line) {
    static const char *const levels[] = {"ERROR", "WARNING", "WARN", "INFO", "DEBUG", "error", "warning", "info"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct span rest = span_slice(line, strlen(levels[i]), line.len);
        size_t mark = rest.len && strchr(":|", rest.ptr[0]) ? 1 : 0, blanks = blanks_length(rest, mark);
        if (span_starts(line, levels[i]) && blanks)
            return strlen(levels[i]) + mark + blanks;
    }
    return 0;
}

/* "- ", "* ", "| ": a list or a quote of a chat; a table's line has a bar at its end too. */
static size_t bullet_length(struct span line) {
    if (line.len < 2 || !strchr("-*|", line.ptr[0]) || line.ptr[1] != ' ')
        return 0;
    return line.ptr[0] != '|' || !span_ends(span_trim(line), "|") ? 2 : 0;
}

static size_t (*const known[])(struct span line) = {quote_length,   service_length, number_length, elapsed_length,
                                                    bracket_length, level_length,   bullet_length};

/* The first lines that are not empty, cleaned, as much of each as a margin takes. */
enum { SAMPLE_LINES = 40, SAMPLE_BYTES = 160 };
struct sample {
    char bytes[SAMPLE_LINES][SAMPLE_BYTES];
    struct span lines[SAMPLE_LINES];
    size_t count;
};

static void sample_take(struct sample *sample, struct span text) {
    struct span line;
    sample->count = 0;
    while (sample->count < SAMPLE_LINES && span_next_line(&text, &line)) {
        char *clean = sample->bytes[sample->count];
        struct span seen = {clean, page_clean_line(span_slice(line, 0, SAMPLE_BYTES), clean, SAMPLE_BYTES)};
        if (span_trim(seen).len)
            sample->lines[sample->count++] = seen;
    }
}

/* Nine lines of ten have it; a list's only line has it too, which no program begins so. */
static bool stands_before(const struct sample *sample, size_t (*length)(struct span)) {
    size_t fewest = length == bullet_length ? 1 : 3, without = 0;
    for (size_t i = 0; i < sample->count && without * 10 <= sample->count; i++)
        without += span_trim(sample->lines[i]).len && !length(sample->lines[i]);
    return sample->count >= fewest && without * 10 <= sample->count;
}

struct margins margins_find(struct span text) {
    struct margins margins = {.count = 0};
    struct sample sample;
    sample_take(&sample, text);
    for (size_t i = 0; i < sizeof known / sizeof *known && margins.count < MARGIN_DEEPEST; i++) {
        if (!stands_before(&sample, known[i]))
            continue;
        margins.length[margins.count++] = known[i];
        for (size_t k = 0; k < sample.count; k++) /* the next one stands behind it */
            sample.lines[k] = span_slice(sample.lines[k], known[i](sample.lines[k]), sample.lines[k].len);
    }
    return margins;
}

struct span margins_cut(const struct margins *margins, struct span line) {
    for (size_t i = 0; i < margins->count; i++)
        line = span_slice(line, margins->length[i](line), line.len);
    return line;
}
