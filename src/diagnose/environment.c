/* Link 5: do PATH, LD_LIBRARY_PATH, LD_PRELOAD and CUDA_* lead where they should? */
#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct rule rules[] = {
    {"toolkit-path-wrong", LINK_ENVIRONMENT, rule_toolkit_path_wrong, false},
};

/* Entries that say something: dead ones, stubs, and libraries that stand before PyTorch's own. */
static void note_entries(struct judge *judge, struct link_state *state) {
    const struct path_entry_rows *entries = &judge->facts->environment.entries;
    for (size_t i = 0; i < entries->count && i < 24; i++) {
        const struct path_entry *entry = &entries->items[i];
        const char *variable = text_of(entry->variable), *path = text_of(entry->entry),
                   *holds = text_of(entry->holds);
        bool loader = text_eq(variable, "LD_LIBRARY_PATH") || text_eq(variable, "LD_PRELOAD");
        if (!variable || !path)
            continue;
        if (is_false(entry->exists) && !text_eq(variable, "PATH"))
            link_note(judge, state, "%s: %s does not exist", variable, path);
        else if (loader && text_eq(holds, "stubs"))
            link_note(judge, state, "%s: %s holds stubs for linking, which do not run", variable, path);
        else if (loader && (text_eq(holds, "toolkit") || text_eq(holds, "cuda-libraries")) &&
                 entry->libraries.count)
            link_note(judge, state, "%s: %s brings its own %s", variable, path, entry->libraries.items[0]);
    }
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct environment_facts *environment = &judge->facts->environment;
    const struct variable *path = variable_of(judge, "LD_LIBRARY_PATH");
    const char *loader = path ? text_of(path->value) : NULL;
    const struct text_fact *visible = &environment->visible_devices;
    if (unknown(environment->variables) && !known(*visible) && !environment->variables.count) {
        link_say(judge, state, "not known%s%s", environment->variables.is.reason ? ": " : "",
                 environment->variables.is.reason ? environment->variables.is.reason : "");
        return;
    }
    note_entries(judge, state);
    state->state = state->notes.count ? STATE_NOTE : STATE_OK;
    const char *shown = loader && *loader ? loader : "not set";
    if (text_columns(shown) > 60)
        shown = arena_printf(judge->arena, "%.48s...", shown);
    link_say(judge, state, "LD_LIBRARY_PATH %s; CUDA_VISIBLE_DEVICES %s", shown,
             known(*visible)    ? (*visible->value ? visible->value : "empty")
             : absent(*visible) ? "not set"
                                : "not known");
}

const struct link_room room_environment = {rules, sizeof rules / sizeof *rules, describe};
