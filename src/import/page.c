#include "import/page.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/text.h"
#include "import/margin.h"

/* --- characters ---------------------------------------------------------------------------------------------- */

/* The length of the terminal sequence at the start (ECMA-48: CSI, OSC and two-byte escapes); 0: none. */
static size_t escape_length(struct span span) {
    if (span.len < 2 || span.ptr[0] != 0x1b)
        return 0;
    size_t at = 2;
    if (span.ptr[1] == '[') {
        while (at < span.len && (unsigned char)span.ptr[at] >= 0x20 && (unsigned char)span.ptr[at] < 0x40)
            at++;
        return at < span.len ? at + 1 : at;
    }
    if (span.ptr[1] == ']') {
        while (at < span.len && span.ptr[at] != 0x07 && span.ptr[at] != 0x1b)
            at++;
        return at < span.len && span.ptr[at] == 0x1b ? at + 2 > span.len ? span.len : at + 2
                                                     : at + (at < span.len);
    }
    return 2;
}

static const struct {
    const char *name;
    char to;
} entities[] = {{"&gt;", '>'},   {"&lt;", '<'},    {"&amp;", '&'}, {"&quot;", '"'},
                {"&#39;", '\''}, {"&#x27;", '\''}, {"&#34;", '"'}, {"&nbsp;", ' '}};

static size_t entity_length(struct span span, char *ret_to) {
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (span_starts(span, entities[i].name)) {
            *ret_to = entities[i].to;
            return strlen(entities[i].name);
        }
    return 0;
}

/* What editors and chat programs make of ASCII, back again. "" drops the character. */
static const struct {
    const char *from, *to;
} plain[] = {{"\u2018", "'"}, {"\u2019", "'"}, {"\u201c", "\""}, {"\u201d", "\""}, {"\u00a0", " "},
             {"\u2011", "-"}, {"\u2013", "-"}, {"\u2014", "--"}, {"\u2212", "-"},  {"\u200b", ""},
             {"\u200c", ""},  {"\u200d", ""},  {"\ufeff", ""},   {"\u2028", " "},  {"\u202f", " "},
             {"\u3000", " "}, {"\u2060", ""},  {"\u200e", ""}};

static const char *plain_form(struct span character) {
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (span_eq(character, plain[i].from))
            return plain[i].to;
    return NULL;
}

static bool is_plain(struct span line) {
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < 0x20 || line.ptr[i] == 0x7f || line.ptr[i] == '&')
            return false;
    return true;
}

/* One character of the line: what it takes, and what it becomes. */
static size_t clean_character(struct span rest, char *out, size_t room, size_t *ret_taken) {
    char c = rest.ptr[0];
    size_t escape = escape_length(rest);
    *ret_taken = escape ? escape : 1;
    if (escape)
        return 0;
    char entity;
    size_t length = c == '&' ? entity_length(rest, &entity) : 0;
    if (length) {
        *ret_taken = length;
        c = entity;
    }
    if (c == '\t' || (c >= 0x20 && c < 0x7f)) {
        out[0] = c;
        return 1;
    }
    length = utf8_sequence(rest);
    if (length < 2) {
        out[0] = '?';
        return length ? 0 : 1; /* control characters vanish, bytes that are no UTF-8 show */
    }
    *ret_taken = length;
    const char *form = plain_form(span_slice(rest, 0, length));
    const char *bytes = form ? form : rest.ptr;
    length = form ? strlen(form) : length;
    if (length > room)
        return 0;
    memcpy(out, bytes, length);
    return length;
}

size_t page_clean_line(struct span line, char *out, size_t room) {
    if (line.len <= room && is_plain(line)) {
        memcpy(out, line.ptr, line.len);
        return line.len;
    }
    size_t used = 0;
    while (line.len && used < room) {
        size_t taken;
        if (line.ptr[0] == '\r' && line.len > 1 && line.ptr[1] != '\r') {
            used = 0; /* a progress bar: what follows was written over it */
            taken = 1;
        } else if (line.ptr[0] == '\b') {
            used -= used > 0;
            taken = 1;
        } else {
            used += clean_character(line, out + used, room - used, &taken);
        }
        line = span_slice(line, taken, line.len);
    }
    return used;
}

/* --- Markdown and HTML --------------------------------------------------------------------------------------- */

static const char *const tags[] = {"<pre>",      "</pre>", "<code>", "</code>",   "<details>",
                                   "</details>", "<br>",   "<br/>",  "<summary>", "</summary>",
                                   "<p>",        "</p>",   "<br />", "<table>",   "</table>"};

static struct span cut_tags(struct span line) {
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
            if (span_starts(line, tags[i])) {
                line = span_slice(line, strlen(tags[i]), line.len);
                found = true;
            } else if (span_ends(line, tags[i])) {
                line = span_slice(line, 0, line.len - strlen(tags[i]));
                found = true;
            }
        }
    }
    return line;
}

/* A fence is an empty line; a line between single backticks is what is between them. */
static struct span cut_markdown(struct span line) {
    struct span trimmed = span_trim(line);
    if (span_starts(trimmed, "```") || span_starts(trimmed, "~~~~"))
        return span_slice(line, 0, 0);
    if (trimmed.len > 2 && trimmed.ptr[0] == '`' && trimmed.ptr[trimmed.len - 1] == '`' &&
        !memchr(trimmed.ptr + 1, '`', trimmed.len - 2))
        return span_slice(trimmed, 1, trimmed.len - 1);
    if (trimmed.len && trimmed.ptr[0] == '<')
        return cut_tags(trimmed);
    if (trimmed.len > 4 && trimmed.ptr[trimmed.len - 1] == '>')
        return cut_tags(line);
    return line;
}

/* --- the page ------------------------------------------------------------------------------------------------ */

/* As far as one character takes one. */
static size_t columns(struct span line) {
    size_t count = 0;
    for (size_t i = 0; i < line.len; i++)
        count += ((unsigned char)line.ptr[i] & 0xc0) != 0x80;
    return count;
}

static void add_line(struct page *page, struct span line, const struct margins *margins) {
    char clean[LIMIT_REPORT_LINE];
    if (line.len > sizeof clean * 4) {
        line = span_slice(line, 0, sizeof clean * 4);
        page->cut = true;
    }
    struct span text = span_from(clean, page_clean_line(line, clean, sizeof clean));
    LIST_PUSH(&page->arena, &page->widths) = columns(text);
    bool service;
    text = page_cut_prefix(cut_markdown(margins_cut(margins, text)), &service);
    LIST_PUSH(&page->arena, &page->services) = service;
    LIST_PUSH(&page->arena, &page->starts) = page->text.len;
    buffer_add_span(&page->text, text);
    buffer_add(&page->text, "\n", 1);
}

/* UTF-16 with a byte order mark, as UTF-8; unpaired surrogates become '?'. */
static void from_utf16(struct buffer *out, struct span text) {
    bool big = (unsigned char)text.ptr[0] == 0xfe;
    for (size_t i = 2; i + 1 < text.len && !out->full; i += 2) {
        unsigned low = (unsigned char)text.ptr[i + (big ? 1 : 0)],
                 high = (unsigned char)text.ptr[i + (big ? 0 : 1)];
        unsigned unit = high << 8 | low;
        char bytes[3] = {(char)unit};
        if (unit < 0x80) {
            buffer_add(out, bytes, 1);
        } else if (unit < 0x800) {
            bytes[0] = (char)(0xc0 | unit >> 6);
            bytes[1] = (char)(0x80 | (unit & 0x3f));
            buffer_add(out, bytes, 2);
        } else if (unit >= 0xd800 && unit < 0xe000) {
            buffer_add(out, "?", 1);
        } else {
            bytes[0] = (char)(0xe0 | unit >> 12);
            bytes[1] = (char)(0x80 | (unit >> 6 & 0x3f));
            bytes[2] = (char)(0x80 | (unit & 0x3f));
            buffer_add(out, bytes, 3);
        }
    }
}

/* No text: a NUL, or many control characters, near the start. */
static bool is_binary(struct span text) {
    enum { SAMPLE = 8192 };
    struct span start = span_slice(text, 0, SAMPLE);
    size_t odd = 0;
    for (size_t i = 0; i < start.len; i++) {
        unsigned char c = (unsigned char)start.ptr[i];
        if (c == 0)
            return true;
        odd += c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != '\b' && c != 0x07 && c != '\f';
    }
    return odd * 20 > start.len;
}

void page_read(struct page *page, struct span text) {
    AUTO_BUFFER decoded = BUFFER_INIT((size_t)LIMIT_SNAPSHOT * 4);
    *page = (struct page){.text = BUFFER_INIT((size_t)LIMIT_SNAPSHOT * 8)};
    if (text.len >= 2 && (memcmp(text.ptr, "\xff\xfe", 2) == 0 || memcmp(text.ptr, "\xfe\xff", 2) == 0)) {
        from_utf16(&decoded, text);
        text = buffer_span(&decoded);
    }
    page->binary = is_binary(text);
    if (page->binary)
        return;
    struct margins margins = margins_find(text);
    struct span line;
    while (span_next_line(&text, &line)) {
        page->lines++;
        if (page->starts.count < LIMIT_REPORT_LINES)
            add_line(page, line, &margins);
        else
            page->cut = true;
    }
    page->cut |= page->text.full;
    page_unwrap(page);
}

void page_release(struct page *page) {
    arena_release(&page->arena);
    buffer_release(&page->text);
}

struct span page_lines(const struct page *page, size_t first, size_t last) {
    if (first >= page->starts.count || last < first)
        return (struct span){"", 0};
    size_t start = page->starts.items[first];
    size_t end = last + 1 < page->starts.count ? page->starts.items[last + 1] : page->text.len;
    if (start >= page->text.len) /* the buffer was full */
        return (struct span){"", 0};
    if (end > start && page->text.ptr[end - 1] == '\n')
        end--;
    return span_from(page->text.ptr + start, end - start);
}

struct span page_line(const struct page *page, size_t index) {
    return page_lines(page, index, index);
}

bool page_from_service(const struct page *page, size_t index) {
    return index < page->services.count && page->services.items[index];
}

size_t page_line_at(const struct page *page, size_t offset) {
    size_t low = 0, high = page->starts.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (page->starts.items[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}
