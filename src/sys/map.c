#include "sys/map.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/record_hook.h"

static struct map *maps; /* those open */
static struct sigaction before;

static bool holds(const struct map *map, const char *address) {
    const char *start = map->pages;
    return address >= start && address < start + map->length;
}

/* Puts a page of zeros where one is lost. What is none of ours goes to whoever had the signal before. */
static void on_bus_error(int signal, siginfo_t *info, void *context) {
    (void)context;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (struct map *map = maps; map; map = map->next) {
        if (!holds(map, info->si_addr))
            continue;
        char *start = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(page - 1));
        map->torn = true;
        if (mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
            return;
    }
    sigaction(signal, &before, NULL); /* the faulting instruction runs again, and meets it */
}

static int watch(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    return maps ? 0 : sigaction(SIGBUS, &action, &before) < 0 ? -errno : 0;
}

int map_open(struct map *map, int fd, uint64_t offset, size_t size) {
    struct stat st;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), inside = offset % page, end;
    *map = (struct map){0};
    int fault = fault_next(NULL);
    if (fault)
        return fault;
    if (record_active())
        return -ENOTSUP;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || __builtin_add_overflow(offset, size, &end) || end > (uint64_t)st.st_size || !size)
        return -ENODATA;
    int r = watch();
    if (r < 0)
        return r;
    void *pages = mmap(NULL, size + inside, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - inside));
    if (pages == MAP_FAILED) {
        r = -errno;
        if (!maps)
            sigaction(SIGBUS, &before, NULL);
        return r;
    }
    *map = (struct map){.bytes = (const char *)pages + inside,
                        .size = size,
                        .pages = pages,
                        .length = size + inside,
                        .next = maps};
    maps = map;
    return 0;
}

void map_close(struct map *map) {
    if (!map->pages)
        return;
    for (struct map **link = &maps; *link; link = &(*link)->next)
        if (*link == map) {
            *link = map->next;
            break;
        }
    munmap(map->pages, map->length);
    *map = (struct map){.torn = map->torn};
    if (!maps)
        sigaction(SIGBUS, &before, NULL);
}
