/* A comment ready to post on an issue. */
#include "base/text.h"
#include "report/report.h"

/* In a table cell or a line of text: no markup of the page, no new line, no mention of people. */
static void add_plain(struct buffer *out, const char *text) {
    for (const char *p = text ? text : ""; *p; p++) {
        if (strchr("|<>*_`[]#@\\", *p))
            buffer_add_text(out, *p == '@' ? "@\u200b" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : "\\");
        if (!strchr("@<>", *p))
            buffer_add(out, *p == '\n' ? " " : p, 1);
    }
}

/* As code: a fence longer than any run of backticks inside. */
static void add_code(struct buffer *out, const char *text) {
    size_t run = 0, longest = 0;
    for (const char *p = text; *p; p++) {
        run = *p == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        buffer_add_text(out, "`");
    buffer_addf(out, "%s%s%s", longest ? " " : "", text, longest ? " " : "");
    for (size_t i = 0; i <= longest; i++)
        buffer_add_text(out, "`");
}

static void add_cause(struct buffer *out, const struct cause *cause) {
    buffer_addf(out, "\n### %s: `%s`\n\n", report_role(cause->role), cause->id);
    add_plain(out, cause->summary);
    buffer_addf(out, " (%s)\n\n", confidence_name(cause->confidence));
    for (size_t i = 0; i < cause->evidence.count; i++) {
        const struct evidence *e = &cause->evidence.items[i];
        buffer_add_text(out, "- ");
        add_plain(out, e->fact);
        buffer_add_text(out, ": ");
        if (*e->value) /* a code span cannot be empty */
            add_code(out, e->value);
        else
            buffer_add_text(out, "empty");
        if (e->source) {
            buffer_add_text(out, " (");
            add_plain(out, e->source);
            buffer_add_text(out, ")");
        }
        buffer_add_text(out, "\n");
    }
    for (size_t i = 0; i < cause->fixes.count; i++) {
        const struct fix *fix = &cause->fixes.items[i];
        buffer_addf(out, "\n%s", i && !text_starts(fix->title, "Then ") ? "Or: " : i ? "" : "**Mend it:** ");
        add_plain(out, fix->title);
        buffer_addf(out, "%s\n", fix->reboot ? " (then reboot)" : "");
        if (!fix->commands.count) /* advice in words */
            continue;
        buffer_add_text(out, "\n```sh\n");
        for (size_t c = 0; c < fix->commands.count; c++)
            buffer_addf(out, "%s\n", fix->commands.items[c]);
        buffer_add_text(out, "```\n");
    }
    for (size_t i = 0; i < cause->see.count; i++)
        buffer_addf(out, "%s<%s>", i ? ", " : "\nSee ", cause->see.items[i]);
    if (cause->see.count)
        buffer_add_text(out, "\n");
}

static void add_chain(struct buffer *out, const struct diagnosis *d) {
    buffer_add_text(out, "\n| link | state | |\n|---|---|---|\n");
    for (size_t i = 0; i < diagnosis_link_count(d); i++) {
        buffer_addf(out, "| %s | %s | ", link_name(d->links[i].link), link_state_name(d->links[i].state));
        add_plain(out, d->links[i].summary);
        buffer_add_text(out, " |\n");
    }
}

void report_markdown(struct buffer *out, struct report_input input) {
    const struct diagnosis *d = input.diagnosis;
    buffer_add_text(out, "## ");
    add_plain(out, report_answer(d));
    buffer_add_text(out, "\n");
    for (size_t i = 0; i < d->causes.count; i++)
        add_cause(out, &d->causes.items[i]);
    const char *check = report_check(input);
    if (check)
        buffer_addf(out, "\nThen see whether it helped:\n\n```sh\n%s\n```\n", check);
    add_chain(out, d);
    if (d->unknown.count)
        buffer_add_text(out, "\nCould not be checked:\n\n");
    for (size_t i = 0; i < d->unknown.count; i++) {
        const struct unknown_item *item = &d->unknown.items[i];
        buffer_add_text(out, "- ");
        add_plain(out, item->fact);
        buffer_add_text(out, ": ");
        add_plain(out, item->reason);
        buffer_add_text(out, item->command ? ":\n\n  ```sh\n  " : "\n");
        if (item->command)
            buffer_addf(out, "%s\n  ```\n", item->command);
    }
    buffer_add_text(out, "\n<sub>whycuda " WHYCUDA_VERSION "</sub>\n");
}
