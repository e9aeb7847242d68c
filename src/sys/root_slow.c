/* Files of a driver that may sleep while it writes them: read by a child, so that a deadline holds. */
#include <errno.h>

#include "sys/child.h"
#include "sys/fault.h"
#include "sys/record_hook.h"
#include "sys/root.h"

struct slow_read {
    const struct root *root;
    const char *path;
    size_t max;
};

/* In the child. */
static void read_file(struct child_reply *reply, const void *argument) {
    const struct slow_read *what = argument;
    AUTO_ARENA arena = {0};
    struct span bytes;
    fault_hang(what->path);
    int r = root_read(what->root, &arena, what->path, what->max, &bytes);
    json_t *text = json_stringn(bytes.len ? bytes.ptr : "", bytes.len);
    if (!text) { /* not UTF-8: nothing that these files hold */
        text = json_string("");
        r = r < 0 ? r : -EILSEQ;
    }
    child_set(reply, json_pack("{s:i, s:o}", "result", r, "text", text));
}

int root_read_slow(const struct root *root, struct arena *arena, const char *path, size_t max,
                   struct span *ret_bytes) {
    if (!root_is_live(root))
        return root_read(root, arena, path, max, ret_bytes);
    *ret_bytes = (struct span){0};
    struct stat st;
    int there = root_stat(root, path, &st);
    if (there < 0)
        return there;
    const struct slow_read what = {root, path, max};
    const struct child_task task = {.name = "a file of the driver",
                                    .run = read_file,
                                    .argument = &what,
                                    .milliseconds = fault_deadline(ROOT_READ_DEADLINE),
                                    .restricted = true};
    struct child_result result;
    child_run(arena, &task, 1, &result, NULL, NULL);
    const char *text = json_string_value(json_object_get(result.answer, "text"));
    int r = result.end == CHILD_TIMEOUT || result.end == CHILD_STUCK ? -ETIMEDOUT
            : !text                                                  ? -EIO
                    : (int)json_integer_value(json_object_get(result.answer, "result"));
    if (text && r != -ETIMEDOUT)
        *ret_bytes = span_of(arena_copy(arena, text));
    child_release(&result, 1);
    if (r == 0)
        record_whole(root, path, *ret_bytes);
    return r;
}
