/* whycuda compat: do a GPU, a driver, a PyTorch, a CUDA and a Python fit together? Asks the tables only. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "cli/output.h"
#include "knowledge/ask.h"
#include "report/words.h"

enum { INDENT = 4, LABEL = 24 };

static const char *fit_words(enum fit fit) {
    return fit == FIT_YES ? "fits" : fit == FIT_NO ? "does not fit" : "cannot tell";
}

/* --- text ---------------------------------------------------------------------------------------------------- */

static void add_line(struct buffer *out, const char *label, const char *text, int width) {
    buffer_add_text(out, "  ");
    words_pad(out, label, LABEL - 2);
    words_wrap(out, text, LABEL, LABEL, width);
}

static const char *describe_gpu(struct arena *arena, const struct gpu_model *gpu) {
    char capability[8];
    return arena_printf(arena, "%s (%s%s%s%scompute capability %s%s)", gpu->name,
                        gpu->architecture ? gpu->architecture : "", gpu->chip ? " " : "",
                        gpu->chip ? gpu->chip : "", gpu->architecture || gpu->chip ? ", " : "",
                        gpu->capability ? capability_text(gpu->capability, capability) : "not known",
                        gpu->confirmed ? "" : ", unconfirmed");
}

static void write_subject(struct buffer *out, struct arena *arena, const struct cli *cli,
                          const struct ask_answer *answer, int width) {
    char cuda[16];
    if (answer->gpu.name)
        add_line(out, "GPU", describe_gpu(arena, &answer->gpu), width);
    if (answer->driver.count) {
        const char *kind = answer->windows ? " (Windows)" : "";
        add_line(out, "driver",
                 answer->driver_cuda
                     ? arena_printf(arena, "%s%s, offers CUDA %s", answer->driver.text, kind,
                                    cuda_version_text(answer->driver_cuda, cuda))
                     : arena_printf(arena, "%s%s, its CUDA is not in the tables", answer->driver.text, kind),
                 width);
    }
    if (answer->torch)
        add_line(out, "PyTorch",
                 answer->variant ? arena_printf(arena, "%s+%s", answer->torch, answer->variant) : answer->torch,
                 width);
    if (cli->options.python)
        add_line(out, "Python", cli->options.python, width);
    add_line(out, "platform", platform_name(answer->platform), width);
}

static void write_build(struct buffer *out, struct arena *arena, const struct recommend_build *build, int width) {
    const char *by = build->code ? arena_printf(arena, ", code for %s", build->code) : "";
    const char *driver =
        build->driver_needed ? arena_printf(arena, ", driver %s or newer", build->driver_needed) : "";
    const char *newest = build->newest_branch ? arena_printf(arena, " up to branch %u", build->newest_branch) : "";
    buffer_add_text(out, "  ");
    words_wrap(out, arena_printf(arena, "PyTorch %s+%s%s%s%s", build->torch, build->variant, by, driver, newest),
               2, INDENT, width);
    buffer_addf(out, "      %s\n", recommend_command(arena, build)); /* never wrapped: it is to be copied */
}

static void write_builds(struct buffer *out, struct arena *arena, const char *title,
                         const struct recommendation *builds, int width) {
    buffer_addf(out, "\n%s\n", title);
    for (size_t i = 0; i < builds->count; i++)
        write_build(out, arena, &builds->items[i], width);
    if (!builds->count) {
        buffer_add_text(out, "  ");
        words_wrap(out, arena_printf(arena, "none: %s", builds->why_none.reason), 2, INDENT, width);
    }
    if (builds->after_driver || builds->after_least_driver)
        buffer_add_text(out, "After a driver update\n");
    if (builds->after_least_driver)
        write_build(out, arena, builds->after_least_driver, width);
    if (builds->after_driver)
        write_build(out, arena, builds->after_driver, width);
}

static void write_text(struct cli *cli, struct arena *arena, const struct ask_answer *answer) {
    AUTO_BUFFER out = BUFFER_INIT(1u << 20);
    struct report_style style = output_style(cli);
    static const char *const codes[] = {
        [FIT_UNKNOWN] = "\033[33m", [FIT_YES] = "\033[32m", [FIT_NO] = "\033[1;31m"};
    const char *first = answer->fit == FIT_YES  ? "These fit together."
                        : answer->fit == FIT_NO ? "These do not fit together."
                                                : "Cannot tell.";
    if (!answer->part_count)
        first = "Nothing to compare: name two or more of GPU, driver, PyTorch, CUDA and Python.";
    buffer_addf(&out, "%s%s%s\n\n", style.color ? codes[answer->fit] : "", first, style.color ? "\033[0m" : "");
    write_subject(&out, arena, cli, answer, style.width);
    if (answer->part_count)
        buffer_add_text(&out, "\n");
    for (size_t i = 0; i < answer->part_count; i++)
        add_line(&out, answer->parts[i].what,
                 arena_printf(arena, "%s: %s", fit_words(answer->parts[i].fit), answer->parts[i].reason),
                 style.width);
    if (answer->torch && answer->fit != FIT_YES)
        write_builds(&out, arena, arena_printf(arena, "Builds of PyTorch %s that fit", answer->torch),
                     &answer->same, style.width);
    if (!answer->torch || answer->fit != FIT_YES)
        write_builds(&out, arena, "Builds of any release that fit, best first", &answer->any, style.width);
    if (!style.utf8)
        words_ascii(&out);
    fwrite(buffer_text(&out), 1, out.len, cli->out);
}

/* --- JSON ---------------------------------------------------------------------------------------------------- */

static json_t *json_fit(enum fit fit) {
    return fit == FIT_UNKNOWN ? json_null() : json_boolean(fit == FIT_YES);
}

static json_t *json_text(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *json_cuda(int cuda) {
    char text[16];
    return cuda ? json_string(cuda_version_text(cuda, text)) : json_null();
}

static json_t *json_build(struct arena *arena, const struct recommend_build *build) {
    if (!build)
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:s}", "torch", build->torch,
                     "variant", build->variant, "cuda", json_cuda(build->cuda), "index_url", build->index_url,
                     "pypi_default", build->pypi_default, "torchvision", json_text(build->vision), "torchaudio",
                     json_text(build->audio), "driver_needed", json_text(build->driver_needed), "driver_fits",
                     build->driver_fits, "newest_driver_branch",
                     build->newest_branch ? json_integer(build->newest_branch) : json_null(), "code",
                     json_text(build->code), "command", recommend_command(arena, build));
}

static json_t *json_builds(struct arena *arena, const struct recommendation *builds) {
    json_t *items = json_array();
    for (size_t i = 0; i < builds->count; i++)
        json_array_append_new(items, json_build(arena, &builds->items[i]));
    return json_pack("{s:o, s:o, s:o, s:o}", "items", items, "after_driver_update",
                     json_build(arena, builds->after_driver), "after_least_driver_update",
                     json_build(arena, builds->after_least_driver), "none_because",
                     json_text(builds->count ? NULL : builds->why_none.reason));
}

static json_t *json_gpu(const struct gpu_model *gpu) {
    char capability[8];
    if (!gpu->name)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", gpu->name, "chip", json_text(gpu->chip), "architecture",
                     json_text(gpu->architecture), "compute_capability",
                     json_text(gpu->capability ? capability_text(gpu->capability, capability) : NULL), "confirmed",
                     gpu->confirmed);
}

static int write_json(struct cli *cli, struct arena *arena, const struct ask_answer *answer) {
    json_t *parts = json_array();
    for (size_t i = 0; i < answer->part_count; i++)
        json_array_append_new(parts, json_pack("{s:s, s:o, s:s}", "what", answer->parts[i].what, "fits",
                                               json_fit(answer->parts[i].fit), "reason", answer->parts[i].reason));
    json_t *document =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "schema", "whycuda/compat/1", "fits",
                  json_fit(answer->fit), "gpu", json_gpu(&answer->gpu), "driver",
                  json_text(answer->driver.count ? answer->driver.text : NULL), "driver_cuda",
                  json_cuda(answer->driver_cuda), "torch", json_text(answer->torch), "variant",
                  json_text(answer->variant), "platform", platform_name(answer->platform), "parts", parts,
                  "builds_of_this_release", answer->torch ? json_builds(arena, &answer->same) : json_null(),
                  "builds", json_builds(arena, &answer->any));
    if (!document)
        return complain(EXIT_INTERNAL, "out of memory");
    json_dumpf(document, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    json_decref(document);
    return EXIT_OK;
}

int verb_compat(struct cli *cli) {
    const struct options *options = &cli->options;
    struct ask_question question = {.gpu = options->gpu,
                                    .driver = options->driver,
                                    .torch = options->torch_release,
                                    .cuda = options->cuda,
                                    .python = options->python,
                                    .platform = options->platform};
    if (!question.gpu && !question.driver && !question.torch && !question.cuda && !question.python)
        return complain(EXIT_USAGE, "compat: name what shall be compared; see 'whycuda compat --help'");
    AUTO_ARENA arena = {0};
    struct ask_answer answer;
    const char *problem;
    int error = knowledge_ask(cli->knowledge, &arena, &question, &answer, &problem);
    if (error == -EINVAL)
        return complain(EXIT_USAGE, "compat: the value of --%s is not understood", problem);
    if (error)
        return complain(EXIT_INTERNAL, "%s", strerror(-error));
    if (options->json) {
        int status = write_json(cli, &arena, &answer);
        if (status != EXIT_OK)
            return status;
    } else {
        write_text(cli, &arena, &answer);
    }
    return answer.fit == FIT_YES ? EXIT_OK : answer.fit == FIT_NO ? EXIT_FOUND : EXIT_UNKNOWN;
}
