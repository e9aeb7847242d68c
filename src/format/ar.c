#include "format/ar.h"

#include <errno.h>

#include "base/limits.h"
#include "sys/root.h"

enum { MAGIC = 8, HEADER = 60 };

int ar_open(struct ar *ret_ar, int fd, uint64_t offset, uint64_t size) {
    char magic[MAGIC];
    if (size < MAGIC || size > UINT64_MAX - offset)
        return -ENOEXEC;
    int r = root_pread(fd, magic, MAGIC, offset);
    if (r < 0)
        return r;
    bool thin = memcmp(magic, "!<thin>\n", MAGIC) == 0;
    if (!thin && memcmp(magic, "!<arch>\n", MAGIC) != 0)
        return -ENOEXEC;
    *ret_ar = (struct ar){.fd = fd, .start = offset, .size = size, .thin = thin, .next = MAGIC};
    return 0;
}

/* The decimal number in a blank-padded field. */
static int field_number(const char *field, size_t len, uint64_t *ret_number) {
    int64_t number;
    int r = span_to_number(span_trim(span_from(field, len)), 10, &number);
    if (r < 0 || number < 0)
        return -EBADMSG;
    *ret_number = (uint64_t)number;
    return 0;
}

/* GNU: "/123" is a place in the table of long names, which end with "/\n" there. */
static int name_from_table(const struct ar *ar, struct arena *arena, struct span digits, const char **ret_name) {
    uint64_t at;
    int r = field_number(digits.ptr, digits.len, &at);
    if (r < 0 || at >= ar->names.len)
        return -EBADMSG;
    struct span rest = span_slice(ar->names, (size_t)at, ar->names.len), name;
    span_cut(rest, '\n', &name, &rest);
    if (span_ends(name, "/"))
        name.len--;
    *ret_name = arena_copy_span(arena, name);
    return 0;
}

/* BSD: "#1/20" says that the name is the first 20 bytes of the member. */
static int name_from_member(const struct ar *ar, struct arena *arena, struct span digits,
                            struct ar_member *member) {
    uint64_t len;
    int r = field_number(digits.ptr, digits.len, &len);
    if (r < 0 || len > member->size || len > LIMIT_PATH)
        return -EBADMSG;
    char *name = arena_alloc(arena, (size_t)len + 1);
    r = root_pread(ar->fd, name, (size_t)len, member->offset);
    if (r < 0)
        return r;
    member->name = name;
    member->offset += len;
    member->size -= len;
    return 0;
}

static int names_load(struct ar *ar, struct arena *arena, const struct ar_member *member) {
    if (member->size > LIMIT_FILE)
        return -EFBIG;
    char *bytes = arena_alloc(arena, (size_t)member->size + 1);
    int r = root_pread(ar->fd, bytes, (size_t)member->size, member->offset);
    if (r < 0)
        return r;
    ar->names = span_from(bytes, (size_t)member->size);
    return 0;
}

/* The name of a plain member; BSD's is cut off its bytes. */
static int member_name(const struct ar *ar, struct arena *arena, struct span name, struct ar_member *member) {
    if (span_starts(name, "#1/") && !ar->thin)
        return name_from_member(ar, arena, span_slice(name, 3, name.len), member);
    if (span_starts(name, "/"))
        return name_from_table(ar, arena, span_slice(name, 1, name.len), &member->name);
    member->name = arena_copy_span(arena, span_ends(name, "/") ? span_slice(name, 0, name.len - 1) : name);
    return 0;
}

/* One header, whatever it stands for: *ret_plain says that it is a member and not a table of the archive. The
 * archive moves on only when all is well, so that an error can be placed. */
static int member_read(struct ar *ar, struct arena *arena, struct ar_member *member, bool *ret_plain) {
    char header[HEADER];
    if (ar->size - ar->next < HEADER)
        return -ENODATA;
    int r = root_pread(ar->fd, header, HEADER, ar->start + ar->next);
    if (r < 0)
        return r;
    uint64_t size, body = ar->next + HEADER;
    if (memcmp(header + 58, "`\n", 2) != 0 || field_number(header + 48, 10, &size) < 0)
        return -EBADMSG;
    *member = (struct ar_member){.offset = ar->start + body, .size = size};
    struct span name = span_trim(span_from(header, 16));
    bool table = span_eq(name, "/") || span_eq(name, "//") || span_eq(name, "/SYM64/");
    bool stored = table || !ar->thin; /* a thin archive holds its own tables and nothing else */
    if (stored && size > ar->size - body)
        return -ENODATA;
    if (span_eq(name, "//"))
        r = names_load(ar, arena, member);
    else if (!table)
        r = member_name(ar, arena, name, member);
    if (r < 0)
        return r;
    uint64_t past = body + (stored ? size : 0);
    ar->next = past + (past & 1);
    *ret_plain = !table && strncmp(member->name, "__.SYMDEF", 9) != 0;
    return 0;
}

int ar_next(struct ar *ar, struct arena *arena, struct ar_member *ret_member) {
    while (ar->next < ar->size) {
        struct ar_member member = {0};
        bool plain;
        if (ar->members++ == LIMIT_AR_MEMBERS)
            return -EFBIG;
        int r = member_read(ar, arena, &member, &plain);
        if (r < 0)
            return r;
        if (!plain)
            continue;
        *ret_member = member;
        return 1;
    }
    return 0;
}
