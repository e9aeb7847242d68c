/* whycuda libs: which libraries the loader would pick, for PyTorch or for a file. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/libs.h"
#include "cli/verb.h"
#include "sys/root.h"

/* The Python and the PyTorch in question. */
struct libs_environment {
    const char *python, *torch_directory;
    struct texts search_path;
};

/* site-packages of a prefix, all versions of Python there. */
static void site_packages_add(const struct root *root, struct arena *arena, const char *prefix, const char *name,
                              struct texts *list) {
    struct texts versions;
    const char *lib = text_path(arena, prefix, "lib");
    if (root_list(root, arena, lib, &versions) < 0)
        return;
    for (size_t i = 0; i < versions.count; i++) {
        const char *path = arena_printf(arena, "%s/%s/%s", lib, versions.items[i], name);
        if (text_starts(versions.items[i], "python3") && root_is_directory(root, path))
            texts_add(arena, list, path);
    }
}

static const char *parent(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash > path ? arena_copy_span(arena, span_from(path, (size_t)(slash - path))) : "/";
}

/* The Python that --python names, and the torch in its own site-packages. */
static int environment_find(struct cli *cli, const struct root *root, struct arena *arena,
                            struct libs_environment *ret_environment) {
    struct libs_environment e = {.python = cli->options.python};
    const char *real;
    if (!e.python)
        return -ENOENT;
    int r = root_realpath(root, arena, e.python, &real);
    if (r < 0)
        return r;
    const char *prefix = parent(arena, parent(arena, e.python));
    if (!root_exists(root, text_path(arena, prefix, "pyvenv.cfg")))
        prefix = parent(arena, parent(arena, real));
    site_packages_add(root, arena, prefix, "site-packages", &e.search_path);
    site_packages_add(root, arena, "/usr/local", "dist-packages", &e.search_path);
    site_packages_add(root, arena, "/usr", "dist-packages", &e.search_path);
    for (size_t i = 0; i < e.search_path.count && !e.torch_directory; i++) {
        const char *path = text_path(arena, e.search_path.items[i], "torch");
        if (root_exists(root, text_path(arena, path, "__init__.py")))
            e.torch_directory = path;
    }
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

static int show_torch(struct cli *cli, const struct root *root, struct loader *loader) {
    AUTO_ARENA arena = {0};
    struct libs_environment environment = {0};
    struct torch_plan plan;
    int r = environment_find(cli, root, &arena, &environment);
    if (r < 0)
        return complain(EXIT_FOUND, "no PyTorch found; name its Python with --python");
    struct torch_plan_options options = {.python = environment.python,
                                         .torch_directory = environment.torch_directory,
                                         .search_path = &environment.search_path,
                                         .companions = true};
    r = loader_torch_plan(&plan, loader, root, &arena, &options);
    if (r < 0)
        return file_status(environment.python, r);
    struct libs_view view = {.loader = loader, .plan = &plan, .symbols = true, .verbose = cli->options.verbose};
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
    else if (cli->argument_count)
        status = show_file(cli, root, loader, cli->arguments[0]);
    else
        status = show_torch(cli, root, loader);
    loader_close(loader);
    root_close(root);
    return status;
}
