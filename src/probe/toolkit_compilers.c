/* Host compilers: what nvcc and PyTorch's extension builder would call. Versions come from names, links and the
 * compilers' own directories; none is run. */
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "probe/look.h"
#include "probe/toolkit.h"

/* "g++-12", "x86_64-linux-gnu-g++-12", "clang-14" -> "12"; NULL: no number at the end. */
static const char *version_of_name(const char *name) {
    const char *dash = strrchr(name, '-');
    return dash && dash[1] && strspn(dash + 1, "0123456789.") == strlen(dash + 1) ? dash + 1 : NULL;
}

static bool is_clang(const char *path) {
    return text_has(text_basename(path), "clang");
}

/* The only directory whose name is a number: PREFIX/lib/gcc/x86_64-redhat-linux/14, PREFIX/lib/clang/18. */
static const char *only_number(const struct probe *probe, struct arena *arena, const char *directory) {
    struct texts names;
    const char *found = NULL;
    int r = root_list(probe->root, arena, directory, &names);
    for (size_t i = 0; r == 0 && i < names.count; i++)
        if (isdigit((unsigned char)names.items[i][0])) {
            if (found)
                return NULL;
            found = names.items[i];
        }
    return found;
}

static const char *version_of_libraries(const struct probe *probe, struct arena *arena, const char *path) {
    static const char *const libraries[] = {"lib", "lib64", "libexec"};
    struct span prefix = span_of(path);
    for (int i = 0; i < 2; i++) { /* without bin/NAME */
        size_t len = prefix.len;
        while (len > 0 && prefix.ptr[len - 1] != '/')
            len--;
        prefix = span_slice(prefix, 0, len ? len - 1 : 0);
    }
    const char *home = arena_copy_span(arena, prefix);
    for (size_t i = 0; i < 3; i++) {
        const char *library = text_path(arena, *home ? home : "/", libraries[i]), *version;
        if (is_clang(path)) {
            if ((version = only_number(probe, arena, text_path(arena, library, "clang"))))
                return version;
            continue;
        }
        struct texts machines;
        const char *tree = text_path(arena, library, "gcc");
        int r = root_list(probe->root, arena, tree, &machines);
        for (size_t j = 0; r == 0 && j < machines.count; j++)
            if ((version = only_number(probe, arena, text_path(arena, tree, machines.items[j]))))
                return version;
    }
    return NULL;
}

static void add(struct probe *probe, const char *path, bool is_default, const char *by) {
    AUTO_ARENA scratch = {0};
    struct host_compiler_rows *compilers = &probe->out->toolkit.compilers;
    const char *real, *version;
    if (compilers->count >= LIMIT_COMPILERS || root_realpath(probe->root, &scratch, path, &real) < 0)
        return;
    for (size_t i = 0; i < compilers->count; i++)
        if (text_eq(text_of(compilers->items[i].real_path), real)) {
            if (is_default)
                set_flag(&compilers->items[i].is_default, true, by);
            return;
        }
    struct host_compiler *compiler = &LIST_PUSH(probe->arena, compilers);
    set_text(&compiler->path, keep(probe, path), NULL);
    set_text(&compiler->real_path, keep(probe, real), NULL);
    const char *name = text_basename(real);
    bool plus = text_has(name, "++") || text_has(text_basename(path), "++");
    set_text(&compiler->name, is_clang(real) ? (plus ? "clang++" : "clang") : plus ? "g++" : "gcc", NULL);
    set_flag(&compiler->is_default, is_default, by);
    version = version_of_name(name);
    if (!version && is_clang(real) && text_has(real, "/llvm-")) {
        const char *number = strstr(real, "/llvm-") + 6;
        version = arena_copy_span(&scratch, span_from(number, strspn(number, "0123456789")));
    }
    if (!version)
        version = version_of_libraries(probe, &scratch, real);
    if (version && *version)
        set_text(&compiler->version, keep(probe, version), NULL);
    else
        set_unknown(&compiler->version, "neither its name nor its directories tell", NULL);
}

/* ccache and distcc stand in for a compiler under its name: the real one comes later on PATH. */
static bool is_wrapper(const struct probe *probe, struct arena *scratch, const char *path) {
    const char *real;
    if (root_realpath(probe->root, scratch, path, &real) < 0)
        return false;
    return text_has(text_basename(real), "ccache") || text_has(text_basename(real), "distcc") ||
           text_has(path, "/ccache/");
}

static void add_path_directory(struct probe *probe, struct arena *scratch, const char *directory) {
    static const char *const names[] = {"g++", "gcc", "clang++", "c++"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = text_path(scratch, directory, names[i]);
        struct stat st;
        if (root_stat(probe->root, path, &st) == 0 && S_ISREG(st.st_mode) && !is_wrapper(probe, scratch, path) &&
            (i < 3 || !probe->out->toolkit.compilers.count))
            add(probe, path, false, NULL);
    }
}

/* Debian and Ubuntu keep several: /usr/lib/gcc/x86_64-linux-gnu/12 has its /usr/bin/g++-12. */
static void add_versioned(struct probe *probe) {
    static const char *const trees[] = {"/usr/lib/gcc/x86_64-linux-gnu", "/usr/lib/gcc/aarch64-linux-gnu"};
    for (size_t i = 0; i < 2; i++) {
        AUTO_ARENA scratch = {0};
        struct texts names;
        int r = root_list(probe->root, &scratch, trees[i], &names);
        for (size_t j = 0; r == 0 && j < names.count && j < LIMIT_COMPILERS; j++) {
            const char *path = arena_printf(&scratch, "/usr/bin/g++-%s", names.items[j]);
            if (root_exists(probe->root, path))
                add(probe, path, false, NULL);
        }
    }
}

/* CXX, else CC, else g++, else c++ on PATH: what a build calls when nobody says otherwise. */
static void add_default(struct probe *probe) {
    static const char *const variables[] = {"CXX", "CC"};
    AUTO_ARENA scratch = {0};
    for (size_t i = 0; i < 2; i++) {
        const char *value = look_env_filled(probe, variables[i]);
        struct span rest = span_of(value), word;
        if (!value || !span_next_word(&rest, &word))
            continue;
        const char *name = arena_copy_span(&scratch, word);
        if (text_has(name, "ccache") && span_next_word(&rest, &word))
            name = arena_copy_span(&scratch, word);
        const char *path = name[0] == '/' ? name : toolkit_on_path(probe, &scratch, name);
        if (path) {
            add(probe, path, true, variables[i]);
            return;
        }
    }
    const char *path = toolkit_on_path(probe, &scratch, "g++");
    if (!path)
        path = toolkit_on_path(probe, &scratch, "c++");
    if (!path)
        return;
    if (!is_wrapper(probe, &scratch, path)) {
        add(probe, path, true, "PATH");
    } else if (probe->out->toolkit.compilers.count) {
        set_flag(&probe->out->toolkit.compilers.items[0].is_default, true, "PATH");
    }
}

void toolkit_compilers_read(struct probe *probe) {
    struct host_compiler_rows *compilers = &probe->out->toolkit.compilers;
    const char *path = look_env(probe, "PATH");
    if (!path) {
        set_unknown(compilers, "PATH is not known", "PATH");
        return;
    }
    set_listed(compilers, "PATH");
    struct span rest = span_of(path), entry;
    for (int count = 0; count < LIMIT_PATH_ENTRIES && span_next_field(&rest, ':', &entry); count++) {
        AUTO_ARENA scratch = {0};
        if (entry.len && entry.ptr[0] == '/')
            add_path_directory(probe, &scratch, arena_copy_span(&scratch, entry));
    }
    add_versioned(probe);
    add_default(probe);
}
