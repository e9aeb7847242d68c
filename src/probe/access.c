/* Link 3: whether this process may use the GPU. Here: the driver's helpers among the processes, MPS, /dev/shm;
 * nodes and containers: access_*.c. */
#include <errno.h>

#include "base/limits.h"
#include "format/mountinfo.h"
#include "probe/access.h"
#include "probe/look.h"

/* --- processes ----------------------------------------------------------------------------------------------- */

/* The kernel keeps 15 bytes of a name. */
static const struct helper {
    const char *comm;
    size_t offset;
} helpers[] = {{"nv-fabricmanage", offsetof(struct access_facts, fabric_manager_running)},
               {"nvidia-cuda-mps", offsetof(struct access_facts, mps_running)},
               {"nvidia-gridd", offsetof(struct access_facts, gridd_running)},
               {"nvidia-persiste", offsetof(struct access_facts, persistence)}};
enum { HELPER_COUNT = sizeof helpers / sizeof *helpers };

static struct flag_fact *helper_fact(struct probe *probe, size_t i) {
    return (struct flag_fact *)((char *)&probe->out->access + helpers[i].offset);
}

static void set_helpers_unknown(struct probe *probe, const char *reason) {
    for (size_t i = 0; i < HELPER_COUNT; i++)
        if (!known(*helper_fact(probe, i)))
            set_unknown(helper_fact(probe, i), reason, "/proc");
}

/* Only where there is a driver to help: a busy server has ten thousand processes. */
static void read_processes(struct probe *probe) {
    const struct snapshot *facts = probe->out;
    AUTO_ARENA arena = {0};
    struct texts names;
    if (!is_true(facts->driver.module_loaded) && !facts->gpu.devices.count &&
        !number_of(facts->gpu.nvswitches, 0)) {
        set_helpers_unknown(probe, "not looked for: neither GPU nor driver is here");
        return;
    }
    int r = root_list(probe->root, &arena, "/proc", &names);
    bool any = false;
    for (size_t i = 0; (r == 0 || r == -EFBIG) && i < names.count; i++) {
        AUTO_ARENA scratch = {0};
        if (names.items[i][0] < '0' || names.items[i][0] > '9')
            continue;
        const char *path = arena_printf(&scratch, "/proc/%s/comm", names.items[i]);
        const char *comm = look_line(probe, &scratch, path);
        any = any || comm;
        for (size_t j = 0; comm && j < HELPER_COUNT; j++)
            if (text_eq(comm, helpers[j].comm))
                set_flag(helper_fact(probe, j), true, keep(probe, path));
    }
    /* a container sees its own processes only, and hidepid= hides other users' */
    if (!any || r < 0 || known(facts->system.container)) {
        set_helpers_unknown(probe,
                            !any ? "no processes to be seen" : "a container does not see the host's processes");
        return;
    }
    for (size_t j = 0; j < HELPER_COUNT; j++)
        if (!known(*helper_fact(probe, j)))
            set_flag(helper_fact(probe, j), false, "/proc");
}

/* --- the rest ------------------------------------------------------------------------------------------------ */

static void read_fabric_manager(struct probe *probe) {
    const struct snapshot *facts = probe->out;
    struct access_facts *access = &probe->out->access;
    if (known(facts->gpu.nvswitches))
        set_flag(&access->fabric_manager_needed, facts->gpu.nvswitches.value > 0, facts->gpu.nvswitches.is.source);
    else
        set_unknown(&access->fabric_manager_needed, "the PCI bus is not readable", "gpu.nvswitches");
    for (size_t i = 0; i < facts->driver.packages.count; i++) {
        const struct driver_package *package = &facts->driver.packages.items[i];
        if (text_has(text_of(package->name), "fabricmanager") && !text_has(text_of(package->name), "dev") &&
            !text_eq(text_of(package->state), "removed"))
            set_text(&access->fabric_manager_version, text_of(package->version), text_of(package->name));
    }
    if (!known(access->fabric_manager_version) && known(facts->driver.packages))
        set_absent(&access->fabric_manager_version, facts->driver.packages.is.source);
}

static void read_mps(struct probe *probe) {
    struct text_fact *fact = &probe->out->access.mps;
    const char *directory = look_env_filled(probe, "CUDA_MPS_PIPE_DIRECTORY");
    static const char usual[] = "/tmp/nvidia-mps";
    if (directory)
        set_text(fact, keep(probe, directory), "CUDA_MPS_PIPE_DIRECTORY");
    else if (root_is_directory(probe->root, usual))
        set_text(fact, usual, usual);
    else
        set_absent(fact, usual);
}

/* vGPU profiles end in memory and kind: "GRID T4-8C", "NVIDIA A40-48Q"; the driver tells the model in /proc. */
static bool is_vgpu_name(const char *name) {
    const char *dash = name ? strrchr(name, '-') : NULL;
    size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;
    return digits && dash[digits + 1] && strchr("ABCQ", dash[digits + 1]) && !dash[digits + 2];
}

static void read_vgpu(struct probe *probe) {
    struct flag_fact *fact = &probe->out->access.vgpu;
    const struct gpu_device_rows *gpus = &probe->out->gpu.devices;
    for (size_t i = 0; i < gpus->count; i++) {
        const struct text_fact *name = &gpus->items[i].name;
        if (!text_starts(name->is.source, "/proc/driver/nvidia"))
            continue;
        set_flag(fact, is_vgpu_name(text_of(*name)), name->is.source);
        if (fact->value)
            return;
    }
    if (!known(*fact))
        set_unknown(fact, "no driver that would tell", "/proc/driver/nvidia/gpus");
}

/* tmpfs without a size takes half of the memory (tmpfs(5)). */
static void read_shm(struct probe *probe) {
    struct number_fact *fact = &probe->out->access.shm_mib;
    static const char path[] = "/proc/self/mountinfo", point[] = "/dev/shm";
    AUTO_ARENA scratch = {0};
    struct span bytes, line, key, value, number_word;
    struct mount mount;
    int64_t kib;
    int r = root_read(probe->root, &scratch, path, LIMIT_FILE, &bytes);
    if (r < 0 && r != -EFBIG) {
        set_unknown(fact, r == -ENOENT ? "not recorded" : strerror(-r), path);
        return;
    }
    bool found = false;
    while (mountinfo_next(&bytes, &mount)) {
        if (!span_eq(mount.point, point))
            continue;
        found = true;
        kib = mount_size_kib(mount.options);
        if (kib >= 0) {
            set_number(fact, kib / 1024, path);
            return;
        }
    }
    if (!found) {
        set_absent(fact, path);
        return;
    }
    r = root_read(probe->root, &scratch, "/proc/meminfo", LIMIT_SMALL_FILE, &bytes);
    while (r == 0 && span_next_line(&bytes, &line))
        if (span_cut(line, ':', &key, &value) && span_eq(key, "MemTotal") &&
            span_next_word(&value, &number_word) && span_to_number(number_word, 10, &kib) == 0) {
            set_number(fact, kib / 2 / 1024, "/proc/meminfo");
            return;
        }
    set_unknown(fact, "mounted without a size", path);
}

void probe_access(struct probe *probe) {
    access_nodes_read(probe);
    access_container_read(probe);
    read_processes(probe);
    read_fabric_manager(probe);
    read_mps(probe);
    read_vgpu(probe);
    read_shm(probe);
}
