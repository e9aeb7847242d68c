#include "diagnose/engine.h"

#include "base/text.h"
#include "diagnose/ask.h"
#include "diagnose/explains.h"
#include "diagnose/heard.h"
#include "diagnose/observed.h"
#include "diagnose/pytorch.h"

const struct link_room *const link_rooms[LINK_COUNT] = {
    [LINK_GPU] = &room_gpu,         [LINK_DRIVER] = &room_driver,           [LINK_ACCESS] = &room_access,
    [LINK_TOOLKIT] = &room_toolkit, [LINK_ENVIRONMENT] = &room_environment, [LINK_TORCH] = &room_torch,
    [LINK_MATCH] = &room_match,     [LINK_COMPUTE] = &room_compute,         [LINK_PROGRAM] = &room_program,
};

static void run_rules(struct judge *judge, bool last) {
    for (size_t link = 0; link < LINK_COUNT; link++)
        for (size_t i = 0; i < link_rooms[link]->count; i++) {
            const struct rule *rule = &link_rooms[link]->rules[i];
            if (rule->last != last)
                continue;
            size_t before = judge->out->causes.count;
            rule->judge(judge);
            for (size_t j = before; j < judge->out->causes.count; j++)
                judge->out->causes.items[j].link = rule->link;
        }
}

/* A cause is a root unless another present cause, itself a root or a consequence, explains it. */
static void assign_roles(struct judge *judge) {
    struct cause_list *causes = &judge->out->causes;
    for (size_t i = 0; i < causes->count; i++) {
        struct cause *cause = &causes->items[i];
        if (cause->role == ROLE_RISK)
            continue;
        for (size_t j = 0; j < causes->count; j++) {
            const struct cause *by = &causes->items[j];
            if (i == j || by->role == ROLE_RISK)
                continue;
            enum explanation how = explains(by->id, cause->id);
            if (how == EXPLAINS_NOT)
                continue;
            cause->role = how == EXPLAINS_AS_RISK ? ROLE_RISK : ROLE_CONSEQUENCE;
            cause->explained_by = by->id;
            break;
        }
    }
}

/* A consequence of a consequence belongs to the root at the end; explains() has no cycles (a unit test holds it to
 * that). */
static void follow_to_roots(struct judge *judge) {
    struct cause_list *causes = &judge->out->causes;
    for (size_t i = 0; i < causes->count; i++)
        for (size_t steps = 0; steps < causes->count; steps++) {
            const char *by = causes->items[i].explained_by;
            const struct cause *next = by ? judge_found(judge, by) : NULL;
            if (!next || !next->explained_by)
                break;
            causes->items[i].explained_by = next->explained_by;
        }
}

/* Roots first, then by link, the surer first; found first stays first. */
static bool comes_before(const struct cause *x, const struct cause *y) {
    if (x->role != y->role)
        return x->role < y->role;
    if (x->link != y->link)
        return x->link < y->link;
    return x->confidence > y->confidence;
}

static void sort_causes(struct cause_list *causes) {
    for (size_t i = 1; i < causes->count; i++) {
        struct cause cause = causes->items[i];
        size_t at = i;
        for (; at && comes_before(&cause, &causes->items[at - 1]); at--)
            causes->items[at] = causes->items[at - 1];
        causes->items[at] = cause;
    }
}

/* The causes on a link: is there one of this role? The first one in `ret_first`, which may be NULL. */
static bool link_has(const struct diagnosis *out, enum link link, enum role role, const struct cause **ret_first) {
    for (size_t i = 0; i < out->causes.count; i++) {
        const struct cause *cause = &out->causes.items[i];
        if (cause->link != link || cause->role != role)
            continue;
        if (ret_first)
            *ret_first = cause;
        return true;
    }
    return false;
}

static void describe_links(struct judge *judge) {
    struct diagnosis *out = judge->out;
    bool broken = false;
    for (size_t link = 0; link < LINK_COUNT; link++) {
        struct link_state *state = &out->links[link];
        const struct cause *root = NULL;
        state->link = (enum link)link;
        state->state = STATE_UNKNOWN;
        link_rooms[link]->describe(judge, state);
        if (!state->summary)
            state->summary = "not judged";
        if (link_has(out, state->link, ROLE_ROOT, &root)) {
            if (text_starts(state->summary, "not known")) /* what is known of this link is its cause */
                state->summary = root->id;
            state->state = STATE_BROKEN;
        } else if (link_has(out, state->link, ROLE_CONSEQUENCE, NULL) ||
                   (broken && state->state == STATE_UNKNOWN)) {
            state->state = STATE_BLOCKED;
        } else if (link_has(out, state->link, ROLE_RISK, NULL) && state->state < STATE_WARNING) {
            state->state = STATE_WARNING;
        }
        broken |= root && link != LINK_PROGRAM;
    }
    out->program_used = out->links[LINK_PROGRAM].state == STATE_BROKEN;
}

/* Healthy needs all of these to have been judged. */
static const enum link needed[] = {LINK_GPU, LINK_DRIVER, LINK_ACCESS, LINK_TORCH, LINK_MATCH};

static enum verdict verdict_of(const struct diagnosis *diagnosis) {
    bool warned = false;
    for (size_t i = 0; i < diagnosis->causes.count; i++) {
        const struct cause *cause = &diagnosis->causes.items[i];
        if (cause->role == ROLE_ROOT && cause->link != LINK_PROGRAM)
            return VERDICT_BROKEN;
        warned |= cause->role == ROLE_RISK;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        enum link_state_kind state = diagnosis->links[needed[i]].state;
        if (state == STATE_UNKNOWN || state == STATE_BLOCKED)
            return VERDICT_UNKNOWN;
    }
    for (size_t link = 0; link < LINK_PROGRAM; link++)
        warned |= diagnosis->links[link].state == STATE_WARNING;
    return warned ? VERDICT_DEGRADED : VERDICT_HEALTHY;
}

struct diagnosis *diagnose(const struct snapshot *snapshot, struct judge_options options) {
    struct arena arena = {0};
    struct diagnosis *out = arena_alloc(&arena, sizeof *out); /* lives in its own arena */
    out->arena = arena;
    struct judge judge = {.facts = snapshot, .options = options, .out = out, .arena = &out->arena};
    hear_messages(&judge);
    run_rules(&judge, false);
    run_rules(&judge, true);
    assign_roles(&judge);
    follow_to_roots(&judge);
    observed_success(&judge);
    sort_causes(&out->causes);
    describe_links(&judge);
    out->verdict = verdict_of(out);
    pytorch_answer(&judge);
    ask_for_more(&judge);
    return out;
}
