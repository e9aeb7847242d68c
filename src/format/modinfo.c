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
