/* Shims: the small programs that version managers put first on PATH as `python`. What they would start is decided
 * by variables and files, read here as the managers read them: pyenv's libexec/pyenv-version-name,
 * -version-file-read and -which; asdf's and mise's .tool-versions; mise.toml. */
#include <errno.h>

#include "base/limits.h"
#include "base/text.h"
#include "probe/python.h"

struct shim {
    struct python_search *search;
    const char *manager; /* pyenv, asdf, mise */
    const char *data;    /* its directory */
    const char *command; /* python, python3 */
    struct texts wanted; /* versions in order */
    const char *by;
};

static const char *path_in(struct shim *shim, const char *directory, const char *name) {
    return text_path(shim->search->arena, directory, name);
}

static bool read_file(struct shim *shim, const char *path, struct span *ret_bytes) {
    int r = root_read(shim->search->root, shim->search->arena, path, LIMIT_SMALL_FILE, ret_bytes);
    return r == 0 || r == -EFBIG;
}

static void want(struct shim *shim, struct span version) {
    version = span_trim(version);
    if (version.len && shim->wanted.count < 64)
        texts_add(shim->search->arena, &shim->wanted, arena_copy_span(shim->search->arena, version));
}

/* .python-version and ~/.pyenv/version: the first word of each line. */
static void want_lines(struct shim *shim, struct span bytes) {
    struct span line, word;
    while (span_next_line(&bytes, &line))
        if (span_next_word(&line, &word) && word.ptr[0] != '#' && !span_has(word, ".."))
            want(shim, word);
}

/* "python 3.11.7 system  # why" */
static void want_tool_versions(struct shim *shim, struct span bytes) {
    struct span line, text, comment, word;
    while (span_next_line(&bytes, &line)) {
        span_cut(line, '#', &text, &comment);
        if (span_next_word(&text, &word) && span_eq(word, "python"))
            while (span_next_word(&text, &word))
                want(shim, word);
    }
}

/* The line `python = "3.12"` below [tools]. */
static void want_toml(struct shim *shim, struct span bytes) {
    struct span line, key, value, comment;
    bool tools = false;
    while (span_next_line(&bytes, &line)) {
        line = span_trim(line);
        if (span_starts(line, "["))
            tools = span_starts(line, "[tools]");
        if (!tools || !span_cut(line, '=', &key, &value) || !span_eq(span_unquote(span_trim(key)), "python"))
            continue;
        span_cut(value, '#', &value, &comment);
        want(shim, span_unquote(span_trim(value)));
    }
}

/* The nearest of these files at or above the working directory that wants something. */
static bool want_from_tree(struct shim *shim, const char *const *names,
                           void (*const *readers)(struct shim *, struct span), size_t count) {
    const char *directory = shim->search->directory;
    for (int depth = 0; directory && depth < 64; depth++) {
        for (size_t i = 0; i < count; i++) {
            const char *path = path_in(shim, directory, names[i]);
            struct span bytes;
            if (!read_file(shim, path, &bytes))
                continue;
            readers[i](shim, bytes);
            shim->by = path;
            if (shim->wanted.count || text_eq(shim->manager, "pyenv"))
                return true;
        }
        if (!directory[1])
            break;
        directory = python_parent(shim->search->arena, directory);
    }
    return false;
}

static bool want_from_variable(struct shim *shim, const char *name, char separator) {
    const char *value = root_env(shim->search->root, name, NULL);
    struct span rest = span_of(value), one;
    while (rest.len && span_next_field(&rest, separator, &one))
        want(shim, one);
    shim->by = name;
    return shim->wanted.count;
}

static bool want_from_file(struct shim *shim, const char *path, void (*reader)(struct shim *, struct span)) {
    struct span bytes;
    if (!read_file(shim, path, &bytes))
        return false;
    reader(shim, bytes);
    shim->by = path;
    return shim->wanted.count;
}

static void decide(struct shim *shim) {
    static const char *const pyenv_names[] = {".python-version"};
    static void (*const pyenv_readers[])(struct shim *, struct span) = {want_lines};
    static const char *const tool_names[] = {"mise.toml", ".mise.toml", ".tool-versions"};
    static void (*const tool_readers[])(struct shim *, struct span) = {want_toml, want_toml, want_tool_versions};
    const char *home = shim->search->home;
    if (text_eq(shim->manager, "pyenv")) {
        if (!want_from_variable(shim, "PYENV_VERSION", ':') &&
            !want_from_tree(shim, pyenv_names, pyenv_readers, 1))
            want_from_file(shim, path_in(shim, shim->data, "version"), want_lines);
        if (!shim->wanted.count)
            want(shim, span_of("system"));
        return;
    }
    bool mise = text_eq(shim->manager, "mise");
    if (want_from_variable(shim, mise ? "MISE_PYTHON_VERSION" : "ASDF_PYTHON_VERSION", ' ') ||
        want_from_tree(shim, tool_names + (mise ? 0 : 2), tool_readers + (mise ? 0 : 2), mise ? 3 : 1) || !home)
        return;
    if (mise && want_from_file(shim, path_in(shim, home, ".config/mise/config.toml"), want_toml))
        return;
    want_from_file(shim, path_in(shim, home, ".tool-versions"), want_tool_versions);
}

/* A finished release: pyenv-latest leaves out -dev, -src, -latest, alphas to candidates, and builds without the
 * GIL. */
static bool is_release(const char *name) {
    size_t len = strlen(name), digits = len;
    if (text_ends(name, "-dev") || text_ends(name, "-src") || text_ends(name, "-latest"))
        return false;
    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    if (digits == len)
        return !(len > 1 && name[len - 1] == 't');
    return !(digits && (name[digits - 1] == 'a' || name[digits - 1] == 'b' ||
                        (digits > 1 && name[digits - 2] == 'r' && name[digits - 1] == 'c')));
}

/* pyenv's "3.11" is the newest installed 3.11.x. */
static const char *newest_of(struct shim *shim, const char *versions, const char *wanted) {
    struct texts names;
    const char *newest = NULL;
    size_t len = strlen(wanted);
    int r = root_list(shim->search->root, shim->search->arena, versions, &names);
    if (r < 0 && r != -EFBIG)
        return NULL;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        if (text_starts(name, wanted) && (name[len] == '.' || name[len] == '-') && is_release(name))
            newest = name;
    }
    return newest;
}

static const char *directory_of(struct shim *shim, const char *wanted) {
    bool pyenv = text_eq(shim->manager, "pyenv");
    const char *versions = path_in(shim, shim->data, pyenv ? "versions" : "installs/python");
    if (text_starts(wanted, "path:"))
        return wanted + 5;
    if (text_starts(wanted, "ref:"))
        return path_in(shim, versions, arena_printf(shim->search->arena, "ref-%s", wanted + 4));
    for (int stripped = 0; stripped < 2; stripped++) {
        const char *name = stripped && text_starts(wanted, "python-") ? wanted + 7 : wanted;
        const char *directory = path_in(shim, versions, name);
        if (root_is_directory(shim->search->root, directory))
            return directory;
        const char *newest = text_eq(shim->manager, "asdf") ? NULL : newest_of(shim, versions, name);
        if (newest)
            return path_in(shim, versions, newest);
    }
    return NULL;
}

static int resolve(struct shim *shim, const char **ret_interpreter, const char **ret_by) {
    struct arena *arena = shim->search->arena;
    const char *missing = NULL;
    decide(shim);
    for (size_t i = 0; i < shim->wanted.count; i++) {
        if (text_eq(shim->wanted.items[i], "system")) {
            *ret_by = shim->by;
            return -EAGAIN;
        }
        const char *directory = directory_of(shim, shim->wanted.items[i]);
        if (!directory) {
            missing = missing ? missing : shim->wanted.items[i];
            continue;
        }
        const char *path = arena_printf(arena, "%s/bin/%s", directory, shim->command);
        if (root_exists(shim->search->root, path)) {
            *ret_interpreter = path;
            *ret_by = shim->by;
            return 0;
        }
    }
    if (missing)
        *ret_by =
            arena_printf(arena, "%s has no Python '%s', which %s asks for", shim->manager, missing, shim->by);
    else if (shim->wanted.count)
        *ret_by = arena_printf(arena, "%s has no '%s' in the version that %s asks for", shim->manager,
                               shim->command, shim->by);
    else
        *ret_by = arena_printf(arena, "%s is not told which Python to run", shim->manager);
    return -ENOENT;
}

int python_resolve_shim(struct python_search *search, const char *path, const char *command,
                        const char **ret_interpreter, const char **ret_by) {
    struct shim shim = {.search = search, .command = command};
    const char *directory = python_parent(search->arena, path), *real = NULL;
    if (!text_eq(text_basename(directory), "shims"))
        return -ENOEXEC;
    shim.data = python_parent(search->arena, directory);
    if (root_realpath(search->root, search->arena, path, &real) == 0 && text_eq(text_basename(real), "mise")) {
        shim.manager = "mise";
        return resolve(&shim, ret_interpreter, ret_by);
    }
    struct span text = {0};
    int r = root_read(search->root, search->arena, path, 1024, &text);
    if ((r < 0 && r != -EFBIG) || !span_starts(text, "#!"))
        return -ENOEXEC;
    shim.manager = span_has(text, "pyenv") ? "pyenv" : span_has(text, "asdf") ? "asdf" : NULL;
    if (!shim.manager)
        return -ENOEXEC;
    const char *told = text_eq(shim.manager, "asdf") ? root_env(search->root, "ASDF_DATA_DIR", NULL) : NULL;
    if (told && told[0] == '/') /* pyenv's shims name their own directory instead of asking */
        shim.data = told;
    return resolve(&shim, ret_interpreter, ret_by);
}
