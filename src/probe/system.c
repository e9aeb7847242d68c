/* Kernel, distribution, user: what the other links are read against. */
#include "base/limits.h"
#include "base/text.h"
#include "probe/probe.h"

static void read_os_release(struct probe *probe) {
    struct system_facts *system = &probe->out->system;
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    struct span bytes = {0}, line, name, value;
    int r = -1;
    const char *path = paths[0];
    for (size_t i = 0; i < 2 && r < 0; i++) {
        path = paths[i];
        r = root_read(probe->root, probe->arena, path, LIMIT_SMALL_FILE, &bytes);
    }
    if (r < 0) {
        set_missing(&system->distribution, r, path);
        return;
    }
    static const struct {
        const char *name;
        size_t offset;
    } keys[] = {{"ID", offsetof(struct system_facts, distribution)},
                {"ID_LIKE", offsetof(struct system_facts, distribution_like)},
                {"VERSION_ID", offsetof(struct system_facts, distribution_version)},
                {"PRETTY_NAME", offsetof(struct system_facts, distribution_name)}};
    while (span_next_line(&bytes, &line)) {
        if (!span_cut(line, '=', &name, &value))
            continue;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (span_eq(name, keys[i].name))
                set_text((struct text_fact *)((char *)system + keys[i].offset),
                         text_clean(probe->arena, span_unquote(span_trim(value))), path);
    }
}

void probe_system(struct probe *probe) {
    struct system_facts *system = &probe->out->system;
    const struct root_uname *uts = root_uname(probe->root);
    set_text(&system->os, "linux", "this program probes Linux only");
    if (uts->release)
        set_text(&system->kernel, arena_copy(probe->arena, uts->release), "uname");
    else
        set_unknown(&system->kernel, "not recorded", "uname");
    if (uts->machine)
        set_text(&system->machine, arena_copy(probe->arena, uts->machine), "uname");
    else
        set_unknown(&system->machine, "not recorded", "uname");
    read_os_release(probe);
    bool environment_known;
    const char *home = root_env(probe->root, "HOME", &environment_known);
    if (home)
        set_text(&system->home, text_clean(probe->arena, span_of(home)), "HOME");
    const struct root_identity *id = root_identity(probe->root);
    if (id->known)
        set_number(&system->uid, id->uid, "geteuid");
}
