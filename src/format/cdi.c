#include "format/cdi.h"

#include <errno.h>
#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"

static void add_kind(struct cdi *cdi, struct span kind) {
    cdi->nvidia = cdi->nvidia || span_starts(kind, "nvidia.com/");
}

static void add_mount(struct cdi *cdi, struct arena *arena, struct span path) {
    static const char library[] = "libcuda.so.";
    size_t at = span_find(path, library);
    struct driver_version version;
    if (cdi->mounts.count >= LIMIT_ROWS || !span_starts(path, "/"))
        return;
    if (at != SIZE_MAX && !cdi->version.count &&
        driver_version_parse(span_slice(path, at + sizeof library - 1, path.len), &version) == 0 &&
        version.count >= 2)
        cdi->version = version;
    texts_add(arena, &cdi->mounts, text_clean(arena, path));
}

static void add_node(struct cdi *cdi, struct arena *arena, struct span path) {
    if (cdi->nodes.count < LIMIT_ROWS && span_starts(path, "/"))
        texts_add(arena, &cdi->nodes, text_clean(arena, path));
}

/* --- JSON ---------------------------------------------------------------------------------------------------- */

static void read_edits(struct cdi *cdi, struct arena *arena, const json_t *edits, bool for_all) {
    const json_t *mounts = json_object_get(edits, "mounts"), *nodes = json_object_get(edits, "deviceNodes");
    for (size_t i = 0; i < json_array_size(mounts); i++)
        add_mount(cdi, arena, span_of(json_string_value(json_object_get(json_array_get(mounts, i), "hostPath"))));
    for (size_t i = 0; for_all && i < json_array_size(nodes); i++)
        add_node(cdi, arena, span_of(json_string_value(json_object_get(json_array_get(nodes, i), "path"))));
}

static int parse_json(struct span text, struct arena *arena, struct cdi *cdi) {
    json_error_t error;
    json_t *json = json_loadb(text.ptr, text.len, 0, &error);
    if (!json)
        return -EINVAL;
    const json_t *devices = json_object_get(json, "devices");
    add_kind(cdi, span_of(json_string_value(json_object_get(json, "kind"))));
    cdi->devices = json_array_size(devices);
    for (size_t i = 0; i < cdi->devices; i++)
        read_edits(cdi, arena, json_object_get(json_array_get(devices, i), "containerEdits"), false);
    read_edits(cdi, arena, json_object_get(json, "containerEdits"), true);
    json_decref(json);
    return 0;
}

/* --- YAML ---------------------------------------------------------------------------------------------------- */

/* The key of "    - hostPath: /usr/…" and its value without quotes. */
static bool key_of(struct span line, struct span *ret_key, struct span *ret_value) {
    while (line.len && (line.ptr[0] == ' ' || line.ptr[0] == '-'))
        line = span_slice(line, 1, line.len);
    if (!span_cut(line, ':', ret_key, ret_value))
        return false;
    *ret_value = span_unquote(span_trim(*ret_value));
    return true;
}

/* A key at the margin begins a part: "devices:" lists devices, "containerEdits:" is for all of them. */
static void parse_yaml(struct span text, struct arena *arena, struct cdi *cdi) {
    struct span line, key, value;
    bool for_all = false, listing = false;
    while (span_next_line(&text, &line)) {
        if (!line.len || line.ptr[0] == '#' || !key_of(line, &key, &value))
            continue;
        if (line.ptr[0] != ' ' && line.ptr[0] != '-') {
            for_all = span_eq(key, "containerEdits");
            listing = span_eq(key, "devices");
            if (span_eq(key, "kind"))
                add_kind(cdi, value);
        } else if (span_eq(key, "name")) {
            cdi->devices += listing;
        } else if (span_eq(key, "hostPath")) {
            add_mount(cdi, arena, value);
        } else if (for_all && span_eq(key, "path") && span_starts(value, "/dev/")) {
            add_node(cdi, arena, value);
        }
    }
}

int cdi_parse(struct span text, struct arena *arena, struct cdi *ret_cdi) {
    struct cdi cdi = {0};
    int r = 0;
    if (span_starts(span_trim(span_slice(text, 0, 256)), "{"))
        r = parse_json(text, arena, &cdi);
    else
        parse_yaml(text, arena, &cdi);
    if (r == 0)
        *ret_cdi = cdi;
    return r;
}
