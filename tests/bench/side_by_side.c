/* Times commands side by side: each once a round, in turn, so that all of them meet the same machine.
 *
 *   side_by_side ROUNDS COMMAND [-- COMMAND]...
 *
 * Prints one line a command: median and fastest wall time of a whole process in milliseconds, and its peak memory
 * in KiB. Output of the commands goes to /dev/null; one that fails (status over 1) ends the run. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 8, MAX_ROUNDS = 1000 };

extern char **environ;

static double times[MAX_COMMANDS][MAX_ROUNDS];
static long peak[MAX_COMMANDS];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run(char **command, long *ret_peak) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t child;
    int status;
    struct rusage usage;
    double start = now();
    if (posix_spawnp(&child, command[0], &actions, NULL, command, environ) != 0 ||
        wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, "side_by_side: %s failed\n", command[0]);
        exit(2);
    }
    double taken = now() - start;
    posix_spawn_file_actions_destroy(&actions);
    if (usage.ru_maxrss > *ret_peak)
        *ret_peak = usage.ru_maxrss;
    return taken;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

int main(int argc, char **argv) {
    char **commands[MAX_COMMANDS];
    int count = 0, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 64;
    commands[count++] = argv + 2;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--") == 0 && count < MAX_COMMANDS) {
            argv[i] = NULL;
            commands[count++] = argv + i + 1;
        }
    for (int r = -1; r < rounds; r++) /* the first round warms the cache and does not count */
        for (int c = 0; c < count; c++) {
            double taken = run(commands[c], &peak[c]);
            if (r >= 0)
                times[c][r] = taken;
        }
    for (int c = 0; c < count; c++) {
        qsort(times[c], (size_t)rounds, sizeof times[c][0], compare);
        printf("%.3f %.3f %ld\n", times[c][rounds / 2], times[c][0], peak[c]);
    }
    return 0;
}
