/* A pasted text while it is read: where the reader is, and where facts go.
 *
 * The text falls into blocks: a command with its output, a report with a header of its own, what stands before the
 * first of them. Each block has facts of its own, so that reports which contradict each other can be kept apart
 * afterwards (import/combine.h). Importers write into the facts of the block they are in, and the first value of a
 * fact in a block stays. */
#pragma once

#include "base/limits.h"
#include "facts/snapshot.h"
#include "import/page.h"
#include "import/prompt.h"

struct knowledge;

/* Where a line was printed, as far as prompts, commands and remarks tell. */
enum place { PLACE_UNKNOWN, PLACE_HOST, PLACE_CONTAINER, PLACE_WSL, PLACE_WINDOWS, PLACE_JOB };
const char *place_name(enum place place); /* NULL: unknown */

struct block {
    size_t first, last; /* lines, from 1 */
    enum place place;
    bool failed; /* an error was printed in it, or PyTorch saw no GPU */
    struct snapshot *facts;
};
struct block_list {
    struct block *items;
    size_t count;
};

struct reading {
    struct arena *arena;         /* of the snapshot that comes out */
    struct knowledge *knowledge; /* may be NULL */
    const struct page *page;
    struct block_list blocks;
    struct snapshot *facts; /* of the current block: records only */
    const struct line *line;
    const char *source; /* "line N"; made when first needed */

    /* the command whose output is being read */
    struct span command; /* without sudo, env and assignments; empty: none */
    struct span program; /* its first word, without directory */
    size_t output_lines; /* lines printed since */

    /* told in passing ("# Tesla P40, driver 470.57"): used where no program said more */
    struct mention {
        const char *text, *source;
    } driver, gpus[8];
    size_t gpu_count;
    bool has_log; /* a line may be one of the kernel's log */

    enum place place;        /* of the block */
    enum place stays;        /* where an interactive shell is */
    enum place came_from;    /* PLACE_HOST after a container or a job that ran one program */
    struct span host_prompt; /* prompt of the command that entered a container or a job */
    bool other_prompt;       /* another one was seen since */
    bool compose;            /* docker compose printed what containers said: commands are typed on the host */
};

/* --- blocks -------------------------------------------------------------------------------------------------- */

/* Facts from here on belong to a new block (or to the old one where nothing was learnt yet, or there are too
 * many). */
void reading_open_block(struct reading *reading);
/* "line N" of the current line. */
const char *reading_source(struct reading *reading);
/* The kind of report that was recognised, once: "nvidia-smi". */
void reading_kind(struct reading *reading, const char *kind);

/* --- facts: the first value stays ---------------------------------------------------------------------------- */

void note_text(struct reading *reading, struct text_fact *fact, struct span value);
void note_word(struct reading *reading, struct text_fact *fact, const char *value);
void note_number(struct reading *reading, struct number_fact *fact, int64_t value);
void note_flag(struct reading *reading, struct flag_fact *fact, bool value);
void note_absent(struct reading *reading, struct fact *fact);
/* These replace what is there. */
void put_text(struct reading *reading, struct text_fact *fact, struct span value);
void put_flag(struct reading *reading, struct flag_fact *fact, bool value);
/* A text into a list of texts, once. */
void note_listed(struct reading *reading, struct texts_fact *list, struct span value);

/* --- rows ---------------------------------------------------------------------------------------------------- */

/* A new last row of a list of facts, or NULL where the list is full. */
#define READING_PUSH(reading, list)                                                                               \
    ({                                                                                                            \
        __typeof__(list) rows_ = (list);                                                                          \
        __typeof__(rows_->items) row_ = NULL;                                                                     \
        if (rows_->count < LIMIT_REPORT_ROWS) {                                                                   \
            if (rows_->is.state != FACT_KNOWN)                                                                    \
                set_listed(rows_, reading_source(reading));                                                       \
            row_ = &LIST_PUSH((reading)->arena, rows_);                                                           \
        }                                                                                                         \
        row_;                                                                                                     \
    })

/* The Python that the report is about; made where there is none yet. Never NULL. */
struct python_environment *reading_python(struct reading *reading);
/* A package of it by its normalised name ("_" and "." as "-", lower case), made where missing; NULL: too many. */
struct python_package *reading_package(struct reading *reading, struct span name);
/* GPU number `index`, made where missing; NULL beyond the limit. */
struct gpu_device *reading_gpu(struct reading *reading, size_t index);
/* A GPU known only by name: the one that has this name, or a new one. */
struct gpu_device *reading_gpu_named(struct reading *reading, struct span name);
/* GPU `index` as PyTorch and CUDA number it. */
struct compute_device *reading_compute(struct reading *reading, size_t index);
struct variable *reading_variable(struct reading *reading, struct span name);
/* A message row for something that no expression finds; `argument` may be empty. */
void reading_message(struct reading *reading, const char *id, struct span argument, struct span second);

/* --- words in lines ------------------------------------------------------------------------------------------ */

/* What stands behind `key` on the line, cut at blanks around it; false where the key is not there. */
bool after_key(struct span line, const char *key, struct span *ret_value);
/* The run of digits and points that starts the span: "535.104.05". */
struct span version_at(struct span text);
/* The same with letters and "+": "2.6.0+cu124", "2.1.0a0+git32f93b1". */
struct span release_at(struct span text);
/* A number with a unit as MiB: "47.54 GiB", "686.00 MiB", "4041MiB". Negative: none. */
int64_t mebibytes(struct span text);
/* Is there a word that stands for itself, no letter or digit next to it? Position or SIZE_MAX. */
size_t find_word(struct span text, const char *word);
/* Does the command have this option ("--gpus", "-G")? The value ("--gpus all", "--gpus=all") where asked for. */
bool command_option(struct span command, const char *option, struct span *ret_value);
