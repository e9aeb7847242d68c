#include "diagnose/fix.h"

#include "base/text.h"
#include "diagnose/fix_fill.h"
#include "diagnose/read.h"
#include "knowledge/fix.h"

/* --- the systems of this machine ----------------------------------------------------------------------------- */

static void add_system(struct judge *judge, struct texts *systems, const char *name) {
    if (name && *name && !texts_have(systems, name))
        texts_add(judge->arena, systems, name);
}

/* Names that os-release uses for families the tables know by one. */
static const char *family_of(const char *id) {
    static const struct {
        const char *start, *family;
    } names[] = {{"opensuse", "opensuse"}, {"sles", "opensuse"}, {"suse", "opensuse"}, {"rocky", "rhel"},
                 {"almalinux", "rhel"},    {"centos", "rhel"},   {"ol", "rhel"},       {"amzn", "rhel"},
                 {"linuxmint", "ubuntu"},  {"pop", "ubuntu"},    {"manjaro", "arch"},  {"endeavouros", "arch"},
                 {"raspbian", "debian"},   {"kali", "debian"}};
    for (size_t i = 0; id && i < sizeof names / sizeof *names; i++)
        if (text_starts(id, names[i].start))
            return names[i].family;
    return NULL;
}

/* Where os-release is not known, the kernel's own name often tells: "6.8.0-45-generic", "5.14.0-427.el9.x86_64". */
static void add_by_kernel(struct judge *judge, struct texts *systems) {
    static const struct {
        const char *part, *system;
    } parts[] = {{"-generic", "ubuntu"}, {"-lowlatency", "ubuntu"}, {".el10", "rhel10"},
                 {".el9", "rhel9"},      {".el8", "rhel8"},         {".fc", "fedora"},
                 {".amzn2023", "amzn"},  {"-arch", "arch"},         {"-default", "opensuse"}};
    const char *kernel = text_of(judge->facts->system.kernel);
    for (size_t i = 0; kernel && i < sizeof parts / sizeof *parts; i++)
        if (text_has(kernel, parts[i].part)) {
            add_system(judge, systems, parts[i].system);
            if (text_starts(parts[i].system, "rhel") || text_eq(parts[i].system, "amzn"))
                add_system(judge, systems, "rhel");
            return;
        }
    /* Debian's end in the machine: "6.1.0-28-amd64" */
    if (text_ends(kernel, "-amd64") || text_ends(kernel, "-arm64"))
        add_system(judge, systems, "debian");
}

struct texts fix_systems(struct judge *judge) {
    const struct system_facts *system = &judge->facts->system;
    struct texts systems = {0};
    const char *id = text_of(system->distribution), *version = text_of(system->distribution_version);
    struct span like = span_of(text_of(system->distribution_like)), one, major, rest;
    if (on_windows(judge)) {
        add_system(judge, &systems, "windows");
        return systems;
    }
    const char *family = family_of(id);
    if (version && (text_eq(id, "rhel") || text_eq(family, "rhel"))) {
        span_cut(span_of(version), '.', &major, &rest);
        add_system(judge, &systems, arena_printf(judge->arena, "rhel%.*s", (int)major.len, major.ptr));
    }
    add_system(judge, &systems, id);
    add_system(judge, &systems, family);
    while (span_next_word(&like, &one)) {
        const char *name = arena_copy_span(judge->arena, one);
        add_system(judge, &systems, family_of(name) ? family_of(name) : name);
    }
    if (!id && !on_wsl(judge))
        add_by_kernel(judge, &systems);
    add_system(judge, &systems, "linux");
    return systems;
}

/* --- rows of the table --------------------------------------------------------------------------------------- */

/* "12.8" as "12-8", which packages have in their names; the major after it, "13", which is the first not to take. */
static const char *cuda_word(struct judge *judge, const char *cuda, bool next) {
    struct span major, minor;
    int64_t number;
    if (!cuda || !span_cut(span_of(cuda), '.', &major, &minor) || span_to_number(major, 10, &number) < 0)
        return NULL;
    return next ? arena_printf(judge->arena, "%d", (int)number + 1)
                : arena_printf(judge->arena, "%d-%.*s", (int)number, (int)minor.len, minor.ptr);
}

static const char *value_of(struct judge *judge, const struct fix_values *values, struct span name) {
    const char *cuda = values ? values->cuda : NULL;
    const struct {
        const char *name, *value;
    } all[] = {{"branch", values ? values->branch : NULL},   {"torch", values ? values->torch : NULL},
               {"variant", values ? values->variant : NULL}, {"cuda", cuda},
               {"cuda_dash", cuda_word(judge, cuda, false)}, {"cuda_next", cuda_word(judge, cuda, true)},
               {"release", values ? values->release : NULL}, {"path", values ? values->path : NULL}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (span_eq(name, all[i].name))
            return all[i].value;
    return NULL;
}

const char *fix_fill(struct judge *judge, const char *text, const struct fix_values *values) {
    const char *out = "";
    struct span rest = span_of(text);
    for (;;) {
        size_t open = span_find(rest, "{");
        if (open == SIZE_MAX)
            return arena_printf(judge->arena, "%s%.*s", out, (int)rest.len, rest.ptr);
        struct span after = span_slice(rest, open + 1, rest.len);
        size_t close = span_find(after, "}");
        if (close == SIZE_MAX)
            return arena_printf(judge->arena, "%s%.*s", out, (int)rest.len, rest.ptr);
        const char *value = value_of(judge, values, span_slice(after, 0, close));
        if (!value)
            return NULL;
        out = arena_printf(judge->arena, "%s%.*s%s", out, (int)open, rest.ptr, value);
        rest = span_slice(after, close + 1, after.len);
    }
}

static bool has_fix(const struct cause *cause, const char *title) {
    for (size_t i = 0; i < cause->fixes.count; i++)
        if (text_eq(cause->fixes.items[i].title, title))
            return true;
    return false;
}

static bool add_row(struct judge *judge, struct cause *cause, const struct fix_entry *row,
                    const struct fix_values *values) {
    const char *title = fix_fill(judge, row->title, values);
    struct texts commands = {0};
    for (size_t i = 0; title && i < row->commands.count; i++) {
        const char *command = fix_fill(judge, row->commands.items[i], values);
        if (!command)
            return false; /* a value it needs is not known */
        texts_add(judge->arena, &commands, command);
    }
    if (!title)
        return false;
    char *sentence = arena_copy(judge->arena, title);
    if (*sentence >= 'a' && *sentence <= 'z')
        *sentence = (char)(*sentence - 'a' + 'A');
    if (has_fix(cause, sentence))
        return true;
    struct fix *fix = cause_fix(judge, cause, sentence, NULL);
    fix->commands = commands;
    fix->needs_root = row->needs_root;
    fix->reboot = row->reboot;
    return true;
}

size_t fix_rows(struct judge *judge, struct cause *cause, const char *system, const char *action,
                const struct fix_values *values) {
    struct fix_entry *rows;
    size_t added = 0;
    if (!judge->options.knowledge)
        return 0;
    size_t count = knowledge_fixes(judge->options.knowledge, judge->arena, system, action, &rows);
    for (size_t i = 0; i < count; i++)
        added += add_row(judge, cause, &rows[i], values);
    return added;
}

size_t fix_table_of(struct judge *judge, struct cause *cause, const char *system, const char *action) {
    return fix_rows(judge, cause, system, action, NULL);
}

/* What the loaded driver's branch is, for rows that install pieces of the same branch. */
static struct fix_values values_in_use(struct judge *judge) {
    struct driver_version release;
    struct fix_values values = {0};
    if (driver_release(judge, &release, NULL, NULL)) {
        values.branch = arena_printf(judge->arena, "%u", release.part[0]);
        values.release = arena_copy(judge->arena, release.text);
    }
    return values;
}

size_t fix_rows_here(struct judge *judge, struct cause *cause, const char *action,
                     const struct fix_values *values) {
    struct texts systems = fix_systems(judge);
    for (size_t i = 0; i < systems.count; i++) {
        struct fix_entry *rows;
        size_t added = fix_rows(judge, cause, systems.items[i], action, values);
        /* rows of its own that lack a value are not made good by those of another system */
        if (added || !judge->options.knowledge ||
            knowledge_fixes(judge->options.knowledge, judge->arena, systems.items[i], action, &rows))
            return added;
    }
    return 0;
}

size_t fix_table(struct judge *judge, struct cause *cause, const char *action) {
    struct fix_values values = values_in_use(judge);
    return fix_rows_here(judge, cause, action, &values);
}

size_t fix_table_path(struct judge *judge, struct cause *cause, const char *action, const char *path) {
    struct fix_values values = values_in_use(judge);
    values.path = path;
    if (!path || strpbrk(path, " '\"$`\\"))
        return 0;
    return fix_rows_here(judge, cause, action, &values);
}

static bool same_commands(const struct fix *a, const struct fix *b) {
    if (a->commands.count != b->commands.count)
        return false;
    for (size_t i = 0; i < a->commands.count; i++)
        if (!text_eq(a->commands.items[i], b->commands.items[i]))
            return false;
    return true;
}

/* Nobody knows which distribution it is: the commands of each of the large ones, told apart by their titles. */
size_t fix_families_with(struct judge *judge, struct cause *cause, const char *action,
                         const struct fix_values *values) {
    static const struct {
        const char *system, *name;
    } families[] = {{"ubuntu", "Ubuntu"},          {"debian", "Debian"}, {"fedora", "Fedora"},
                    {"rhel", "RHEL, Rocky, Alma"}, {"arch", "Arch"},     {"opensuse", "openSUSE"}};
    size_t before = cause->fixes.count;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct cause own = {0};
        fix_rows(judge, &own, families[i].system, action, values);
        for (size_t f = 0; f < own.fixes.count; f++) {
            struct fix fix = own.fixes.items[f];
            struct fix *last = cause->fixes.count > before ? &cause->fixes.items[cause->fixes.count - 1] : NULL;
            if (last && same_commands(last, &fix)) {
                last->title = arena_printf(judge->arena, "On %s and %s", families[i].name, last->title + 3);
                continue;
            }
            fix.title = arena_printf(judge->arena, "On %s: %s", families[i].name, fix.title);
            LIST_PUSH(judge->arena, &cause->fixes) = fix;
        }
    }
    return cause->fixes.count - before;
}

size_t fix_families(struct judge *judge, struct cause *cause, const char *action) {
    struct fix_values values = values_in_use(judge);
    return fix_families_with(judge, cause, action, &values);
}

bool fix_table_then(struct judge *judge, struct cause *cause, const char *action) {
    struct cause steps = {0};
    if (!cause->fixes.count || !fix_table(judge, &steps, action))
        return false;
    struct fix *last = &cause->fixes.items[cause->fixes.count - 1], *step = &steps.fixes.items[0];
    for (size_t i = 0; i < step->commands.count; i++)
        texts_add(judge->arena, &last->commands, step->commands.items[i]);
    last->needs_root |= step->needs_root;
    last->reboot |= step->reboot;
    return true;
}

void fix_table_or(struct judge *judge, struct cause *cause, const char *action, const char *title) {
    if (fix_table(judge, cause, action))
        return;
    bool nowhere = !known(judge->facts->system.distribution) && !on_windows(judge) && !on_wsl(judge);
    if (!nowhere || !fix_families(judge, cause, action))
        cause_fix(judge, cause, title, NULL);
}
