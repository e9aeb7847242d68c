/* sys.path as site.py builds it: Lib/site.py of CPython 3.6 to 3.14, with the changes that Debian (dist-packages)
 * and Fedora (/usr/local first) make to it. */
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "probe/python.h"

struct path_builder {
    struct python_search *search;
    const struct python *python;
    struct arena *arena;
    struct python_path *out;
};

const char *python_path_word(enum python_path_origin origin) {
    static const char *const words[] = {
        [PATH_DIRECTORY] = "working directory",
        [PATH_PYTHONPATH] = "PYTHONPATH",
        [PATH_STDLIB] = "standard library",
        [PATH_SITE] = "site-packages",
        [PATH_USER_SITE] = "user site",
        [PATH_BASE_SITE] = "site-packages of the base Python",
        [PATH_PTH] = ".pth file",
        [PATH_EDITABLE] = "editable installation",
    };
    return words[origin];
}

static struct python_path_entry *find_entry(struct path_builder *builder, const char *path) {
    for (size_t i = 0; i < builder->out->count; i++)
        if (text_eq(builder->out->items[i].path, path))
            return &builder->out->items[i];
    return NULL;
}

/* A new entry; NULL where it is there already, or is one too many. */
static struct python_path_entry *add_entry(struct path_builder *builder, const char *path,
                                           enum python_path_origin origin, const char *source) {
    if (find_entry(builder, path))
        return NULL;
    if (builder->out->count >= LIMIT_PATH_ENTRIES) {
        python_search_cut(builder->search, builder->python->prefix, "more entries of sys.path than are read");
        return NULL;
    }
    LIST_PUSH(builder->arena, builder->out) =
        (struct python_path_entry){.path = path, .origin = origin, .site = origin, .source = source};
    return &builder->out->items[builder->out->count - 1];
}

static int compare_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Directories that the lines of one .pth file add. */
static void add_pth(struct path_builder *builder, const char *directory, const char *name,
                    enum python_path_origin site) {
    const char *path = text_path(builder->arena, directory, name);
    struct span bytes, text;
    enum pth_kind kind;
    int r = root_read(builder->search->root, builder->arena, path, LIMIT_SMALL_FILE, &bytes);
    if (r == -EFBIG)
        python_search_cut(builder->search, path, "more lines than are read");
    else if (r < 0)
        return;
    while (pth_next(&bytes, &kind, &text)) {
        if (kind == PTH_CODE || memchr(text.ptr, '\0', text.len))
            continue;
        const char *added = python_join(builder->arena, directory, text);
        if (!root_exists(builder->search->root, added))
            continue;
        struct python_path_entry *entry = add_entry(builder, added, PATH_PTH, path);
        if (entry)
            entry->site = site;
    }
}

/* The file of an import hook: setuptools' MAPPING and scikit-build-core's known files both hold
 * 'torch': '/src/pytorch/torch[/__init__.py]'. */
static void add_editable(struct path_builder *builder, const char *directory, const char *name,
                         enum python_path_origin site) {
    const char *path = text_path(builder->arena, directory, name);
    struct span bytes, head, value;
    if (root_read(builder->search->root, builder->arena, path, LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    size_t at = span_find(bytes, "'torch': '");
    if (at == SIZE_MAX)
        return;
    span_cut(span_slice(bytes, at + strlen("'torch': '"), bytes.len), '\'', &value, &head);
    if (span_ends(value, "/__init__.py"))
        value = span_slice(value, 0, value.len - strlen("/__init__.py"));
    if (!value.len || value.ptr[0] != '/' || value.len > LIMIT_PATH || memchr(value.ptr, '\0', value.len))
        return;
    struct python_path_entry *entry =
        add_entry(builder, python_join(builder->arena, "/", value), PATH_EDITABLE, path);
    if (entry)
        entry->site = site;
}

/* site.addsitedir: the directory, then what its .pth files say, in the order of their names. */
static void add_site(struct path_builder *builder, const char *directory, enum python_path_origin origin,
                     const char *source) {
    struct python_path_entry *entry = find_entry(builder, directory);
    if (entry && entry->listed)
        return;
    struct texts names, files = {0};
    int r = root_list(builder->search->root, builder->arena, directory, &names);
    if (r == -ENOENT || r == -ENOTDIR)
        return;
    if (r == -EFBIG)
        python_search_cut(builder->search, directory, "more entries than are read");
    if (!entry) /* else PYTHONPATH names it already */
        entry = add_entry(builder, directory, origin, source);
    if (!entry)
        return;
    entry->listed = true;
    entry->list_error = r;
    entry->names = names;
    for (size_t i = 0; i < names.count; i++)
        if (text_ends(names.items[i], ".pth") && names.items[i][0] != '.')
            texts_add(builder->arena, &files, names.items[i]);
    if (files.count)
        qsort(files.items, files.count, sizeof *files.items, compare_bytes);
    for (size_t i = 0; i < files.count && i < LIMIT_PATH_ENTRIES; i++)
        add_pth(builder, directory, files.items[i], origin);
    for (size_t i = 0; i < names.count; i++)
        if (text_eq(names.items[i], "_torch_editable.py") ||
            (text_starts(names.items[i], "__editable__") && text_has(names.items[i], "torch") &&
             text_ends(names.items[i], ".py")))
            add_editable(builder, directory, names.items[i], origin);
}

/* site.getsitepackages for one prefix. */
static void add_prefix_sites(struct path_builder *builder, const char *prefix, enum python_path_origin origin,
                             const char *source) {
    struct arena *arena = builder->arena;
    const struct python *python = builder->python;
    const struct root *root = builder->search->root;
    bool venv = python->config;
    if (python->windows) {
        add_site(builder, text_path(arena, prefix, "Lib/site-packages"), origin, source);
        return;
    }
    if (!python->library)
        return;
    const char *site = arena_printf(arena, "%s/lib/%s/site-packages", prefix, python->library);
    bool debian = text_eq(python->base, "/usr") && root_is_directory(root, "/usr/lib/python3/dist-packages");
    if (debian) {
        if (venv)
            add_site(builder, site, origin, source);
        add_site(builder, arena_printf(arena, "%s/local/lib/%s/dist-packages", prefix, python->library), origin,
                 source);
        add_site(builder, text_path(arena, prefix, "lib/python3/dist-packages"), origin, source);
        add_site(builder, arena_printf(arena, "%s/lib/%s/dist-packages", prefix, python->library), origin, source);
        return;
    }
    struct stat st;
    bool wide = text_eq(python->base, "/usr") && root_lstat(root, "/usr/lib64", &st) == 0 && S_ISDIR(st.st_mode) &&
                root_is_directory(root, text_path(arena, "/usr/lib64", python->library));
    if (wide) /* Fedora, RHEL, openSUSE: sys.platlibdir is lib64 */
        add_site(builder, arena_printf(arena, "%s/lib64/%s/site-packages", prefix, python->library), origin,
                 source);
    add_site(builder, site, origin, source);
}

static bool has_variable(const struct path_builder *builder, const char *name) {
    const char *value = root_env(builder->search->root, name, NULL);
    return value && *value;
}

static void add_user_site(struct path_builder *builder) {
    const struct python *python = builder->python;
    const char *base = root_env(builder->search->root, "PYTHONUSERBASE", NULL), *home = builder->search->home;
    if (python->windows || !python->library || has_variable(builder, "PYTHONNOUSERSITE") ||
        (python->config && !python->pyvenv.system_site))
        return;
    if (!base || !*base)
        base = home ? text_path(builder->arena, home, ".local") : NULL;
    if (base && base[0] == '/')
        add_site(builder, arena_printf(builder->arena, "%s/lib/%s/site-packages", base, python->library),
                 PATH_USER_SITE, NULL);
}

static void add_pythonpath(struct path_builder *builder) {
    const char *value = root_env(builder->search->root, "PYTHONPATH", NULL);
    struct span rest = span_of(value), one;
    const char *directory = builder->search->directory;
    for (size_t i = 0; value && *value && i < LIMIT_PATH_ENTRIES && span_next_field(&rest, ':', &one); i++) {
        if (!directory && (!one.len || one.ptr[0] != '/'))
            continue;
        const char *path = python_join(builder->arena, directory, one);
        if (root_exists(builder->search->root, path))
            add_entry(builder, path, PATH_PYTHONPATH, "PYTHONPATH");
    }
}

static void add_library(struct path_builder *builder) {
    const struct python *python = builder->python;
    static const char *const names[] = {"lib", "lib64"};
    for (size_t i = 0; python->base && python->library && i < 2; i++) {
        const char *path = arena_printf(builder->arena, "%s/%s/%s", python->base, names[i], python->library);
        if (!root_exists(builder->search->root, text_path(builder->arena, path, "os.py")))
            continue;
        add_entry(builder, path, PATH_STDLIB, NULL);
        add_entry(builder, text_path(builder->arena, path, "lib-dynload"), PATH_STDLIB, NULL);
        return;
    }
}

void python_path_build(struct python_search *search, const struct python *python, struct arena *arena,
                       struct python_path *ret_path) {
    *ret_path = (struct python_path){0};
    struct path_builder builder = {.search = search, .python = python, .arena = arena, .out = ret_path};
    if (search->directory && !has_variable(&builder, "PYTHONSAFEPATH"))
        add_entry(&builder, search->directory, PATH_DIRECTORY, NULL);
    add_pythonpath(&builder);
    add_library(&builder);
    if (python->config)
        add_prefix_sites(&builder, python->prefix, PATH_SITE, NULL);
    add_user_site(&builder);
    if (!python->config) {
        if (text_eq(python->prefix, "/usr") && !has_variable(&builder, "RPM_BUILD_ROOT") &&
            !root_is_directory(search->root, "/usr/lib/python3/dist-packages"))
            add_prefix_sites(&builder, "/usr/local", PATH_SITE, NULL); /* Fedora's change */
        add_prefix_sites(&builder, python->prefix, PATH_SITE, NULL);
    } else if (python->pyvenv.system_site && python->base) {
        add_prefix_sites(&builder, python->base, PATH_BASE_SITE, python->config);
    }
}
