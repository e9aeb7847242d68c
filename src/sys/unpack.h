/* Compressed files (kernel modules), unpacked as a stream and never kept. The libraries that do it are opened when
 * needed: whycuda must start where they are missing. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

enum unpack_kind { UNPACK_GZIP, UNPACK_XZ, UNPACK_ZSTD };

/* Hands out the unpacked bytes of an open file in order, in pieces of any size; `take` returns false to end it
 * early. 0 also when it was ended; -EOPNOTSUPP: the library is not here; -EBADMSG: not of that kind, damaged or
 * cut; -EFBIG: more than LIMIT_UNPACKED bytes came out, or it asks for too much memory; or the -errno of reading. */
int unpack(struct arena *arena, int fd, enum unpack_kind kind, bool (*take)(void *context, struct span bytes),
           void *context);
