/* Device nodes as this user meets them: exist, open, by whose leave. MIG instances have nodes of their own. */
#include <errno.h>

#include "base/limits.h"
#include "probe/access.h"
#include "probe/look.h"

static const char *error_name(struct arena *arena, int error) {
    static const struct {
        int error;
        const char *name;
    } names[] = {{EACCES, "EACCES"}, {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {ENODEV, "ENODEV"}, {ENXIO, "ENXIO"},
                 {EIO, "EIO"},       {EBUSY, "EBUSY"}, {EINVAL, "EINVAL"}, {ENOMEM, "ENOMEM"}, {EROFS, "EROFS"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == -error)
            return names[i].name;
    return arena_printf(arena, "error %d", -error);
}

/* Whether mode and owner let this user read and write; where they do and opening gives EPERM all the same, it is
 * the cgroup's device filter that refuses. */
static bool mode_allows(const struct root_identity *id, const struct root_node *node) {
    if (id->uid == 0)
        return true;
    unsigned granted = node->mode & 7u;
    if (id->uid == node->uid) {
        granted = node->mode >> 6 & 7u;
    } else {
        bool member = id->gid == node->gid;
        for (size_t i = 0; i < id->group_count; i++)
            member = member || id->groups[i] == node->gid;
        if (member)
            granted = node->mode >> 3 & 7u;
    }
    return (granted & 6u) == 6u;
}

static bool is_capability(const char *path) { /* for MIG: see read_mig; most are root's alone */
    return text_starts(path, "/dev/nvidia-caps");
}

struct nodes {
    struct root_node *items;
    size_t count;
};

/* A GPU that fell off the bus is left alone: its driver may wait long. */
static void try_nodes(struct probe *probe, struct arena *scratch, struct nodes *nodes) {
    bool dead = false;
    for (size_t i = 0; i < probe->out->gpu.devices.count; i++)
        dead = dead || is_true(probe->out->gpu.devices.items[i].config_dead);
    for (size_t i = 0; i < nodes->count; i++) {
        struct root_node *node = &nodes->items[i];
        bool is_gpu = text_starts(node->path, "/dev/nvidia") && node->path[11] >= '0' && node->path[11] <= '9';
        node->leave = is_capability(node->path) || (dead && is_gpu);
        if (is_capability(node->path))
            node->open_error = 1;
    }
    root_nodes_open(probe->root, scratch, nodes->items, nodes->count);
}

static void add_row(struct probe *probe, const struct root_node *node) {
    struct device_node *row = &LIST_PUSH(probe->arena, &probe->out->access.nodes);
    set_text(&row->path, keep(probe, node->path), "stat");
    set_number(&row->major, node->major, NULL);
    set_number(&row->minor, node->minor, NULL);
    set_text(&row->mode, arena_printf(probe->arena, "%04o", node->mode), NULL);
    set_number(&row->uid, node->uid, NULL);
    set_number(&row->gid, node->gid, NULL);
    if (node->type == '?')
        set_text(&row->open_error, "no device node", NULL);
    else if (node->open_error == 1)
        set_unknown(&row->open_error, "not tried", NULL);
    else if (node->open_error == 0)
        set_absent(&row->open_error, "open");
    else if (node->open_error == -ETIMEDOUT)
        set_unknown(&row->open_error,
                    arena_printf(probe->arena, NODE_NO_ANSWER " %d s", ROOT_NODE_DEADLINE / 1000), "open");
    else
        set_text(&row->open_error, error_name(probe->arena, node->open_error), "open");
}

static void set_denied(struct probe *probe, const struct nodes *nodes) {
    const struct root_identity *id = root_identity(probe->root);
    struct flag_fact *fact = &probe->out->access.cgroup_denied;
    bool tried = false, denied = false;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct root_node *node = &nodes->items[i];
        if (node->type == '?' || node->open_error == 1 || node->open_error == -ETIMEDOUT || !id->known ||
            !text_starts(node->path, "/dev/nvidia"))
            continue;
        tried = true;
        denied = denied || (node->open_error == -EPERM && mode_allows(id, node));
    }
    if (tried)
        set_flag(fact, denied, "open");
    else
        set_unknown(fact, "no node could be tried", "/dev");
}

static void read_nodes(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const struct {
        const char *directory, *prefix;
    } places[] = {{"/dev", "nvidia"},      {"/dev/nvidia-caps", ""}, {"/dev/nvidia-caps-imex-channels", ""},
                  {"/dev", "dxg"},         {"/dev", "nvhost"},       {"/dev", "nvmap"},
                  {"/dev/nvgpu/igpu0", ""}};
    AUTO_ARENA scratch = {0};
    struct nodes nodes = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct texts paths;
        int r = root_nodes(probe->root, &scratch, places[i].directory, places[i].prefix, &paths);
        if (i == 0 && r < 0) {
            set_missing(&access->nodes, r == -ENOENT ? -ENODATA : r, "/dev");
            set_unknown(&access->cgroup_denied, "no node could be tried", "/dev");
            return;
        }
        for (size_t j = 0; r == 0 && j < paths.count && nodes.count < LIMIT_ROWS; j++) {
            struct root_node node;
            if (root_node(probe->root, &scratch, paths.items[j], &node) == 0)
                LIST_PUSH(&scratch, &nodes) = node;
        }
    }
    set_listed(&access->nodes, "/dev");
    try_nodes(probe, &scratch, &nodes);
    for (size_t i = 0; i < nodes.count; i++)
        add_row(probe, &nodes.items[i]);
    set_denied(probe, &nodes);
}

static void read_modprobe(struct probe *probe) {
    static const char *const paths[] = {"/usr/bin/nvidia-modprobe", "/usr/sbin/nvidia-modprobe",
                                        "/run/wrappers/bin/nvidia-modprobe"};
    struct flag_fact *fact = &probe->out->access.modprobe_setuid;
    set_flag(fact, false, paths[0]);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat st;
        int r = root_stat(probe->root, paths[i], &st);
        if (r == 0 && S_ISREG(st.st_mode) && st.st_mode & S_ISUID && st.st_uid == 0) {
            set_flag(fact, true, paths[i]);
            return;
        }
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
            set_unknown(fact, strerror(-r), paths[i]);
    }
}

static bool is_member(const struct root_identity *id, int64_t gid) {
    if (gid == (int64_t)id->gid)
        return true;
    for (size_t i = 0; i < id->group_count; i++)
        if (gid == (int64_t)id->groups[i])
            return true;
    return false;
}

static void read_groups(struct probe *probe) {
    struct texts_fact *groups = &probe->out->access.groups;
    const struct root_identity *id = root_identity(probe->root);
    static const char path[] = "/etc/group";
    AUTO_ARENA scratch = {0};
    struct span bytes, line, field[3];
    if (!id->known) {
        set_unknown(groups, "not recorded", "getgroups");
        return;
    }
    set_listed(groups, "getgroups");
    int r = root_read(probe->root, &scratch, path, LIMIT_FILE, &bytes);
    while ((r == 0 || r == -EFBIG) && span_next_line(&bytes, &line)) {
        int64_t gid;
        int count = 0;
        while (count < 3 && span_next_field(&line, ':', &field[count]))
            count++;
        if (count == 3 && span_to_number(field[2], 10, &gid) == 0 && is_member(id, gid) &&
            groups->count < LIMIT_ROWS)
            texts_push(probe->arena, groups, text_clean(probe->arena, field[0]));
    }
}

/* systemd sets up a cgroup's devices anew at each reload, from /dev/char; without links there a container loses
 * its GPUs (nvidia-container-toolkit #48). */
static void read_char_links(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    struct flag_fact *fact = &access->dev_char_links;
    AUTO_ARENA scratch = {0};
    bool all = true, any = false;
    if (!root_is_directory(probe->root, "/dev/char")) {
        set_unknown(fact, "not recorded", "/dev/char");
        return;
    }
    for (size_t i = 0; i < access->nodes.count; i++) {
        const struct device_node *node = &access->nodes.items[i];
        struct stat st;
        if (!text_starts(text_of(node->path), "/dev/nvidia"))
            continue;
        any = true;
        const char *link = arena_printf(&scratch, "/dev/char/%lld:%lld", (long long)number_of(node->major, 0),
                                        (long long)number_of(node->minor, 0));
        all = all && root_lstat(probe->root, link, &st) == 0;
    }
    if (any)
        set_flag(fact, all, "/dev/char");
    else
        set_unknown(fact, "no NVIDIA nodes", "/dev/char");
}

/* --- MIG ----------------------------------------------------------------------------------------------------- */

/* A file `access` names the minor number of the node that opens the instance: "DeviceFileMinor: 12". */
static void note_capability(struct probe *probe, struct arena *scratch, const char *directory,
                            struct nodes *nodes) {
    struct span bytes, line, key, value;
    int64_t minor = -1;
    if (root_read(probe->root, scratch, text_path(scratch, directory, "access"), LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    while (span_next_line(&bytes, &line))
        if (span_cut(line, ':', &key, &value) && span_eq(key, "DeviceFileMinor"))
            span_to_number(span_trim(value), 10, &minor);
    if (minor < 0)
        return;
    const char *path = arena_printf(scratch, "/dev/nvidia-caps/nvidia-cap%lld", (long long)minor);
    struct root_node node;
    int r = root_node(probe->root, scratch, path, &node);
    if (r == -ENOENT)
        node = (struct root_node){.path = path, .type = '?', .open_error = -ENOENT};
    node.read_only = true; /* their usual mode is 0444 (MIG user guide, "Device Nodes and Capabilities") */
    if ((r == 0 || r == -ENOENT) && nodes->count < LIMIT_ROWS)
        LIST_PUSH(scratch, nodes) = node;
}

static void check_capabilities(struct probe *probe, struct arena *scratch, struct nodes *nodes) {
    struct texts_fact *denied = &probe->out->access.mig_nodes_denied;
    root_nodes_open(probe->root, scratch, nodes->items, nodes->count);
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].open_error < 0)
            texts_push(probe->arena, denied, keep(probe, nodes->items[i].path));
}

static void read_mig(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const char root[] = "/proc/driver/nvidia/capabilities";
    AUTO_ARENA scratch = {0};
    struct texts gpus, graphics, compute;
    int r = root_list(probe->root, &scratch, root, &gpus);
    if (r < 0) {
        set_missing(&access->mig_instances, r, root);
        return;
    }
    struct nodes nodes = {0};
    set_listed(&access->mig_nodes_denied, root);
    int64_t instances = 0, graphics_instances = 0;
    for (size_t i = 0; i < gpus.count && i < LIMIT_KERNELS; i++) {
        const char *mig = text_path(&scratch, text_path(&scratch, root, gpus.items[i]), "mig");
        r = text_starts(gpus.items[i], "gpu") ? root_list(probe->root, &scratch, mig, &graphics) : -ENOENT;
        for (size_t j = 0; r == 0 && j < graphics.count; j++) {
            const char *instance = text_path(&scratch, mig, graphics.items[j]);
            if (!text_starts(graphics.items[j], "gi") || root_list(probe->root, &scratch, instance, &compute) < 0)
                continue;
            graphics_instances++;
            note_capability(probe, &scratch, instance, &nodes);
            for (size_t k = 0; k < compute.count; k++)
                if (text_starts(compute.items[k], "ci")) {
                    instances++;
                    note_capability(probe, &scratch, text_path(&scratch, instance, compute.items[k]), &nodes);
                }
        }
    }
    check_capabilities(probe, &scratch, &nodes);
    set_number(&access->mig_instances, instances, root);
    if (graphics_instances) /* none does not tell whether the mode is on */
        set_flag(&access->mig_enabled, true, root);
}

void access_nodes_read(struct probe *probe) {
    read_nodes(probe);
    read_modprobe(probe);
    read_groups(probe);
    read_char_links(probe);
    read_mig(probe);
}
