/* Handles that close themselves at the end of their scope. */
#pragma once

#include <stdio.h>
#include <unistd.h>

static inline void close_fd_pointer(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static inline void close_file_pointer(FILE **file) {
    if (*file)
        fclose(*file);
}

#define AUTO_FD __attribute__((cleanup(close_fd_pointer))) int
#define AUTO_FILE __attribute__((cleanup(close_file_pointer))) FILE *
