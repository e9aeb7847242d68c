#include "format/modinfo.h"

#include "base/text.h"

struct span modinfo_get(struct span section, const char *key) {
    struct span entry, name, value;
    while (span_next_field(&section, '\0', &entry))
        if (span_cut(entry, '=', &name, &value) && span_eq(name, key))
            return value;
    return (struct span){0};
}

bool module_signed(struct span tail) {
    static const char mark[] = "~Module signature appended~\n";
    _Static_assert(sizeof mark - 1 == MODULE_SIGNATURE_MARK, "length of the mark");
    return span_ends(tail, mark);
}

bool module_file_name(struct span path, char *name, size_t size, enum module_compression *ret_compression) {
    static const struct {
        const char *ending;
        enum module_compression compression;
    } endings[] = {
        {".ko", MODULE_PLAIN}, {".ko.gz", MODULE_GZIP}, {".ko.xz", MODULE_XZ}, {".ko.zst", MODULE_ZSTD}};
    size_t slash = path.len;
    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    path = span_slice(path, slash, path.len);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (!span_ends(path, endings[i].ending))
            continue;
        size_t len = path.len - strlen(endings[i].ending);
        if (len == 0 || len >= size)
            return false;
        for (size_t c = 0; c < len; c++)
            name[c] = path.ptr[c] == '-' ? '_' : path.ptr[c];
        name[len] = '\0';
        *ret_compression = endings[i].compression;
        return true;
    }
    return false;
}

const char *module_compression_text(enum module_compression compression) {
    static const char *const texts[] = {NULL, "gzip", "xz", "zstd"};
    return texts[compression];
}

const char *module_of_interest(const char *name) {
    static const char *const exact[] = {"nouveau", "nvgpu", "nova_core"};
    static const char *const shown[] = {"nouveau", "nvgpu", "nova-core"};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (text_eq(name, exact[i]))
            return shown[i];
    if (!text_starts(name, "nvidia"))
        return NULL;
    static const struct {
        const char *ending, *shown;
    } parts[] = {{"_uvm", "nvidia-uvm"}, {"_modeset", "nvidia-modeset"},
                 {"_drm", "nvidia-drm"}, {"_peermem", "nvidia-peermem"},
                 {"_fs", NULL},          {"_wmi_ec_backlight", NULL},
                 {"_ffh", NULL},         {"fb", NULL},
                 {"_cspmu", NULL}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (text_ends(name, parts[i].ending))
            return parts[i].shown;
    static const char *const prefixes[] = {"nvidia_current", "nvidia_tesla", "nvidia_legacy", "nvidia_open"};
    if (text_eq(name, "nvidia"))
        return "nvidia";
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (text_starts(name, prefixes[i]))
            return "nvidia";
    /* "nvidia_470": only with a number, so that Tegra's and others' nvidia_… are not taken for it */
    return name[6] == '_' && name[7] >= '0' && name[7] <= '9' ? "nvidia" : NULL;
}

/* The text behind "\0key=" if it begins in `bytes`, ends there and fits. A version must look like one: drivers
 * have format strings of that form. */
static void take_entry(struct span bytes, const char *key, bool number, char *text, size_t size) {
    size_t len = strlen(key);
    for (size_t at; !*text && (at = span_find(bytes, key)) != SIZE_MAX;) {
        struct span value = span_slice(bytes, at + len, bytes.len);
        const char *end = memchr(value.ptr, '\0', value.len);
        bool starts = at > 0 && bytes.ptr[at - 1] == '\0';
        if (starts && end && end > value.ptr && (size_t)(end - value.ptr) < size &&
            (!number || (value.ptr[0] >= '0' && value.ptr[0] <= '9')))
            memcpy(text, value.ptr, (size_t)(end - value.ptr) + 1);
        bytes = value;
    }
}

static void take_entries(struct modinfo_stream *stream, struct span bytes) {
    take_entry(bytes, "version=", true, stream->version, sizeof stream->version);
    take_entry(bytes, "license=", false, stream->license, sizeof stream->license);
    take_entry(bytes, "vermagic=", true, stream->vermagic, sizeof stream->vermagic);
}

void modinfo_stream_take(struct modinfo_stream *stream, struct span bytes) {
    /* an entry that lies over the border of two pieces: the end of the one and the start of the other */
    enum { HALF = sizeof stream->window / 2 };
    size_t head = bytes.len < HALF ? bytes.len : HALF;
    if (stream->window_len > HALF) {
        memmove(stream->window, stream->window + stream->window_len - HALF, HALF);
        stream->window_len = HALF;
    }
    memcpy(stream->window + stream->window_len, bytes.ptr, head);
    stream->window_len += head;
    take_entries(stream, span_from(stream->window, stream->window_len));
    take_entries(stream, bytes);
    if (bytes.len > head) {
        size_t tail = bytes.len < sizeof stream->window ? bytes.len : sizeof stream->window;
        memcpy(stream->window, bytes.ptr + bytes.len - tail, tail);
        stream->window_len = tail;
    }
}

bool modinfo_stream_signed(const struct modinfo_stream *stream) {
    return module_signed(span_from(stream->window, stream->window_len));
}
