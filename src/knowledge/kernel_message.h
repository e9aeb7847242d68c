/* Lines of the kernel log that tell something about NVIDIA's driver (data/kernel_messages.csv). */
#pragma once

#include "knowledge/knowledge.h"

struct kernel_hit {
    const char *id; /* "xid", "api_mismatch": rules go by it; copy what is kept */
    size_t start, end;
    struct span address; /* PCI address named in the message; ptr NULL: none */
    int xid;             /* -1: none */
};

/* Every occurrence in a log whose lines begin with the message itself (format/kernel_log.h), row by row of the
 * table, each in order. `add` may end the search by returning false. 0; -EINVAL: an expression of the table is
 * wrong (the others were used all the same); -ENOMEM. */
int kernel_message_find(struct knowledge *knowledge, struct span log,
                        bool (*add)(void *context, const struct kernel_hit *hit), void *context);
