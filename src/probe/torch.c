/* Link 6: the Python that would run, and the PyTorch in every environment. Nothing here runs Python. */
#include "probe/torch.h"

#include <errno.h>

#include "base/limits.h"
#include "base/text.h"

const char *torch_keep(const struct torch_probe *torch, const char *text) {
    return text_clean(torch->probe->arena, span_of(text));
}

const char *torch_keep_span(const struct torch_probe *torch, struct span text) {
    return text_clean(torch->probe->arena, text);
}

/* --- the interpreter -------------------------------------------------------------------------------------- */

static void describe_python(struct torch_probe *torch) {
    const struct python *python = torch->python;
    struct python_environment *out = torch->out;
    const char *found_by = torch_keep(torch, python->found_by);
    set_text(&out->path, torch_keep(torch, python->prefix), found_by);
    set_text(&out->kind, python->kind, found_by);
    set_text(&out->name, torch_keep(torch, python->name), found_by);
    set_flag(&out->in_use, python->in_use, found_by);
    const char *interpreter = torch_keep(torch, python->interpreter);
    if (python->real_interpreter)
        set_text(&out->interpreter, interpreter, found_by);
    else
        set_absent(&out->interpreter, interpreter); /* a venv whose Python has gone */
    if (python->version)
        set_text(&out->python, torch_keep(torch, python->version), torch_keep(torch, python->version_source));
    else
        set_unknown(&out->python, "no file tells it", interpreter);
    if (python->library)
        set_flag(&out->free_threaded, text_ends(python->library, "t"), interpreter);
    if (python->real_interpreter && !python->windows)
        python_machine(torch->root, python->real_interpreter, &out->machine);
    else
        set_unknown(&out->machine, "no ELF program to tell it", interpreter);
    out->machine.is.source =
        torch_keep(torch, python->real_interpreter ? python->real_interpreter : python->interpreter);
    set_listed(&out->kernels, found_by);
    for (size_t i = 0; i < python->kernels.count; i++)
        texts_push(torch->probe->arena, &out->kernels, torch_keep(torch, python->kernels.items[i]));
}

/* PEP 668: the distribution's Python refuses pip. A venv of it does not. */
static void describe_management(struct torch_probe *torch) {
    const struct python *python = torch->python;
    struct python_environment *out = torch->out;
    const char *marker = NULL;
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].origin == PATH_STDLIB && !marker)
            marker = text_path(torch->scratch, torch->path.items[i].path, "EXTERNALLY-MANAGED");
    if (marker)
        set_flag(&out->externally_managed, !python->config && root_exists(torch->root, marker),
                 torch_keep(torch, marker));
    bool has_pip = false;
    for (size_t i = 0; i < torch->path.count && !has_pip; i++)
        has_pip = texts_have(&torch->path.items[i].names, "pip");
    set_flag(&out->has_pip, has_pip, torch_keep(torch, python->prefix));
}

static void describe_path(struct torch_probe *torch) {
    set_listed(&torch->out->site_packages,
               torch_keep(torch, torch->python->config ? torch->python->config : torch->python->prefix));
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].origin != PATH_STDLIB && torch->path.items[i].origin != PATH_EDITABLE)
            texts_push(torch->probe->arena, &torch->out->site_packages,
                       torch_keep(torch, torch->path.items[i].path));
}

/* What markers of requirements ask about. */
static void find_target(struct torch_probe *torch) {
    const struct python_environment *out = torch->out;
    struct python_target *target = &torch->target;
    bool windows = torch->python->windows;
    *target = (struct python_target){.system = windows ? "Windows" : "Linux",
                                     .platform = windows ? "win32" : "linux",
                                     .os = windows ? "nt" : "posix",
                                     .machine = windows ? "AMD64" : text_of(out->machine)};
    const char *version = text_of(out->python);
    if (!version)
        return;
    size_t major = strcspn(version, "."), minor = version[major] ? strspn(version + major + 1, "0123456789") : 0;
    target->python = arena_copy_span(torch->scratch, span_from(version, major + (minor ? 1 + minor : 0)));
    target->python_full = version[major] && strchr(version + major + 1, '.') ? version : NULL;
}

/* --- which torch ------------------------------------------------------------------------------------------ */

struct torch_places {
    struct torch_place *items;
    size_t count;
    const char *left_over; /* a directory named torch without __init__.py */
    int error;             /* a place that could not be looked at, and where */
    const char *error_path;
};

static bool is_there(struct torch_probe *torch, struct torch_places *places, const char *path) {
    struct stat st;
    int r = root_stat(torch->root, path, &st);
    if (r < 0 && r != -ENOENT && r != -ENOTDIR && !places->error) {
        places->error = r;
        places->error_path = path;
    }
    return r == 0;
}

static void look_for_torch(struct torch_probe *torch, const struct python_path_entry *entry,
                           struct torch_places *places) {
    struct arena *arena = torch->scratch;
    bool editable = entry->origin == PATH_EDITABLE;
    if (entry->listed && !entry->list_error && !texts_have(&entry->names, "torch") &&
        !texts_have(&entry->names, "torch.py"))
        return;
    const char *package = editable ? entry->path : text_path(arena, entry->path, "torch");
    struct torch_place place = {.package = package,
                                .directory = editable ? python_parent(arena, entry->path) : entry->path,
                                .origin = entry->origin,
                                .belongs = entry->site,
                                .source = entry->source};
    const char *file = arena_printf(arena, "%s.py", package);
    if (is_there(torch, places, text_path(arena, package, "__init__.py"))) {
        place.has_version = is_there(torch, places, text_path(arena, package, "version.py"));
    } else if (!editable && is_there(torch, places, file)) {
        place.package = file;
        place.is_file = true;
    } else {
        if (!places->left_over && entry->listed && root_is_directory(torch->root, package))
            places->left_over = package;
        return;
    }
    LIST_PUSH(arena, places) = place;
}

static bool is_own(const struct torch_place *place) {
    return place->belongs == PATH_SITE || place->belongs == PATH_BASE_SITE;
}

/* A version.py missing in a package of site-packages is a damaged PyTorch; elsewhere it is something of that name.
 */
static bool is_pytorch(const struct torch_place *place) {
    return !place->is_file && (place->has_version || place->belongs >= PATH_SITE);
}

static bool is_same(struct torch_probe *torch, const struct torch_place *a, const struct torch_place *b) {
    const char *real_a, *real_b;
    return root_realpath(torch->root, torch->scratch, a->package, &real_a) == 0 &&
           root_realpath(torch->root, torch->scratch, b->package, &real_b) == 0 && text_eq(real_a, real_b);
}

static const char *version_in(struct torch_probe *torch, const struct torch_place *place,
                              const char **ret_source) {
    const char *path = text_path(torch->scratch, place->package, "version.py");
    struct span bytes;
    struct python_assignment assignment;
    int r = root_read(torch->root, torch->scratch, path, LIMIT_SMALL_FILE, &bytes);
    *ret_source = torch_keep(torch, path);
    while (r == 0 && python_next_assignment(&bytes, &assignment))
        if (span_eq(assignment.name, "__version__") && assignment.kind == PYTHON_TEXT)
            return torch_keep_span(torch, assignment.value);
    return NULL;
}

/* Says what stands in the way of the environment's own torch. */
static void describe_shadow(struct torch_probe *torch, const struct torch_places *places) {
    struct python_environment *out = torch->out;
    const struct torch_place *first = &places->items[0], *own = NULL;
    for (size_t i = 0; i < places->count && !own; i++)
        if (is_own(&places->items[i]) && is_pytorch(&places->items[i]))
            own = &places->items[i];
    bool hides = is_pytorch(first) ? own && own != first && !is_same(torch, first, own) : true;
    if (!hides) {
        set_absent(&out->shadowed_by, torch_keep(torch, first->package));
        set_absent(&out->shadowed_version, torch_keep(torch, first->package));
        return;
    }
    set_text(&out->shadowed_by, torch_keep(torch, first->package),
             first->source ? torch_keep(torch, first->source) : python_path_word(first->origin));
    if (!own) {
        set_absent(&out->shadowed_version, torch_keep(torch, torch->python->prefix));
        return;
    }
    const char *source, *version = version_in(torch, own, &source);
    if (version)
        set_text(&out->shadowed_version, version, source);
    else
        set_unknown(&out->shadowed_version, "no version in it", source);
}

static void set_no_torch(struct torch_probe *torch, const struct torch_places *places) {
    struct python_environment *out = torch->out;
    struct text_fact *facts[] = {
        &out->torch_version, &out->torch_path, &out->build,    &out->cuda,        &out->hip,
        &out->xpu,           &out->installer,  &out->found_in, &out->git_version, &out->metadata_version};
    const char *prefix = torch_keep(torch, torch->python->prefix), *why = NULL;
    if (places->error)
        why = arena_printf(torch->probe->arena, "%s: %s", torch_keep(torch, places->error_path),
                           strerror(-places->error));
    else if (torch->python->trouble)
        why = torch_keep(torch, torch->python->trouble);
    else if (!torch->python->library && !torch->python->windows)
        why = "which directories it searches is not known";
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        facts[i]->is =
            why ? (struct fact){.reason = why, .source = prefix} : (struct fact){FACT_ABSENT, .source = prefix};
    if (!places->count) {
        set_absent(&out->shadowed_by, prefix);
        set_absent(&out->shadowed_version, prefix);
    }
}

static bool find_torch(struct torch_probe *torch) {
    struct torch_places places = {0};
    for (size_t i = 0; i < torch->path.count; i++)
        if (torch->path.items[i].origin != PATH_STDLIB)
            look_for_torch(torch, &torch->path.items[i], &places);
    for (size_t i = 0; i < places.count && !torch->place.package; i++)
        if (is_pytorch(&places.items[i]))
            torch->place = places.items[i];
    if (places.count)
        describe_shadow(torch, &places);
    set_listed(&torch->out->leftovers, torch_keep(torch, torch->python->prefix));
    if (places.left_over && !torch->place.package)
        texts_push(torch->probe->arena, &torch->out->leftovers, torch_keep(torch, places.left_over));
    if (!torch->place.package) {
        set_no_torch(torch, &places);
        return false;
    }
    const struct torch_place *place = &torch->place;
    set_text(&torch->out->torch_path, torch_keep(torch, place->package),
             place->source ? torch_keep(torch, place->source) : python_path_word(place->origin));
    set_text(&torch->out->found_in, python_path_word(place->origin), torch->out->torch_path.is.source);
    return true;
}

enum { SCRATCH_KEPT = 1024 * 1024 }; /* bytes of one environment's scratch that the next one may add to */

static void describe_environment(struct python_search *search, const struct python *python, struct arena *scratch,
                                 struct python_environment *out) {
    struct torch_probe torch = {.probe = search->probe,
                                .search = search,
                                .root = search->root,
                                .scratch = scratch,
                                .python = python,
                                .out = out};
    if (scratch->total > SCRATCH_KEPT)
        arena_release(scratch);
    python_path_build(search, python, scratch, &torch.path);
    describe_python(&torch);
    describe_management(&torch);
    describe_path(&torch);
    find_target(&torch);
    if (find_torch(&torch))
        torch_read_build(&torch);
    torch_read_packages(&torch);
    if (torch.place.package && python->in_use && text_eq(text_of(out->build), "cuda"))
        torch_read_libraries(&torch);
}

void probe_torch(struct probe *probe) {
    AUTO_ARENA scratch = {0}, each = {0};
    struct python_search search;
    struct torch_facts *torch = &probe->out->torch;
    python_search_start(&search, probe, &scratch);
    python_choose(&search);
    python_collect(&search);
    set_listed(&torch->environments, "pyvenv.cfg, conda-meta, PATH");
    for (int in_use = 1; in_use >= 0; in_use--) /* the one in use first */
        for (size_t i = 0; i < search.found.count; i++)
            if (search.found.items[i].in_use == in_use)
                describe_environment(&search, &search.found.items[i], &each,
                                     &LIST_PUSH(probe->arena, &torch->environments));
    set_listed(&torch->cut, "limits");
    for (size_t i = 0; i < search.cut.count; i++)
        texts_push(probe->arena, &torch->cut, python_fact_path(probe, search.cut.items[i]));
}
