/* The machine behind one door: the live one, or a directory that looks like one (`--root DIR`).
 *
 * Every file, variable and identity that whycuda reads goes through here, so that under --root nothing of the
 * host is touched: paths and symlinks, absolute ones too, resolve inside the directory. What is not a file comes
 * from DIR/.whycuda/ (environ, uname, id, nodes; see docs/whycuda.1). */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/span.h"

struct root;

/* Opens the live machine (directory NULL) or a directory. 0, or the -errno of opening it. */
int root_open(struct root **ret_root, const char *directory);
void root_close(struct root *root);
bool root_is_live(const struct root *root);

/* --- files. All paths are absolute, as seen inside the root. ---------------------------------------------- */

/* Opens a regular file for reading (never blocks: FIFOs, sockets and device nodes are -ENXIO, directories
 * -EISDIR). The descriptor, or -errno. */
int root_open_file(const struct root *root, const char *path);
/* The same, and what fstat(2) says of it. */
int root_open_stat(const struct root *root, const char *path, struct stat *ret_stat);
/* The whole file, at most `max` bytes of it. 0; -EFBIG when it is larger (ret_bytes still holds the first max
 * bytes); or -errno with ret_bytes empty. The bytes are followed by one NUL and live in the arena. Works for /proc
 * and /sys, whose sizes lie. */
int root_read(const struct root *root, struct arena *arena, const char *path, size_t max, struct span *ret_bytes);
enum { ROOT_READ_DEADLINE = 3 * 1000 }; /* milliseconds */
/* The same for a small text of a driver that may hang while it is read (/proc/driver/nvidia/gpus): live a child reads
 * it, at the cost of two forks. -ETIMEDOUT: it did not answer within the deadline. */
int root_read_slow(const struct root *root, struct arena *arena, const char *path, size_t max,
                   struct span *ret_bytes);
/* Reads exactly `len` bytes at `offset` of an open descriptor. 0; -ENODATA when the file ends before; -errno. */
int root_pread(int fd, void *bytes, size_t len, uint64_t offset);
/* Tells the kernel that the reads of this descriptor jump about, so that it does not read ahead: a hint. */
void root_expect_scattered(int fd);
/* The first line of a small file, trimmed and cleaned. 0 or -errno. */
int root_read_line(const struct root *root, struct arena *arena, const char *path, const char **ret_line);

/* As stat(2) and lstat(2). 0 or -errno. */
int root_stat(const struct root *root, const char *path, struct stat *ret_stat);
int root_lstat(const struct root *root, const char *path, struct stat *ret_stat);
bool root_exists(const struct root *root, const char *path);
bool root_is_directory(const struct root *root, const char *path);
/* The target as written. 0 or -errno (-EINVAL: not a symlink). */
int root_readlink(const struct root *root, struct arena *arena, const char *path, const char **ret_target);
/* The path with every symlink, "." and ".." resolved, as seen inside the root. The last component must exist.
 * 0 or -errno (-ELOOP, -ENOENT, -ENAMETOOLONG …). */
int root_realpath(const struct root *root, struct arena *arena, const char *path, const char **ret_path);
/* Names in a directory without "." and "..", in natural order. 0; -EFBIG when cut at LIMIT_DIRECTORY (the names so
 * far are there); or -errno. */
int root_list(const struct root *root, struct arena *arena, const char *path, struct texts *ret_names);
/* Looks at a directory, and lists it, in no order, where its own size is at most `largest`. 0; -EFBIG: it is
 * larger (ret_stat is filled, no names); -EACCES: it may not be listed; or -errno. */
int root_list_small(const struct root *root, struct arena *arena, const char *path, off_t largest,
                    struct stat *ret_stat, struct texts *ret_names);
/* access(2) with R_OK, W_OK, X_OK for the user that runs whycuda; under --root judged from mode and
 * DIR/.whycuda/id. 0 or -errno. */
int root_access(const struct root *root, const char *path, int how);

/* --- what is not a file ------------------------------------------------------------------------------------ */

/* Strings from here on belong to the root and end with it: copy what a snapshot keeps. */

/* A variable; NULL when unset. *ret_known (may be NULL) is false where the environment is not known at all (a root
 * without .whycuda/environ). */
const char *root_env(const struct root *root, const char *name, bool *ret_known);
/* All of them, as VAR=value. -ENODATA when not known. */
int root_environment(const struct root *root, const struct texts **ret_list);

struct root_uname {
    const char *release; /* NULL: not known */
    const char *machine; /* x86_64, aarch64; NULL: not known */
};
const struct root_uname *root_uname(const struct root *root);

struct root_identity {
    bool known;
    uid_t uid;
    gid_t gid;
    gid_t groups[256];
    size_t group_count;
};
const struct root_identity *root_identity(const struct root *root);

/* A device node as this user meets it. */
struct root_node {
    const char *path;
    char type; /* 'c', 'b', or '?' where something else stands in its place */
    unsigned major, minor, mode;
    uid_t uid;
    gid_t gid;
    int open_error; /* 0: opens read-write; -EACCES, -EPERM, -ENODEV …; 1: not tried; -ETIMEDOUT: no answer */
    bool leave;     /* root_nodes_open is to leave it alone */
    bool read_only; /* root_nodes_open is to open it for reading only, as its users do */
};
enum { ROOT_NODE_DEADLINE = 10 * 1000 }; /* milliseconds that opening a node may take */
/* Looks at one node; live without opening it. 0; -ENOENT absent; -ENODATA: a root without .whycuda/nodes. */
int root_node(const struct root *root, struct arena *arena, const char *path, struct root_node *ret_node);
/* Opens each of these nodes, as every CUDA program does first, and closes it (opening /dev/nvidia-uvm
 * loads nothing and makes nothing); fills in `open_error`. A sick driver can let open(2) wait for ever: live it is
 * a child that opens, and a node that keeps it waiting gets -ETIMEDOUT while the others are told. Under --root the
 * recorded answers stand already. */
void root_nodes_open(const struct root *root, struct arena *arena, struct root_node *nodes, size_t count);
/* The paths of all nodes below a directory ("/dev", "/dev/nvidia-caps"), whose names start with `prefix`. */
int root_nodes(const struct root *root, struct arena *arena, const char *directory, const char *prefix,
               struct texts *ret_paths);

/* The bytes of DIR/.whycuda/NAME ("live.json"); -ENOENT for the live machine. */
int root_recorded(const struct root *root, struct arena *arena, const char *name, size_t max,
                  struct span *ret_bytes);
