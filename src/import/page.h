/* Pasted text made readable: one cleaned line for each line of the text, so that line numbers hold.
 *
 * Gone are: terminal sequences, progress bars (what a carriage return overwrote), Markdown fences and quotes, HTML
 * entities and tags around code, typographic quotes and dashes, UTF-16 (PowerShell's `>` writes it), and what logs
 * put in front of a line: times, levels, threads, containers, the name of the program. Indentation stays where
 * nothing else was in front. Time and memory are linear in the text, up to the limits. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

struct page {
    struct arena arena;
    struct buffer text;  /* the cleaned lines, each with \n at its end */
    struct page_starts { /* where each line starts in it */
        size_t *items;
        size_t count;
    } starts;
    struct page_widths { /* columns of each line before anything was cut off */
        size_t *items;
        size_t count;
    } widths;
    struct page_marks { /* for each line: docker compose wrote a service's name in front of it */
        bool *items;
        size_t count;
    } services;
    size_t lines; /* lines of the text, also those beyond the limit */
    bool cut;     /* a limit was reached */
    bool binary;  /* no text: nothing was read */
};

void page_read(struct page *page, struct span text);
void page_release(struct page *page);
#define AUTO_PAGE __attribute__((cleanup(page_release))) struct page

/* Line `index` (from 0), without its end. */
struct span page_line(const struct page *page, size_t index);
/* Lines [first, last] as one span. */
struct span page_lines(const struct page *page, size_t first, size_t last);
/* Was line `index` printed in a container, by what docker compose put in front of it? */
bool page_from_service(const struct page *page, size_t index);
/* The index of the line that holds this offset of page->text. */
size_t page_line_at(const struct page *page, size_t offset);

/* --- the parts, for tests ------------------------------------------------------------------------------------ */

/* Characters: at most `room` bytes into `out`; returns their number. Never longer than the line. */
size_t page_clean_line(struct span line, char *out, size_t room);
/* Cuts off what a log puts in front; the line itself where there is nothing. `service`: was docker compose's name
 * of a container there? */
struct span page_cut_prefix(struct span line, bool *service);
/* Joins the lines that a terminal cut at its width; the rest of a joined line is an empty line. */
void page_unwrap(struct page *page);
