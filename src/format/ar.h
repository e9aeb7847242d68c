/* Static archives (.a): the members, one after another. GNU and BSD long names, symbol tables passed over; thin
 * archives, whose members are files of their own, have members without bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct ar {
    int fd;
    uint64_t start, size; /* the archive's window in the file */
    bool thin;
    struct span names; /* GNU's table of long names */
    uint64_t next;     /* where the next member's header stands, counted from start; after an error, the bad one */
    uint64_t members;
};

struct ar_member {
    const char *name;      /* terminated, bytes as they are; a path relative to the archive's folder when thin */
    uint64_t offset, size; /* of its bytes, counted from the start of the file, not of the window */
};

/* An archive in [offset, offset + size) of an open descriptor, which stays the caller's. 0; -ENOEXEC: not one. */
int ar_open(struct ar *ret_ar, int fd, uint64_t offset, uint64_t size);
/* 1 and the next member; 0 at the end; -EBADMSG: a header that cannot be; -ENODATA: the file ends inside a member
 * (once; there is nothing behind it); -EFBIG after LIMIT_AR_MEMBERS; or the -errno of reading. After an error the
 * archive must not be asked again. Names and the table of long names live in the arena. */
int ar_next(struct ar *ar, struct arena *arena, struct ar_member *ret_member);
