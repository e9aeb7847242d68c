/* Times inside one process, without its start: the closure of a library, the closure with symbols, and a floor
 * that only maps the sections such a check reads and touches their pages. usage: libs_bench FILE [ROUNDS]; prints
 * lines "NAME LEAST MEDIAN MOST" in microseconds of CPU time. Every round runs in a fresh process, but for `warm`:
 * the closure again and again in one, each time from nothing. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "loader/loader.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static volatile unsigned char sink;

/* Sections of one file that the dynamic loader reads for symbols, as [offset, size) pairs. */
struct ranges {
    char path[4096];
    uint64_t offset[16], size[16];
    size_t count;
};

static size_t sections_of(const struct loader_objects *objects, struct ranges *list) {
    size_t count = 0;
    for (size_t i = 0; i < objects->count; i++) {
        AUTO_ARENA arena = {0};
        struct elf elf;
        int fd = open(objects->items[i]->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || elf_open_file(&elf, &arena, fd) < 0)
            continue;
        struct ranges *r = &list[count++];
        snprintf(r->path, sizeof r->path, "%s", objects->items[i]->path);
        for (size_t s = 0; s < elf.section_count && r->count < 16; s++) {
            uint32_t type = elf.sections[s].type;
            if (!(elf.sections[s].flags & SHF_ALLOC) || !elf.sections[s].size)
                continue;
            if (type == SHT_DYNSYM || type == SHT_STRTAB || type == SHT_GNU_HASH || type == SHT_HASH ||
                type == SHT_DYNAMIC || type == SHT_GNU_versym || type == SHT_GNU_verneed ||
                type == SHT_GNU_verdef) {
                r->offset[r->count] = elf.sections[s].offset;
                r->size[r->count++] = elf.sections[s].size;
            }
        }
        close(fd);
    }
    return count;
}

/* Maps every one of them and touches each page. */
static void floor_once(const struct ranges *list, size_t count) {
    unsigned char sum = 0;
    for (size_t i = 0; i < count; i++) {
        int fd = open(list[i].path, O_RDONLY | O_CLOEXEC);
        for (size_t s = 0; s < list[i].count; s++) {
            uint64_t start = list[i].offset[s] & ~4095ull, end = list[i].offset[s] + list[i].size[s];
            unsigned char *map = mmap(NULL, end - start, PROT_READ, MAP_PRIVATE, fd, (off_t)start);
            for (uint64_t at = 0; map != MAP_FAILED && at < end - start; at += 4096)
                sum ^= map[at];
            munmap(map, end - start);
        }
        close(fd);
    }
    sink = sum;
}

static double measure(int kind, const char *file, const struct ranges *list, size_t count) {
    struct root *root;
    struct loader *loader;
    double start = now();
    if (kind == 2) {
        floor_once(list, count);
        return now() - start;
    }
    if (root_open(&root, NULL) < 0 || loader_open(&loader, root, (struct loader_options){0}) < 0 ||
        loader_start(loader, file) < 0)
        return -1;
    if (kind == 1)
        loader_check_symbols(loader);
    double took = now() - start;
    loader_close(loader);
    root_close(root);
    return took;
}

/* One round in a program of its own, as each run of whycuda is. */
static double measure_fresh(const char *program, int kind, const char *file) {
    char command[9000];
    double took = -1;
    snprintf(command, sizeof command, "'%s' '%s' one %d", program, file, kind);
    FILE *pipe = popen(command, "r");
    if (!pipe || fscanf(pipe, "%lf", &took) != 1)
        took = -1;
    if (pipe)
        pclose(pipe);
    return took;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"closure", "symbols", "floor"};
    bool one = argc > 3 && strcmp(argv[2], "one") == 0;
    int rounds = argc > 2 && !one ? atoi(argv[2]) : 51;
    double *times[3];
    struct ranges *list = calloc(4096, sizeof *list);
    struct root *root;
    struct loader *loader;
    if (one && atoi(argv[3]) < 2) {
        printf("%f\n", measure(atoi(argv[3]), argv[1], NULL, 0));
        return 0;
    }
    if (argc < 2 || root_open(&root, NULL) < 0 || loader_open(&loader, root, (struct loader_options){0}) < 0 ||
        loader_start(loader, argv[1]) < 0) {
        fprintf(stderr, "libs_bench: cannot read the file\n");
        return 1;
    }
    size_t count = sections_of(loader_objects(loader), list);
    if (one) {
        printf("%f\n", measure(2, argv[1], list, count));
        return 0;
    }
    for (int kind = 0; kind < 3; kind++)
        times[kind] = calloc((size_t)rounds, sizeof(double));
    for (int i = 0; i < rounds; i++)
        for (int kind = 0; kind < 3; kind++)
            times[kind][i] = measure_fresh(argv[0], kind, argv[1]);
    for (int kind = 0; kind < 3; kind++) {
        qsort(times[kind], (size_t)rounds, sizeof(double), by_size);
        printf("%s %.0f %.0f %.0f\n", names[kind], times[kind][0], times[kind][rounds / 2],
               times[kind][rounds - 1]);
    }
    mallopt(M_TRIM_THRESHOLD, 64 << 20); /* or each round gives its memory back and asks for it again */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    double *warm = calloc((size_t)rounds, sizeof(double));
    for (int i = 0; i < rounds; i++)
        warm[i] = measure(0, argv[1], NULL, 0);
    qsort(warm, (size_t)rounds, sizeof(double), by_size);
    printf("warm %.0f %.0f %.0f\n", warm[0], warm[rounds / 2], warm[rounds - 1]);
    printf("libraries %zu\n", loader_objects(loader)->count);
    return 0;
}
