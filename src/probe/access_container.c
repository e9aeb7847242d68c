/* How a container got its GPU, what CDI would give, and what a scheduler granted. */
#include <errno.h>

#include "base/limits.h"
#include "format/cdi.h"
#include "format/mountinfo.h"
#include "probe/access.h"
#include "probe/look.h"

static const char not_recorded[] = "not recorded";

static void set_variable(struct probe *probe, const char *name, struct text_fact *fact) {
    bool environment_known;
    const char *value = root_env(probe->root, name, &environment_known);
    if (value)
        set_text(fact, keep(probe, value), name);
    else if (environment_known)
        set_absent(fact, name);
    else
        set_unknown(fact, not_recorded, name);
}

static bool has_gpu_node(const struct probe *probe) {
    for (size_t i = 0; i < probe->out->access.nodes.count; i++) {
        const char *path = text_of(probe->out->access.nodes.items[i].path);
        if (text_starts(path, "/dev/nvidia") &&
            ((path[11] >= '0' && path[11] <= '9') || text_eq(path, "/dev/nvidiactl")))
            return true;
    }
    return false;
}

/* The legacy hook (nvidia-container-cli) mounts the libraries one by one and a tmpfs over /proc/driver/nvidia; CDI
 * mounts the libraries only; `--device` gives nodes without libraries. */
static void read_passed_by(struct probe *probe) {
    struct text_fact *fact = &probe->out->access.gpu_passed_by;
    static const char path[] = "/proc/self/mountinfo";
    AUTO_ARENA scratch = {0};
    struct span bytes;
    struct mount mount;
    if (!known(probe->out->system.container)) {
        set_unknown(fact, "not in a container", "system.container");
        return;
    }
    int r = root_read(probe->root, &scratch, path, LIMIT_FILE, &bytes);
    if (r < 0 && r != -EFBIG) {
        set_unknown(fact, r == -ENOENT ? not_recorded : strerror(-r), path);
        return;
    }
    bool libraries = false, hidden_proc = false, nodes = false;
    while (mountinfo_next(&bytes, &mount)) {
        libraries = libraries || span_has(mount.point, "/libcuda.so") ||
                    span_has(mount.point, "/libnvidia-ml.so") ||
                    (span_starts(mount.point, "/.singularity.d/libs") && span_has(mount.root, "nvidia"));
        hidden_proc = hidden_proc || span_eq(mount.point, "/proc/driver/nvidia");
        nodes = nodes || span_starts(mount.point, "/dev/nvidia");
    }
    if (libraries)
        set_text(fact,
                 hidden_proc || text_eq(text_of(probe->out->system.container), "apptainer") ? "mounts" : "cdi",
                 path);
    else if (nodes || has_gpu_node(probe))
        set_text(fact, "devices", nodes ? path : "/dev");
    else
        set_absent(fact, path);
}

/* --- CDI ----------------------------------------------------------------------------------------------------- */

static void read_cdi(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const char *const directories[] = {"/etc/cdi", "/var/run/cdi"};
    static const char source[] = "/etc/cdi, /var/run/cdi";
    set_absent(&access->cdi_specs, source);
    for (size_t i = 0; i < 2; i++) {
        AUTO_ARENA scratch = {0};
        struct texts names;
        int r = root_list(probe->root, &scratch, directories[i], &names);
        if (r < 0 && r != -EFBIG) {
            if (r != -ENOENT && r != -ENOTDIR && !known(access->cdi_specs))
                set_missing(&access->cdi_specs, r, directories[i]);
            continue;
        }
        if (!known(access->cdi_specs))
            set_listed(&access->cdi_specs, source);
        for (size_t j = 0; j < names.count && access->cdi_specs.count < LIMIT_ROWS; j++) {
            AUTO_ARENA one = {0};
            struct span bytes;
            struct cdi cdi;
            const char *path = text_path(&one, directories[i], names.items[j]);
            if (!text_ends(path, ".yaml") && !text_ends(path, ".yml") && !text_ends(path, ".json"))
                continue;
            r = root_read(probe->root, &one, path, LIMIT_FILE, &bytes);
            if ((r < 0 && r != -EFBIG) || cdi_parse(bytes, &one, &cdi) < 0 || !cdi.nvidia)
                continue;
            struct cdi_spec *spec = &LIST_PUSH(probe->arena, &access->cdi_specs);
            set_text(&spec->path, keep(probe, path), NULL);
            set_number(&spec->devices, (int64_t)cdi.devices, NULL);
            if (cdi.version.count)
                set_text(&spec->driver_version, arena_copy(probe->arena, cdi.version.text), NULL);
            else
                set_absent(&spec->driver_version, NULL);
            set_listed(&spec->missing, NULL);
            for (size_t k = 0; k < cdi.mounts.count; k++)
                if (!root_exists(probe->root, cdi.mounts.items[k]))
                    texts_push(probe->arena, &spec->missing, keep(probe, cdi.mounts.items[k]));
            set_listed(&spec->nodes, NULL);
            for (size_t k = 0; k < cdi.nodes.count; k++)
                texts_push(probe->arena, &spec->nodes, keep(probe, cdi.nodes.items[k]));
        }
    }
}

/* --- schedulers ---------------------------------------------------------------------------------------------- */

/* The first variable of a list that says something. */
static const char *first_filled(const struct probe *probe, const char *const *names, size_t count,
                                const char **ret_name) {
    for (size_t i = 0; i < count; i++) {
        const char *value = look_env_filled(probe, names[i]);
        if (value) {
            *ret_name = names[i];
            return value;
        }
    }
    return NULL;
}

/* srun and sbatch tell the devices by index; where a job asked for none CUDA_VISIBLE_DEVICES is "NoDevFiles" or
 * unset. */
static void read_slurm(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const char *const lists[] = {"SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "GPU_DEVICE_ORDINAL"};
    static const char *const counts[] = {"SLURM_GPUS_ON_NODE", "SLURM_GPUS_PER_NODE", "SLURM_GPUS_PER_TASK",
                                         "SLURM_GPUS"};
    const char *name = "SLURM_JOB_ID", *devices = first_filled(probe, lists, 3, &name);
    const char *count = devices ? NULL : first_filled(probe, counts, 4, &name);
    if (devices || (count && !text_eq(count, "0"))) {
        set_flag(&access->scheduler_granted, true, name);
        set_text(&access->scheduler_devices, keep(probe, devices ? devices : count), name);
    } else {
        set_flag(&access->scheduler_granted, false, "SLURM_JOB_GPUS");
        set_absent(&access->scheduler_devices, "SLURM_JOB_GPUS");
    }
}

static void read_kubernetes(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    const char *devices = look_env_filled(probe, "NVIDIA_VISIBLE_DEVICES");
    if (text_eq(devices, "void") || text_eq(devices, "none")) {
        set_flag(&access->scheduler_granted, false, "NVIDIA_VISIBLE_DEVICES");
    } else if (has_gpu_node(probe)) {
        set_flag(&access->scheduler_granted, true, "/dev");
        if (devices)
            set_text(&access->scheduler_devices, keep(probe, devices), "NVIDIA_VISIBLE_DEVICES");
    } else if (known(access->nodes)) {
        /* "all" is written into CUDA's images and grants nothing */
        set_flag(&access->scheduler_granted, false, "/dev");
    } else {
        set_unknown(&access->scheduler_granted, "device nodes are not known", "/dev");
    }
}

static void read_scheduler(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    static const struct {
        const char *variable, *name;
        void (*read)(struct probe *probe);
    } schedulers[] = {{"SLURM_JOB_ID", "slurm", read_slurm},
                      {"SLURM_JOBID", "slurm", read_slurm},
                      {"PBS_JOBID", "pbs", NULL},
                      {"LSB_JOBID", "lsf", NULL},
                      {"SGE_TASK_ID", "sge", NULL},
                      {"KUBERNETES_SERVICE_HOST", "kubernetes", read_kubernetes}};
    static const char *const configurations[] = {"/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf",
                                                 "/etc/pbs.conf"};
    const struct texts *environment;
    if (root_environment(probe->root, &environment) < 0) {
        set_unknown(&access->scheduler, not_recorded, "environment");
        return;
    }
    for (size_t i = 0; i < sizeof schedulers / sizeof *schedulers; i++)
        if (look_env_filled(probe, schedulers[i].variable)) {
            set_text(&access->scheduler, schedulers[i].name, schedulers[i].variable);
            set_flag(&access->scheduler_outside, false, schedulers[i].variable);
            if (schedulers[i].read)
                schedulers[i].read(probe);
            return;
        }
    set_absent(&access->scheduler, "environment");
    set_flag(&access->scheduler_outside, false, configurations[0]);
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++)
        if (root_exists(probe->root, configurations[i]))
            set_flag(&access->scheduler_outside, true, configurations[i]);
}

void access_container_read(struct probe *probe) {
    struct access_facts *access = &probe->out->access;
    set_variable(probe, "NVIDIA_VISIBLE_DEVICES", &access->nvidia_visible_devices);
    set_variable(probe, "NVIDIA_DRIVER_CAPABILITIES", &access->nvidia_driver_capabilities);
    read_passed_by(probe);
    read_cdi(probe);
    read_scheduler(probe);
}
