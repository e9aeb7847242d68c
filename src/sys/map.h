/* Parts of files seen as memory, for tables of many megabytes of which a little is needed here and there (symbol
 * tables of libtorch). A file that shrinks under a mapping would end the process (SIGBUS): while one is open that
 * signal is caught, the lost page reads as zeros, and `torn` says so. Not for more than one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    const char *bytes; /* NULL: not mapped */
    size_t size;
    volatile bool torn; /* some of it was lost: the file shrank, or could not be read */
    void *pages;        /* private, as all below */
    size_t length;
    struct map *next;
};

/* Maps [offset, offset + size) of an open regular file. The struct must stay where it is until map_close. 0;
 * -ENODATA: the file ends before; -ENOTSUP: everything that is read is being recorded, so that it must be read;
 * -errno. */
int map_open(struct map *map, int fd, uint64_t offset, size_t size);
/* Also of one that was not opened, if zeroed. */
void map_close(struct map *map);
