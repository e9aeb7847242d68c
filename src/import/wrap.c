/* Lines that a terminal cut at its width, as `tmux`, `screen` and older consoles give them to the clipboard. */
#include <ctype.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/text.h"
#include "import/page.h"

static bool is_word(char c) {
    return isalnum((unsigned char)c) || strchr("_./-", c);
}

/* A table's row and a rule across the page end where they end. */
static bool is_whole(struct span line) {
    return strchr("|+=-*#", line.ptr[line.len - 1]) != NULL;
}

/* Cut within a word; a log that repeats itself has equal lines of equal width instead. */
static bool cuts_word(struct span line, struct span next) {
    return next.len && is_word(line.ptr[line.len - 1]) && is_word(next.ptr[0]) &&
           memcmp(line.ptr, next.ptr, next.len < 4 ? next.len : 4) != 0;
}

/* The width that cut the text: the widest lines are several, as wide as each other, and most end within a word. 0: none.
 */
static size_t width_of(const struct page *page) {
    enum { NARROWEST = 60, WIDEST = 250, FEWEST = 2 };
    size_t width = 0, full = 0, cut = 0;
    struct span first = {0}; /* a line that comes again is no second one */
    for (size_t i = 0; i < page->starts.count; i++) {
        struct span line = page_line(page, i);
        size_t wide = page->widths.items[i];
        if (wide > WIDEST)
            return 0;
        if (wide < NARROWEST || wide < width || !line.len || is_whole(line))
            continue;
        if (wide > width)
            width = wide, full = cut = 0;
        if (full && line.len == first.len && memcmp(line.ptr, first.ptr, line.len) == 0)
            continue;
        first = full ? first : line;
        full++;
        cut += i + 1 < page->starts.count && cuts_word(line, page_line(page, i + 1));
    }
    return cut >= FEWEST && cut * 2 >= full ? width : 0;
}

void page_unwrap(struct page *page) {
    size_t width = width_of(page);
    if (!width)
        return;
    struct buffer joined = BUFFER_INIT(page->text.max);
    struct page_starts starts = {0};
    size_t waiting = 0; /* lines that went into the one before */
    for (size_t i = 0; i < page->starts.count; i++) {
        struct span line = page_line(page, i);
        if (!waiting)
            LIST_PUSH(&page->arena, &starts) = joined.len;
        buffer_add_span(&joined, line);
        bool cut = page->widths.items[i] == width && line.len && !is_whole(line);
        if (cut && i + 1 < page->starts.count && (waiting + 1) * width < LIMIT_REPORT_LINE) {
            waiting++;
            continue;
        }
        buffer_add(&joined, "\n", 1);
        for (; waiting; waiting--) { /* empty, so that the numbers of the lines hold */
            LIST_PUSH(&page->arena, &starts) = joined.len;
            buffer_add(&joined, "\n", 1);
        }
    }
    buffer_release(&page->text);
    page->text = joined;
    page->starts = starts;
}
