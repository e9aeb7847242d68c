#include "sys/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "sys/record_hook.h"
#include "sys/root_internal.h"

struct recorder {
    int fd; /* of the directory; -1: only the list */
    struct record_names names;
    struct arena arena;
    struct texts paths;
};

static struct recorder *recorder;

/* Replaces every name that tells who the machine belongs to. */
static struct span anonymous(struct arena *arena, struct span text) {
    for (size_t i = 0; i < recorder->names.count; i++) {
        const char *from = recorder->names.from[i], *to = recorder->names.to[i];
        size_t at;
        struct span rest = text;
        if (!*from || span_find(text, from) == SIZE_MAX)
            continue;
        struct buffer out = BUFFER_INIT(LIMIT_FILE * 2u);
        while ((at = span_find(rest, from)) != SIZE_MAX) {
            buffer_add(&out, rest.ptr, at);
            buffer_add_text(&out, to);
            rest = span_slice(rest, at + strlen(from), rest.len);
        }
        buffer_add_span(&out, rest);
        text = span_from(arena_copy_span(arena, buffer_span(&out)), out.len);
        buffer_release(&out);
    }
    return text;
}

static const char *target_path(struct arena *arena, const char *path) {
    return arena_copy_span(arena, anonymous(arena, span_of(path)));
}

static void make_parents(const char *relative) {
    char path[LIMIT_PATH];
    for (const char *slash = strchr(relative, '/'); slash; slash = strchr(slash + 1, '/')) {
        if ((size_t)(slash - relative) >= sizeof path)
            return;
        memcpy(path, relative, (size_t)(slash - relative));
        path[slash - relative] = '\0';
        mkdirat(recorder->fd, path, 0755);
    }
}

/* Every symlink on the way to a path, as it is; then the real path. NULL where it cannot be resolved. */
static const char *record_way(struct arena *arena, const char *path) {
    struct span rest = span_of(path), part;
    const char *done = "";
    while (span_next_field(&rest, '/', &part)) {
        char link[LIMIT_PATH];
        if (!part.len)
            continue;
        const char *next = arena_printf(arena, "%s/%.*s", done, (int)part.len, part.ptr);
        ssize_t len = readlink(next, link, sizeof link - 1);
        if (len > 0 && recorder->fd >= 0) {
            link[len] = '\0';
            const char *name = target_path(arena, next) + 1;
            make_parents(name);
            int r = symlinkat(target_path(arena, link), recorder->fd, name);
            (void)r; /* it may be there already */
        }
        if (len > 0 && realpath(next, link)) /* the directory behind it may hold further symlinks */
            record_way(arena, arena_copy(arena, link));
        done = next;
    }
    char resolved[LIMIT_PATH];
    return realpath(path, resolved) ? arena_copy(arena, resolved) : NULL;
}

static void remember(const char *path) {
    if (!texts_have(&recorder->paths, path))
        texts_add(&recorder->arena, &recorder->paths, arena_copy(&recorder->arena, path));
}

static int open_target(struct arena *arena, const char *real, mode_t mode) {
    const char *name = target_path(arena, real) + 1;
    make_parents(name);
    return openat(recorder->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode & 0777);
}

void record_whole(const struct root *root, const char *path, struct span bytes) {
    if (!recorder || !root_is_live(root))
        return;
    AUTO_ARENA arena = {0};
    const char *real = record_way(&arena, path);
    if (!real)
        return;
    remember(real);
    if (recorder->fd < 0)
        return;
    AUTO_FD fd = open_target(&arena, real, 0644);
    bool binary = memchr(bytes.ptr ? bytes.ptr : "", '\0', bytes.len) != NULL;
    struct span text = binary ? bytes : anonymous(&arena, bytes);
    if (fd >= 0 && ftruncate(fd, 0) == 0 && write(fd, text.ptr, text.len) < 0)
        return;
}

bool record_active(void) {
    return recorder;
}

void record_part(int from, const void *bytes, size_t len, uint64_t offset) {
    char link[64], real[LIMIT_PATH];
    if (!recorder)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", from);
    ssize_t got = readlink(link, real, sizeof real - 1);
    if (got <= 0 || real[0] != '/')
        return;
    real[got] = '\0';
    remember(real);
    if (recorder->fd < 0)
        return;
    AUTO_ARENA arena = {0};
    struct stat st;
    AUTO_FD fd = open_target(&arena, real, 0644);
    if (fd >= 0 && fstat(from, &st) == 0 && ftruncate(fd, st.st_size) == 0 &&
        pwrite(fd, bytes, len, (off_t)offset) < 0)
        return;
}

/* Something was looked at without being read: its kind and size are kept. */
void record_seen(const struct root *root, const char *path) {
    struct stat st;
    if (!recorder || !root_is_live(root) || path[0] != '/')
        return;
    AUTO_ARENA arena = {0};
    const char *real = record_way(&arena, path);
    if (!real || stat(real, &st) < 0)
        return;
    remember(real);
    if (recorder->fd < 0)
        return;
    const char *name = target_path(&arena, real) + 1;
    make_parents(name);
    if (S_ISDIR(st.st_mode)) {
        mkdirat(recorder->fd, *name ? name : ".", 0755);
    } else if (S_ISREG(st.st_mode)) {
        AUTO_FD fd = open_target(&arena, real, st.st_mode);
        struct stat now;
        if (fd >= 0 && fstat(fd, &now) == 0 && now.st_size == 0 && ftruncate(fd, st.st_size) < 0)
            return;
    }
}

int record_start(struct root *root, const char *directory, const struct record_names *names) {
    if (!root_is_live(root) || recorder)
        return -EINVAL;
    int fd = -1;
    if (directory) {
        if (mkdir(directory, 0755) < 0 && rmdir(directory) == 0 && mkdir(directory, 0755) < 0)
            return -errno;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        struct stat st;
        if (fstat(fd, &st) < 0 || st.st_nlink > 2) {
            close(fd);
            return -ENOTEMPTY;
        }
    }
    struct recorder *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->fd = fd;
    made->names = *names;
    recorder = made;
    return 0;
}

void record_stop(struct root *root, struct arena *arena, struct texts *ret_paths) {
    (void)root;
    *ret_paths = (struct texts){0};
    if (!recorder)
        return;
    for (size_t i = 0; i < recorder->paths.count; i++)
        texts_add(arena, ret_paths, arena_copy(arena, recorder->paths.items[i]));
    if (recorder->fd >= 0)
        close(recorder->fd);
    arena_release(&recorder->arena);
    free(recorder);
    recorder = NULL;
}

int record_side_file(const char *directory, const char *name, struct span bytes) {
    AUTO_ARENA arena = {0};
    const char *folder = text_path(&arena, directory, ".whycuda");
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return -errno;
    AUTO_FD fd = open(text_path(&arena, folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    return write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len ? 0 : -EIO;
}

void record_entry(const struct root *root, const char *directory, const char *name) {
    if (!recorder || !root_is_live(root))
        return;
    AUTO_ARENA arena = {0};
    record_seen(root, text_path(&arena, directory, name));
}
