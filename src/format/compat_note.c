#include "format/compat_note.h"

#include <errno.h>
#include <jansson.h>

#include "base/text.h"

enum { NOTE_HEADER = 12, BRANCHES_MAX = 256 };

static uint32_t u32_at(struct span bytes, size_t offset, bool big) {
    const unsigned char *p = (const unsigned char *)bytes.ptr + offset;
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* NULL: no JSON object at that place. A new reference. */
static json_t *object_at(struct span section, uint64_t start, uint64_t size) {
    if (start > section.len || size > section.len - start)
        return NULL;
    struct span text = span_slice(section, start, start + size);
    while (text.len && !text.ptr[text.len - 1])
        text.len--;
    json_error_t error;
    json_t *json = json_loadb(text.ptr, text.len, 0, &error);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

int compat_note_parse(struct span section, bool big, struct arena *arena, struct compat_note *ret_note) {
    static const char owner[] = "NVIDIA Corporation";
    if (section.len < NOTE_HEADER)
        return -EBADMSG;
    uint64_t name = u32_at(section, 0, big), size = u32_at(section, 4, big);
    if (name < sizeof owner - 1 || name > section.len - NOTE_HEADER)
        return -EBADMSG;
    if (!span_starts(span_slice(section, NOTE_HEADER, NOTE_HEADER + name), owner))
        return -ENOENT;
    json_t *json = object_at(section, NOTE_HEADER + ((name + 3) & ~UINT64_C(3)), size);
    if (!json)
        json = object_at(section, NOTE_HEADER + ((name + 7) & ~UINT64_C(7)), size);
    if (!json)
        return -EBADMSG;
    struct compat_note note = {0};
    const char *cuda = json_string_value(json_object_get(json, "CUDA Version"));
    if (cuda)
        note.cuda = text_clean(arena, span_of(cuda));
    const json_t *branches = json_object_get(json, "Driver");
    for (size_t i = 0; i < json_array_size(branches) && i < BRANCHES_MAX; i++) {
        const json_t *branch = json_array_get(branches, i);
        json_int_t number = json_integer_value(branch);
        if (json_is_integer(branch) && number > 0 && number < 100000)
            LIST_PUSH(arena, &note.branches) = (int)number;
    }
    json_decref(json);
    *ret_note = note;
    return 0;
}
