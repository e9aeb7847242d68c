/* Any bytes as a program in a root of its own, where its needs are itself under other names, and as the cache
 * there. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loader/loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[64];

static void put(const char *name, const void *bytes, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", top, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void tidy(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    if (system(command) != 0)
        abort();
}

static void make_root(void) {
    char path[128];
    static const char *const links[] = {"libc.so.6", "libm.so.6", "libdl.so.2", "ld-linux-x86-64.so.2"};
    static const char *const folders[] = {"lib64", "lib", "etc", "usr"};
    snprintf(top, sizeof top, "/tmp/whycuda-fuzz-%d", getpid());
    if (mkdir(top, 0755) != 0)
        abort();
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", top, folders[i]);
        if (mkdir(path, 0755) != 0)
            abort();
    }
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/lib64/%s", top, links[i]);
        if (symlink(i % 2 ? "/program" : "../../../../../program", path) != 0)
            abort();
    }
    snprintf(path, sizeof path, "%s/lib/x86_64-linux-gnu", top);
    if (symlink("/../../../lib64", path) != 0)
        abort();
    atexit(tidy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct root *root;
    struct loader *loader;
    AUTO_ARENA arena = {0};
    struct loader_copies copies;
    if (!*top)
        make_root();
    put("program", data, size);
    put("etc/ld.so.cache", data, size);
    if (root_open(&root, top) < 0 || loader_open(&loader, root, (struct loader_options){0}) < 0)
        abort();
    if (loader_start(loader, "/program") == 0) {
        loader_dlopen(loader, NULL, "libcuda.so.1", false, true);
        loader_check_symbols(loader);
        loader_candidates(loader, &arena, NULL, "libc.so.6", &copies);
        for (size_t i = 0; i < loader_objects(loader)->count; i++)
            if (loader_objects(loader)->items[i]->path[0] != '/')
                abort();
    }
    loader_close(loader);
    root_close(root);
    return 0;
}
