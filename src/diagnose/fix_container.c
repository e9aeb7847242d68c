/* Start the container with the GPU, for this kind of container; ask a cluster for a GPU. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"

const char *container_engine(const struct judge *judge) {
    static const struct {
        const char *kind, *engine;
    } names[] = {{"podman", "podman"},      {"nerdctl", "nerdctl"},     {"containerd", "nerdctl"},
                 {"kubernetes", "kubectl"}, {"apptainer", "apptainer"}, {"lxc", "lxc"},
                 {"enroot", "enroot"},      {"toolbox", "toolbox"},     {"singularity", "apptainer"}};
    static const char *const programs[] = {"nerdctl", "podman", "apptainer", "kubectl", "enroot"};
    const char *kind = text_of(judge->facts->system.container);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(kind, names[i].kind))
            return names[i].engine;
    for (size_t i = 0; i < sizeof programs / sizeof *programs && !typed(judge, "docker", NULL); i++)
        if (typed(judge, programs[i], NULL))
            return programs[i];
    return typed(judge, "singularity", NULL) ? "apptainer" : "docker";
}

static bool composed(const struct judge *judge) {
    return typed(judge, "docker", "compose", NULL) || typed(judge, "docker-compose", NULL);
}

/* Docker, and nerdctl, which took over its options. */
static void run_docker(struct judge *judge, struct cause *cause, const char *engine) {
    if (composed(judge))
        cause_fix(judge, cause,
                  "In compose.yaml, under the service (then see that nvidia-smi lists the GPU inside): deploy: "
                  "{resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}",
                  "docker compose up --detach", "docker compose exec SERVICE nvidia-smi", NULL);
    else if (text_eq(engine, "nerdctl"))
        cause_fix(judge, cause, "Start the container with the GPU", "nerdctl run --gpus all ...", NULL);
    else if (!fix_table_of(judge, cause, "docker", "run-with-gpu"))
        cause_fix(judge, cause, "Start the container with the GPU: docker run --gpus all, before the image's name",
                  NULL);
}

/* What the engine is told once the toolkit is there, and a container that shows whether it worked. */
struct engine_steps {
    const char *system, *name, *check;
};

static struct engine_steps steps_of(const char *engine) {
    if (text_eq(engine, "kubectl"))
        return (struct engine_steps){"containerd", "containerd", "sudo systemctl restart kubelet"};
    if (text_eq(engine, "nerdctl"))
        return (struct engine_steps){"containerd", "containerd",
                                     "sudo nerdctl run --rm --gpus all ubuntu nvidia-smi"};
    if (text_eq(engine, "podman") || text_eq(engine, "toolbox"))
        return (struct engine_steps){"podman", "Podman",
                                     "podman run --rm --device nvidia.com/gpu=all ubuntu nvidia-smi"};
    return (struct engine_steps){"docker", "Docker", "docker run --rm --gpus all ubuntu nvidia-smi"};
}

static void add_steps(struct judge *judge, struct fix *fix, const struct engine_steps *steps) {
    struct cause rows = {0};
    fix_table_of(judge, &rows, steps->system, "configure-runtime");
    for (size_t i = 0; rows.fixes.count && i < rows.fixes.items[0].commands.count; i++)
        texts_add(judge->arena, &fix->commands, rows.fixes.items[0].commands.items[i]);
    texts_add(judge->arena, &fix->commands, steps->check);
    fix->needs_root = true;
}

/* The engine knows nothing of GPUs: the toolkit is not there, or only not made known to it. */
static void set_up_engine(struct judge *judge, struct cause *cause, const char *engine) {
    struct engine_steps steps = steps_of(engine);
    bool installed = printed_any(judge, "docker_unknown_runtime", "cri_unknown_runtime", "plugin_no_runtime",
                                 "cdi_unresolvable", NULL) != NULL;
    if (installed) /* perhaps: the cheaper step first */
        add_steps(
            judge,
            cause_fix(judge, cause,
                      arena_printf(judge->arena,
                                   "On the host, where the NVIDIA Container Toolkit is installed: make %s know "
                                   "the GPUs and try",
                                   steps.name),
                      NULL),
            &steps);
    size_t before = cause->fixes.count;
    fix_table_or(judge, cause, "install-container-toolkit", "Install the NVIDIA container toolkit");
    for (size_t i = before; i < cause->fixes.count; i++) {
        struct fix *fix = &cause->fixes.items[i];
        fix->title = arena_printf(judge->arena, "%s%s, make %s know it and try",
                                  text_starts(fix->title, "On ") ? "" : "On the host: ", fix->title, steps.name);
        add_steps(judge, fix, &steps);
    }
}

void fix_container_run(struct judge *judge, struct cause *cause) {
    const char *engine = container_engine(judge);
    bool cluster = printed_any(judge, "cri_unknown_runtime", "plugin_no_runtime", NULL) ||
                   text_eq(text_of(judge->facts->access.scheduler), "kubernetes");
    if (cluster)
        engine = "kubectl";
    if (printed_any(judge, "docker_no_gpu_driver", "docker_unknown_runtime", "cdi_unresolvable",
                    "cri_unknown_runtime", "plugin_no_runtime", NULL)) {
        set_up_engine(judge, cause, engine);
        if (cluster)
            fix_table_of(judge, cause, "kubernetes", "install-operator");
        return;
    }
    if (text_eq(engine, "kubectl")) {
        cause_fix(
            judge, cause, "Ask for the GPU in the pod: resources.limits: nvidia.com/gpu: 1",
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,GPUS:.status.allocatable.nvidia\\.com/gpu",
            NULL);
        fix_table_of(judge, cause, "kubernetes", "install-operator");
    } else if (text_eq(engine, "apptainer")) {
        cause_fix(judge, cause, "Start it with the GPU", "apptainer exec --nv IMAGE COMMAND", NULL);
    } else if (text_eq(engine, "lxc")) {
        cause_fix(judge, cause, "Give the container the GPU (on the host)", "lxc config device add NAME gpu gpu",
                  "lxc config set NAME nvidia.runtime=true", "lxc restart NAME", NULL);
    } else if (text_eq(engine, "enroot")) {
        cause_fix(judge, cause, "Start it with the GPU", "enroot start --env NVIDIA_VISIBLE_DEVICES=all NAME",
                  NULL);
    } else if (text_eq(engine, "podman") || text_eq(engine, "toolbox")) {
        struct engine_steps steps = steps_of(engine);
        cause_fix(judge, cause, "Start the container with the GPU", "podman run --device nvidia.com/gpu=all ...",
                  NULL);
        add_steps(judge,
                  cause_fix(judge, cause,
                            "Where it then knows no such device: describe the GPUs to Podman (CDI) and try", NULL),
                  &steps);
    } else {
        run_docker(judge, cause, engine);
    }
}

void fix_container_capabilities(struct judge *judge, struct cause *cause) {
    const char *engine = container_engine(judge);
    if (text_eq(engine, "kubectl"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver, in the pod's environment",
                  "kubectl set env deployment/NAME NVIDIA_DRIVER_CAPABILITIES=compute,utility", NULL);
    else if (text_eq(engine, "apptainer"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver",
                  "export NVIDIA_DRIVER_CAPABILITIES=compute,utility", "apptainer exec --nv IMAGE COMMAND", NULL);
    else if (text_eq(engine, "lxc"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver (on the host)",
                  "lxc config set NAME nvidia.driver.capabilities=compute,utility", "lxc restart NAME", NULL);
    else if (text_eq(engine, "enroot"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver",
                  "enroot start --env NVIDIA_DRIVER_CAPABILITIES=compute,utility NAME", NULL);
    else if (text_eq(engine, "podman"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver",
                  "podman run --device nvidia.com/gpu=all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ...",
                  NULL);
    else if (composed(judge))
        cause_fix(judge, cause,
                  "In compose.yaml, under the service: environment: [NVIDIA_DRIVER_CAPABILITIES=compute,utility]",
                  "docker compose up --detach", NULL);
    else if (text_eq(engine, "nerdctl") || !fix_table_of(judge, cause, "docker", "driver-capabilities"))
        cause_fix(judge, cause, "Ask for CUDA's part of the driver",
                  arena_printf(judge->arena, "%s run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ...",
                               engine),
                  NULL);
    if (text_eq(engine, "podman")) /* CDI mounts what the description lists, whatever the variable says */
        fix_table_of(judge, cause, "podman", "configure-runtime");
    if (!text_eq(engine, "lxc"))
        cause_fix(judge, cause,
                  "In the image, for all who start it: ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility", NULL);
}

void fix_container_again(struct judge *judge, struct cause *cause) {
    const char *engine = container_engine(judge);
    if (text_eq(engine, "kubectl"))
        cause_fix(judge, cause,
                  "Start the pod anew; for good: on the node pass GPUs by CDI, or keep systemd from reloading",
                  "kubectl delete pod NAME", NULL);
    else if (text_eq(engine, "podman") || text_eq(engine, "lxc") || text_eq(engine, "nerdctl"))
        cause_fix(judge, cause, "Start the container anew (on the host)",
                  arena_printf(judge->arena, "%s restart NAME", engine), NULL);
    else if (!text_eq(engine, "docker") || !fix_table_of(judge, cause, "docker", "gpu-lost"))
        cause_fix(judge, cause, "Start the container again, with --device for each node, or with CDI", NULL);
}

void fix_job(struct judge *judge, struct cause *cause) {
    const struct access_facts *access = &judge->facts->access;
    const char *name = text_of(access->scheduler);
    bool pbs = text_eq(name, "pbs") || text_has(access->scheduler_outside.is.source, "pbs");
    const char *command = pbs                    ? "qsub -I -l select=1:ngpus=1"
                          : text_eq(name, "lsf") ? "bsub -Is -gpu num=1 bash"
                          : text_eq(name, "sge") ? "qrsh -l gpu=1"
                                                 : "srun --gres=gpu:1 --pty bash";
    cause_fix(judge, cause, "Ask the scheduler for a GPU, and work in the shell that it gives", command,
              "nvidia-smi -L", NULL);
    if (!pbs && (!name || text_eq(name, "slurm")))
        cause_fix(judge, cause, "In a batch script: a line #SBATCH --gres=gpu:1; which GPUs the cluster has shows",
                  "sinfo -o '%P %G'", NULL);
}
