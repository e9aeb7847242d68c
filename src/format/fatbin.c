#include "format/fatbin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "format/bytes.h"

enum { CONTAINER_HEADER = 16, ENTRY_HEADER = 64, ARCH_MAX = 999, PADDING = 32 };

#define CONTAINER_MAGIC 0xBA55ED50u
#define CONTAINER_START "\x50\xED\x55\xBA\x01\x00\x10\x00" /* magic, version 1, header size 16 */
#define FLAG_ARCH_SPECIFIC 0x100000u                       /* sm_90a; set by CUDA 12.0 and later */
#define FLAG_FAMILY_SPECIFIC 0x200000u                     /* sm_100f; 12.9 and later */

/* --- what was found --------------------------------------------------------------------------------------- */

static void code_fail(struct fatbin_code *code, int error, uint64_t offset, const char *problem) {
    if (code->error)
        return;
    code->error = error;
    code->error_offset = offset;
    code->problem = problem;
}

static bool target_same(const struct fatbin_target *a, const struct fatbin_target *b) {
    return a->kind == b->kind && a->arch == b->arch && a->suffix == b->suffix && a->isa_major == b->isa_major &&
           a->isa_minor == b->isa_minor;
}

/* The number of a target, FATBIN_TARGETS when there is no room for another. */
static size_t target_number(struct fatbin_code *code, struct arena *arena, const struct fatbin_target *target) {
    for (size_t i = 0; i < code->targets.count; i++)
        if (target_same(&code->targets.items[i], target))
            return i;
    if (code->targets.count == FATBIN_TARGETS) {
        code->full = true;
        return FATBIN_TARGETS;
    }
    struct fatbin_target *item = &LIST_PUSH(arena, &code->targets);
    *item = *target;
    item->entries = 0;
    return code->targets.count - 1;
}

static void mix_set(struct fatbin_mix *mix, size_t number) {
    if (number < FATBIN_TARGETS)
        mix->targets[number / 64] |= UINT64_C(1) << number % 64;
}

static void mix_count(struct fatbin_code *code, struct arena *arena, const struct fatbin_mix *mix) {
    for (size_t i = code->mixes.count; i-- > 0;) {
        struct fatbin_mix *known = &code->mixes.items[i];
        if (memcmp(known->targets, mix->targets, sizeof known->targets) == 0) {
            known->modules += mix->modules;
            return;
        }
    }
    if (code->mixes.count == LIMIT_FATBIN_MIXES) {
        code->full = true;
        return;
    }
    LIST_PUSH(arena, &code->mixes) = *mix;
}

void fatbin_add_single(struct fatbin_code *code, struct arena *arena, struct fatbin_target target) {
    struct fatbin_mix mix = {.modules = 1, .first = code->modules};
    size_t number = target_number(code, arena, &target);
    mix_set(&mix, number);
    if (number < FATBIN_TARGETS)
        code->targets.items[number].entries++;
    mix_count(code, arena, &mix);
    code->modules++;
    code->entries++;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

bool fatbin_is_container(const char bytes[16], uint64_t *ret_size) {
    if (memcmp(bytes, CONTAINER_START, sizeof CONTAINER_START - 1) != 0)
        return false;
    *ret_size = bytes_le64(bytes + 8);
    return true;
}

static int entry_decode(const char *bytes, struct fatbin_target *ret_target) {
    uint64_t flags = bytes_le64(bytes + 0x28);
    struct fatbin_target target = {.kind = bytes_le16(bytes), .arch = bytes_le32(bytes + 0x1c)};
    if (flags & FLAG_ARCH_SPECIFIC)
        target.suffix = 'a';
    else if (flags & FLAG_FAMILY_SPECIFIC)
        target.suffix = 'f';
    if (target.kind == FATBIN_PTX) {
        target.isa_minor = bytes_le16(bytes + 0x18);
        target.isa_major = bytes_le16(bytes + 0x1a);
    }
    if (!target.kind || !target.arch || target.arch > ARCH_MAX)
        return -EBADMSG;
    *ret_target = target;
    return 0;
}

/* One entry at `at`, which must end by `end`: what it is for, and where the next one starts. */
static int entry_read(struct window *window, uint64_t at, uint64_t end, struct fatbin_target *ret_target,
                      uint64_t *ret_next, const char **ret_problem) {
    const char *bytes;
    *ret_problem = "the file ends inside an entry";
    if (end - at < ENTRY_HEADER)
        return -ENODATA;
    int r = window_get(window, at, ENTRY_HEADER, &bytes);
    if (r < 0)
        return r;
    uint64_t header = bytes_le32(bytes + 4), payload = bytes_le64(bytes + 8);
    *ret_problem = "an entry whose header cannot be";
    if (header < ENTRY_HEADER || entry_decode(bytes, ret_target) < 0)
        return -EBADMSG;
    *ret_problem = "an entry longer than its container";
    if (header > end - at || payload > end - at - header)
        return -EBADMSG;
    *ret_next = at + header + payload;
    return 0;
}

/* The entries in [at, end), hopping from header to header; up to the first unsound one. */
static void module_read(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t at,
                        uint64_t end) {
    struct fatbin_mix mix = {.modules = 1, .first = code->modules};
    if (code->every && code->modules % code->every) {
        code->full |= ++code->modules >= LIMIT_FATBIN_ENTRIES;
        return;
    }
    while (at < end && !code->full) {
        struct fatbin_target target;
        const char *problem;
        uint64_t next;
        int r = entry_read(window, at, end, &target, &next, &problem);
        if (r < 0) {
            code_fail(code, r, at, problem);
            break;
        }
        size_t number = target_number(code, arena, &target);
        mix_set(&mix, number);
        if (number < FATBIN_TARGETS)
            code->targets.items[number].entries++;
        code->full |= ++code->entries >= LIMIT_FATBIN_ENTRIES;
        at = next;
    }
    code->full |= ++code->modules >= LIMIT_FATBIN_ENTRIES;
    mix_count(code, arena, &mix);
}

/* The first of `len` bytes that is not zero, as an offset from `bytes`; `len` if there is none. */
static size_t skip_zeros(const char *bytes, size_t len) {
    size_t i = 0;
    while (i < len && bytes[i] == 0)
        i++;
    return i;
}

/* The next place in [at, end) where a container may start, or `end`; and the first byte passed that is no padding,
 * or `end`. */
static int find_container(struct window *window, uint64_t at, uint64_t end, uint64_t *ret_at, uint64_t *ret_dirt) {
    const size_t pattern = sizeof CONTAINER_START - 1;
    size_t step = PADDING + CONTAINER_HEADER + ENTRY_HEADER; /* mostly all that is needed for the first entry */
    *ret_dirt = end;
    while (at < end) {
        const char *bytes;
        size_t len = end - at < step ? (size_t)(end - at) : step;
        int r = window_get(window, at, len, &bytes);
        if (r < 0)
            return r;
        const char *hit = bytes_find(bytes, len, CONTAINER_START, pattern);
        /* a pattern may begin in the last bytes and go on behind them */
        size_t passed = hit ? (size_t)(hit - bytes) : len < pattern || at + len == end ? len : len - pattern + 1;
        size_t zeros = *ret_dirt == end ? skip_zeros(bytes, passed) : passed;
        if (zeros < passed)
            *ret_dirt = at + zeros;
        at += passed;
        if (hit)
            break;
        step = step * 4 < WINDOW_BYTES ? step * 4 : WINDOW_BYTES;
    }
    *ret_at = at;
    return 0;
}

/* Whether a hunter should believe in the container at `at`: it fits, and its first entry is sound. */
static bool is_believable(struct window *window, uint64_t at, uint64_t size, uint64_t end) {
    struct fatbin_target target;
    const char *problem;
    uint64_t next;
    if (size > end - at - CONTAINER_HEADER)
        return false;
    at += CONTAINER_HEADER;
    return size == 0 || entry_read(window, at, at + size, &target, &next, &problem) == 0;
}

/* What stands at `dirt`, between the containers of a section that should hold nothing else. */
static void explain_dirt(struct fatbin_code *code, struct window *window, uint64_t dirt, uint64_t end) {
    const char *bytes;
    if (end - dirt >= 4 && window_get(window, dirt, 4, &bytes) == 0 && bytes_le32(bytes) == CONTAINER_MAGIC)
        code_fail(code, -EPROTONOSUPPORT, dirt, "a container of a version that is not known, or cut short");
    else
        code_fail(code, -EBADMSG, dirt, "bytes that are no container");
}

static void search(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t at, uint64_t end,
                   bool walking) {
    while (at < end && !code->full) {
        const char *bytes;
        uint64_t size = 0, dirt;
        int r = find_container(window, at, end, &at, &dirt);
        if (r < 0) {
            code_fail(code, r, at, "the file ends early or cannot be read");
            return;
        }
        if (walking && dirt < end)
            explain_dirt(code, window, dirt, end);
        if (end - at < CONTAINER_HEADER) {
            if (walking && at < end)
                code_fail(code, -ENODATA, at, "a container cut short");
            return;
        }
        r = window_get(window, at, CONTAINER_HEADER, &bytes);
        if (r < 0) {
            code_fail(code, r, at, "the file ends early or cannot be read");
            return;
        }
        fatbin_is_container(bytes, &size);
        if (!walking && !is_believable(window, at, size, end)) {
            at += 8; /* a chance hit in other data */
            continue;
        }
        uint64_t room = end - at - CONTAINER_HEADER;
        if (size > room)
            code_fail(code, -ENODATA, at, "a container longer than what holds it");
        size = size > room ? room : size;
        at += CONTAINER_HEADER;
        module_read(code, arena, window, at, at + size);
        at += size;
    }
}

void fatbin_walk(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t start,
                 uint64_t end) {
    search(code, arena, window, start, end, true);
}

void fatbin_hunt(struct fatbin_code *code, struct arena *arena, struct window *window, uint64_t start,
                 uint64_t end) {
    search(code, arena, window, start, end, false);
}

/* --- for display ------------------------------------------------------------------------------------------- */

const char *fatbin_target_name(struct arena *arena, const struct fatbin_target *target) {
    const char *suffix = target->suffix == 'a' ? "a" : target->suffix == 'f' ? "f" : "";
    const char *prefix = target->kind == FATBIN_PTX    ? "compute"
                         : target->kind == FATBIN_SASS ? "sm"
                         : target->kind == FATBIN_LTO  ? "lto"
                                                       : NULL;
    if (prefix)
        return arena_printf(arena, "%s_%u%s", prefix, target->arch, suffix);
    return arena_printf(arena, "kind%u_%u%s", target->kind, target->arch, suffix);
}

static int target_compare(const void *left, const void *right) {
    const struct fatbin_target *a = left, *b = right;
    const unsigned keys[][2] = {{a->arch, b->arch},
                                {(unsigned char)a->suffix, (unsigned char)b->suffix},
                                {a->isa_major, b->isa_major},
                                {a->isa_minor, b->isa_minor}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static bool is_of_kind(const struct fatbin_target *target, unsigned kind) {
    if (kind != FATBIN_OTHER)
        return target->kind == kind;
    return target->kind != FATBIN_PTX && target->kind != FATBIN_SASS && target->kind != FATBIN_LTO;
}

void fatbin_sorted(const struct fatbin_code *code, struct arena *arena, unsigned kind,
                   struct fatbin_targets *ret_list) {
    *ret_list = (struct fatbin_targets){0};
    for (size_t i = 0; i < code->targets.count; i++)
        if (is_of_kind(&code->targets.items[i], kind))
            LIST_PUSH(arena, ret_list) = code->targets.items[i];
    if (ret_list->count)
        qsort(ret_list->items, ret_list->count, sizeof *ret_list->items, target_compare);
}
