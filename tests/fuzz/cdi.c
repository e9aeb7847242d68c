/* Any bytes as a CDI specification. */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "format/cdi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    struct cdi cdi;
    if (cdi_parse(span_from(data, size), &arena, &cdi) < 0)
        return 0;
    if (cdi.mounts.count > LIMIT_ROWS || cdi.nodes.count > LIMIT_ROWS)
        abort();
    for (size_t i = 0; i < cdi.mounts.count; i++)
        if (cdi.mounts.items[i][0] != '/')
            abort();
    return 0;
}
