/* The man page and the completions, made from the verb and option tables. */
#include <string.h>

#include "base/text.h"
#include "cli/verb.h"

static void roff(FILE *out, const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p == '-')
            fputs("\\-", out);
        else if (*p == '\\')
            fputs("\\e", out);
        else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
            fprintf(out, "\\&%c", *p);
        else
            fputc(*p, out);
    }
}

static void manual_option(FILE *out, const struct option_row *row) {
    fputs(".TP\n.B ", out);
    if (row->letter)
        fprintf(out, "\\-%c\\fR, \\fB", row->letter);
    fputs("\\-\\-", out);
    roff(out, row->name);
    if (row->argument)
        fprintf(out, "\\fR=\\fI%s\\fR", row->argument);
    fputc('\n', out);
    roff(out, row->help);
    fputc('\n', out);
}

static void manual_verb(FILE *out, const struct verb *verb) {
    fprintf(out, ".SH WHYCUDA %s\n", verb->name);
    roff(out, verb->summary);
    fputs("\n.P\nExit status: ", out);
    roff(out, verb->exit_statuses);
    fputs(".\n", out);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_applies(&option_rows[i], verb))
            manual_option(out, &option_rows[i]);
    fputs(".P\nExamples:\n.P\n.nf\n", out);
    roff(out, verb->examples);
    fputs("\n.fi\n", out);
}

static const char manual_start[] = ".TH WHYCUDA 1 \"\" \"whycuda " WHYCUDA_VERSION "\" \"User Commands\"\n"
                                   ".SH NAME\n"
                                   "whycuda \\- why PyTorch does not recognize the GPU and CUDA\n"
                                   ".SH SYNOPSIS\n";

static const char manual_description[] =
    ".SH DESCRIPTION\n"
    "Verifies each component in the chain from the GPU to PyTorch and names the first broken link, the\n"
    "evidence for it, and the commands that mend it. It reads and changes nothing; it needs no GPU, no\n"
    "driver, no Python and no network.\n";

static const char manual_end[] =
    ".SH EXIT STATUS\n"
    "Besides those of each verb: 64 usage, 65 not a format it reads, 66 cannot open, 70 internal error.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I DIR/.whycuda/\n"
    "Under \\fB\\-\\-root\\fR what is not a file comes from here: \\fIenviron\\fR (VAR=value lines),\n"
    "\\fIuname\\fR (release= and machine= lines), \\fIid\\fR (uid=1000 gid=1000 groups=1000,44),\n"
    "\\fInodes\\fR (PATH c MAJOR:MINOR MODE UID GID [open=ERRNO]), \\fIlive.json\\fR.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n"
    ".B NO_COLOR\n"
    "no colours.\n"
    ".SH SEE ALSO\n"
    ".BR whycuda (3),\n"
    ".BR nvidia-smi (1),\n"
    ".BR ld.so (8)\n";

void manual_print(FILE *out) {
    fputs(manual_start, out);
    for (size_t i = 0; i < verb_count; i++)
        fprintf(out, ".B whycuda %s\n[\\fIOPTION\\fR]...%s%s\n.br\n", verbs[i].name,
                *verbs[i].arguments ? " " : "", verbs[i].arguments);
    fputs(manual_description, out);
    for (size_t i = 0; i < verb_count; i++)
        manual_verb(out, &verbs[i]);
    fputs(manual_end, out);
}

void completion_print(FILE *out) {
    fputs("# bash completion for whycuda\n_whycuda() {\n    local words=''\n    case \"${COMP_WORDS[1]}\" in\n",
          out);
    for (size_t i = 0; i < verb_count; i++) {
        fprintf(out, "    %s) words='", verbs[i].name);
        for (size_t j = 0; j < option_row_count; j++)
            if (option_applies(&option_rows[j], &verbs[i]))
                fprintf(out, "--%s%s ", option_rows[j].name, option_rows[j].argument ? "=" : "");
        fputs("--help' ;;\n", out);
    }
    fputs("    esac\n    [ \"$COMP_CWORD\" = 1 ] && words='", out);
    for (size_t i = 0; i < verb_count; i++)
        fprintf(out, "%s ", verbs[i].name);
    fputs("--help --version'\n    COMPREPLY=($(compgen -f -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
          "complete -o nospace -F _whycuda whycuda\n",
          out);
}
