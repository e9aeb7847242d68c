/* The terminal report: the answer first, then the chain, PyTorch's answers, evidence, commands, what is unknown. */
#include "base/text.h"
#include "report/report.h"
#include "report/words.h"

struct pen {
    struct buffer *out;
    struct report_style style;
};

enum tone { TONE_PLAIN, TONE_STRONG, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_FAINT };

static void tone(struct pen *pen, enum tone which) {
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[32m", "\033[33m", "\033[1;31m", "\033[2m"};
    if (pen->style.color)
        buffer_add_text(pen->out, codes[which]);
}

static void heading(struct pen *pen, const char *text) {
    buffer_add_text(pen->out, "\n");
    tone(pen, TONE_STRONG);
    buffer_add_text(pen->out, text);
    tone(pen, TONE_PLAIN);
    buffer_add_text(pen->out, "\n");
}

static void write_answer(struct pen *pen, const struct diagnosis *diagnosis) {
    bool root = diagnosis_root(diagnosis);
    tone(pen, root ? TONE_BAD : diagnosis->verdict == VERDICT_HEALTHY ? TONE_GOOD : TONE_WARN);
    words_wrap(pen->out, report_answer(diagnosis), 0, 0, pen->style.width);
    tone(pen, TONE_PLAIN);
}

/* What the reader must know before believing the rest. */
static void write_caveats(struct pen *pen, const struct snapshot *snapshot) {
    if (is_true(snapshot->system.sudo))
        words_wrap(pen->out,
                   "Note: this ran through sudo, so the environment and the Python are root's, not yours; "
                   "run it without sudo to see yours.",
                   0, 6, pen->style.width);
    const struct printed_facts *printed = &snapshot->printed;
    for (size_t i = 0; i < printed->also_seen.count; i++) {
        const struct printed_report *other = &printed->also_seen.items[i];
        AUTO_ARENA arena = {0};
        const char *what = text_of(other->summary) ? text_of(other->summary) : "it differs from the judged one";
        if (text_starts(what, "another report, "))
            what += strlen("another report, ");
        long long first = number_of(other->first_line, 0), last = number_of(other->last_line, 0);
        const char *lines = last > first ? arena_printf(&arena, "lines %lld to %lld hold", first, last)
                                         : arena_printf(&arena, "line %lld holds", first);
        const char *line = arena_printf(&arena, "Note: %s another report, which is not judged: %s", lines, what);
        words_wrap(pen->out, line, 0, 6, pen->style.width);
    }
}

static void write_chain(struct pen *pen, const struct diagnosis *diagnosis) {
    static const enum tone tones[] = {TONE_GOOD, TONE_PLAIN, TONE_WARN, TONE_BAD, TONE_FAINT, TONE_FAINT};
    buffer_add_text(pen->out, "\n");
    for (size_t i = 0; i < diagnosis_link_count(diagnosis); i++) {
        const struct link_state *link = &diagnosis->links[i];
        buffer_add_text(pen->out, "  ");
        words_pad(pen->out, link_name(link->link), 13);
        tone(pen, tones[link->state]);
        words_pad(pen->out, link_state_name(link->state), 9);
        tone(pen, TONE_PLAIN);
        words_wrap(pen->out, link->summary, 24, 24, pen->style.width);
        bool show = pen->style.verbose || link->state == STATE_NOTE || link->state == STATE_WARNING;
        for (size_t n = 0; show && n < link->notes.count; n++) {
            buffer_add_text(pen->out, "                        ");
            words_wrap(pen->out, link->notes.items[n], 24, 26, pen->style.width);
        }
    }
}

static void answer_line(struct pen *pen, const char *what, bool is_known, const char *value) {
    buffer_add_text(pen->out, "  ");
    words_pad(pen->out, what, 34);
    buffer_addf(pen->out, "%s\n", is_known ? value : "not known");
}

static void write_pytorch(struct pen *pen, const struct diagnosis *diagnosis) {
    const struct pytorch_answers *a = &diagnosis->pytorch;
    char count[24];
    snprintf(count, sizeof count, "%d", a->device_count);
    heading(pen, a->observed ? "PyTorch answered" : "PyTorch would answer (predicted, not run)");
    answer_line(pen, "torch.__version__", a->known_version, a->version ? a->version : "no PyTorch");
    answer_line(pen, "torch.version.cuda", a->known_version_cuda, a->version_cuda ? a->version_cuda : "None");
    answer_line(pen, "torch.cuda.is_available()", a->known_available, a->is_available ? "True" : "False");
    answer_line(pen, "torch.cuda.device_count()", a->known_count, count);
    answer_line(pen, "torch.cuda.get_device_name(0)", a->known_name,
                a->device_name ? a->device_name : "none: no device");
}

static void write_evidence(struct pen *pen, const struct cause *cause) {
    for (size_t i = 0; i < cause->evidence.count; i++) {
        const struct evidence *e = &cause->evidence.items[i];
        buffer_addf(pen->out, "  %s ", pen->style.utf8 ? "\u00b7" : "-");
        const char *dash = e->source ? "  (" : "";
        AUTO_ARENA arena = {0};
        bool quoted = text_eq(e->fact, "printed");
        const char *line = quoted ? arena_printf(&arena, "%s: %s", e->source ? e->source : "printed", e->value)
                                  : arena_printf(&arena, "%s: %s%s%s%s", e->fact, *e->value ? e->value : "empty",
                                                 dash, e->source ? e->source : "", e->source ? ")" : "");
        words_wrap(pen->out, line, 4, 6, pen->style.width);
    }
}

static void write_fixes(struct pen *pen, const struct cause *cause) {
    for (size_t i = 0; i < cause->fixes.count; i++) {
        const struct fix *fix = &cause->fixes.items[i];
        AUTO_ARENA arena = {0};
        const char *marks = fix->reboot ? "  [then reboot]" : "";
        const char *line = arena_printf(&arena, "%s%s%s", i && !text_starts(fix->title, "Then ") ? "Or: " : "",
                                        fix->title, marks);
        buffer_add_text(pen->out, "  ");
        words_wrap(pen->out, line, 2, 4, pen->style.width);
        for (size_t c = 0; c < fix->commands.count; c++) { /* never wrapped: they are to be copied */
            tone(pen, TONE_STRONG);
            buffer_addf(pen->out, "      %s\n", fix->commands.items[c]);
            tone(pen, TONE_PLAIN);
        }
    }
}

static void write_cause(struct pen *pen, const struct cause *cause, bool first) {
    AUTO_ARENA arena = {0};
    heading(pen, arena_printf(&arena, "%s: %s (%s)", report_role(cause->role), cause->id,
                              confidence_name(cause->confidence)));
    if (!first) {
        buffer_add_text(pen->out, "  ");
        words_wrap(pen->out, cause->summary, 2, 2, pen->style.width);
    }
    write_evidence(pen, cause);
    if (cause->fixes.count) {
        heading(pen, "Mend it");
        write_fixes(pen, cause);
    }
    for (size_t i = 0; i < cause->see.count; i++)
        buffer_addf(pen->out, "  see %s\n", cause->see.items[i]);
}

static void write_check(struct pen *pen, struct report_input input) {
    const char *command = report_check(input);
    if (!command)
        return;
    heading(pen, "Then see whether it helped");
    tone(pen, TONE_STRONG);
    buffer_addf(pen->out, "      %s\n", command);
    tone(pen, TONE_PLAIN);
}

static void write_unknown(struct pen *pen, const struct diagnosis *diagnosis) {
    if (!diagnosis->unknown.count)
        return;
    heading(pen, "Could not be checked");
    for (size_t i = 0; i < diagnosis->unknown.count; i++) {
        AUTO_ARENA arena = {0};
        const struct unknown_item *item = &diagnosis->unknown.items[i];
        buffer_addf(pen->out, "  %s ", pen->style.utf8 ? "\u00b7" : "-");
        const char *colon = item->command ? ":" : "";
        words_wrap(pen->out, arena_printf(&arena, "%s: %s%s", item->fact, item->reason, colon), 4, 6,
                   pen->style.width);
        if (item->command)
            buffer_addf(pen->out, "      %s\n", item->command);
    }
}

void report_text(struct buffer *out, struct report_input input, struct report_style style) {
    struct pen pen = {out, style};
    const struct diagnosis *diagnosis = input.diagnosis;
    write_answer(&pen, diagnosis);
    write_caveats(&pen, input.snapshot);
    write_chain(&pen, diagnosis);
    write_pytorch(&pen, diagnosis);
    for (size_t i = 0; i < diagnosis->causes.count; i++) {
        const struct cause *cause = &diagnosis->causes.items[i];
        if (cause->role == ROLE_ROOT || cause->role == ROLE_RISK || style.verbose)
            write_cause(&pen, cause, i == 0 && cause->role == ROLE_ROOT);
    }
    write_check(&pen, input);
    write_unknown(&pen, diagnosis);
    if (!style.utf8)
        words_ascii(out);
}
