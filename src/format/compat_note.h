/* The note in a libcuda for forward compatibility (package cuda-compat): section .note.cuda.fwd_compatibility,
 * owner "NVIDIA Corporation", with a JSON object as NVIDIA's container toolkit reads it:
 *   {"Format": 1, "CUDA Version": "13.1", "Driver": [535, 550, …], "Device": […]}
 * Older packages have none. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/span.h"

#define COMPAT_NOTE_SECTION ".note.cuda.fwd_compatibility"

struct compat_note {
    const char *cuda; /* "13.1"; NULL: it does not say */
    struct {
        int *items;
        size_t count;
    } branches; /* kernel driver branches it may run on; none: it does not say */
};
/* `section`: its bytes; `big`: its byte order. Both alignments of notes, 4 and 8 bytes, are understood. 0;
 * -ENOENT: another owner's note; -EBADMSG. */
int compat_note_parse(struct span section, bool big, struct arena *arena, struct compat_note *ret_note);
