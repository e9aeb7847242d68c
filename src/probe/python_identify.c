/* From an interpreter's path to prefix, version and kind, by the rules of CPython's Modules/getpath.py: pyvenv.cfg
 * is looked for beside the file as it was named or one directory above, the standard library upwards from where
 * its symlinks lead. */
#include <ctype.h>
#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/bytes.h"
#include "probe/python.h"

const char *python_join(struct arena *arena, const char *directory, struct span text) {
    const char *whole = text.len && text.ptr[0] == '/'
                            ? arena_copy_span(arena, text)
                            : arena_printf(arena, "%s/%.*s", directory, (int)text.len, text.ptr);
    char *joined = arena_alloc(arena, strlen(whole) + 2);
    size_t used = 0;
    struct span rest = span_of(whole), part;
    while (span_next_field(&rest, '/', &part)) {
        if (!part.len || span_eq(part, "."))
            continue;
        if (span_eq(part, "..")) {
            while (used && joined[--used] != '/')
                ;
            continue;
        }
        joined[used++] = '/';
        memcpy(joined + used, part.ptr, part.len);
        used += part.len;
    }
    joined[used] = '\0';
    return used ? joined : "/";
}

const char *python_parent(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? arena_copy_span(arena, span_from(path, (size_t)(slash - path))) : "/";
}

const char *python_fact_path(const struct probe *probe, const char *path) {
    return text_clean(probe->arena, span_of(path));
}

void python_machine(const struct root *root, const char *path, struct text_fact *ret_machine) {
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {{EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i686"},  {EM_ARM, "armv7l"},
                 {EM_PPC64, "ppc64le"}, {EM_RISCV, "riscv64"},   {EM_S390, "s390x"}};
    unsigned char head[20];
    AUTO_FD fd = root_open_file(root, path);
    int r = fd < 0 ? fd : root_pread(fd, head, sizeof head, 0);
    if (r < 0 && r != -ENODATA) {
        set_missing(ret_machine, r, NULL);
        return;
    }
    if (r < 0 || memcmp(head, ELFMAG, SELFMAG) != 0) {
        set_unknown(ret_machine, "the interpreter is no ELF program", NULL);
        return;
    }
    uint16_t machine = head[EI_DATA] == ELFDATA2MSB ? bytes_be16(head + 18) : bytes_le16(head + 18);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].machine == machine) {
            set_text(ret_machine, names[i].name, NULL);
            return;
        }
    set_unknown(ret_machine, "a machine that is not known here", NULL);
}

/* "python3.11", "python3.13t", "pypy3.10": the names of both the program and its directory below lib. */
static bool is_versioned(struct span name) {
    if (!span_starts(name, "python") && !span_starts(name, "pypy"))
        return false;
    struct span rest = span_slice(name, span_starts(name, "python") ? 6 : 4, name.len), major, minor;
    if (span_ends(rest, "t"))
        rest = span_slice(rest, 0, rest.len - 1);
    int64_t number;
    return span_cut(rest, '.', &major, &minor) && span_to_number(major, 10, &number) == 0 &&
           span_to_number(minor, 10, &number) == 0 && number >= 0;
}

static bool has_library(const struct python_search *search, const char *prefix, const char *library) {
    static const char *const directories[] = {"lib", "lib64"};
    for (size_t i = 0; i < 2; i++)
        if (root_exists(search->root,
                        arena_printf(search->arena, "%s/%s/%s/os.py", prefix, directories[i], library)))
            return true;
    return false;
}

/* The newest versioned directory below PREFIX/lib that holds a standard library. */
static const char *list_library(struct python_search *search, const char *prefix) {
    struct texts names;
    const char *newest = NULL, *lib = text_path(search->arena, prefix, "lib");
    int r = root_list(search->root, search->arena, lib, &names);
    if (r < 0 && r != -EFBIG)
        return NULL;
    for (size_t i = 0; i < names.count; i++)
        if (is_versioned(span_of(names.items[i])) && has_library(search, prefix, names.items[i]))
            newest = names.items[i];
    return newest;
}

/* Upwards from `directory` to the prefix that holds lib/pythonX.Y/os.py. */
static const char *find_base(struct python_search *search, const char *directory, const char **library) {
    for (int depth = 0; depth < 4; depth++) {
        directory = python_parent(search->arena, directory);
        const char *name = *library ? *library : list_library(search, directory);
        if (name && has_library(search, directory, name)) {
            *library = name;
            return directory;
        }
        if (!directory[1])
            break;
    }
    return NULL;
}

static void read_pyvenv(struct python_search *search, struct python *python) {
    const char *directory = python_parent(search->arena, python->interpreter);
    const char *above = python_parent(search->arena, directory);
    const char *places[] = {above, directory}; /* nearly always the first, so that one is tried first */
    for (size_t i = 0; i < 2; i++) {
        const char *path = text_path(search->arena, places[i], "pyvenv.cfg");
        struct span bytes;
        int r = root_read(search->root, search->arena, path, LIMIT_SMALL_FILE, &bytes);
        if (r == -ENOENT || r == -ENOTDIR || r == -EISDIR || r == -ENXIO) /* Python, too, wants a file */
            continue;
        python->config = path;
        python->prefix = above;
        if (r < 0 && r != -EFBIG)
            python->trouble = arena_printf(search->arena, "%s: %s", path, strerror(-r));
        else
            pyvenv_parse(bytes, &python->pyvenv);
        return;
    }
}

/* "3.12.1" of pyvenv.cfg gives "python3.12". */
static const char *library_of_version(struct arena *arena, struct span version) {
    struct span rest = version, major, minor;
    if (!span_next_field(&rest, '.', &major) || !span_next_field(&rest, '.', &minor) || !minor.len)
        return NULL;
    return arena_printf(arena, "python%.*s.%.*s", (int)major.len, major.ptr, (int)minor.len, minor.ptr);
}

/* PY_VERSION of patchlevel.h, which comes with every Python but the distributions'. */
static const char *read_patchlevel(struct python_search *search, const struct python *python,
                                   const char **ret_source) {
    struct span bytes, line, word, rest;
    const char *path = NULL;
    int r = -ENOENT;
    for (int flag = 0; flag < 2 && r == -ENOENT; flag++) { /* up to 3.7 the ABI had the flag "m" */
        path = arena_printf(search->arena, "%s/include/%s%s/patchlevel.h", python->base, python->library,
                            flag ? "m" : "");
        r = root_read(search->root, search->arena, path, LIMIT_SMALL_FILE, &bytes);
    }
    if (r < 0 && r != -EFBIG)
        return NULL;
    while (span_next_line(&bytes, &line)) {
        rest = line;
        if (span_next_word(&rest, &word) && span_eq(word, "#define") && span_next_word(&rest, &word) &&
            span_eq(word, "PY_VERSION") && span_next_word(&rest, &word)) {
            *ret_source = path;
            return text_clean(search->arena, span_unquote(word));
        }
    }
    return NULL;
}

/* Whether a version that pyvenv.cfg tells is still the one that runs: the Python below may have been replaced. */
static bool is_of_library(struct arena *arena, struct span version, const char *library) {
    if (!version.len || !library)
        return version.len > 0;
    size_t len = strlen(library);
    if (len && library[len - 1] == 't') /* python3.13t, free of the GIL */
        len--;
    const char *wanted = library_of_version(arena, version);
    return wanted && span_eq(span_from(library, len), wanted);
}

static void find_version(struct python_search *search, struct python *python) {
    if (is_of_library(search->arena, python->pyvenv.version, python->library)) {
        python->version = text_clean(search->arena, python->pyvenv.version);
        python->version_source = python->config;
    } else if (python->library) {
        if (python->base)
            python->version = read_patchlevel(search, python, &python->version_source);
        if (python->version)
            return;
        const char *digits = python->library + strcspn(python->library, "0123456789");
        python->version = arena_copy_span(search->arena, span_from(digits, strspn(digits, "0123456789.")));
        python->version_source = python->real_interpreter ? python->real_interpreter : python->interpreter;
    }
}

static const char *basename_of_home(struct arena *arena, const char *path) {
    static const char *const plain[] = {".venv", "venv", "env", ".env"};
    const char *name = text_basename(path);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (text_eq(name, plain[i]))
            return text_basename(python_parent(arena, path));
    return name;
}

/* Who made it, from the files in it; `hint` is what the place it was found in says. */
static void find_kind(struct python_search *search, struct python *python, const char *hint) {
    static const char *const locks[][2] = {
        {"poetry.lock", "poetry"}, {"uv.lock", "uv"}, {"pdm.lock", "pdm"}, {"Pipfile.lock", "pipenv"}};
    static const char *const paths[][2] = {{"/pypoetry/virtualenvs/", "poetry"},
                                           {"/pipx/venvs/", "pipx"},
                                           {"/uv/python/", "uv"},
                                           {"/uv/tools/", "uv"},
                                           {"/.pyenv/versions/", "pyenv"},
                                           {"/share/virtualenvs/", "pipenv"},
                                           {"/.asdf/installs/python/", "asdf"},
                                           {"/mise/installs/python/", "mise"}};
    struct arena *arena = search->arena;
    python->name = text_basename(python->prefix);
    if (python->windows) {
        python->kind = "windows";
        return;
    }
    if (!python->config && root_is_directory(search->root, text_path(arena, python->prefix, "conda-meta"))) {
        python->kind = text_has(python->prefix, "/.pixi/envs/") ? "pixi" : "conda";
        if (root_exists(search->root, text_path(arena, python->prefix, "condabin")))
            python->name = "base";
        return;
    }
    for (size_t i = 0; !hint && i < sizeof paths / sizeof *paths; i++)
        if (text_has(python->prefix, paths[i][0]))
            hint = paths[i][1];
    if (!python->config) {
        python->kind = hint ? hint : "system";
        return;
    }
    python->name = python->pyvenv.prompt.len ? arena_copy_span(arena, python->pyvenv.prompt)
                                             : basename_of_home(arena, python->prefix);
    if (!hint && python->pyvenv.uv.len)
        hint = "uv";
    if (text_eq(text_basename(python->prefix), ".venv")) /* made by the project's own tool */
        for (size_t i = 0; (!hint || text_eq(hint, "uv")) && i < sizeof locks / sizeof *locks; i++)
            if (root_exists(search->root, text_path(arena, python_parent(arena, python->prefix), locks[i][0])))
                hint = locks[i][1];
    python->kind = hint ? hint : "venv";
}

static const char WINDOWS_PYTHON[] = "/Scripts/python.exe";

/* A venv made by a Python for Windows, as they lie about on disks that WSL shares. */
static int identify_windows(struct python_search *search, const char *interpreter, struct python *ret_python) {
    struct python python = {.interpreter = interpreter, .real_interpreter = interpreter, .windows = true};
    read_pyvenv(search, &python);
    python.prefix = python_parent(search->arena, python_parent(search->arena, interpreter));
    if (python.config) {
        python.library = library_of_version(search->arena, python.pyvenv.version);
        find_version(search, &python);
    }
    *ret_python = python;
    return 0;
}

int python_identify(struct python_search *search, const char *interpreter, struct python *ret_python) {
    struct python python = {.interpreter = interpreter};
    struct stat st;
    int r = root_lstat(search->root, interpreter, &st);
    if (r < 0)
        return r;
    if (text_ends(interpreter, WINDOWS_PYTHON))
        return identify_windows(search, interpreter, ret_python);
    read_pyvenv(search, &python);
    if (root_realpath(search->root, search->arena, interpreter, &python.real_interpreter) < 0)
        python.real_interpreter = NULL;
    if (!python.config && !python.real_interpreter)
        return -ENOENT;
    const char *name = python.real_interpreter ? text_basename(python.real_interpreter) : "";
    if (!python.config && !text_starts(name, "python") && !text_starts(name, "pypy"))
        return -ENOEXEC;
    if (is_versioned(span_of(name)))
        python.library = name;
    else if (python.config)
        python.library = library_of_version(search->arena, python.pyvenv.version);
    const char *real_bin = python.real_interpreter ? python_parent(search->arena, python.real_interpreter) : NULL;
    if (python.config && python.pyvenv.home.len)
        python.base =
            find_base(search, python_join(search->arena, python.prefix, python.pyvenv.home), &python.library);
    if (!python.base && real_bin)
        python.base = find_base(search, real_bin, &python.library);
    if (!python.prefix)
        python.prefix = python.base;
    if (!python.prefix)
        return -ENOEXEC;
    find_version(search, &python);
    *ret_python = python;
    return 0;
}

int python_identify_prefix(struct python_search *search, const char *prefix, struct python *ret_python) {
    static const char *const names[] = {"bin/python", "bin/python3"};
    struct stat st;
    if (root_stat(search->root, prefix, &st) < 0 || !S_ISDIR(st.st_mode))
        return -ENOENT;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = text_path(search->arena, prefix, names[i]);
        if (root_lstat(search->root, path, &st) == 0)
            return python_identify(search, path, ret_python);
    }
    const char *windows = arena_printf(search->arena, "%s%s", prefix, WINDOWS_PYTHON);
    return root_exists(search->root, windows) ? identify_windows(search, windows, ret_python) : -ENOENT;
}

/* The same environment under two names has the same identity; two Pythons in /usr have two. */
static const char *find_identity(struct python_search *search, const struct python *python) {
    const char *real = python->prefix;
    root_realpath(search->root, search->arena, python->prefix, &real);
    return arena_printf(search->arena, "%s %s", real, python->library ? python->library : "");
}

static bool is_general(const char *kind) {
    return text_eq(kind, "venv") || text_eq(kind, "system");
}

struct python *python_add(struct python_search *search, const struct python *python, const char *kind,
                          const char *found_by) {
    const char *identity = find_identity(search, python);
    for (size_t i = 0; i < search->found.count; i++) {
        struct python *old = &search->found.items[i];
        if (!text_eq(old->identity, identity))
            continue;
        if (kind && is_general(old->kind) && !is_general(kind))
            find_kind(search, old, kind);
        return old;
    }
    if (search->found.count >= LIMIT_ENVIRONMENTS) {
        python_search_cut(search, found_by, "more environments than are listed");
        return NULL;
    }
    struct python added = *python;
    added.identity = identity;
    added.found_by = found_by;
    find_kind(search, &added, kind);
    LIST_PUSH(search->arena, &search->found) = added;
    return &search->found.items[search->found.count - 1];
}

void python_search_cut(struct python_search *search, const char *place, const char *what) {
    const char *text = arena_printf(search->arena, "%s: %s", place, what);
    if (search->cut.count < 16 && !texts_have(&search->cut, text))
        texts_add(search->arena, &search->cut, text);
}

void python_search_start(struct python_search *search, struct probe *probe, struct arena *scratch) {
    *search = (struct python_search){.probe = probe, .root = probe->root, .arena = scratch};
    search->home = root_env(search->root, "HOME", NULL);
    const char *directory = NULL;
    if (root_is_live(search->root))
        root_readlink(search->root, scratch, "/proc/self/cwd", &directory);
    if (!directory)
        directory = root_env(search->root, "PWD", NULL);
    if (directory && directory[0] == '/')
        search->directory = python_join(scratch, "/", span_of(directory));
    if (search->home && search->home[0] != '/')
        search->home = NULL;
}
