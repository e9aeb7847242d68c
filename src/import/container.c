/* How a container or a job was started: docker, podman, nerdctl, singularity, compose files, Dockerfiles, kubectl
 * and manifests, srun and sbatch. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

struct container {
    bool kubernetes; /* lines of a manifest or of kubectl describe */
    bool run;        /* the command starts a container */
};

/* --- docker run ---------------------------------------------------------------------------------------------- */

/* Where the options end: the image. What stands behind it goes to the program in the container. */
static struct span options_of(struct span command, struct span *ret_image) {
    static const char *const with_value[] = {"-v",
                                             "-p",
                                             "-e",
                                             "-w",
                                             "-u",
                                             "-h",
                                             "-m",
                                             "--name",
                                             "--env",
                                             "--volume",
                                             "--publish",
                                             "--user",
                                             "--network",
                                             "--net",
                                             "--ipc",
                                             "--shm-size",
                                             "--entrypoint",
                                             "--mount",
                                             "--device",
                                             "--gpus",
                                             "--runtime",
                                             "--workdir",
                                             "--memory",
                                             "--cpus",
                                             "--env-file",
                                             "--ulimit",
                                             "--hostname",
                                             "--pid",
                                             "--security-opt",
                                             "--cap-add",
                                             "--group-add",
                                             "--restart",
                                             "--platform",
                                             "--volumes-from",
                                             "--add-host",
                                             "--label",
                                             "-l",
                                             "--userns",
                                             "--cpuset-cpus",
                                             "--device-cgroup-rule",
                                             "--hooks-dir",
                                             "-c",
                                             "--cgroupns"};
    struct span rest = command, word;
    *ret_image = (struct span){"", 0};
    bool run = false, value = false;
    while (span_next_word(&rest, &word)) {
        if (!run) {
            run = span_eq(word, "run") || span_eq(word, "create");
            continue;
        }
        if (value) {
            value = false;
            continue;
        }
        if (word.ptr[0] != '-') {
            *ret_image = word;
            return span_from(command.ptr, (size_t)(word.ptr - command.ptr));
        }
        for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
            value |= span_eq(word, with_value[i]);
    }
    return command;
}

/* -e NAME=value and --env NAME=value */
static void read_environment(struct reading *reading, struct span options) {
    struct span rest = options, word, name, value;
    bool next = false;
    while (span_next_word(&rest, &word)) {
        if (next || span_starts(word, "--env=") ||
            (span_starts(word, "-e") && word.len > 2 && word.ptr[1] == 'e')) {
            struct span text = next ? word : span_slice(word, word.ptr[1] == '-' ? 6 : 2, word.len);
            if (span_cut(span_unquote(text), '=', &name, &value))
                read_variable(reading, name, value);
        }
        next = span_eq(word, "-e") || span_eq(word, "--env");
    }
}

/* --gpus capabilities=utility,device=0: what the driver's parts are limited to. */
static void read_gpus_value(struct reading *reading, struct span value) {
    struct span capabilities;
    if (!after_key(value, "capabilities=", &capabilities))
        return;
    size_t end = span_find(capabilities, ",device");
    capabilities = span_slice(capabilities, 0, end == SIZE_MAX ? capabilities.len : end);
    while (capabilities.len && strchr("'\"", capabilities.ptr[capabilities.len - 1]))
        capabilities.len--;
    put_text(reading, &reading->facts->access.nvidia_driver_capabilities, capabilities);
}

static void read_run(struct reading *reading, struct span command, const char *program) {
    struct access_facts *access = &reading->facts->access;
    struct span image, options = options_of(command, &image), value;
    note_word(reading, &reading->facts->system.container, program);
    if (image.len)
        note_text(reading, &access->image, image);
    read_environment(reading, options);
    const char *by = NULL;
    if (command_option(options, "--gpus", &value)) {
        by = "gpus";
        read_gpus_value(reading, value);
    } else if (command_option(options, "--device", &value) && span_has(options, "nvidia.com/gpu")) {
        by = "cdi";
    } else if (command_option(options, "--runtime", &value) && span_eq(value, "nvidia")) {
        by = "runtime";
    } else if (span_has(options, "--device") && span_has(options, "/dev/nvidia")) {
        by = "devices";
    } else if (span_has(options, "libcuda.so") || span_has(options, "hooks-dir")) {
        by = "mounts";
    }
    if (by)
        note_word(reading, &access->gpu_passed_by, by);
    else
        note_absent(reading, &access->gpu_passed_by.is);
}

static void read_singularity(struct reading *reading, struct span command) {
    note_word(reading, &reading->facts->system.container, "apptainer");
    if (command_option(command, "--nv", NULL) || command_option(command, "--nvccli", NULL))
        note_word(reading, &reading->facts->access.gpu_passed_by, "nv");
    else
        note_absent(reading, &reading->facts->access.gpu_passed_by.is);
}

/* --- jobs ---------------------------------------------------------------------------------------------------- */

/* A job that names no GPU gets none (slurm.schedmd.com/gres.html); several options name one. */
static void read_slurm(struct reading *reading, struct span command, bool complete) {
    static const char *const options[] = {
        "--gres",          "--gpus",       "-G", "--gpus-per-node", "--gpus-per-task", "--gpus-per-socket",
        "--tres-per-task", "--constraint", "-C", "--exclusive"};
    struct access_facts *access = &reading->facts->access;
    struct span value;
    note_word(reading, &access->scheduler, "slurm");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (command_option(command, options[i], &value) && (i > 0 || span_has(value, "gpu"))) {
            bool none = span_eq(value, "0") || span_ends(value, ":0");
            put_flag(reading, &access->scheduler_granted, !none);
            if (value.len)
                note_text(reading, &access->scheduler_devices, value);
            return;
        }
    (void)complete;
    if (!is_true(access->scheduler_granted))
        note_flag(reading, &access->scheduler_granted, false);
}

/* PBS, LSF and Grid Engine name GPUs in many ways (ngpus=1, gpus=1, -gpu num=1, -l gpu=1, a queue "gpu"), all with
 * the word in them: resources that are asked for without it are asked for without a GPU. */
static void read_batch(struct reading *reading, struct span text, const char *scheduler) {
    struct access_facts *access = &reading->facts->access;
    bool gpu = span_find_nocase(text, "gpu") != SIZE_MAX || span_find_nocase(text, "cuda") != SIZE_MAX ||
               span_find_nocase(text, "a100") != SIZE_MAX || span_find_nocase(text, "v100") != SIZE_MAX;
    bool resources = command_option(text, "-l", NULL) || command_option(text, "-n", NULL) ||
                     command_option(text, "-R", NULL) || command_option(text, "-pe", NULL);
    bool name = command_option(text, "-N", NULL) || command_option(text, "-J", NULL) ||
                command_option(text, "-o", NULL) || command_option(text, "-e", NULL);
    note_word(reading, &access->scheduler, scheduler);
    if (gpu && !name)
        put_flag(reading, &access->scheduler_granted, true);
    else if (resources && !is_true(access->scheduler_granted))
        note_flag(reading, &access->scheduler_granted, false);
}

static bool batch_line(struct reading *reading, struct span whole) {
    static const struct {
        const char *mark, *scheduler;
    } marks[] = {{"#PBS ", "pbs"}, {"#BSUB ", "lsf"}, {"#$ -", "sge"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (span_starts(whole, marks[i].mark)) {
            read_batch(reading, whole, marks[i].scheduler);
            reading_kind(reading, marks[i].scheduler);
            return true;
        }
    return false;
}

/* --- commands ------------------------------------------------------------------------------------------------ */

static void read_command(struct reading *reading, void *memory) {
    struct container *state = memory;
    struct span command = reading->command, program = reading->program;
    *state = (struct container){.kubernetes = span_eq(program, "kubectl") || span_has(command, ".yaml")};
    static const struct {
        const char *program, *name;
    } engines[] = {{"docker", "docker"},
                   {"podman", "podman"},
                   {"nerdctl", "nerdctl"},
                   {"nvidia-docker", "docker"},
                   {"nvidia-docker2", "docker"}};
    bool composed = span_has(command, "compose");
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (!span_eq(program, engines[i].program))
            continue;
        struct span rest = command, verb;
        span_next_word(&rest, &verb);
        span_next_word(&rest, &verb);
        if (span_eq(verb, "run") || span_eq(verb, "create")) {
            state->run = true;
            if (span_starts(program, "nvidia-docker"))
                note_word(reading, &reading->facts->access.gpu_passed_by, "runtime");
            read_run(reading, command, engines[i].name);
        } else if (composed || span_eq(verb, "exec")) {
            note_word(reading, &reading->facts->system.container, engines[i].name);
        }
    }
    if (span_eq(program, "docker-compose"))
        note_word(reading, &reading->facts->system.container, "docker");
    bool singularity = span_eq(program, "singularity") || span_eq(program, "apptainer");
    if (singularity && (span_has(command, " exec ") || span_has(command, " run ") || span_has(command, " shell ")))
        read_singularity(reading, command);
    if (span_eq(program, "kubectl") && span_has(command, " exec "))
        note_word(reading, &reading->facts->system.container, "kubernetes");
    if (span_eq(program, "bsub"))
        read_batch(reading, command, "lsf");
    if (span_eq(program, "srun") || span_eq(program, "salloc"))
        read_slurm(reading, command, true);
    else if (span_eq(program, "sbatch"))
        read_slurm(reading, command, false); /* the script may ask for them */
    else if (span_eq(program, "enroot"))
        note_word(reading, &reading->facts->system.container, "enroot");
    else if (state->kubernetes && span_eq(program, "kubectl"))
        note_word(reading, &reading->facts->access.scheduler, "kubernetes");
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool dockerfile_line(struct reading *reading, struct span text) {
    struct span rest = text, word, image;
    span_next_word(&rest, &word);
    if (!span_eq(word, "FROM") || !span_next_word(&rest, &image) ||
        !(memchr(image.ptr, ':', image.len) || memchr(image.ptr, '/', image.len)))
        return false;
    if (image.ptr[0] == '-') /* --platform=… */
        span_next_word(&rest, &image);
    note_text(reading, &reading->facts->access.image, image);
    note_word(reading, &reading->facts->system.container, "docker");
    reading_kind(reading, "Dockerfile");
    return true;
}

/* compose files: "image: x", "runtime: nvidia", "driver: nvidia", "capabilities: [gpu]" */
static bool compose_line(struct reading *reading, struct span text) {
    struct span value;
    struct access_facts *access = &reading->facts->access;
    if (span_starts(text, "image:") && after_key(text, "image:", &value) && value.len) {
        note_text(reading, &access->image, span_unquote(value));
        note_word(reading, &reading->facts->system.container, "docker");
        reading_kind(reading, "compose");
        return true;
    }
    if (span_eq(text, "runtime: nvidia") || span_eq(text, "runtime: \"nvidia\"")) {
        note_word(reading, &access->gpu_passed_by, "runtime");
        return true;
    }
    if (span_eq(text, "- driver: nvidia") || span_eq(text, "driver: nvidia") ||
        span_has(text, "- capabilities: [gpu")) {
        note_word(reading, &access->gpu_passed_by, "gpus");
        return true;
    }
    return false;
}

/* "nvidia.com/gpu: 2" in a manifest, "accelerators: []" of a workflow, "#SBATCH --gres=gpu:1" */
static bool request_line(struct reading *reading, struct span text) {
    struct access_facts *access = &reading->facts->access;
    struct span value;
    if (after_key(text, "nvidia.com/gpu:", &value)) {
        note_word(reading, &access->scheduler, "kubernetes");
        struct span number = version_at(value);
        if (number.len)
            note_text(reading, &access->scheduler_devices, number);
        reading_kind(reading, "kubernetes");
        return true;
    }
    if (span_has(text, "accelerators: []")) {
        note_word(reading, &access->scheduler, "toil");
        note_flag(reading, &access->scheduler_granted, false);
        return true;
    }
    if (span_starts(text, "#SBATCH ") || span_starts(text, "SBATCH ")) {
        read_slurm(reading, text, false);
        reading_kind(reading, "slurm");
        return true;
    }
    if (span_starts(text, "AllocTRES=") || span_starts(text, "TRES=") || span_starts(text, "ReqTRES=")) {
        note_word(reading, &access->scheduler, "slurm");
        note_flag(reading, &access->scheduler_granted, span_has(text, "gres/gpu"));
        return true;
    }
    return false;
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    if (reading->line->kind == LINE_REMARK && span_starts(reading->line->whole, "#SBATCH"))
        text = reading->line->whole;
    struct span whole = reading->line->whole;
    if (whole.len > 4 && whole.ptr[0] == '#' && batch_line(reading, whole))
        return true;
    if (span_eq(whole,
                "services:")) /* the start of a compose file: a GPU is one of its lines, or is not asked for */
        note_absent(reading, &reading->facts->access.gpu_passed_by.is);
    return dockerfile_line(reading, text) || compose_line(reading, text) || request_line(reading, text);
}

const struct importer import_container = {sizeof(struct container), read_line, read_command, NULL};
