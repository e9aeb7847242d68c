/* whycuda envs: every Python environment and the PyTorch in it, one line each. */
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/verb.h"
#include "probe/probe.h"

/* What one line says of an environment; the diagnosis of the machine (whycuda) goes further. */
struct envs_verdict {
    const char *text; /* "cuda 12.4", "cpu build", "rocm 6.2", "xpu", "missing", "broken", "unknown" */
    struct texts problems;
};

static void add_problem(struct arena *arena, struct envs_verdict *verdict, const char *format, const char *what,
                        size_t more) {
    const char *text = arena_printf(arena, format, what);
    texts_add(arena, &verdict->problems, more ? arena_printf(arena, "%s, and %zu more", text, more) : text);
}

static void add_list(struct arena *arena, struct envs_verdict *verdict, const char *format,
                     const struct texts_fact *list) {
    if (known(*list) && list->count)
        add_problem(arena, verdict, format, list->items[0], list->count - 1);
}

/* What keeps this PyTorch from working whatever the GPU. */
static void find_problems(struct arena *arena, const struct python_environment *e, struct envs_verdict *verdict) {
    if (absent(e->interpreter))
        add_problem(arena, verdict, "its Python is gone: %s", e->interpreter.is.source, 0);
    const char *shadow = text_of(e->shadowed_by);
    if (shadow && !text_starts(text_of(e->torch_path), shadow))
        add_problem(arena, verdict, "%s is imported instead", shadow, 0);
    if (text_eq(text_of(e->build), "cuda") && is_false(e->cuda_library))
        add_problem(arena, verdict, "no libtorch_cuda in %s", e->cuda_library.is.source, 0);
    add_list(arena, verdict, "%s is not installed", &e->missing_packages);
    add_list(arena, verdict, "%s is not there", &e->missing_files);
    add_list(arena, verdict, "%s is cut short", &e->damaged_files);
    for (size_t i = 0; i < e->libraries.count; i++)
        if (absent(e->libraries.items[i].path) && known(e->libraries.items[i].name))
            add_problem(arena, verdict, "%s is not found", e->libraries.items[i].name.value, 0);
}

static const char *unknown_reason(const struct python_environment *e) {
    return e->torch_version.is.reason ? e->torch_version.is.reason : e->build.is.reason;
}

static struct envs_verdict judge(struct arena *arena, const struct python_environment *e) {
    struct envs_verdict verdict = {0};
    const char *build = text_of(e->build);
    find_problems(arena, e, &verdict);
    if (verdict.problems.count && !(absent(e->torch_version) && known(e->interpreter))) {
        verdict.text = "broken";
    } else if (absent(e->torch_version)) {
        verdict.text = "missing";
    } else if (!build) {
        verdict.text = "unknown";
        if (unknown_reason(e))
            add_problem(arena, &verdict, "%s", unknown_reason(e), 0);
    } else if (text_eq(build, "cuda")) {
        verdict.text = known(e->cuda) ? arena_printf(arena, "cuda %s", e->cuda.value) : "cuda";
    } else if (text_eq(build, "rocm") && known(e->hip)) {
        size_t dots = 0, len = 0; /* "6.2.41133-dd7f95766": the first two parts */
        while (e->hip.value[len] && (e->hip.value[len] != '.' || ++dots < 2))
            len++;
        verdict.text = arena_printf(arena, "rocm %.*s", (int)len, e->hip.value);
    } else {
        verdict.text = text_eq(build, "cpu") ? "cpu build" : build;
    }
    return verdict;
}

/* --- text -------------------------------------------------------------------------------------------------- */

static const char *shorten(struct arena *arena, const char *path, const char *home) {
    size_t len = home ? strlen(home) : 0;
    if (len > 1 && text_starts(path, home) && (path[len] == '/' || !path[len]))
        return arena_printf(arena, "~%s", path + len);
    return path;
}

static void write_cell(FILE *out, const char *text, int width) {
    int pad = width - (int)text_columns(text);
    fprintf(out, "%s%*s", text, pad > 0 ? pad : 0, "");
}

struct widths {
    int python, torch, verdict;
};

static void widen(int *width, const char *text) {
    int columns = (int)text_columns(text);
    if (columns > *width)
        *width = columns;
}

static const char *or_dash(const struct text_fact *fact) {
    return known(*fact) ? fact->value : absent(*fact) ? "-" : "?";
}

static void write_details(FILE *out, struct arena *arena, const struct python_environment *e, const char *home) {
    if (known(e->torch_path))
        fprintf(out, "      torch      %s (%s)\n", shorten(arena, e->torch_path.value, home),
                or_dash(&e->found_in));
    if (known(e->installer))
        fprintf(out, "      installer  %s\n", e->installer.value);
    for (int ptx = 0; ptx < 2; ptx++) {
        const struct texts_fact *list = ptx ? &e->ptx : &e->sass;
        if (!known(*list) || !list->count)
            continue;
        fprintf(out, "      %s       ", ptx ? "PTX " : "SASS");
        for (size_t i = 0; i < list->count; i++)
            fprintf(out, "%s%s", i ? " " : "", list->items[i]);
        fputc('\n', out);
    }
    for (size_t i = 0; i < e->packages.count; i++)
        fprintf(out, "      %s %s%s\n", or_dash(&e->packages.items[i].name),
                or_dash(&e->packages.items[i].version),
                is_false(e->packages.items[i].fits) ? "  (torch wants another version)" : "");
    for (size_t i = 0; i < e->kernels.count; i++)
        fprintf(out, "      Jupyter    %s\n", e->kernels.items[i]);
}

static void write_line(FILE *out, struct arena *arena, const struct python_environment *e,
                       const struct envs_verdict *verdict, struct widths widths, const char *home) {
    fputs(is_true(e->in_use) ? "* " : "  ", out);
    write_cell(out, or_dash(&e->python), widths.python + 2);
    write_cell(out, or_dash(&e->torch_version), widths.torch + 2);
    write_cell(out, verdict->text, widths.verdict + 2);
    fprintf(out, "%s (%s)", shorten(arena, e->path.value, home), e->kind.value);
    for (size_t i = 0; i < verdict->problems.count; i++)
        fprintf(out, "%s %s", i ? ";" : ":", shorten(arena, verdict->problems.items[i], home));
    fputc('\n', out);
}

static void write_text(struct cli *cli, struct arena *arena, const struct torch_facts *torch, const char *home) {
    const struct python_environment_rows *rows = &torch->environments;
    struct envs_verdict *verdicts = arena_alloc(arena, (rows->count + 1) * sizeof *verdicts);
    struct widths widths = {6, 5, 7};
    for (size_t i = 0; i < rows->count; i++) {
        verdicts[i] = judge(arena, &rows->items[i]);
        widen(&widths.python, or_dash(&rows->items[i].python));
        widen(&widths.torch, or_dash(&rows->items[i].torch_version));
        widen(&widths.verdict, verdicts[i].text);
    }
    if (rows->count)
        fprintf(cli->out, "  %-*s%-*s%-*s%s\n", widths.python + 2, "PYTHON", widths.torch + 2, "TORCH",
                widths.verdict + 2, "VERDICT", "ENVIRONMENT");
    for (size_t i = 0; i < rows->count; i++) {
        write_line(cli->out, arena, &rows->items[i], &verdicts[i], widths, home);
        if (cli->options.verbose)
            write_details(cli->out, arena, &rows->items[i], home);
    }
    if (known(torch->interpreter))
        fprintf(cli->out, "\n* would run: %s (%s)\n", shorten(arena, torch->interpreter.value, home),
                shorten(arena, torch->interpreter.is.source, home));
    else
        fprintf(cli->out, "\nNo Python would run: %s\n",
                torch->interpreter.is.reason ? torch->interpreter.is.reason : "there is none");
}

/* --- JSON -------------------------------------------------------------------------------------------------- */

static json_t *text_json(const struct text_fact *fact) {
    return known(*fact) ? json_string(fact->value) : json_null();
}

static void write_json(struct cli *cli, struct arena *arena, const struct torch_facts *torch) {
    json_t *list = json_array();
    for (size_t i = 0; i < torch->environments.count; i++) {
        const struct python_environment *e = &torch->environments.items[i];
        struct envs_verdict verdict = judge(arena, e);
        json_t *entry = json_object(), *problems = json_array();
        json_object_set_new(entry, "path", text_json(&e->path));
        json_object_set_new(entry, "kind", text_json(&e->kind));
        json_object_set_new(entry, "name", text_json(&e->name));
        json_object_set_new(entry, "in_use", json_boolean(is_true(e->in_use)));
        json_object_set_new(entry, "interpreter", text_json(&e->interpreter));
        json_object_set_new(entry, "python", text_json(&e->python));
        json_object_set_new(entry, "torch", text_json(&e->torch_version));
        json_object_set_new(entry, "torch_path", text_json(&e->torch_path));
        json_object_set_new(entry, "build", text_json(&e->build));
        json_object_set_new(entry, "cuda", text_json(&e->cuda));
        json_object_set_new(entry, "verdict", json_string(verdict.text));
        for (size_t j = 0; j < verdict.problems.count; j++)
            json_array_append_new(problems, json_string(verdict.problems.items[j]));
        json_object_set_new(entry, "problems", problems);
        json_array_append_new(list, entry);
    }
    json_dumpf(list, cli->out, JSON_INDENT(1));
    fputc('\n', cli->out);
    json_decref(list);
}

int verb_envs(struct cli *cli) {
    AUTO_ARENA arena = {0};
    struct root *root;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    struct snapshot *snapshot = snapshot_new(root_is_live(root) ? "live" : "root");
    struct probe probe = {
        .root = root, .options = {.python = cli->options.python}, .out = snapshot, .arena = &snapshot->arena};
    probe_torch(&probe);
    const struct torch_facts *torch = &snapshot->torch;
    if (cli->options.json)
        write_json(cli, &arena, torch);
    else
        write_text(cli, &arena, torch, root_env(root, "HOME", NULL));
    for (size_t i = 0; i < torch->cut.count; i++)
        complain(EXIT_OK, "%s", torch->cut.items[i]);
    status = torch->environments.count ? EXIT_OK : EXIT_FOUND;
    snapshot_free(snapshot);
    root_close(root);
    return status;
}
