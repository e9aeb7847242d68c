/* Parsing after the option table, and the texts made from it. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/verb.h"

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

int options_parse(const struct verb *verb, int argc, char **argv, struct cli *cli) {
    struct option longs[MAX_OPTIONS] = {{0}};
    char shorts[MAX_OPTIONS * 2 + 2] = "h";
    size_t count = 0;
    for (size_t i = 0; i < option_row_count && count < MAX_OPTIONS - 3; i++) {
        const struct option_row *row = &option_rows[i];
        if (!option_applies(row, verb))
            continue;
        int takes = row->kind == OPTION_TEXT ? required_argument : no_argument;
        longs[count++] = (struct option){row->name, takes, NULL, FIRST_CODE + (int)i};
        if (row->letter) {
            size_t len = strlen(shorts);
            shorts[len] = row->letter;
            shorts[len + 1] = takes ? ':' : '\0';
        }
    }
    longs[count++] = (struct option){"help", no_argument, NULL, CODE_HELP};
    longs[count++] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    optind = 0; /* glibc: start afresh, and allow options after arguments */
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == CODE_HELP || code == 'h') {
            help_print(stdout, verb);
            exit(EXIT_OK);
        }
        if (code == CODE_VERSION) {
            puts("whycuda " WHYCUDA_VERSION);
            exit(EXIT_OK);
        }
        const struct option_row *row = NULL;
        if (code >= FIRST_CODE)
            row = &option_rows[code - FIRST_CODE];
        for (size_t i = 0; !row && code != '?' && i < option_row_count; i++)
            if (option_rows[i].letter == code && option_applies(&option_rows[i], verb))
                row = &option_rows[i];
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

static void print_option(FILE *out, const struct option_row *row) {
    char left[64];
    char letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->argument ? "=" : "",
             row->argument ? row->argument : "");
    fprintf(out, "  %-26s %s\n", left, row->help);
}

void help_print(FILE *out, const struct verb *verb) {
    if (!verb) {
        fputs("usage: whycuda [VERB] [OPTION…] [ARGUMENT…]\n\nWhy is PyTorch not recognizing my GPU and CUDA?\n\n",
              out);
        for (size_t i = 0; i < verb_count; i++)
            fprintf(out, "  %-9s %-9s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].summary);
        fputs("\n'whycuda VERB --help' tells more of a verb; 'whycuda --version' the version.\n", out);
        return;
    }
    fprintf(out, "usage: whycuda %s [OPTION…]%s%s\n\n%s\n\n", verb->name, *verb->arguments ? " " : "",
            verb->arguments, verb->summary);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_applies(&option_rows[i], verb))
            print_option(out, &option_rows[i]);
    fprintf(out, "  %-26s %s\n", "-h, --help", "this text");
    fprintf(out, "\nExit status: %s.\n\nExamples:\n", verb->exit_statuses);
    struct span rest = span_of(verb->examples), line;
    while (span_next_line(&rest, &line))
        fprintf(out, "  %.*s\n", (int)line.len, line.ptr);
}
