/* Parsing after the option table, and the texts made from it. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/verb.h"
#include "report/words.h"

enum { MAX_OPTIONS = 64, FIRST_CODE = 256, CODE_HELP = 1000, CODE_VERSION };

int complain(enum exit_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("whycuda: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

bool option_applies(const struct option_row *row, const struct verb *verb) {
    struct span rest = span_of(row->verbs), word;
    while (span_next_word(&rest, &word))
        if (span_eq(word, verb->name))
            return true;
    return false;
}

/* The rows that a verb takes, as getopt_long wants them. */
struct parser {
    struct option longs[MAX_OPTIONS];
    char shorts[MAX_OPTIONS * 2 + 2];
};

static void parser_fill(struct parser *parser, const struct verb *verb) {
    size_t count = 0, length = 0;
    parser->shorts[length++] = 'h';
    for (size_t i = 0; i < option_row_count && count < MAX_OPTIONS - 3; i++) {
        const struct option_row *row = &option_rows[i];
        if (!option_applies(row, verb))
            continue;
        int takes = row->kind == OPTION_TEXT ? required_argument : no_argument;
        parser->longs[count++] = (struct option){row->name, takes, NULL, FIRST_CODE + (int)i};
        if (row->letter) {
            parser->shorts[length++] = row->letter;
            if (takes)
                parser->shorts[length++] = ':';
        }
    }
    parser->longs[count++] = (struct option){"help", no_argument, NULL, CODE_HELP};
    parser->longs[count] = (struct option){"version", no_argument, NULL, CODE_VERSION};
}

/* What getopt_long found: a long option by its code, a short one by its letter. NULL: neither. */
static const struct option_row *row_of(const struct verb *verb, int code) {
    if (code >= FIRST_CODE)
        return &option_rows[code - FIRST_CODE];
    for (size_t i = 0; code != '?' && i < option_row_count; i++)
        if (option_rows[i].letter == code && option_applies(&option_rows[i], verb))
            return &option_rows[i];
    return NULL;
}

int options_parse(const struct verb *verb, int argc, char **argv, struct cli *cli) {
    struct parser parser = {0};
    parser_fill(&parser, verb);
    optind = 0; /* glibc: start afresh, and allow options after arguments */
    for (int code; (code = getopt_long(argc, argv, parser.shorts, parser.longs, NULL)) != -1;) {
        if (code == CODE_HELP || code == 'h') {
            help_print(stdout, verb);
            exit(EXIT_OK);
        }
        if (code == CODE_VERSION) {
            puts("whycuda " WHYCUDA_VERSION);
            exit(EXIT_OK);
        }
        const struct option_row *row = row_of(verb, code);
        if (!row) {
            fprintf(stderr, "Try 'whycuda %s --help'.\n", verb->name);
            return -EINVAL;
        }
        void *member = (char *)&cli->options + row->offset;
        if (row->kind == OPTION_FLAG)
            *(bool *)member = true;
        else
            *(const char **)member = optarg;
    }
    cli->arguments = argv + optind;
    cli->argument_count = argc - optind;
    if (verb->most_arguments >= 0 && cli->argument_count > verb->most_arguments) {
        complain(EXIT_USAGE, "%s: too many arguments, starting with '%s'", verb->name,
                 cli->arguments[verb->most_arguments]);
        return -EINVAL;
    }
    return 0;
}

/* --- --help -------------------------------------------------------------------------------------------------- */

enum { HELP_WIDTH = 80, OPTION_COLUMN = 29, SUMMARY_COLUMN = 26 };

static void help_option(struct buffer *out, char letter, const char *name, const char *argument,
                        const char *help) {
    char left[64], shortly[8] = "    ";
    if (letter)
        snprintf(shortly, sizeof shortly, "-%c, ", letter);
    snprintf(left, sizeof left, "  %s--%s%s%s ", shortly, name, argument ? "=" : "", argument ? argument : "");
    words_pad(out, left, OPTION_COLUMN);
    words_wrap(out, help, OPTION_COLUMN, OPTION_COLUMN, HELP_WIDTH);
}

static void help_program(struct buffer *out) {
    buffer_add_text(out, "usage: whycuda [VERB] [OPTION...] [ARGUMENT...]\n\n"
                         "Why is PyTorch not recognizing my GPU and CUDA?\n\n");
    for (size_t i = 0; i < verb_count; i++) {
        char left[64];
        snprintf(left, sizeof left, "  %-9s %s ", verbs[i].name, verbs[i].arguments);
        words_pad(out, left, SUMMARY_COLUMN);
        words_wrap(out, verbs[i].summary, SUMMARY_COLUMN, SUMMARY_COLUMN, HELP_WIDTH);
    }
    buffer_add_text(out, "\n'whycuda VERB --help' tells more of a verb; 'whycuda --version' the version.\n");
}

static void help_verb(struct buffer *out, const struct verb *verb) {
    buffer_addf(out, "usage: whycuda %s [OPTION...]%s%s\n\n", verb->name, *verb->arguments ? " " : "",
                verb->arguments);
    words_wrap(out, verb->summary, 0, 0, HELP_WIDTH);
    buffer_add_text(out, "\n");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (option_applies(row, verb))
            help_option(out, row->letter, row->name, row->argument, row->help);
    }
    help_option(out, 'h', "help", NULL, "this text");
    buffer_add_text(out, "\nExit status: ");
    words_wrap(out, verb->exit_statuses, 13, 13, HELP_WIDTH);
    buffer_add_text(out, "\nExamples:\n");
    struct span rest = span_of(verb->examples), line;
    while (span_next_line(&rest, &line))
        buffer_addf(out, "  %.*s\n", (int)line.len, line.ptr);
}

void help_print(FILE *out, const struct verb *verb) {
    AUTO_BUFFER text = BUFFER_INIT(64 * 1024);
    if (verb)
        help_verb(&text, verb);
    else
        help_program(&text);
    fputs(buffer_text(&text), out);
}
