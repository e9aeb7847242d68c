#include "format/cdi.h"

#include "base/limits.h"
#include "base/text.h"

/* "- hostPath: /usr/lib/libcuda.so.1", "\"hostPath\": \"/usr/…\",": the key's value without quotes, or an empty
 * span */
static struct span value_of(struct span line, const char *key) {
    struct span name, value;
    while (line.len && (line.ptr[0] == '-' || line.ptr[0] == ' ' || line.ptr[0] == '{' || line.ptr[0] == '\t'))
        line = span_slice(line, 1, line.len);
    if (!span_cut(line, ':', &name, &value) || !span_eq(span_unquote(span_trim(name)), key))
        return (struct span){0};
    value = span_trim(value);
    while (value.len && (value.ptr[value.len - 1] == ',' || value.ptr[value.len - 1] == '}'))
        value = span_trim(span_slice(value, 0, value.len - 1));
    return span_unquote(value);
}

/* JSON may stand in one line: cut at commas and braces as well */
static bool next_part(struct span *rest, struct span *ret_part) {
    if (!rest->len)
        return false;
    size_t end = 0;
    while (end < rest->len && rest->ptr[end] != '\n' && rest->ptr[end] != ',' && rest->ptr[end] != '{' &&
           rest->ptr[end] != '[')
        end++;
    *ret_part = span_slice(*rest, 0, end);
    *rest = span_slice(*rest, end + 1, rest->len);
    return true;
}

void cdi_parse(struct span text, struct arena *arena, struct cdi *ret_cdi) {
    static const char library[] = "libcuda.so.";
    struct cdi cdi = {0};
    struct span part, value;
    while (next_part(&text, &part)) {
        if ((value = value_of(part, "kind")).len) {
            cdi.nvidia = cdi.nvidia || span_starts(value, "nvidia.com/");
        } else if ((value = value_of(part, "name")).len) {
            cdi.devices++;
        } else if ((value = value_of(part, "hostPath")).len && value.ptr[0] == '/' &&
                   cdi.host_paths.count < LIMIT_ROWS) {
            size_t at = span_find(value, library);
            struct driver_version version;
            if (at != SIZE_MAX && !cdi.version.count &&
                driver_version_parse(span_slice(value, at + sizeof library - 1, value.len), &version) == 0 &&
                version.count >= 2)
                cdi.version = version;
            texts_add(arena, &cdi.host_paths, text_clean(arena, value));
        }
    }
    *ret_cdi = cdi;
}
