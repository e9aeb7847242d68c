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

struct nodes {
    struct probe *probe;
    bool tried, denied;
};

/* Opening is what every CUDA program does first. A GPU that fell off the bus is left alone: its driver may wait
 * long. */
static void add_node(struct nodes *nodes, const char *path) {
    struct probe *probe = nodes->probe;
    struct root_node node;
    bool dead = false;
    for (size_t i = 0; i < probe->out->gpu.devices.count; i++)
        dead = dead || is_true(probe->out->gpu.devices.items[i].config_dead);
    bool is_gpu = text_starts(path, "/dev/nvidia") && path[11] >= '0' && path[11] <= '9';
    bool is_capability = text_starts(path, "/dev/nvidia-caps"); /* for MIG: see read_mig; most are root's alone */
    if (probe->out->access.nodes.count >= LIMIT_ROWS ||
        root_node(probe->root, probe->arena, path, !is_capability && !(dead && is_gpu), &node) < 0)
        return;
    if (is_capability)
        node.open_error = 1;
    struct device_node *row = &LIST_PUSH(probe->arena, &probe->out->access.nodes);
    set_text(&row->path, keep(probe, path), "stat");
    set_number(&row->major, node.major, NULL);
    set_number(&row->minor, node.minor, NULL);
    set_text(&row->mode, arena_printf(probe->arena, "%04o", node.mode), NULL);
    set_number(&row->uid, node.uid, NULL);
    set_number(&row->gid, node.gid, NULL);
    if (node.type == '?')
        set_text(&row->open_error, "no device node", NULL);
    else if (node.open_error == 1)
        set_unknown(&row->open_error, "not tried", NULL);
    else if (node.open_error == 0)
        set_absent(&row->open_error, "open");
    else
        set_text(&row->open_error, error_name(probe->arena, node.open_error), "open");
    const struct root_identity *id = root_identity(probe->root);
    if (node.type == '?' || node.open_error == 1 || !id->known || !text_starts(path, "/dev/nvidia"))
        return;
    nodes->tried = true;
    nodes->denied = nodes->denied || (node.open_error == -EPERM && mode_allows(id, &node));
}

static void read_nodes(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const struct {
        const char *directory, *prefix;
    } places[] = {{"/dev", "nvidia"},      {"/dev/nvidia-caps", ""}, {"/dev/nvidia-caps-imex-channels", ""},
                  {"/dev", "dxg"},         {"/dev", "nvhost"},       {"/dev", "nvmap"},
                  {"/dev/nvgpu/igpu0", ""}};
    AUTO_ARENA scratch = {0};
    struct nodes nodes = {.probe = probe};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct texts paths;
        int r = root_nodes(probe->root, &scratch, places[i].directory, places[i].prefix, &paths);
        if (i == 0 && r < 0) {
            set_missing(&access->nodes, r == -ENOENT ? -ENODATA : r, "/dev");
            set_unknown(&access->cgroup_denied, "no node could be tried", "/dev");
            return;
        }
        if (i == 0)
            set_listed(&access->nodes, "/dev");
        for (size_t j = 0; r == 0 && j < paths.count; j++)
            add_node(&nodes, paths.items[j]);
    }
    if (nodes.tried)
        set_flag(&access->cgroup_denied, nodes.denied, "open");
    else
        set_unknown(&access->cgroup_denied, "no node could be tried", "/dev");
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
static void check_capability(struct probe *probe, struct arena *scratch, const char *directory) {
    struct span bytes, line, key, value;
    int64_t minor = -1;
    struct root_node node;
    if (root_read(probe->root, scratch, text_path(scratch, directory, "access"), LIMIT_SMALL_FILE, &bytes) < 0)
        return;
    while (span_next_line(&bytes, &line))
        if (span_cut(line, ':', &key, &value) && span_eq(key, "DeviceFileMinor"))
            span_to_number(span_trim(value), 10, &minor);
    if (minor < 0)
        return;
    const char *path = arena_printf(scratch, "/dev/nvidia-caps/nvidia-cap%lld", (long long)minor);
    int r = root_node(probe->root, scratch, path, true, &node);
    struct texts_fact *denied = &probe->out->access.mig_nodes_denied;
    if ((r == -ENOENT || (r == 0 && node.open_error < 0)) && denied->count < LIMIT_ROWS)
        texts_push(probe->arena, denied, keep(probe, path));
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
            check_capability(probe, &scratch, instance);
            for (size_t k = 0; k < compute.count; k++)
                if (text_starts(compute.items[k], "ci")) {
                    instances++;
                    check_capability(probe, &scratch, text_path(&scratch, instance, compute.items[k]));
                }
        }
    }
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
