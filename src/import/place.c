#include "import/place.h"

#include <ctype.h>

/* "root@4f2e1a9b0c7d:/app#": the name docker gives a container */
static bool is_container_id(struct span prompt) {
    size_t at = span_find(prompt, "@");
    if (at == SIZE_MAX)
        return false;
    size_t digits = 0, end = at + 1;
    while (end < prompt.len && isxdigit((unsigned char)prompt.ptr[end])) {
        digits += isdigit((unsigned char)prompt.ptr[end]) != 0;
        end++;
    }
    return end - at - 1 == 12 && digits >= 2 && (end == prompt.len || !isalnum((unsigned char)prompt.ptr[end]));
}

static bool same_prompt(struct span a, struct span b) {
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* docker run and exec, srun: what the command prints is printed there; with a shell, what follows, too. */
static enum place place_of_program(struct reading *reading) {
    static const char *const engines[] = {"docker",        "podman",         "nerdctl",
                                          "nvidia-docker", "docker-compose", "podman-compose",
                                          "singularity",   "apptainer",      "enroot"};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (span_eq(reading->program, engines[i]) &&
            (span_has(reading->command, " run ") || span_has(reading->command, " exec ") ||
             span_has(reading->command, " start ")))
            return PLACE_CONTAINER;
    if (span_eq(reading->program, "kubectl") && span_has(reading->command, " exec "))
        return PLACE_CONTAINER;
    if (span_eq(reading->program, "srun") || span_eq(reading->program, "salloc"))
        return PLACE_JOB;
    if (span_eq(reading->program, "wsl") || span_eq(reading->program, "wsl.exe"))
        return PLACE_WSL;
    return PLACE_UNKNOWN;
}

/* Programs that people run on the host to show what it has. */
static bool is_host_program(struct reading *reading) {
    static const char *const programs[] = {"nvidia-smi", "lsmod",     "lspci", "uname",   "systemctl",
                                           "dmesg",      "dpkg",      "rpm",   "modinfo", "nvidia-container-cli",
                                           "nvidia-ctk", "journalctl"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (span_eq(reading->program, programs[i]))
            return true;
    return false;
}

/* Does the command end in a shell, or in nothing but an image? */
static bool opens_shell(struct span command) {
    static const char *const shells[] = {"bash", "sh", "zsh", "/bin/bash", "/bin/sh", "bash'", "-l", "shell"};
    struct span rest = command, word, last = {0};
    size_t words = 0;
    while (span_next_word(&rest, &word)) {
        last = word;
        words++;
    }
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (span_eq(last, shells[i]))
            return true;
    static const char *const interactive[] = {"-it", "-ti", "-i", "-t", "--interactive", "--tty", "--pty"};
    bool asks = false;
    for (size_t i = 0; i < sizeof interactive / sizeof *interactive; i++)
        asks |= command_option(command, interactive[i], NULL);
    bool image = memchr(last.ptr ? last.ptr : "", ':', last.len) ||
                 memchr(last.ptr ? last.ptr : "", '/', last.len) || words <= 5;
    bool program =
        span_starts(last, "nvidia-smi") || span_ends(last, ".py") || span_ends(last, "\"") || span_ends(last, "'");
    return asks && image && !program;
}

void place_of_command(struct reading *reading, const struct line *line) {
    bool host_again = reading->stays != PLACE_UNKNOWN && reading->other_prompt &&
                      same_prompt(line->prompt, reading->host_prompt);
    if (host_again || span_eq(reading->program, "exit"))
        reading->stays = PLACE_UNKNOWN;
    else if (reading->stays != PLACE_UNKNOWN && !same_prompt(line->prompt, reading->host_prompt))
        reading->other_prompt = true;
    reading->place = reading->stays != PLACE_UNKNOWN && reading->other_prompt ? reading->stays : PLACE_UNKNOWN;
    if (host_again)
        reading->place = PLACE_HOST;
    if (span_has(line->prompt, "container") || is_container_id(line->prompt))
        reading->place = PLACE_CONTAINER;
    else if (span_has(line->prompt, "(host)") || span_starts(line->prompt, "host"))
        reading->place = PLACE_HOST;
    else if (line->style == PROMPT_WINDOWS && line->prompt.len > 1)
        reading->place = PLACE_WINDOWS;
    else if (span_has(line->prompt, ":/mnt/c"))
        reading->place = PLACE_WSL;
    enum place entered = place_of_program(reading);
    if (entered == PLACE_UNKNOWN) {
        bool back =
            reading->came_from == PLACE_HOST && reading->place == PLACE_UNKNOWN && is_host_program(reading);
        if (back && same_prompt(line->prompt, reading->host_prompt))
            reading->place = PLACE_HOST; /* the container ran one program */
        if (reading->compose && reading->place == PLACE_UNKNOWN)
            reading->place = PLACE_HOST;
        return;
    }
    reading->place = entered;
    bool shell = opens_shell(reading->command);
    reading->stays = shell ? entered : PLACE_UNKNOWN;
    reading->came_from = shell ? PLACE_UNKNOWN : PLACE_HOST;
    reading->host_prompt = line->prompt;
    reading->other_prompt = false;
}

void place_of_remark(struct reading *reading, const struct line *line) {
    static const struct {
        const char *words;
        enum place place;
    } table[] = {{"in the container", PLACE_CONTAINER},
                 {"in container", PLACE_CONTAINER},
                 {"inside the container", PLACE_CONTAINER},
                 {"inside container", PLACE_CONTAINER},
                 {"inside docker", PLACE_CONTAINER},
                 {"in docker", PLACE_CONTAINER},
                 {"in a container", PLACE_CONTAINER},
                 {"in the pod", PLACE_CONTAINER},
                 {"on the host", PLACE_HOST},
                 {"on host", PLACE_HOST},
                 {"host:", PLACE_HOST},
                 {"host machine", PLACE_HOST}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (span_find_nocase(line->text, table[i].words) != SIZE_MAX) {
            reading->place = table[i].place;
            return;
        }
}
