/* The command line as data: verbs and options are rows; --help, the man page and completions come from them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct knowledge;
struct root;

enum exit_status {
    EXIT_OK = 0,
    EXIT_FOUND = 1,   /* broken; does not fit; not done */
    EXIT_UNKNOWN = 2, /* cannot tell */
    EXIT_USAGE = 64,
    EXIT_DATA = 65,     /* not a format it reads */
    EXIT_NO_INPUT = 66, /* cannot open */
    EXIT_INTERNAL = 70,
};

/* Values of all options; those a verb does not take stay at their defaults. */
struct options {
    const char *root, *python, *format, *output, *fail_on, *data, *color, *timeout;
    const char *gpu, *driver, *torch_release, *cuda, *platform, *size, *seconds;
    bool json, no_live, ask_torch, for_build, no_redact, verbose, with_snapshot, batch, tree, symbols, scan;
};

struct cli {
    struct options options;
    char **arguments; /* what is not an option */
    int argument_count;
    struct knowledge *knowledge; /* opened by main according to --data */
    FILE *out;                   /* standard output, or the file of -o */
};

struct verb {
    const char *name;
    const char *arguments; /* "[FILE|-]" */
    int most_arguments;    /* -1: any number */
    const char *summary;   /* one line */
    const char *examples;  /* lines, each "command  # what it does" */
    const char *exit_statuses;
    int (*run)(struct cli *cli);
};

enum option_kind { OPTION_FLAG, OPTION_TEXT };

struct option_row {
    const char *name;     /* long name, without -- */
    char letter;          /* 0: none */
    const char *argument; /* "DIR"; NULL for flags */
    enum option_kind kind;
    size_t offset;     /* in struct options */
    const char *verbs; /* names of the verbs that take it, separated by blanks */
    const char *help;
};

extern const struct verb verbs[];
extern const size_t verb_count;
extern const struct option_row option_rows[];
extern const size_t option_row_count;

bool option_applies(const struct option_row *row, const struct verb *verb);
/* Parses everything after the verb's name. 0, or -EINVAL after a message on standard error. */
int options_parse(const struct verb *verb, int argc, char **argv, struct cli *cli);
/* --help of a verb (of the program where NULL). */
void help_print(FILE *out, const struct verb *verb);
/* The man page in roff, and completions for bash. */
void manual_print(FILE *out);
void completion_print(FILE *out);
/* The table of all facts, in Markdown. */
void facts_print(FILE *out);

/* Writes this machine as a root into a directory; with NULL only lists what it would take (`./dev record`). */
int record_machine(const char *directory, struct knowledge *knowledge);

/* "whycuda: …" on standard error; returns the status. */
int complain(enum exit_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Opens the machine that --root names, or the live one. 0, or EXIT_NO_INPUT after a message. */
int cli_open_root(const struct cli *cli, struct root **ret_root);

/* One per verb: cli/NAME.c */
int verb_diagnose(struct cli *cli);
int verb_explain(struct cli *cli);
int verb_snapshot(struct cli *cli);
int verb_test(struct cli *cli);
int verb_arch(struct cli *cli);
int verb_envs(struct cli *cli);
int verb_libs(struct cli *cli);
int verb_compat(struct cli *cli);
int verb_why(struct cli *cli);
