/* Kernel, distribution, user: what the other links are read against. What kind of machine: system_kind.c. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/elf.h"
#include "format/key_value.h"
#include "probe/look.h"
#include "probe/system.h"

static void read_os_release(struct probe *probe, struct arena *scratch) {
    struct system_facts *system = &probe->out->system;
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    static const struct {
        const char *name;
        size_t offset;
    } keys[] = {{"ID", offsetof(struct system_facts, distribution)},
                {"ID_LIKE", offsetof(struct system_facts, distribution_like)},
                {"VERSION_ID", offsetof(struct system_facts, distribution_version)},
                {"PRETTY_NAME", offsetof(struct system_facts, distribution_name)}};
    struct span bytes = {0}, name, value;
    int r = -1;
    const char *path = paths[0];
    for (size_t i = 0; i < 2 && r < 0; i++) {
        path = paths[i];
        r = root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
        if (r == -EFBIG)
            r = 0;
    }
    if (r < 0) {
        set_missing(&system->distribution, r, path);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        set_absent((struct text_fact *)((char *)system + keys[i].offset), path);
    while (key_value_next(&bytes, &name, &value))
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (span_eq(name, keys[i].name))
                set_text((struct text_fact *)((char *)system + keys[i].offset), text_clean(probe->arena, value),
                         path);
}

/* The newest version that glibc's own symbols are marked with: it stands in .dynstr as "GLIBC_2.36". */
static int glibc_minor(const struct probe *probe, struct arena *scratch, const char *path) {
    AUTO_FD fd = root_open_file(probe->root, path);
    struct elf elf;
    struct span names;
    if (fd < 0)
        return fd;
    int r = elf_open_file(&elf, scratch, fd);
    if (r < 0)
        return r;
    const struct elf_section *section = elf_find_section(&elf, ".dynstr", NULL);
    if (!section)
        return -ENODATA;
    r = elf_read_span(&elf, scratch, section->offset, section->size, LIMIT_SMALL_FILE, &names);
    if (r < 0)
        return r;
    static const char prefix[] = "GLIBC_2.";
    int64_t newest = -1, minor;
    for (size_t at; (at = span_find(names, prefix)) != SIZE_MAX;) {
        names = span_slice(names, at + sizeof prefix - 1, names.len);
        if (span_to_number(span_slice(names, 0, strspn(names.ptr, "0123456789")), 10, &minor) == 0 &&
            minor > newest)
            newest = minor;
    }
    return newest >= 0 && newest < 1000 ? (int)newest : -ENODATA;
}

static void read_libc(struct probe *probe, struct arena *scratch) {
    struct text_fact *libc = &probe->out->system.libc;
    static const char *const files[] = {
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib64/libc.so.6",
        "/usr/lib64/libc.so.6",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "/usr/lib/aarch64-linux-gnu/libc.so.6",
        "/usr/lib/libc.so.6",
    };
    int error = -ENOENT;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int r = glibc_minor(probe, scratch, files[i]);
        if (r >= 0) {
            set_text(libc, arena_printf(probe->arena, "glibc 2.%d", r), files[i]);
            return;
        }
        if (r != -ENOENT && r != -ENOTDIR)
            error = r;
    }
    static const char *const musl[] = {"/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"};
    for (size_t i = 0; i < 2; i++)
        if (root_exists(probe->root, musl[i])) {
            set_text(libc, "musl", musl[i]);
            return;
        }
    /* no known place (NixOS, Guix, a mounted image of something else) does not mean that there is none */
    set_unknown(libc, error == -ENOENT ? "not at any usual place" : strerror(-error), files[0]);
}

static void read_user(struct probe *probe, struct arena *scratch) {
    struct system_facts *system = &probe->out->system;
    const struct root_identity *id = root_identity(probe->root);
    bool environment_known;
    const char *home = root_env(probe->root, "HOME", &environment_known), *user = look_env_filled(probe, "USER");
    if (home)
        set_text(&system->home, keep(probe, home), "HOME");
    else if (environment_known)
        set_absent(&system->home, "HOME");
    else
        set_unknown(&system->home, "not recorded", "HOME");
    if (!id->known) {
        set_unknown(&system->uid, "not recorded", "geteuid");
        return;
    }
    set_number(&system->uid, id->uid, "geteuid");
    static const char path[] = "/etc/passwd";
    struct span bytes, line, field[3];
    int r = root_read(probe->root, scratch, path, LIMIT_FILE, &bytes);
    while ((r == 0 || r == -EFBIG) && span_next_line(&bytes, &line)) {
        int64_t uid;
        int count = 0;
        while (count < 3 && span_next_field(&line, ':', &field[count]))
            count++;
        if (count == 3 && span_to_number(field[2], 10, &uid) == 0 && uid == (int64_t)id->uid) {
            set_text(&system->user, text_clean(probe->arena, field[0]), path);
            break;
        }
    }
    if (unknown(system->user) && user) /* users of a directory service are not in the file */
        set_text(&system->user, keep(probe, user), "USER");
    if (unknown(system->user))
        set_missing(&system->user, r < 0 ? r : -ENOENT, path);
    if (environment_known)
        set_flag(&system->sudo, id->uid == 0 && look_env_filled(probe, "SUDO_USER"), "SUDO_USER");
}

static void read_host(struct probe *probe, struct arena *scratch) {
    static const char *const paths[] = {"/proc/sys/kernel/hostname", "/etc/hostname"};
    for (size_t i = 0; i < 2; i++) {
        const char *name = look_line(probe, scratch, paths[i]);
        if (name && *name) {
            set_text(&probe->out->system.host, keep(probe, name), paths[i]);
            return;
        }
    }
    set_absent(&probe->out->system.host, paths[1]);
}

void probe_system(struct probe *probe) {
    AUTO_ARENA scratch = {0};
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
    read_os_release(probe, &scratch);
    read_libc(probe, &scratch);
    read_user(probe, &scratch);
    read_host(probe, &scratch);
    system_kind_read(probe, &scratch);
}
