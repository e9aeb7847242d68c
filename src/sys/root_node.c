/* Device nodes: looked at and opened live, or read from DIR/.whycuda/nodes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "sys/child.h"
#include "sys/fault.h"
#include "sys/root_internal.h"

static const struct {
    const char *name;
    int error;
} error_names[] = {
    {"EACCES", EACCES}, {"EPERM", EPERM}, {"ENOENT", ENOENT}, {"ENODEV", ENODEV},       {"ENXIO", ENXIO},
    {"EIO", EIO},       {"EBUSY", EBUSY}, {"EINVAL", EINVAL}, {"ETIMEDOUT", ETIMEDOUT},
};

static int error_of_name(struct span name) {
    for (size_t i = 0; i < sizeof error_names / sizeof *error_names; i++)
        if (span_eq(name, error_names[i].name))
            return -error_names[i].error;
    return -EIO;
}

/* PATH c MAJOR:MINOR MODE UID GID [open=ERRNO] */
static bool parse_node(struct arena *arena, struct span line, struct root_node *node) {
    struct span word[7] = {{0}}, major, minor;
    int64_t number[5];
    for (size_t i = 0; i < 7 && span_next_word(&line, &word[i]);)
        i++;
    if (!word[5].len || word[0].ptr[0] != '/' || !span_cut(word[2], ':', &major, &minor))
        return false;
    if (span_to_number(major, 10, &number[0]) < 0 || span_to_number(minor, 10, &number[1]) < 0 ||
        span_to_number(word[3], 8, &number[2]) < 0 || span_to_number(word[4], 10, &number[3]) < 0 ||
        span_to_number(word[5], 10, &number[4]) < 0)
        return false;
    *node = (struct root_node){.path = text_clean(arena, word[0]),
                               .type = word[1].ptr[0],
                               .major = (unsigned)number[0],
                               .minor = (unsigned)number[1],
                               .mode = (unsigned)number[2] & 07777u,
                               .uid = (uid_t)number[3],
                               .gid = (gid_t)number[4]};
    if (span_starts(word[6], "open="))
        node->open_error = error_of_name(span_slice(word[6], 5, word[6].len));
    return true;
}

static int recorded_node(const struct root *root, struct arena *arena, const char *path,
                         struct root_node *ret_node) {
    if (!root->nodes_known)
        return -ENODATA;
    struct span rest = root->nodes, line;
    struct root_node node;
    while (span_next_line(&rest, &line)) {
        if (!parse_node(arena, line, &node) || strcmp(node.path, path) != 0)
            continue;
        *ret_node = node;
        return 0;
    }
    return -ENOENT;
}

int root_node(const struct root *root, struct arena *arena, const char *path, struct root_node *ret_node) {
    if (!root_is_live(root))
        return recorded_node(root, arena, path, ret_node);
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    struct root_node node = {.path = arena_copy(arena, path),
                             .type = '?',
                             .mode = st.st_mode & 07777u,
                             .uid = st.st_uid,
                             .gid = st.st_gid,
                             .open_error = 1};
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        node.type = S_ISCHR(st.st_mode) ? 'c' : 'b';
        node.major = major(st.st_rdev);
        node.minor = minor(st.st_rdev);
    }
    *ret_node = node;
    return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------- */

/* The first child opens all of them, one after the other, and costs two forks. Only where it is kept waiting does
 * each node that is left get a child and the whole deadline of its own: a server's GPUs that are woken up by it
 * may take some seconds each. */
enum { FIRST_DEADLINE = 3 * 1000 /* milliseconds */ };

struct trial {
    struct root_node **nodes;
    size_t count;
};

/* In the child. */
static void open_nodes(struct child_reply *reply, const void *argument) {
    const struct trial *trial = argument;
    for (size_t i = 0; i < trial->count; i++) {
        const struct root_node *node = trial->nodes[i];
        fault_hang(node->path);
        int fd = open(node->path, (node->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int error = fd < 0 ? errno : 0;
        if (fd >= 0)
            close(fd); /* before it answers: closing may wait as well */
        child_add(reply, "errors", json_integer(error));
    }
}

/* How many were answered. */
static size_t take_answers(const struct trial *trial, const struct child_result *result) {
    const json_t *errors = json_object_get(result->answer, "errors");
    size_t answered = json_array_size(errors) < trial->count ? json_array_size(errors) : trial->count;
    for (size_t i = 0; i < answered; i++)
        trial->nodes[i]->open_error = -(int)json_integer_value(json_array_get(errors, i));
    bool waited = result->end == CHILD_TIMEOUT || result->end == CHILD_STUCK;
    if (waited && answered < trial->count)
        trial->nodes[answered]->open_error = -ETIMEDOUT;
    return answered;
}

/* Runs the trials side by side. */
static void run_trials(struct arena *arena, const struct trial *trials, size_t count, unsigned milliseconds,
                       struct child_result *results) {
    struct child_task tasks[CHILD_MAX];
    for (size_t i = 0; i < count; i++)
        tasks[i] = (struct child_task){.name = "a device node",
                                       .run = open_nodes,
                                       .argument = &trials[i],
                                       .milliseconds = fault_deadline(milliseconds),
                                       .restricted = true};
    child_run(arena, tasks, count, results, NULL, NULL);
}

void root_nodes_open(const struct root *root, struct arena *arena, struct root_node *nodes, size_t count) {
    struct trial all = {.nodes = arena_alloc(arena, (count + 1) * sizeof *all.nodes)};
    for (size_t i = 0; root_is_live(root) && i < count && all.count < LIMIT_ROWS; i++)
        if (nodes[i].type != '?' && !nodes[i].leave)
            all.nodes[all.count++] = &nodes[i];
    if (!all.count)
        return;
    struct child_result results[CHILD_MAX];
    run_trials(arena, &all, 1, FIRST_DEADLINE, results);
    size_t done = take_answers(&all, &results[0]);
    bool waited = results[0].end == CHILD_TIMEOUT || results[0].end == CHILD_STUCK;
    child_release(results, 1);
    for (; waited && done < all.count; done += CHILD_MAX) {
        struct trial trials[CHILD_MAX];
        size_t some = all.count - done < CHILD_MAX ? all.count - done : CHILD_MAX;
        for (size_t i = 0; i < some; i++)
            trials[i] = (struct trial){&all.nodes[done + i], 1};
        run_trials(arena, trials, some, ROOT_NODE_DEADLINE, results);
        for (size_t i = 0; i < some; i++)
            take_answers(&trials[i], &results[i]);
        child_release(results, some);
    }
}

int root_nodes(const struct root *root, struct arena *arena, const char *directory, const char *prefix,
               struct texts *ret_paths) {
    *ret_paths = (struct texts){0};
    const char *start = text_path(arena, directory, prefix);
    if (root_is_live(root)) {
        struct texts names;
        struct stat st;
        int r = root_list(root, arena, directory, &names);
        if (r < 0 && r != -EFBIG)
            return r;
        for (size_t i = 0; i < names.count; i++) {
            const char *path = text_path(arena, directory, names.items[i]);
            if (text_starts(path, start) && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
                texts_add(arena, ret_paths, path);
        }
        return 0;
    }
    if (!root->nodes_known)
        return -ENODATA;
    struct span rest = root->nodes, line;
    struct root_node node;
    size_t depth = strlen(directory) + 1;
    while (span_next_line(&rest, &line))
        if (parse_node(arena, line, &node) && text_starts(node.path, start) && !strchr(node.path + depth, '/'))
            texts_add(arena, ret_paths, node.path);
    return 0;
}
