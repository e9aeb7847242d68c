/* What a rule has at hand: the facts, the tables, and the verbs to say what it found.
 *
 * A rule is a function and one row in its link's table (diagnose/gpu.c …). It reads facts, and either finds its
 * cause (judge_find), or cannot tell (judge_cannot_tell), or returns. It neither prints nor looks at the machine. */
#pragma once

#include "diagnose/diagnosis.h"
#include "facts/snapshot.h"

struct knowledge;

struct judge_options {
    bool for_build;              /* --for-build: an extension is to be compiled */
    struct knowledge *knowledge; /* the tables; NULL in tests of rules that need none */
};

struct judge {
    const struct snapshot *facts;
    struct judge_options options;
    struct diagnosis *out;
    struct arena *arena;                  /* of the diagnosis */
    struct printed_message_rows messages; /* what was printed, and what PyTorch said when it was asked */
};

struct rule {
    const char *id;
    enum link link;
    void (*judge)(struct judge *judge);
    bool last; /* runs after all others: it judges only what nothing more exact explained */
};

/* Each link's rules, and the function that words its line when all causes are known. */
struct link_room {
    const struct rule *rules;
    size_t count;
    /* Sets summary, notes and state (ok, note, warning or unknown; the engine sets broken and blocked from the
     * causes). */
    void (*describe)(struct judge *judge, struct link_state *state);
};
extern const struct link_room room_gpu, room_driver, room_access, room_toolkit, room_environment, room_torch,
    room_match, room_compute, room_program;
extern const struct link_room *const link_rooms[LINK_COUNT]; /* in the order of the chain */

/* --- what a rule may say ----------------------------------------------------------------------------------- */

/* A new cause; `id` is one of the design's. A second find of the same id returns the first one, so that evidence
 * gathers. */
struct cause *judge_find(struct judge *judge, const char *id, enum confidence confidence, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The cause if it was found already (rules run in link order), else NULL. */
struct cause *judge_found(const struct judge *judge, const char *id);
void judge_cannot_tell(struct judge *judge, const char *fact, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same where one command's output would decide: "this shows <shows>". All strings are kept, not copied. */
void judge_ask(struct judge *judge, const char *fact, const char *shows, const char *command);

/* Evidence by hand, and straight from a fact ("driver.module_version", facts->driver.module_version). */
void cause_evidence(struct judge *judge, struct cause *cause, const char *fact, const char *value,
                    const char *source);
void cause_fact_text(struct judge *judge, struct cause *cause, const char *name, const struct text_fact *fact);
void cause_fact_number(struct judge *judge, struct cause *cause, const char *name, const struct number_fact *fact);
void cause_fact_flag(struct judge *judge, struct cause *cause, const char *name, const struct flag_fact *fact);
void cause_message(struct judge *judge, struct cause *cause, const struct printed_message *message);
#define cause_fact(judge, cause, name, f)                                                                         \
    _Generic((f), struct text_fact *: cause_fact_text, const struct text_fact *: cause_fact_text,            \
             struct number_fact *: cause_fact_number, const struct number_fact *: cause_fact_number,         \
             struct flag_fact *: cause_fact_flag, const struct flag_fact *: cause_fact_flag)(judge, cause, name, f)

/* A way to mend it: a title, then commands in order, then NULL. cause_fix(judge, cause, "Reboot", "sudo reboot",
 * NULL) */
#define cause_fix(judge, cause, ...) cause_fix_list(judge, cause, (const char *const[]){__VA_ARGS__})
struct fix *cause_fix_list(struct judge *judge, struct cause *cause, const char *const *title_and_commands);
void cause_see(struct judge *judge, struct cause *cause, const char *url);

/* Notes and summary of a link line. */
void link_say(struct judge *judge, struct link_state *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void link_note(struct judge *judge, struct link_state *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
