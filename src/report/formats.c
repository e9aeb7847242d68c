/* The formats by name, one row each, and the sentences they share. */
#include "base/text.h"
#include "report/report.h"

const char *report_answer(const struct diagnosis *diagnosis) {
    static const char *const answers[] = {
        [VERDICT_HEALTHY] = "PyTorch can use the GPU: every link that was looked at holds.",
        [VERDICT_DEGRADED] = "PyTorch can use the GPU, with the warnings below.",
        [VERDICT_BROKEN] = "", /* a root says it */
        [VERDICT_UNKNOWN] = "Cannot tell: nothing broken was found, but not every link could be judged."};
    const struct cause *root = diagnosis_root(diagnosis);
    return root ? root->summary : answers[diagnosis->verdict];
}

const char *report_check(struct report_input input) {
    const struct cause_list *causes = &input.diagnosis->causes;
    const struct cause *root = causes->count && causes->items[0].role == ROLE_ROOT ? &causes->items[0] : NULL;
    bool text = text_eq(input.snapshot->origin, "text");
    if (!root || !root->fixes.count || root->link == LINK_PROGRAM || text_eq(root->id, "gpu-absent"))
        return NULL;
    bool build = text_starts(root->id, "toolkit-");
    /* is_available() says True for these all the same: only computing tells */
    bool compute = text_starts(root->id, "gpu-") || text_eq(root->id, "compute-mode-or-in-use");
    if (text && text_eq(root->id, "torch-companion-mismatch"))
        return NULL;
    if (compute)
        return text ? "python -c \"import torch; print(torch.ones(2, device='cuda') + 1)\"" : "whycuda test";
    if (text)
        return build ? NULL : "python -c \"import torch; print(torch.cuda.is_available())\"";
    return build ? "whycuda --for-build" : "whycuda";
}

const char *report_role(enum role role) {
    static const char *const headings[] = {"Cause", "Follows from it", "Would break next"};
    return headings[role];
}

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
