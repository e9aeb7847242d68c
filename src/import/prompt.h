/* What kind of line it is: typed into a shell or into Python, a remark, or printed. */
#pragma once

#include "base/span.h"

enum line_kind {
    LINE_OUTPUT, /* printed by a program */
    LINE_BLANK,
    LINE_SHELL,     /* text: the command */
    LINE_PYTHON,    /* text: the statement */
    LINE_CONTINUED, /* text: the next line of a statement ("... ") */
    LINE_REMARK,    /* text: what stands behind '#' or "//" */
};

enum prompt_style {
    PROMPT_NONE,
    PROMPT_UNIX,     /* $ % # ❯ */
    PROMPT_WINDOWS,  /* C:\> and PS C:\> */
    PROMPT_NOTEBOOK, /* !pip, In [1]: */
    PROMPT_PYTHON,   /* >>> */
    PROMPT_BUILD     /* RUN of a Dockerfile, set -x, "Executing:" */
};

struct line {
    size_t number; /* from 1 */
    enum line_kind kind;
    enum prompt_style style;
    struct span whole;  /* the cleaned line */
    struct span text;   /* what was typed; for output the whole line without blanks around it */
    struct span prompt; /* what stands before the text: "root@4f2e:/# ", "(env) C:\>" */
    size_t indent;      /* blanks before the text of an output line */
};

/* Answers for every line. A prompt of one character ("#", ">") counts only before the name of a known program. */
void line_classify(struct span cleaned, size_t number, struct line *ret_line);

/* Does a line without prompt look like a command: "pip install torch", "CUDA_VISIBLE_DEVICES=0 python train.py"? */
bool is_command(struct span text);
/* "NAME=value" at the start: its length with the blanks behind it, else 0. */
size_t assignment_length(struct span text);
