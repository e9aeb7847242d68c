#include "sys/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "sys/fault.h"
#include "sys/record_hook.h"
#include "sys/root_internal.h"

int root_open(struct root **ret_root, const char *directory) {
    int fd = AT_FDCWD;
    if (directory) {
        fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
    }
    struct root *root = calloc(1, sizeof *root);
    if (!root) {
        if (fd >= 0)
            close(fd);
        return -ENOMEM;
    }
    root->fd = fd;
    root->directory = directory ? arena_copy(&root->arena, directory) : NULL;
    root_load_identity(root);
    root_load_environment(root);
    *ret_root = root;
    return 0;
}

void root_close(struct root *root) {
    if (!root)
        return;
    if (root->fd >= 0)
        close(root->fd);
    arena_release(&root->arena);
    free(root);
}

bool root_is_live(const struct root *root) {
    return !root->directory;
}

/* Where openat2 is missing (Linux before 5.6, some container filters): the path is made free of symlinks first
 * and then opened component by component without following any. */
static int open_by_walk(const struct root *root, const char *path, int flags, bool follow) {
    AUTO_ARENA arena = {0};
    const char *real = path;
    if (follow) {
        int r = root_realpath(root, &arena, path, &real);
        if (r < 0)
            return r;
    } else {
        const char *slash = strrchr(path, '/');
        const char *parent = arena_copy_span(&arena, span_from(path, (size_t)(slash - path)));
        int r = root_realpath(root, &arena, *parent ? parent : "/", &real);
        if (r < 0)
            return r;
        real = text_path(&arena, real, slash + 1);
    }
    int fd = dup(root->fd);
    struct span rest = span_of(real + 1), part;
    while (fd >= 0 && span_next_field(&rest, '/', &part)) {
        bool last = !rest.ptr;
        if (!part.len)
            continue;
        int how = last ? flags | (follow ? O_NOFOLLOW : 0) : O_PATH | O_DIRECTORY | O_NOFOLLOW;
        if (!follow && last)
            how = flags | O_NOFOLLOW;
        int next = openat(fd, arena_copy_span(&arena, part), how | O_CLOEXEC);
        int error = errno;
        close(fd);
        if (next < 0)
            return -error;
        fd = next;
    }
    return fd < 0 ? -errno : fd;
}

int root_openat(const struct root *root, const char *path, int flags, bool follow) {
    if (path[0] != '/')
        return -EINVAL;
    flags |= O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    if (root_is_live(root)) {
        int fd = open(path, flags);
        return fd < 0 ? -errno : fd;
    }
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long fd;
    do
        fd = syscall(SYS_openat2, root->fd, path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN); /* a rename raced with the walk */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_walk(root, path, flags, follow);
    return fd < 0 ? -errno : (int)fd;
}

int root_open_stat(const struct root *root, const char *path, struct stat *ret_stat) {
    int fault = fault_next(path);
    if (fault)
        return fault;
    /* first without touching what is behind the name: opening a FIFO or a tape may block or act */
    int r = root_stat(root, path, ret_stat);
    if (r < 0)
        return r;
    if (S_ISDIR(ret_stat->st_mode))
        return -EISDIR;
    if (!S_ISREG(ret_stat->st_mode))
        return -ENXIO;
    int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, true);
    if (fd < 0)
        return fd;
    if (fstat(fd, ret_stat) < 0 || !S_ISREG(ret_stat->st_mode)) { /* it changed in between */
        close(fd);
        return -ENXIO;
    }
    return fd;
}

int root_open_file(const struct root *root, const char *path) {
    struct stat st;
    return root_open_stat(root, path, &st);
}

static int read_some(int fd, char *bytes, size_t len, size_t *ret_got) {
    *ret_got = 0;
    while (*ret_got < len) {
        ssize_t n = read(fd, bytes + *ret_got, len - *ret_got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        *ret_got += (size_t)n;
    }
    return 0;
}

int root_read(const struct root *root, struct arena *arena, const char *path, size_t max, struct span *ret_bytes) {
    *ret_bytes = (struct span){0};
    struct stat st;
    AUTO_FD fd = root_open_stat(root, path, &st);
    if (fd < 0)
        return fd;
    /* one byte more than the file says, so that growth and the sizes of /proc (0) and /sys (4096) show */
    size_t room = st.st_size > 0 && (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : 4096;
    if (room > max)
        room = max;
    size_t used = 0, got;
    char *bytes = arena_bytes(arena, room + 1);
    for (;;) {
        int r = read_some(fd, bytes + used, room - used, &got);
        if (r < 0)
            return r;
        used += got;
        if (used < room || room == max)
            break;
        size_t more = room > max / 4 ? max : room * 4;
        char *grown = arena_bytes(arena, more + 1);
        memcpy(grown, bytes, used);
        bytes = grown;
        room = more;
    }
    bytes[used] = '\0';
    *ret_bytes = span_from(bytes, fault_shorten(path, used));
    record_whole(root, path, *ret_bytes);
    char beyond;
    return used == max && read_some(fd, &beyond, 1, &got) == 0 && got ? -EFBIG : 0;
}

int root_pread(int fd, void *bytes, size_t len, uint64_t offset) {
    if (offset > INT64_MAX - len)
        return -ENODATA;
    int fault = fault_next(NULL);
    if (fault)
        return fault;
    for (size_t used = 0; used < len;) {
        ssize_t n = pread(fd, (char *)bytes + used, len - used, (off_t)(offset + used));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA;
        used += (size_t)n;
    }
    record_part(fd, bytes, len, offset);
    return 0;
}

void root_expect_scattered(int fd) {
    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
}

int root_read_line(const struct root *root, struct arena *arena, const char *path, const char **ret_line) {
    struct span bytes, line = {0};
    int r = root_read(root, arena, path, LIMIT_SMALL_FILE, &bytes);
    if (r < 0 && r != -EFBIG)
        return r;
    span_next_line(&bytes, &line);
    *ret_line = text_clean(arena, span_trim(line));
    return 0;
}

static int stat_at(const struct root *root, const char *path, struct stat *ret_stat, bool follow) {
    AUTO_FD fd = root_openat(root, path, O_PATH, follow);
    if (fd < 0)
        return fd;
    return fstat(fd, ret_stat) < 0 ? -errno : 0;
}

int root_stat(const struct root *root, const char *path, struct stat *ret_stat) {
    record_seen(root, path);
    if (root_is_live(root))
        return stat(path, ret_stat) < 0 ? -errno : 0;
    return stat_at(root, path, ret_stat, true);
}

int root_lstat(const struct root *root, const char *path, struct stat *ret_stat) {
    record_seen(root, path);
    if (root_is_live(root))
        return lstat(path, ret_stat) < 0 ? -errno : 0;
    return stat_at(root, path, ret_stat, false);
}

bool root_exists(const struct root *root, const char *path) {
    struct stat st;
    return root_stat(root, path, &st) == 0;
}

bool root_is_directory(const struct root *root, const char *path) {
    struct stat st;
    return root_stat(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

int root_readlink(const struct root *root, struct arena *arena, const char *path, const char **ret_target) {
    char target[LIMIT_PATH];
    record_seen(root, path);
    ssize_t len;
    if (root_is_live(root)) {
        len = readlink(path, target, sizeof target);
    } else {
        AUTO_FD fd = root_openat(root, path, O_PATH, false);
        if (fd < 0)
            return fd;
        len = readlinkat(fd, "", target, sizeof target);
        if (len < 0 && errno == ENOENT) /* the open file is no symlink */
            errno = EINVAL;
    }
    if (len < 0)
        return -errno;
    *ret_target = arena_copy_span(arena, span_from(target, (size_t)len));
    return 0;
}

/* `done/part`, where an empty `done` is the root directory. */
static const char *path_below(struct arena *arena, const char *done, struct span part) {
    size_t len = strlen(done);
    char *path = arena_bytes(arena, len + 1 + part.len + 1);
    memcpy(path, done, len);
    path[len] = '/';
    memcpy(path + len + 1, part.ptr, part.len);
    path[len + 1 + part.len] = '\0';
    return path;
}

int root_realpath(const struct root *root, struct arena *arena, const char *path, const char **ret_path) {
    if (path[0] != '/')
        return -EINVAL;
    AUTO_ARENA scratch = {0};
    const char *left = path;
    const char *done = "";
    for (int links = 0; *left;) {
        while (*left == '/')
            left++;
        size_t len = strcspn(left, "/");
        if (!len)
            break;
        struct span part = span_from(left, len);
        left += len;
        if (span_eq(part, "."))
            continue;
        if (span_eq(part, "..")) {
            const char *slash = strrchr(done, '/');
            done = slash ? arena_copy_span(&scratch, span_from(done, (size_t)(slash - done))) : "";
            continue;
        }
        if (strlen(done) + 1 + len >= LIMIT_PATH)
            return -ENAMETOOLONG;
        const char *next = path_below(&scratch, done, part), *target;
        int r = root_readlink(root, &scratch, next, &target);
        if (r == -EINVAL) {
            struct stat st; /* with more to come, what is no directory shows at the next component */
            if (*left && !left[strspn(left, "/")] && root_lstat(root, next, &st) == 0 && !S_ISDIR(st.st_mode))
                return -ENOTDIR;
            done = next;
        } else if (r < 0) {
            return r;
        } else {
            if (++links > LIMIT_SYMLINKS)
                return -ELOOP;
            left = *left ? arena_printf(&scratch, "%s/%s", target, left) : target;
            if (target[0] == '/')
                done = "";
            if (strlen(left) >= 2 * (size_t)LIMIT_PATH)
                return -ENAMETOOLONG;
        }
    }
    *ret_path = arena_copy(arena, *done ? done : "/");
    return 0;
}

static int compare_names(const void *a, const void *b) {
    return text_compare_natural(*(const char *const *)a, *(const char *const *)b);
}

/* The names of one filled buffer of getdents64. */
static int entries_take(const struct root *root, struct arena *arena, const char *path, const char *bytes,
                        size_t got, struct texts *names) {
    for (size_t at = 0; at < got;) {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(bytes + at); /* the kernel's */
        at += entry->d_reclen;
        if (text_eq(entry->d_name, ".") || text_eq(entry->d_name, ".."))
            continue;
        if (names->count == LIMIT_DIRECTORY)
            return -EFBIG;
        texts_add(arena, names, arena_copy(arena, entry->d_name));
        record_entry(root, path, entry->d_name);
    }
    return 0;
}

static int entries_read(const struct root *root, struct arena *arena, const char *path, int fd, char *bytes,
                        size_t size, struct texts *names) {
    for (;;) {
        ssize_t got = getdents64(fd, bytes, size);
        if (got <= 0)
            return got < 0 ? -errno : 0;
        int r = entries_take(root, arena, path, bytes, (size_t)got, names);
        if (r < 0)
            return r;
    }
}

int root_list(const struct root *root, struct arena *arena, const char *path, struct texts *ret_names) {
    _Alignas(struct dirent64) char bytes[32 * 1024];
    *ret_names = (struct texts){0};
    int fault = fault_next(path);
    if (fault)
        return fault;
    AUTO_FD fd = root_openat(root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, true);
    if (fd < 0)
        return fd;
    int r = entries_read(root, arena, path, fd, bytes, sizeof bytes, ret_names);
    if (ret_names->count)
        qsort(ret_names->items, ret_names->count, sizeof *ret_names->items, compare_names);
    return r;
}

int root_list_small(const struct root *root, struct arena *arena, const char *path, off_t largest,
                    struct stat *ret_stat, struct texts *ret_names) {
    _Alignas(struct dirent64) char bytes[8192];
    *ret_names = (struct texts){0};
    int fault = fault_next(path);
    if (fault)
        return fault;
    record_seen(root, path);
    AUTO_FD fd = root_openat(root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, true);
    if (fd < 0)
        return fd;
    if (fstat(fd, ret_stat) < 0)
        return -errno;
    if (ret_stat->st_size > largest)
        return -EFBIG;
    return entries_read(root, arena, path, fd, bytes, sizeof bytes, ret_names);
}

int root_access(const struct root *root, const char *path, int how) {
    if (root_is_live(root))
        return faccessat(AT_FDCWD, path, how, AT_EACCESS) < 0 ? -errno : 0;
    struct stat st;
    int r = root_stat(root, path, &st);
    if (r < 0)
        return r;
    const struct root_identity *id = root_identity(root);
    unsigned need = (unsigned)how & 7u, mode = st.st_mode & 07777u;
    if (!id->known)
        return (mode & need) == need ? 0 : -ENODATA;
    if (id->uid == 0)
        return !(need & X_OK) || (mode & 0111u) ? 0 : -EACCES;
    unsigned granted = mode & 7u;
    if (id->uid == st.st_uid)
        granted = mode >> 6 & 7u;
    else {
        bool member = id->gid == st.st_gid;
        for (size_t i = 0; i < id->group_count; i++)
            member |= id->groups[i] == st.st_gid;
        if (member)
            granted = mode >> 3 & 7u;
    }
    return (granted & need) == need ? 0 : -EACCES;
}

int root_recorded(const struct root *root, struct arena *arena, const char *name, size_t max,
                  struct span *ret_bytes) {
    if (root_is_live(root))
        return -ENOENT;
    return root_read(root, arena, text_path(arena, "/.whycuda", name), max, ret_bytes);
}
