#include <errno.h>
#include <limits.h>

#include "base/limits.h"
#include "base/text.h"
#include "loader/internal.h"

/* --- tokens ------------------------------------------------------------------------------------------------ */

/* Length of the token `name` behind a dollar sign, with or without braces; 0: it is not that one. */
static size_t token_length(const char *text, const char *name) {
    bool braces = text[0] == '{';
    size_t len = strlen(name);
    text += braces;
    if (strncmp(text, name, len) != 0)
        return 0;
    char next = text[len];
    if (braces)
        return next == '}' ? len + 2 : 0;
    bool word = (next >= 'A' && next <= 'Z') || (next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') ||
                next == '_';
    return word ? 0 : len;
}

/* In secure mode a path from $ORIGIN must lie in one of the default directories. */
static bool is_trusted(const struct loader *loader, const char *path) {
    for (size_t i = 0; i < loader->platform.directories.count; i++) {
        const char *trusted = loader->platform.directories.items[i];
        size_t len = strlen(trusted);
        if (strncmp(path, trusted, len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return !strstr(path, "/..");
    }
    return false;
}

const char *search_expand(struct loader *loader, const char *text, const char *origin) {
    if (!strchr(text, '$'))
        return text;
    const char *done = "";
    bool from_origin = false;
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "$"), len = 0;
        const char *value = NULL;
        done = arena_printf(&loader->arena, "%s%.*s", done, (int)plain, at);
        at += plain;
        if (!*at)
            break;
        if ((len = token_length(at + 1, "ORIGIN"))) {
            bool first = at == text && (at[1 + len] == '/' || at[1 + len] == '\0');
            value = loader->secure && !first ? NULL : origin;
            from_origin = true;
        } else if ((len = token_length(at + 1, "LIB"))) {
            value = loader->platform.lib;
        } else if ((len = token_length(at + 1, "PLATFORM"))) {
            platform_cpu(&loader->platform, &loader->arena, loader->root);
            value = loader->platform.platform;
        }
        if (len && !value)
            return NULL;
        done = arena_printf(&loader->arena, "%s%s", done, value ? value : "$");
        if (strlen(done) > LIMIT_TEXT)
            return NULL;
        at += 1 + len;
    }
    return loader->secure && from_origin && !is_trusted(loader, done) ? NULL : done;
}

const char *search_origin(struct loader *loader, const char *path) {
    const char *slash = strrchr(path, '/');
    return arena_copy_span(&loader->arena, span_from(path, slash > path ? (size_t)(slash - path) : 1));
}

/* --- lists of directories ---------------------------------------------------------------------------------- */

static void list_add(struct loader *loader, struct search_list *list, const char *path) {
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    struct directory *directory =
        directory_get(&loader->directories, arena_copy_span(&loader->arena, span_from(path, len)), true);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == directory)
            return;
    LIST_PUSH(&loader->arena, list) = directory;
}

/* An entry that does not start with a slash counts from the working directory; an empty one is that directory. */
static const char *make_absolute(struct loader *loader, const char *path) {
    if (path[0] == '/')
        return path;
    const char *working = root_env(loader->root, "PWD", NULL);
    return working && working[0] == '/' ? text_path(&loader->arena, working, path) : NULL;
}

const struct search_list *search_list_get(struct loader *loader, const char *text, const char *separators,
                                          const char *origin) {
    if (!text || !*text)
        return NULL;
    const char *relevant = strchr(text, '$') ? origin : NULL;
    for (size_t i = 0; i < loader->lists.count; i++)
        if (strcmp(loader->lists.items[i]->text, text) == 0 && text_eq(loader->lists.items[i]->origin, relevant))
            return loader->lists.items[i];
    struct search_list *list = arena_alloc(&loader->arena, sizeof *list);
    list->text = text;
    list->origin = relevant;
    for (const char *at = text;;) {
        size_t len = strcspn(at, separators);
        bool skipped = len == 0 && loader->platform.kind == LOADER_MUSL; /* it has no working directory in mind */
        const char *path = arena_copy_span(&loader->arena, span_from(at, len));
        const char *expanded = search_expand(loader, path, origin);
        if (!skipped && expanded && (len == 0 || *expanded) && (expanded = make_absolute(loader, expanded)))
            list_add(loader, list, expanded);
        if (list->count >= LIMIT_LOADER_DIRECTORIES)
            loader->truncated = true;
        if (!at[len] || loader->truncated)
            break;
        at += len + 1;
    }
    LIST_PUSH(&loader->arena, &loader->lists) = list;
    return list;
}

const struct search_list *search_list_defaults(struct loader *loader) {
    struct search_list *list = arena_alloc(&loader->arena, sizeof *list);
    list->text = "";
    for (size_t i = 0; i < loader->platform.directories.count; i++)
        list_add(loader, list, loader->platform.directories.items[i]);
    return list;
}

/* --- where the needs of an object are looked for ----------------------------------------------------------- */

static void rpath_add(struct loader *loader, struct search_lists *lists, const struct loader_object *object) {
    const char *text = object->dynamic.rpath;
    if (loader->platform.kind == LOADER_MUSL && object->dynamic.runpath)
        text = object->dynamic.runpath;
    else if (object->dynamic.runpath)
        return; /* DT_RUNPATH makes DT_RPATH void */
    if (loader->platform.kind == LOADER_MUSL && text && musl_rejects(text))
        return;
    const struct search_list *list = search_list_get(loader, text, ":", search_origin(loader, object->path));
    for (size_t i = 0; list && i < lists->rpath_count; i++)
        if (lists->rpaths[i] == list)
            return;
    struct {
        const struct search_list **items;
        size_t count;
    } rpaths = {lists->rpaths, lists->rpath_count};
    if (list)
        LIST_PUSH(&loader->arena, &rpaths) = list;
    lists->rpaths = rpaths.items;
    lists->rpath_count = rpaths.count;
}

static bool lists_equal(const struct search_lists *a, const struct search_lists *b) {
    if (a->runpath != b->runpath || a->rpath_count != b->rpath_count ||
        a->no_default_libraries != b->no_default_libraries)
        return false;
    return !a->rpath_count || memcmp(a->rpaths, b->rpaths, a->rpath_count * sizeof *a->rpaths) == 0;
}

const struct search_lists *search_lists_of(struct loader *loader, const struct loader_object *object) {
    struct search_lists lists = {0};
    const char *runpath = loader->platform.kind == LOADER_GLIBC && object ? object->dynamic.runpath : NULL;
    if (object)
        lists.no_default_libraries = object->dynamic.flags_1 & DF_1_NODEFLIB;
    if (runpath) {
        lists.runpath = search_list_get(loader, runpath, ":", search_origin(loader, object->path));
    } else {
        size_t steps = 0;
        for (const struct loader_object *o = object; o && steps < LIMIT_LOADER_OBJECTS; o = o->requester, steps++)
            rpath_add(loader, &lists, o);
        if (loader->program)
            rpath_add(loader, &lists, loader->program);
    }
    for (size_t i = 0; i < loader->searches.count; i++)
        if (lists_equal(loader->searches.items[i], &lists))
            return loader->searches.items[i];
    struct search_lists *kept = arena_alloc(&loader->arena, sizeof *kept);
    *kept = lists;
    LIST_PUSH(&loader->arena, &loader->searches) = kept;
    return kept;
}

/* --- the rules --------------------------------------------------------------------------------------------- */

struct search {
    struct loader *loader;
    const char *name;
    uint32_t hash;
    bool secure_preload; /* only setuid files count */
    visit_function *visit;
    void *context;
    bool stopped;
};

static void look_at(struct search *search, struct directory *directory, enum loader_rule by, bool *leave) {
    if (!directory->contents || directory->contents->visited == search->loader->search_number)
        return;
    directory->contents->visited = search->loader->search_number;
    struct directory_file *file =
        directory_find(&search->loader->directories, directory, search->name, search->hash);
    if (!file)
        return;
    *leave = file->judgement == JUDGED_LEAVE;
    struct stat st;
    if (search->secure_preload &&
        (root_stat(search->loader->root, path_join(&search->loader->arena, directory->path, search->name), &st) <
             0 ||
         !(st.st_mode & S_ISUID))) {
        file_close(file);
        return;
    }
    search->stopped = search->visit(search->context, directory->path, search->name, by, file) == VISIT_STOP;
    file_close(file);
}

/* One list of directories, each with its subdirectories for this CPU first. */
static void look_in(struct search *search, const struct search_list *list, enum loader_rule by) {
    bool leave = false;
    for (size_t i = 0; list && i < list->count && !leave && !search->stopped; i++) {
        struct directory *directory = list->items[i];
        for (size_t v = 0; v < directory->variant_count && !leave && !search->stopped; v++)
            look_at(search, directory->variants[v], by, &leave);
        if (!leave && !search->stopped)
            look_at(search, directory, by, &leave);
    }
}

static bool in_default_directory(const struct loader *loader, const char *path) {
    for (size_t i = 0; i < loader->platform.directories.count; i++)
        if (text_starts(path, loader->platform.directories.items[i]))
            return true;
    return false;
}

static void look_at_cached(struct search *search, const char *path, bool no_default_libraries) {
    struct loader *loader = search->loader;
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || strlen(path) >= LIMIT_PATH ||
        (no_default_libraries && in_default_directory(loader, path)))
        return;
    const char *parent = arena_copy_span(&loader->arena, span_from(path, (size_t)(slash - path)));
    struct directory *directory = directory_get(&loader->directories, parent, false);
    struct directory_file *file =
        directory_find(&loader->directories, directory, slash + 1, name_hash(slash + 1, strlen(slash + 1)));
    if (!file)
        return;
    if (search->visit(search->context, parent, slash + 1, LOADER_CACHE, file) == VISIT_STOP)
        search->stopped = true;
    file_close(file);
}

/* Whether an entry of that name is for some CPUs only. */
static bool depends_on_cpu(const struct ldcache *cache, uint32_t i, const char *name) {
    struct ldcache_entry entry;
    for (; ldcache_entry(cache, i, &entry) == 0 && strcmp(entry.name, name) == 0; i++)
        if (entry.hwcap || entry.subdirectory)
            return true;
    return false;
}

static void look_in_cache(struct search *search, bool no_default_libraries) {
    struct loader *loader = search->loader;
    if (!loader->cache_usable)
        return;
    uint32_t i = ldcache_first(&loader->cache, search->name);
    if (i == loader->cache.count)
        return;
    if (depends_on_cpu(&loader->cache, i, search->name))
        platform_cpu(&loader->platform, &loader->arena, loader->root);
    struct ldcache_match match = {.flags = loader->platform.cache_flags,
                                  .hwcap = loader->platform.legacy_hwcap,
                                  .platform = loader->platform.legacy_platform,
                                  .subdirectories = loader->platform.capabilities.items,
                                  .subdirectory_count = loader->platform.capabilities.count};
    const char *best = ldcache_best(&loader->cache, i, search->name, &match);
    if (best)
        look_at_cached(search, best, no_default_libraries);
    /* ld.so asks the cache once; the others are what the best one hides */
    struct ldcache_entry entry;
    for (; best && !search->stopped && ldcache_entry(&loader->cache, i, &entry) == 0; i++) {
        if (strcmp(entry.name, search->name) != 0)
            break;
        if (entry.path != best && ldcache_usable(&entry, &match))
            look_at_cached(search, entry.path, no_default_libraries);
    }
}

void search_each(struct loader *loader, const struct search_lists *lists, const char *name, bool secure_preload,
                 visit_function *visit, void *context) {
    struct search search = {.loader = loader,
                            .name = name,
                            .hash = name_hash(name, strlen(name)),
                            .secure_preload = secure_preload,
                            .visit = visit,
                            .context = context};
    loader->search_number++;
    if (strlen(name) > NAME_MAX)
        return;
    if (loader->platform.kind == LOADER_MUSL)
        look_in(&search, loader->library_path, LOADER_LD_LIBRARY_PATH);
    for (size_t i = 0; i < lists->rpath_count; i++)
        look_in(&search, lists->rpaths[i], LOADER_RPATH);
    if (loader->platform.kind == LOADER_GLIBC)
        look_in(&search, loader->library_path, LOADER_LD_LIBRARY_PATH);
    look_in(&search, lists->runpath, LOADER_RUNPATH);
    if (!search.stopped && !secure_preload)
        look_in_cache(&search, lists->no_default_libraries);
    if (!lists->no_default_libraries)
        look_in(&search, loader->defaults, LOADER_DEFAULT);
}
