/* What is not a file: variables, kernel release, user; of the live process or recorded in DIR/.whycuda. */
#include <errno.h>
#include <grp.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "sys/root_internal.h"

extern char **environ;

static void load_live_identity(struct root *root) {
    struct utsname uts;
    if (uname(&uts) == 0) {
        root->uname.release = arena_copy(&root->arena, uts.release);
        root->uname.machine = arena_copy(&root->arena, uts.machine);
    }
    struct root_identity *id = &root->identity;
    id->known = true;
    id->uid = geteuid();
    id->gid = getegid();
    int count = getgroups(sizeof id->groups / sizeof *id->groups, id->groups);
    id->group_count = count > 0 ? (size_t)count : 0;
}

static void load_recorded_uname(struct root *root) {
    struct span bytes, line, name, value;
    if (root_recorded(root, &root->arena, "uname", LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    while (span_next_line(&bytes, &line)) {
        if (!span_cut(line, '=', &name, &value))
            continue;
        if (span_eq(span_trim(name), "release"))
            root->uname.release = text_clean(&root->arena, span_trim(value));
        if (span_eq(span_trim(name), "machine"))
            root->uname.machine = text_clean(&root->arena, span_trim(value));
    }
}

/* uid=1000 gid=1000 groups=1000,44 ; names in parentheses, as id(1) prints them, are passed over */
static void load_recorded_id(struct root *root) {
    struct root_identity *id = &root->identity;
    struct span bytes, word, name, value, one;
    if (root_recorded(root, &root->arena, "id", LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    while (span_next_word(&bytes, &word)) {
        if (!span_cut(word, '=', &name, &value))
            continue;
        bool groups = span_eq(name, "groups");
        while (span_next_field(&value, ',', &one)) {
            struct span digits, rest;
            int64_t number;
            span_cut(one, '(', &digits, &rest);
            if (span_to_number(digits, 10, &number) < 0 || number < 0 || number > UINT32_MAX)
                continue;
            if (span_eq(name, "uid")) {
                id->uid = (uid_t)number;
                id->known = true;
            } else if (span_eq(name, "gid")) {
                id->gid = (gid_t)number;
            } else if (groups && id->group_count < sizeof id->groups / sizeof *id->groups) {
                id->groups[id->group_count++] = (gid_t)number;
            }
        }
    }
}

void root_load_identity(struct root *root) {
    if (root_is_live(root)) {
        load_live_identity(root);
        return;
    }
    load_recorded_uname(root);
    load_recorded_id(root);
    root->nodes_known = root_recorded(root, &root->arena, "nodes", LIMIT_FILE, &root->nodes) == 0;
}

void root_load_environment(struct root *root) {
    if (root_is_live(root)) {
        root->environment_known = true;
        for (char **variable = environ; variable && *variable; variable++)
            texts_add(&root->arena, &root->environment, *variable);
        return;
    }
    struct span bytes, line;
    int r = root_recorded(root, &root->arena, "environ", LIMIT_FILE, &bytes);
    if (r < 0 && r != -EFBIG)
        return;
    root->environment_known = true;
    while (span_next_line(&bytes, &line))
        if (line.len && line.ptr[0] != '#')
            texts_add(&root->arena, &root->environment, text_clean(&root->arena, line));
}

const char *root_env(const struct root *root, const char *name, bool *ret_known) {
    size_t len = strlen(name);
    if (ret_known)
        *ret_known = root->environment_known;
    for (size_t i = 0; i < root->environment.count; i++) {
        const char *variable = root->environment.items[i];
        if (strncmp(variable, name, len) == 0 && variable[len] == '=')
            return variable + len + 1;
    }
    return NULL;
}

int root_environment(const struct root *root, const struct texts **ret_list) {
    if (!root->environment_known)
        return -ENODATA;
    *ret_list = &root->environment;
    return 0;
}

const struct root_uname *root_uname(const struct root *root) {
    return &root->uname;
}

const struct root_identity *root_identity(const struct root *root) {
    return &root->identity;
}
