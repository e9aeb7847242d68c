/* Any bytes as version.json, version.txt, cuda.h, host_config.h, the compatibility note and a Windows driver's
 * description. */
#include <stdint.h>
#include <stdlib.h>

#include "format/compat_note.h"
#include "format/cuda_text.h"
#include "format/inf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    struct span bytes = span_from(data, size);
    struct compat_note note;
    struct driver_version version;
    cuda_version_json(&arena, bytes);
    cuda_version_txt(&arena, bytes);
    inf_driver_version(bytes, &version);
    int number = cuda_version_header(bytes, "CUDA_VERSION");
    if (number && (number < 1000 || number >= 1000000))
        abort();
    struct cuda_limits limits = cuda_host_limits(bytes);
    if (limits.gcc < 0 || limits.gcc > 999 || limits.clang < 0 || limits.clang > 999)
        abort();
    for (int big = 0; big < 2; big++)
        if (compat_note_parse(bytes, big, &arena, &note) == 0)
            for (size_t i = 0; i < note.branches.count; i++)
                if (note.branches.items[i] <= 0)
                    abort();
    return 0;
}
