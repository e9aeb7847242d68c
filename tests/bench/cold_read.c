/* How many bytes a command reads from the disk of one file when none of it is in memory.
 *
 *   cold_read FILE COMMAND...
 *
 * Drops the file's pages (posix_fadvise), runs the command, and counts the pages that are in memory afterwards
 * (mincore). Prints: bytes of the file, bytes brought in, milliseconds. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static size_t resident(const char *path, size_t *ret_size) {
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        exit(66);
    *ret_size = (size_t)st.st_size;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (*ret_size + page - 1) / page, count = 0;
    void *map = mmap(NULL, *ret_size, PROT_READ, MAP_SHARED, fd, 0);
    unsigned char *in = malloc(pages);
    if (map == MAP_FAILED || !in || mincore(map, *ret_size, in) < 0)
        exit(70);
    for (size_t i = 0; i < pages; i++)
        count += in[i] & 1;
    munmap(map, *ret_size);
    free(in);
    close(fd);
    return count * page;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 64;
    int fd = open(argv[1], O_RDONLY), status;
    if (fd < 0 || fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        return 66;
    close(fd);
    size_t size, before = resident(argv[1], &size);
    if (before > size / 100) {
        fprintf(stderr, "cold_read: %zu bytes stay in memory; another process maps the file\n", before);
        return 1;
    }
    struct timespec start, end;
    pid_t child;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (posix_spawnp(&child, argv[2], &actions, NULL, argv + 2, environ) != 0 ||
        waitpid(child, &status, 0) != child)
        return 70;
    clock_gettime(CLOCK_MONOTONIC, &end);
    size_t after = resident(argv[1], &size);
    printf("%zu %zu %.1f\n", size, after - before,
           (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6);
    return 0;
}
