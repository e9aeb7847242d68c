#include "report/words.h"

#include <string.h>

#include "base/text.h"

void words_pad(struct buffer *out, const char *text, int columns) {
    buffer_add_text(out, text);
    for (int used = (int)text_columns(text); used < columns; used++)
        buffer_add_text(out, " ");
}

static void indent_by(struct buffer *out, int indent) {
    for (int i = 0; i < indent; i++)
        buffer_add_text(out, " ");
}

void words_wrap(struct buffer *out, const char *text, int column, int indent, int width) {
    struct span rest = span_of(text), line, word;
    bool first_line = true;
    while (span_next_line(&rest, &line)) {
        if (!first_line) {
            buffer_add_text(out, "\n");
            indent_by(out, indent);
            column = indent;
        }
        first_line = false;
        bool first_word = true;
        while (span_next_word(&line, &word)) {
            AUTO_ARENA arena = {0};
            int columns = (int)text_columns(arena_copy_span(&arena, word));
            if (!first_word && column + 1 + columns > width) {
                buffer_add_text(out, "\n");
                indent_by(out, indent);
                column = indent;
            } else if (!first_word) {
                buffer_add_text(out, " ");
                column++;
            }
            buffer_add_span(out, word);
            column += columns;
            first_word = false;
        }
    }
    buffer_add_text(out, "\n");
}

void words_ascii(struct buffer *out) {
    static const struct {
        const char *utf8, *ascii;
    } forms[] = {{"\u2018", "'"}, {"\u2019", "'"}, {"\u201c", "\""}, {"\u201d", "\""}, {"\u2026", "..."},
                 {"\u2013", "-"}, {"\u2014", "-"}, {"\u2192", "->"}, {"\u2713", "ok"}, {"\u2717", "x"},
                 {"\u00d7", "x"}, {"\u00b7", "-"}, {"\u2265", ">="}, {"\u2264", "<="}};
    struct buffer ascii = BUFFER_INIT(out->max);
    struct span rest = buffer_span(out);
    while (rest.len) {
        size_t len = utf8_sequence(rest), known = 0;
        if (len == 1) {
            buffer_add(&ascii, rest.ptr, 1);
        } else {
            for (; known < sizeof forms / sizeof *forms; known++)
                if (span_starts(rest, forms[known].utf8))
                    break;
            buffer_add_text(&ascii, known < sizeof forms / sizeof *forms ? forms[known].ascii : "?");
        }
        rest = span_slice(rest, len ? len : 1, rest.len);
    }
    buffer_release(out);
    *out = ascii;
}
