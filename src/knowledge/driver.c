#include "knowledge/driver.h"

#include <errno.h>

#include "knowledge/table.h"

struct driver_cache {
    struct {
        struct driver_branch *items;
        size_t count;
    } branches, confirmed;
    struct {
        struct cuda_release *items;
        size_t count;
    } releases; /* one for each CUDA version: its first release */
};

static void read_branches(struct knowledge *knowledge, struct driver_cache *cache) {
    static const char *const names[] = {"branch",         "max_cuda",    "kind",
                                        "last_release",   "end_of_life", "min_capability",
                                        "max_capability", "open_module", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_DRIVER_BRANCHES, names);
    while (cursor_next(&cursor)) {
        struct driver_branch branch = {.branch = cursor_number(&cursor, 0),
                                       .max_cuda = cursor_cuda(&cursor, 1),
                                       .kind = cursor_text(&cursor, 2),
                                       .last_release = cursor_text(&cursor, 3),
                                       .end_of_life = cursor_text(&cursor, 4),
                                       .min_capability = cursor_capability(&cursor, 5),
                                       .max_capability = cursor_capability(&cursor, 6),
                                       .open_module = span_eq(cursor_span(&cursor, 7), "yes"),
                                       .confirmed = cursor_confirmed(&cursor)};
        if (!branch.branch || !branch.max_cuda) {
            knowledge->bad_rows++;
            continue;
        }
        LIST_PUSH(&knowledge->arena, &cache->branches) = branch;
        if (branch.confirmed)
            LIST_PUSH(&knowledge->arena, &cache->confirmed) = branch;
    }
}

static void read_releases(struct knowledge *knowledge, struct driver_cache *cache) {
    static const char *const names[] = {
        "cuda", "release", "toolkit_linux", "toolkit_windows", "floor_linux", "floor_windows", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_CUDA_DRIVERS, names);
    while (cursor_next(&cursor)) {
        struct cuda_release release = {.cuda = cursor_cuda(&cursor, 0),
                                       .name = cursor_text(&cursor, 1),
                                       .toolkit_linux = cursor_driver(&cursor, 2),
                                       .toolkit_windows = cursor_driver(&cursor, 3),
                                       .floor_linux = cursor_driver(&cursor, 4),
                                       .floor_windows = cursor_driver(&cursor, 5),
                                       .confirmed = cursor_confirmed(&cursor)};
        release.minor_compatible = release.cuda > 11000;
        size_t last = cache->releases.count;
        if (!release.cuda)
            knowledge->bad_rows++;
        else if (last && cache->releases.items[last - 1].cuda == release.cuda)
            cache->releases.items[last - 1] = release; /* newest first: the last one of a version is its first */
        else
            LIST_PUSH(&knowledge->arena, &cache->releases) = release;
    }
}

static struct driver_cache *driver_cache(struct knowledge *knowledge) {
    if (!knowledge->driver) {
        knowledge->driver = arena_alloc(&knowledge->arena, sizeof *knowledge->driver);
        read_branches(knowledge, knowledge->driver);
        read_releases(knowledge, knowledge->driver);
    }
    return knowledge->driver;
}

int knowledge_branch(struct knowledge *knowledge, unsigned branch, struct driver_branch *ret_branch) {
    const struct driver_cache *cache = driver_cache(knowledge);
    for (size_t i = 0; i < cache->branches.count; i++)
        if (cache->branches.items[i].branch == branch) {
            *ret_branch = cache->branches.items[i];
            return 0;
        }
    return -ENOENT;
}

int knowledge_branches(struct knowledge *knowledge, const struct driver_branch **ret_branches, size_t *ret_count) {
    const struct driver_cache *cache = driver_cache(knowledge);
    *ret_branches = cache->confirmed.items;
    *ret_count = cache->confirmed.count;
    return 0;
}

/* Windows numbers run ahead within a branch (551 to 553 are R550), never as far as the next one. */
enum { WINDOWS_LEAD = 4 };

static const struct driver_branch *branch_of(struct knowledge *knowledge, const struct driver_version *driver,
                                             bool windows) {
    const struct driver_cache *cache = driver_cache(knowledge);
    const struct driver_branch *found = NULL;
    for (size_t i = 0; driver->count && i < cache->confirmed.count; i++) {
        const struct driver_branch *branch = &cache->confirmed.items[i];
        if (branch->branch == driver->part[0] || (windows && branch->branch < driver->part[0]))
            found = branch;
    }
    return found && driver->part[0] - found->branch <= (windows ? WINDOWS_LEAD : 0) ? found : NULL;
}

unsigned knowledge_driver_branch(struct knowledge *knowledge, const struct driver_version *driver, bool windows) {
    if (!windows)
        return driver->count ? driver->part[0] : 0;
    const struct driver_branch *branch = branch_of(knowledge, driver, true);
    return branch ? branch->branch : 0;
}

int knowledge_driver_max_cuda(struct knowledge *knowledge, const struct driver_version *driver, bool windows,
                              int *ret_cuda) {
    if (!driver->count)
        return -EINVAL;
    const struct driver_branch *branch = branch_of(knowledge, driver, windows);
    if (!branch)
        return -ENOENT;
    *ret_cuda = branch->max_cuda;
    return 0;
}

int knowledge_cuda(struct knowledge *knowledge, int cuda, struct cuda_release *ret_release) {
    const struct driver_cache *cache = driver_cache(knowledge);
    const struct cuda_release *major = NULL;
    for (size_t i = 0; i < cache->releases.count; i++) {
        const struct cuda_release *release = &cache->releases.items[i];
        if (release->cuda == cuda) {
            *ret_release = *release;
            return 0;
        }
        if (release->minor_compatible && cuda_major(release->cuda) == cuda_major(cuda))
            major = release;
    }
    if (!major || cuda < 1000)
        return -ENOENT;
    *ret_release = (struct cuda_release){.cuda = cuda,
                                         .name = "",
                                         .floor_linux = major->floor_linux,
                                         .floor_windows = major->floor_windows,
                                         .minor_compatible = true,
                                         .confirmed = major->confirmed};
    return 0;
}
