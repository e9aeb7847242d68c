#include "loader/torch_init.h"

#include "base/limits.h"
#include "base/text.h"

/* The strings in quotes on one line of Python, at most three. */
static size_t quoted_words(struct span line, struct span words[3]) {
    size_t count = 0;
    for (size_t at = 0; at < line.len && count < 3; at++) {
        char quote = line.ptr[at];
        if (quote == '#')
            break;
        if (quote != '"' && quote != '\'')
            continue;
        const char *end = memchr(line.ptr + at + 1, quote, line.len - at - 1);
        if (!end)
            break;
        words[count++] = span_slice(line, at + 1, (size_t)(end - line.ptr));
        at = (size_t)(end - line.ptr);
    }
    return count;
}

static bool is_library_pattern(struct span word) {
    return span_starts(word, "lib") && span_has(word, ".so.");
}

/* One line: a pair of folder and library, a call, a condition; or nothing of interest. */
static void line_read(struct torch_init *init, struct arena *arena, struct span line) {
    struct span words[3], trimmed = span_trim(line);
    size_t count = quoted_words(line, words);
    if (count >= 2 && is_library_pattern(words[count - 1])) {
        struct torch_preload preload = {.folder = arena_copy_span(arena, words[0]),
                                        .pattern = arena_copy_span(arena, words[count - 1]),
                                        .required = !span_has(line, "required=False")};
        if (span_starts(trimmed, "_preload_cuda_deps("))
            LIST_PUSH(arena, &init->first) = preload;
        else
            LIST_PUSH(arena, &init->all) = preload;
    } else if (span_starts(trimmed, "_preload_cuda_deps(") && !count && !span_has(line, "err") &&
               !span_has(line, "lib_name")) {
        init->all_always = true;
        init->all_required = !span_has(line, "required=False");
    } else if (count && span_has(line, "not in _maps")) {
        init->maps = arena_copy_span(arena, words[0]);
    }
    init->cuda_folder |= span_has(line, "f\"cu{");
    init->plain_folder |= span_has(line, "(path, lib_folder");
}

static void version_read(struct torch_init *init, const struct root *root, struct arena *arena, const char *path) {
    struct span rest, line, words[3];
    if (root_read(root, arena, path, LIMIT_SMALL_FILE, &rest) < 0)
        return;
    while (span_next_line(&rest, &line)) /* cuda: Optional[str] = '12.4' */
        if (span_starts(line, "cuda") && quoted_words(line, words))
            init->cuda = arena_copy_span(arena, words[0]);
}

void torch_init_read(struct torch_init *ret_init, const struct root *root, struct arena *arena,
                     const char *torch_directory) {
    struct torch_init init = {0};
    struct span rest, line;
    int r = root_read(root, arena, text_path(arena, torch_directory, "__init__.py"), LIMIT_FILE, &rest);
    while (r == 0 && span_next_line(&rest, &line))
        line_read(&init, arena, line);
    version_read(&init, root, arena, text_path(arena, torch_directory, "version.py"));
    *ret_init = init;
}

/* glob: a name that starts with what stands before '*' and ends with a digit, or the whole name. */
static bool pattern_matches(const char *pattern, const char *name) {
    const char *star = strchr(pattern, '*');
    size_t len = strlen(name);
    if (!star)
        return strcmp(pattern, name) == 0;
    return strncmp(name, pattern, (size_t)(star - pattern)) == 0 && len && name[len - 1] >= '0' &&
           name[len - 1] <= '9';
}

static const char *find_in(const struct root *root, struct arena *arena, const char *folder, const char *pattern) {
    struct texts names;
    int r = root_list(root, arena, folder, &names);
    for (size_t i = 0; (r == 0) && i < names.count; i++)
        if (pattern_matches(pattern, names.items[i]))
            return text_path(arena, folder, names.items[i]);
    return NULL;
}

const char *torch_init_find(const struct torch_init *init, const struct root *root, struct arena *arena,
                            const struct torch_preload *preload, const struct texts *search_path) {
    for (size_t i = 0; search_path && i < search_path->count; i++) {
        const char *path = search_path->items[i], *found;
        const char *folders[3] = {arena_printf(arena, "%s/nvidia/%s/lib", path, preload->folder)};
        if (init->cuda_folder && init->cuda)
            folders[1] =
                arena_printf(arena, "%s/nvidia/cu%.*s/lib", path, (int)strcspn(init->cuda, "."), init->cuda);
        if (init->plain_folder)
            folders[2] = arena_printf(arena, "%s/%s/lib", path, preload->folder);
        for (size_t f = 0; f < 3; f++)
            if (folders[f] && (found = find_in(root, arena, folders[f], preload->pattern)))
                return found;
    }
    return NULL;
}
