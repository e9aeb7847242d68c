/* The formats by name: one row each. */
#include "report/report.h"

static void write_json(struct buffer *out, struct report_input input, struct report_style style) {
    (void)style;
    report_json(out, input);
}

static void write_markdown(struct buffer *out, struct report_input input, struct report_style style) {
    (void)style;
    report_markdown(out, input);
}

const struct report_format report_formats[] = {
    {"text", report_text},
    {"json", write_json},
    {"markdown", write_markdown},
};
const size_t report_format_count = sizeof report_formats / sizeof *report_formats;
