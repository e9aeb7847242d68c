/* Where environments are kept: places that tools use, and lists that tools keep. No disk is walked; every
 * directory that is read here is one that a tool fills with environments. */
#include <errno.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "probe/python.h"

/* A path template: "~" is the home directory, "$NAME" a variable, with a default where it is often unset; a last
 * part of "*" means every entry of the directory. */
struct place {
    const char *path;
    const char *kind; /* NULL: told by the files */
};

static const struct {
    const char *variable, *otherwise;
} defaults[] = {
    {"XDG_DATA_HOME", "~/.local/share"},
    {"XDG_CACHE_HOME", "~/.cache"},
    {"PYENV_ROOT", "~/.pyenv"},
    {"ASDF_DATA_DIR", "~/.asdf"},
    {"MISE_DATA_DIR", "$XDG_DATA_HOME/mise"},
    {"PIPX_HOME", "$XDG_DATA_HOME/pipx"},
    {"UV_PYTHON_INSTALL_DIR", "$XDG_DATA_HOME/uv/python"},
    {"UV_TOOL_DIR", "$XDG_DATA_HOME/uv/tools"},
    {"WORKON_HOME", "~/.virtualenvs"},
    {"POETRY_CACHE_DIR", "$XDG_CACHE_HOME/pypoetry"},
    {"MAMBA_ROOT_PREFIX", "~/micromamba"},
    {"JUPYTER_DATA_DIR", "$XDG_DATA_HOME/jupyter"},
};

static const struct place places[] = {
    {"$VIRTUAL_ENV", NULL},
    {"$CONDA_PREFIX", NULL},
    {"$UV_PROJECT_ENVIRONMENT", NULL},
    {"$UV_PYTHON_INSTALL_DIR/*", "uv"},
    {"$UV_TOOL_DIR/*", "uv"},
    {"$PYENV_ROOT/versions/*", "pyenv"},
    {"$ASDF_DATA_DIR/installs/python/*", "asdf"},
    {"$MISE_DATA_DIR/installs/python/*", "mise"},
    {"$POETRY_CACHE_DIR/virtualenvs/*", "poetry"},
    {"$WORKON_HOME/*", NULL},
    {"$XDG_DATA_HOME/virtualenvs/*", "pipenv"},
    {"$PIPX_HOME/venvs/*", "pipx"},
    {"~/.local/pipx/venvs/*", "pipx"},
    {"~/.pixi/envs/*", "pixi"},
    {"~/.venv", NULL},
    {"~/venv", NULL},
    {"~/env", NULL},
    {"/opt/venv", NULL},
    {"/venv", NULL},
    {"/app/.venv", NULL},
    {"/app/venv", NULL},
    {"/workspace/.venv", NULL},
    {"/workspace/venv", NULL},
    {"/opt/python/*", NULL},
};

/* Prefixes of conda, mamba and micromamba; their environments are in envs/. */
static const char *const conda_prefixes[] = {
    "$CONDA_ROOT",     "$MAMBA_ROOT_PREFIX", "~/.local/share/mamba",  "~/miniconda3",
    "~/anaconda3",     "~/miniforge3",       "~/mambaforge",          "~/miniconda",
    "~/anaconda",      "/opt/conda",         "/opt/miniconda3",       "/opt/anaconda3",
    "/opt/miniforge3", "/opt/mambaforge",    "/usr/local/miniconda3", "/usr/local/anaconda3",
};

static const char *const kernel_places[] = {"$JUPYTER_DATA_DIR/kernels", "/usr/local/share/jupyter/kernels",
                                            "/usr/share/jupyter/kernels"};

/* The template with variables filled in; NULL where one of them is not known. */
static const char *expand(const struct python_search *search, const char *template) {
    if (template[0] == '~')
        return search->home ? arena_printf(search->arena, "%s%s", search->home, template + 1) : NULL;
    if (template[0] != '$')
        return template;
    size_t len = strcspn(template + 1, "/");
    const char *name = arena_copy_span(search->arena, span_from(template + 1, len));
    const char *value = root_env(search->root, name, NULL);
    for (size_t i = 0; !value && i < sizeof defaults / sizeof *defaults; i++)
        if (text_eq(defaults[i].variable, name))
            value = expand(search, defaults[i].otherwise);
    if (!value || value[0] != '/')
        return NULL;
    return arena_printf(search->arena, "%s%s", value, template + 1 + len);
}

static bool add_prefix(struct python_search *search, const char *prefix, const char *kind, const char *found_by) {
    struct python python;
    if (python_identify_prefix(search, prefix, &python) < 0)
        return false;
    python_add(search, &python, kind, found_by);
    return true;
}

/* The names in a directory; says so where it is cut. False where there is none. */
static bool list_directory(struct python_search *search, const char *path, struct texts *ret_names) {
    int r = root_list(search->root, search->arena, path, ret_names);
    if (r == -EFBIG)
        python_search_cut(search, path, "more entries than are read");
    return r == 0 || r == -EFBIG;
}

/* Whether more environments are listed; where not, it is said. */
static bool has_room(struct python_search *search, const char *place) {
    if (search->found.count < LIMIT_ENVIRONMENTS)
        return true;
    python_search_cut(search, place, "more environments than are listed");
    return false;
}

static void add_children(struct python_search *search, const char *directory, const char *kind) {
    struct texts names;
    if (!list_directory(search, directory, &names))
        return;
    for (size_t i = 0; i < names.count && has_room(search, directory); i++)
        add_prefix(search, text_path(search->arena, directory, names.items[i]), kind, directory);
}

static void add_place(struct python_search *search, const char *template, const char *kind) {
    const char *path = expand(search, template);
    if (!path)
        return;
    if (text_ends(path, "/*"))
        add_children(search, arena_copy_span(search->arena, span_from(path, strlen(path) - 2)), kind);
    else
        add_prefix(search, path, kind, path);
}

/* --- beside and above the working directory --------------------------------------------------------------- */
static void add_named(struct python_search *search, const char *directory) {
    static const char *const names[] = {".venv", "venv", "env", ".env", "virtualenv", ".conda"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_prefix(search, text_path(search->arena, directory, names[i]), NULL, directory);
    add_children(search, text_path(search->arena, directory, ".pixi/envs"), "pixi");
}

static void add_siblings(struct python_search *search) {
    struct texts names;
    if (!list_directory(search, search->directory, &names))
        return;
    if (names.count > LIMIT_SIBLINGS)
        python_search_cut(search, search->directory, "only the first entries were looked into for environments");
    for (size_t i = 0; i < names.count && i < LIMIT_SIBLINGS; i++) {
        const char *path = text_path(search->arena, search->directory, names.items[i]);
        if (root_exists(search->root, text_path(search->arena, path, "pyvenv.cfg")) ||
            root_exists(search->root, text_path(search->arena, path, "conda-meta")))
            add_prefix(search, path, NULL, search->directory);
    }
}

static void add_around(struct python_search *search) {
    const char *directory = search->directory;
    if (!directory)
        return;
    add_siblings(search);
    add_children(search, text_path(search->arena, directory, ".tox"), NULL);
    add_children(search, text_path(search->arena, directory, ".nox"), NULL);
    for (int depth = 0; depth < 64; depth++) {
        if (root_exists(search->root, text_path(search->arena, directory, "pyvenv.cfg")))
            add_prefix(search, directory, NULL, directory);
        add_named(search, directory);
        if (!directory[1])
            return;
        directory = python_parent(search->arena, directory);
    }
}

/* --- conda ------------------------------------------------------------------------------------------------ */

static void add_conda(struct python_search *search, const char *prefix) {
    if (!prefix || !root_is_directory(search->root, text_path(search->arena, prefix, "conda-meta")))
        return;
    add_prefix(search, prefix, "conda", prefix);
    add_children(search, text_path(search->arena, prefix, "envs"), "conda");
}

/* One prefix a line; conda adds every environment that it makes. */
static void add_listed_by_conda(struct python_search *search) {
    const char *path = expand(search, "~/.conda/environments.txt");
    struct span bytes = {0}, line;
    int r = path ? root_read(search->root, search->arena, path, LIMIT_SMALL_FILE, &bytes) : -ENOENT;
    if (r == -EFBIG)
        python_search_cut(search, path, "more lines than are read");
    while (span_next_line(&bytes, &line) && has_room(search, path)) {
        line = span_trim(line);
        if (line.len && line.ptr[0] == '/')
            add_prefix(search, python_join(search->arena, "/", line), "conda", path);
    }
}

static void add_all_of_conda(struct python_search *search) {
    const char *conda = root_env(search->root, "CONDA_EXE", NULL); /* PREFIX/bin/conda */
    if (conda && conda[0] == '/')
        add_conda(search, python_parent(search->arena, python_parent(search->arena, conda)));
    for (size_t i = 0; i < sizeof conda_prefixes / sizeof *conda_prefixes; i++)
        add_conda(search, expand(search, conda_prefixes[i]));
    struct span rest = span_of(root_env(search->root, "CONDA_ENVS_PATH", NULL)), one;
    for (size_t i = 0; i < LIMIT_PATH_ENTRIES && rest.len && span_next_field(&rest, ':', &one); i++)
        if (one.len && one.ptr[0] == '/')
            add_children(search, python_join(search->arena, "/", one), "conda");
    const char *own = expand(search, "~/.conda/envs");
    if (own)
        add_children(search, own, "conda");
    add_listed_by_conda(search);
}

/* --- Jupyter ---------------------------------------------------------------------------------------------- */

/* kernel.json: {"argv": ["/path/to/python", "-m", …], "display_name": "…"}. A bare "python" is the server's own. */
static void add_kernel(struct python_search *search, const char *path) {
    struct span bytes;
    struct python python;
    if (root_read(search->root, search->arena, path, LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    json_t *json = json_loadb(bytes.ptr, bytes.len, 0, NULL);
    const char *program = json_string_value(json_array_get(json_object_get(json, "argv"), 0));
    const char *title = json_string_value(json_object_get(json, "display_name"));
    if (program && program[0] == '/' &&
        python_identify(search, python_join(search->arena, "/", span_of(program)), &python) == 0) {
        struct python *added = python_add(search, &python, "jupyter", path);
        if (added && added->kernels.count < 16)
            texts_add(search->arena, &added->kernels,
                      text_clean(search->arena,
                                 span_of(title ? title : text_basename(python_parent(search->arena, path)))));
    }
    json_decref(json);
}

static void add_kernels(struct python_search *search, const char *directory) {
    struct texts names;
    if (!directory || !list_directory(search, directory, &names))
        return;
    for (size_t i = 0; i < names.count && i < LIMIT_ENVIRONMENTS; i++)
        add_kernel(search, arena_printf(search->arena, "%s/%s/kernel.json", directory, names.items[i]));
}

static void add_all_kernels(struct python_search *search) {
    for (size_t i = 0; i < sizeof kernel_places / sizeof *kernel_places; i++)
        add_kernels(search, expand(search, kernel_places[i]));
    size_t count = search->found.count; /* those that kernels add have none of their own that is not listed */
    for (size_t i = 0; i < count; i++)
        add_kernels(search, text_path(search->arena, search->found.items[i].prefix, "share/jupyter/kernels"));
}

/* --- the system ------------------------------------------------------------------------------------------- */

static void add_program(struct python_search *search, const char *directory, const char *name) {
    struct python python;
    const char *path = text_path(search->arena, directory, name);
    if (root_exists(search->root, path) && python_identify(search, path, &python) == 0)
        python_add(search, &python, NULL, directory);
}

/* Every python3.N of a directory of programs; `python3` only where its version has no name of its own. */
static void add_programs(struct python_search *search, const char *directory) {
    if (text_eq(text_basename(directory), "shims"))
        return;
    char name[24];
    for (int minor = LIMIT_PYTHON_MINOR - 1; minor >= 0; minor--) {
        snprintf(name, sizeof name, "python3.%d", minor);
        add_program(search, directory, name);
        snprintf(name, sizeof name, "python3.%dt", minor);
        if (minor >= 13) /* the first free of the GIL */
            add_program(search, directory, name);
    }
    add_program(search, directory, "python3");
    add_program(search, directory, "python");
}

static void add_programs_once(struct python_search *search, const char *directory, struct texts *done) {
    if (root_realpath(search->root, search->arena, directory, &directory) < 0 || texts_have(done, directory))
        return; /* /bin is /usr/bin nowadays */
    texts_add(search->arena, done, directory);
    add_programs(search, directory);
}

static void add_system(struct python_search *search) {
    struct span rest = span_of(root_env(search->root, "PATH", NULL)), one;
    struct texts done = {0};
    for (size_t i = 0; i < LIMIT_PATH_ENTRIES && rest.len && span_next_field(&rest, ':', &one); i++) {
        if (!one.len || one.ptr[0] != '/')
            continue;
        add_programs_once(search, python_join(search->arena, "/", one), &done);
    }
    add_programs_once(search, "/usr/local/bin", &done);
    add_programs_once(search, "/usr/bin", &done);
}

static void add_of_home(struct python_search *search) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        add_place(search, places[i].path, places[i].kind);
    add_all_of_conda(search);
}

void python_collect(struct python_search *search) {
    add_around(search);
    if (search->home) {
        add_of_home(search);
    } else { /* an image of a machine: everybody's */
        struct texts names = {0};
        list_directory(search, "/home", &names);
        texts_add(search->arena, &names, "../root");
        for (size_t i = 0; i < names.count && i < LIMIT_ENVIRONMENTS; i++) {
            search->home = python_join(search->arena, "/home", span_of(names.items[i]));
            add_of_home(search);
        }
        search->home = NULL;
    }
    add_system(search);
    add_all_kernels(search);
}
