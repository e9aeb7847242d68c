/* Which Python would run: --python, else VIRTUAL_ENV, else CONDA_PREFIX, else `python` on PATH, else `python3`. */
#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "probe/python.h"

struct choice {
    const char *interpreter;
    const char *by;     /* "--python", "VIRTUAL_ENV", "CONDA_PREFIX", "PATH" */
    const char *source; /* the file or variable behind it */
    const char *why;    /* no interpreter: the reason */
};

static bool is_program(const struct python_search *search, const char *path) {
    struct stat st;
    return root_stat(search->root, path, &st) == 0 && S_ISREG(st.st_mode) &&
           root_access(search->root, path, X_OK) == 0;
}

/* The first program of that name on PATH that starts a Python, shims resolved. */
static bool look_on_path(struct python_search *search, const char *command, struct choice *choice) {
    struct span rest = span_of(root_env(search->root, "PATH", NULL)), one;
    for (size_t i = 0; i < LIMIT_PATH_ENTRIES && rest.len && span_next_field(&rest, ':', &one); i++) {
        if (!search->directory && (!one.len || one.ptr[0] != '/'))
            continue;
        const char *directory = python_join(search->arena, search->directory, one);
        const char *path = text_path(search->arena, directory, command), *by = "PATH";
        if (!is_program(search, path))
            continue;
        int r = python_resolve_shim(search, path, command, &path, &by);
        if (r == -EAGAIN)
            continue;
        if (r == -ENOENT) {
            choice->why = by;
            choice->source = path;
            return true;
        }
        choice->interpreter = path;
        choice->source = by;
        return true;
    }
    return false;
}

static void choose_from_path(struct python_search *search, struct choice *choice) {
    bool environment_known;
    const char *path = root_env(search->root, "PATH", &environment_known);
    choice->by = "PATH";
    choice->source = "PATH";
    if (!environment_known)
        choice->why = "PATH is not recorded";
    else if (!path)
        choice->why = "PATH is not set";
    else if (!look_on_path(search, "python", choice))
        look_on_path(search, "python3", choice);
}

/* --python: an interpreter, the directory of an environment, or a name on PATH. */
static void choose_asked(struct python_search *search, const char *asked, struct choice *choice) {
    struct python python;
    choice->by = choice->source = "--python";
    if (!strchr(asked, '/')) {
        if (look_on_path(search, asked, choice))
            return;
        if (!search->directory || !root_exists(search->root, text_path(search->arena, search->directory, asked))) {
            choice->why = "neither on PATH nor in the working directory";
            return;
        }
    }
    if (asked[0] != '/' && !search->directory) {
        choice->why = "the working directory is not known";
        return;
    }
    const char *path = python_join(search->arena, search->directory, span_of(asked));
    if (!root_is_directory(search->root, path)) {
        const char *by;
        int r = python_resolve_shim(search, path, text_basename(path), &path, &by);
        if (r == -ENOENT || r == -EAGAIN)
            choice->why = r == -ENOENT ? by : "a shim that hands over to another one on PATH";
        else
            choice->interpreter = path;
    } else if (python_identify_prefix(search, path, &python) == 0) {
        choice->interpreter = python.interpreter;
    } else {
        choice->why = "a directory that holds no Python";
    }
}

static bool choose_from_prefix(struct python_search *search, const char *variable, struct choice *choice) {
    const char *prefix = root_env(search->root, variable, NULL);
    struct python python;
    if (!prefix || prefix[0] != '/' ||
        python_identify_prefix(search, python_join(search->arena, "/", span_of(prefix)), &python) < 0)
        return false;
    *choice = (struct choice){.interpreter = python.interpreter, .by = variable, .source = variable};
    return true;
}

/* What plain `python` would be, where another one was chosen. */
static void find_on_path(struct python_search *search, const char *chosen) {
    struct torch_facts *torch = &search->probe->out->torch;
    struct choice choice = {0};
    struct python other;
    choose_from_path(search, &choice);
    if (!choice.interpreter) {
        const char *why = choice.why ? python_fact_path(search->probe, choice.why) : NULL;
        const char *source = python_fact_path(search->probe, choice.source);
        torch->on_path.is = why ? (struct fact){.reason = why, .source = source}
                                : (struct fact){.state = FACT_ABSENT, .source = source};
        return;
    }
    set_text(&torch->on_path, python_fact_path(search->probe, choice.interpreter),
             python_fact_path(search->probe, choice.source));
    if (!text_eq(choice.interpreter, chosen) && python_identify(search, choice.interpreter, &other) == 0)
        python_add(search, &other, NULL, choice.source);
}

void python_choose(struct python_search *search) {
    struct probe *probe = search->probe;
    struct torch_facts *torch = &probe->out->torch;
    struct choice choice = {0};
    struct python python;
    if (probe->options.python)
        choose_asked(search, probe->options.python, &choice);
    else if (!choose_from_prefix(search, "VIRTUAL_ENV", &choice) &&
             !choose_from_prefix(search, "CONDA_PREFIX", &choice))
        choose_from_path(search, &choice);
    const char *source = python_fact_path(probe, choice.source);
    set_text(&torch->chosen_by, choice.by, source);
    if (choice.interpreter) {
        int r = python_identify(search, choice.interpreter, &python);
        if (r == 0) {
            struct python *added = python_add(search, &python, NULL, choice.source);
            if (added)
                added->in_use = true;
            set_text(&torch->interpreter, python_fact_path(probe, choice.interpreter), source);
        } else if (r == -ENOENT || r == -ENOTDIR) {
            set_absent(&torch->interpreter, source);
        } else {
            const char *path = python_fact_path(probe, choice.interpreter);
            const char *why = arena_printf(probe->arena, "%s: %s", path,
                                           r == -ENOEXEC ? "not a Python that is known here" : strerror(-r));
            set_unknown(&torch->interpreter, why, source);
        }
    } else if (choice.why) {
        set_unknown(&torch->interpreter, python_fact_path(probe, choice.why), source);
    } else {
        set_absent(&torch->interpreter, source);
    }
    find_on_path(search, choice.interpreter);
}
