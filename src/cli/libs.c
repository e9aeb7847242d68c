/* whycuda libs: which libraries the loader would pick, for PyTorch or for a file. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/libs.h"
#include "cli/verb.h"
#include "probe/python.h"

/* The Python and the PyTorch in question. */
struct libs_environment {
    const char *python, *torch_directory;
    struct texts search_path;
};

static void torch_look_for(const struct root *root, struct arena *arena, const struct python_path_entry *entry,
                           struct libs_environment *e) {
    const char *package = entry->origin == PATH_EDITABLE ? entry->path : text_path(arena, entry->path, "torch");
    if (entry->origin != PATH_EDITABLE)
        texts_add(arena, &e->search_path, entry->path);
    if (!e->torch_directory && text_eq(text_basename(package), "torch") &&
        root_exists(root, text_path(arena, package, "__init__.py")))
        e->torch_directory = package;
}

/* The Python that --python names, or that would run, and the torch it would import. -ENOENT: none. */
static int environment_find(struct cli *cli, const struct root *root, struct arena *arena,
                            struct libs_environment *ret_environment) {
    struct libs_environment e = {0};
    struct python_search search;
    struct python_path path;
    struct snapshot *snapshot = snapshot_new("libs");
    struct probe probe = {
        .root = root, .out = snapshot, .arena = &snapshot->arena, .options = {.python = cli->options.python}};
    python_search_start(&search, &probe, arena);
    python_choose(&search);
    for (size_t i = 0; i < search.found.count && !e.python; i++) {
        const struct python *python = &search.found.items[i];
        if (!python->in_use || !python->real_interpreter)
            continue;
        e.python = python->real_interpreter;
        python_path_build(&search, python, arena, &path);
        for (size_t n = 0; n < path.count; n++)
            torch_look_for(root, arena, &path.items[n], &e);
    }
    snapshot_free(snapshot);
    *ret_environment = e;
    return e.torch_directory ? 0 : -ENOENT;
}

static int show(struct cli *cli, struct libs_view *view) {
    if (view->symbols)
        loader_check_symbols(view->loader);
    if (cli->options.json)
        libs_write_json(cli->out, view);
    else if (cli->options.tree)
        libs_write_tree(cli->out, view);
    else
        libs_write_list(cli->out, view);
    return libs_incomplete(view) ? EXIT_FOUND : EXIT_OK;
}

static int file_status(const char *file, int error) {
    switch (error) {
    case -ENOEXEC:
        return complain(EXIT_DATA, "%s: not an ELF file", file);
    case -ENOTSUP:
        return complain(EXIT_DATA,
                        "%s: not a program or library of a machine whose loader is known here "
                        "(x86_64, i386, aarch64)",
                        file);
    case -ENODATA:
        return complain(EXIT_DATA, "%s: the file ends too early", file);
    case -EBADMSG:
        return complain(EXIT_DATA, "%s: damaged ELF headers", file);
    default:
        return complain(EXIT_NO_INPUT, "%s: %s", file, strerror(-error));
    }
}

/* A path as the user gave it, absolute. */
static const char *absolute(const struct root *root, struct arena *arena, const char *path) {
    const char *working = root_env(root, "PWD", NULL);
    return path[0] == '/' || !working ? path : text_path(arena, working, path);
}

static int show_file(struct cli *cli, const struct root *root, struct loader *loader, const char *file) {
    AUTO_ARENA arena = {0};
    int r = loader_start(loader, absolute(root, &arena, file));
    if (r < 0)
        return file_status(file, r);
    struct libs_view view = {.loader = loader,
                             .file = loader_program(loader)->path,
                             .symbols = cli->options.symbols,
                             .verbose = cli->options.verbose};
    return show(cli, &view);
}

/* PyTorch as Python imports it; then FILE, where one is named: an extension module finds libtorch loaded, and
 * takes Python's symbols from the interpreter. */
static int show_torch(struct cli *cli, const struct root *root, struct loader *loader, const char *file) {
    AUTO_ARENA arena = {0};
    struct libs_environment environment = {0};
    struct torch_plan plan;
    int r = environment_find(cli, root, &arena, &environment);
    if (r < 0)
        return complain(EXIT_FOUND,
                        environment.python ? "no PyTorch in the environment of %s"
                                           : "no Python found; name one with --python",
                        environment.python);
    struct torch_plan_options options = {.python = environment.python,
                                         .torch_directory = environment.torch_directory,
                                         .search_path = &environment.search_path,
                                         .companions = !file};
    r = loader_torch_plan(&plan, loader, root, &arena, &options);
    if (r < 0)
        return file_status(environment.python, r);
    struct libs_view view = {.loader = loader, .plan = &plan, .symbols = true, .verbose = cli->options.verbose};
    if (file) {
        file = absolute(root, &arena, file);
        view.first = loader_requests(loader)->count;
        AUTO_FD fd = root_open_file(root, file);
        struct elf elf;
        r = fd < 0 ? fd : elf_open_file(&elf, &arena, fd);
        if (r < 0)
            return file_status(file, r);
        loader_dlopen(loader, NULL, file, false, false);
    }
    return show(cli, &view);
}

int verb_libs(struct cli *cli) {
    struct root *root;
    struct loader *loader;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    if (loader_open(&loader, root, (struct loader_options){0}) < 0)
        status = complain(EXIT_INTERNAL, "out of memory");
    else if (cli->argument_count && !cli->options.python)
        status = show_file(cli, root, loader, cli->arguments[0]);
    else
        status = show_torch(cli, root, loader, cli->argument_count ? cli->arguments[0] : NULL);
    loader_close(loader);
    root_close(root);
    return status;
}
