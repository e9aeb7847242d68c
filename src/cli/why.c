/* whycuda why: what a cause id, an error's name or number, an Xid or a message means. Needs no machine. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/output.h"
#include "knowledge/error.h"
#include "knowledge/message.h"
#include "knowledge/page.h"
#include "report/words.h"

enum { TEXT_MAX = 16 * 1024 * 1024, MATCHES = 16, ERRORS = 16 };

struct why {
    struct knowledge *knowledge;
    struct arena arena;
    struct buffer out;
    int width;
    size_t told; /* things explained so far */
    struct error_entry seen[ERRORS];
    size_t seen_count;
};

/* --- one thing explained ------------------------------------------------------------------------------------- */

static void add_paragraph(struct why *why, const char *label, const char *text) {
    if (!text || !*text)
        return;
    buffer_add_text(&why->out, "  ");
    words_pad(&why->out, label, 10);
    words_wrap(&why->out, text, 12, 12, why->width);
}

static void add_title(struct why *why, const char *title) {
    if (why->told++)
        buffer_add_text(&why->out, "\n");
    words_wrap(&why->out, title, 0, 2, why->width);
}

static void tell_error(struct why *why, const struct error_entry *error) {
    for (size_t i = 0; i < why->seen_count; i++)
        if (why->seen[i].api == error->api && why->seen[i].code == error->code)
            return;
    if (why->seen_count < ERRORS)
        why->seen[why->seen_count++] = *error;
    const char *other = error->driver_name && *error->name ? " = " : "";
    add_title(why, arena_printf(&why->arena, "%s error %d: %s%s%s", error->api == ERROR_NVML ? "NVML" : "CUDA",
                                error->code, error->name, other, error->driver_name ? error->driver_name : ""));
    add_paragraph(why, "prints", error->text);
    add_paragraph(why, "means", error->meaning);
    add_paragraph(why, "causes", error->causes);
}

static void tell_xid(struct why *why, const struct xid_entry *xid) {
    add_title(why, arena_printf(&why->arena, "Xid %d: %s", xid->xid, xid->symbol));
    add_paragraph(why, "means", xid->meaning);
    add_paragraph(why, "severity", xid->severity);
    if (xid->confirmed)
        add_paragraph(why, "do", xid->action);
    add_paragraph(why, "look at", xid->look);
}

static bool tell_code(struct why *why, enum error_api api, int64_t code) {
    struct error_entry error;
    if (code < 0 || code > INT32_MAX || knowledge_error(why->knowledge, api, (int)code, &error))
        return false;
    tell_error(why, &error);
    return true;
}

static bool tell_xid_number(struct why *why, int64_t number) {
    struct xid_entry xid;
    if (number < 1 || number > INT32_MAX || knowledge_xid(why->knowledge, (int)number, &xid))
        return false;
    tell_xid(why, &xid);
    return true;
}

/* --- a code by name or number -------------------------------------------------------------------------------- */

/* "Xid 79", "NVML 18", "CUDA 804", "error 804", "804". */
static bool tell_number(struct why *why, struct span text) {
    static const char *const prefixes[] = {"xid", "nvml error", "nvml", "cuda error", "cuda", "error", "code"};
    size_t which = sizeof prefixes / sizeof *prefixes;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (span_starts_nocase(text, prefixes[i])) {
            text = span_slice(text, strlen(prefixes[i]), text.len);
            which = i;
            break;
        }
    while (text.len && strchr(" :=#(", text.ptr[0]))
        text = span_slice(text, 1, text.len);
    int64_t number;
    if (span_to_number(text, 10, &number))
        return false;
    if (which == 0)
        return tell_xid_number(why, number);
    if (which == 1 || which == 2)
        return tell_code(why, ERROR_NVML, number);
    bool cuda = tell_code(why, ERROR_CUDA, number);
    if (which < sizeof prefixes / sizeof *prefixes)
        return cuda;
    /* A bare number may be any of the three. */
    bool nvml = tell_code(why, ERROR_NVML, number);
    return tell_xid_number(why, number) || cuda || nvml;
}

static bool tell_page(struct why *why, const char *id) {
    struct span page;
    if (!page_find(id, &page))
        return false;
    buffer_add_span(&why->out, page);
    why->told++;
    return true;
}

/* --- a text -------------------------------------------------------------------------------------------------- */

/* "cudaErrorNoDevice" and the like, wherever they stand. */
static void tell_names(struct why *why, struct span text) {
    size_t at = 0;
    while (at < text.len && why->told < MATCHES) {
        size_t end = at;
        while (end < text.len && (isalnum((unsigned char)text.ptr[end]) || text.ptr[end] == '_'))
            end++;
        struct span word = span_slice(text, at, end);
        struct error_entry error;
        if (word.len > 8 &&
            (span_starts(word, "cudaError") || span_starts(word, "CUDA_ERROR_") ||
             span_starts(word, "NVML_ERROR_")) &&
            knowledge_error_by_name(why->knowledge, word, &error) == 0)
            tell_error(why, &error);
        at = end + 1;
    }
}

/* The number that a message quotes, explained. */
static void tell_quoted(struct why *why, const struct message_match *match) {
    int64_t number;
    char cuda[16];
    if (text_eq(match->message->id, "unexpected_count_error") && span_to_number(match->group[1], 10, &number) == 0)
        tell_code(why, ERROR_CUDA, number);
    else if (text_eq(match->message->id, "kernel_xid") && span_to_number(match->group[2], 10, &number) == 0)
        tell_xid_number(why, number);
    else if (text_eq(match->message->id, "driver_too_old") && span_to_number(match->group[1], 10, &number) == 0 &&
             number > 0 && number < 1000000)
        add_paragraph(why, "version",
                      arena_printf(&why->arena,
                                   "%d is CUDA %s: the newest the driver offers, not its "
                                   "release",
                                   (int)number, cuda_version_text((int)number, cuda)));
}

static void tell_messages(struct why *why, struct span text) {
    const struct message_set *set;
    struct message_match matches[MATCHES];
    knowledge_messages(why->knowledge, &set);
    size_t count = message_find(set, text, matches, MATCHES);
    for (size_t i = 0; i < count; i++) {
        const struct message_entry *message = matches[i].message;
        add_title(why, text_clean(&why->arena, matches[i].group[0]));
        add_paragraph(why, "printed", message->condition);
        if (message->confirmed)
            add_paragraph(why, "do", message->advice);
        if (*message->torch_min)
            add_paragraph(why, "by",
                          arena_printf(&why->arena, "PyTorch %s%s%s", message->torch_min,
                                       *message->torch_max ? " to " : " and later", message->torch_max));
        tell_quoted(why, &matches[i]);
    }
}

/* The libraries' own words ("no CUDA-capable device is detected"). */
static void tell_library_words(struct why *why, struct span text) {
    enum { SHORTEST = 14, HIGHEST = 1000 }; /* "unknown error", "out of memory" would be found everywhere */
    for (int code = 1; code < HIGHEST; code++) {
        struct error_entry error;
        if (knowledge_error(why->knowledge, ERROR_CUDA, code, &error) == 0 && strlen(error.text) >= SHORTEST &&
            *error.meaning && span_find_nocase(text, error.text) != SIZE_MAX)
            tell_error(why, &error);
    }
}

static void tell_text(struct why *why, struct span text) {
    tell_messages(why, text);
    tell_names(why, text);
    if (text.len < 64 * 1024)
        tell_library_words(why, text);
}

/* --- the verb ------------------------------------------------------------------------------------------------ */

static int read_question(const struct cli *cli, struct buffer *question) {
    if (cli->argument_count == 1 && text_eq(cli->arguments[0], "-")) {
        char chunk[64 * 1024];
        for (size_t n; (n = fread(chunk, 1, sizeof chunk, stdin)) > 0 && !question->full;)
            buffer_add(question, chunk, n);
        return ferror(stdin) ? complain(EXIT_NO_INPUT, "standard input: %s", strerror(errno)) : EXIT_OK;
    }
    for (int i = 0; i < cli->argument_count; i++)
        buffer_addf(question, "%s%s", i ? " " : "", cli->arguments[i]);
    return EXIT_OK;
}

static void release_arena(struct why *why) {
    arena_release(&why->arena);
    buffer_release(&why->out);
}

int verb_why(struct cli *cli) {
    if (!cli->argument_count)
        return complain(EXIT_USAGE, "why: what? See 'whycuda why --help'");
    AUTO_BUFFER question = BUFFER_INIT(TEXT_MAX);
    int status = read_question(cli, &question);
    if (status != EXIT_OK)
        return status;
    struct report_style style = output_style(cli);
    __attribute__((cleanup(release_arena))) struct why why = {
        .knowledge = cli->knowledge, .out = BUFFER_INIT(16u << 20), .width = style.width};
    struct span text = span_trim(buffer_span(&question));
    struct error_entry error;
    bool known = tell_page(&why, arena_copy_span(&why.arena, span_slice(text, 0, 64)));
    if (!known && knowledge_error_by_name(cli->knowledge, text, &error) == 0) {
        tell_error(&why, &error);
        known = true;
    }
    if (!known && !tell_number(&why, text))
        tell_text(&why, text);
    if (!why.told)
        return complain(EXIT_FOUND, "why: not known: %s", text_clean(&why.arena, span_slice(text, 0, 200)));
    if (!style.utf8)
        words_ascii(&why.out);
    fwrite(buffer_text(&why.out), 1, why.out.len, cli->out);
    return EXIT_OK;
}
