/* Runs children of src/live one by one and prints, for each, one line of JSON: how it ended, its answer, what it
 * printed. ask [-t MILLISECONDS] [-m MEMORY] [-u] [-l LIBRARY] cuda | nvml | cpu SIZE | compute GPU SIZE SECONDS |
 * torch PYTHON SIZE -u: unrestricted, as in `whycuda test`. After it: `descriptors` left open and `zombies`, which
 * must be none. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/compute.h"
#include "live/cuda.h"
#include "live/nvml.h"
#include "live/torch.h"

static int open_descriptors(void) {
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

int main(int argc, char **argv) {
    unsigned milliseconds = 0;
    uint64_t memory = 0;
    bool free_hands = false;
    const char *library = NULL;
    for (int option; (option = getopt(argc, argv, "+t:m:ul:")) != -1;) {
        if (option == 't')
            milliseconds = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'm')
            memory = strtoull(optarg, NULL, 10);
        else if (option == 'u')
            free_hands = true;
        else if (option == 'l')
            library = optarg;
        else
            return 64;
    }
    char **words = argv + optind;
    int left = argc - optind;
    if (!left)
        return 64;
    AUTO_ARENA arena = {0};
    const char *what = words[0];
    struct live_cuda_question cuda = {library};
    struct live_nvml_question nvml = {library};
    struct live_compute_question compute = {library, 0, 64, 0};
    struct child_task task = {.name = what};
    if (strcmp(what, "cuda") == 0)
        task.run = live_cuda, task.argument = &cuda;
    else if (strcmp(what, "nvml") == 0)
        task.run = live_nvml, task.argument = &nvml;
    else if (strcmp(what, "cpu") == 0 && left == 2)
        task.run = live_cpu, task.argument = &compute, compute.size = strtoul(words[1], NULL, 10);
    else if (strcmp(what, "compute") == 0 && left == 4) {
        task.run = live_compute, task.argument = &compute;
        compute.device = (int)strtol(words[1], NULL, 10);
        compute.size = strtoul(words[2], NULL, 10);
        compute.seconds = (unsigned)strtoul(words[3], NULL, 10);
    } else if (strcmp(what, "torch") == 0 && left == 3) {
        task = live_torch_task(&arena, words[1], (unsigned)strtoul(words[2], NULL, 10));
    } else {
        return 64;
    }
    if (milliseconds)
        task.milliseconds = milliseconds;
    task.restricted = !free_hands;
    task.memory = memory;
    struct child_result result;
    int before = open_descriptors();
    if (child_run(&arena, &task, 1, &result, NULL, NULL) < 0)
        return 70;
    int zombies = 0;
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        zombies++;
    json_t *line =
        json_pack("{s:s, s:i, s:s?, s:O, s:s, s:s, s:i, s:i, s:i, s:i}", "end", child_end_name(result.end), "code",
                  result.code, "at", result.at, "answer", result.answer, "said", result.said, "words",
                  child_explain(&arena, &task, &result), "strays", (int)result.strays, "elapsed",
                  (int)result.elapsed, "descriptors", open_descriptors() - before, "zombies", zombies);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    child_release(&result, 1);
    return 0;
}
