/* Any bytes as a static archive: it ends, each member lies in it, and each lies behind the one before. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/ar.h"
#include "support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FD fd = memory_file(data, size);
    AUTO_ARENA arena = {0};
    struct ar ar;
    struct ar_member member;
    int r = ar_open(&ar, fd, 0, size);
    if (r < 0) {
        if (r != -ENOEXEC)
            abort();
        return 0;
    }
    uint64_t last = 0;
    while ((r = ar_next(&ar, &arena, &member)) > 0) {
        if (!member.name || member.offset <= last || member.offset > size)
            abort();
        if (!ar.thin && member.size > size - member.offset)
            abort();
        last = member.offset;
    }
    if (r < 0 && r != -EBADMSG && r != -ENODATA && r != -EFBIG)
        abort();
    return 0;
}
