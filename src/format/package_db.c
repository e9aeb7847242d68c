#include "format/package_db.h"

/* --- dpkg ---------------------------------------------------------------------------------------------------- */

static bool field_of(struct span line, const char *name, struct span *ret_value) {
    size_t len = strlen(name);
    if (!span_starts(line, name) || line.len <= len || line.ptr[len] != ':')
        return false;
    *ret_value = span_trim(span_slice(line, len + 1, line.len));
    return true;
}

/* The name is a stanza's first field in every file dpkg writes. Stanzas nobody wants are passed over in one
 * search. */
bool dpkg_next(struct span *rest, bool (*wanted)(struct span name), struct package *ret_package) {
    while (rest->len) {
        size_t end = span_find(*rest, "\n\n");
        struct span stanza = span_slice(*rest, 0, end), line; /* SIZE_MAX: the last one, all that is left */
        *rest = span_slice(*rest, end == SIZE_MAX ? rest->len : end + 2, rest->len);
        struct package package = {0};
        struct span first = span_trim(span_slice(stanza, 0, 256));
        if (!span_next_line(&first, &line) || !field_of(line, "Package", &package.name) || !package.name.len)
            continue;
        if (wanted && !wanted(package.name))
            continue;
        while (span_next_line(&stanza, &line))
            if (!field_of(line, "Version", &package.version) && !field_of(line, "Status", &package.status))
                field_of(line, "Architecture", &package.architecture);
        *ret_package = package;
        return true;
    }
    return false;
}

/* --- pacman -------------------------------------------------------------------------------------------------- */

bool pacman_desc(struct span text, struct package *ret_package) {
    struct package package = {0};
    struct span line, *next = NULL;
    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (next && line.len)
            *next = line;
        next = span_eq(line, "%NAME%")      ? &package.name
               : span_eq(line, "%VERSION%") ? &package.version
               : span_eq(line, "%ARCH%")    ? &package.architecture
                                            : NULL;
    }
    if (!package.name.len)
        return false;
    *ret_package = package;
    return true;
}

/* --- rpm ----------------------------------------------------------------------------------------------------- */

enum { RPM_NAME = 1000, RPM_VERSION = 1001, RPM_RELEASE = 1002, RPM_ARCH = 1022, RPM_STRING = 6, RPM_ENTRY = 16 };

static uint32_t u32_at(struct span bytes, size_t offset) {
    const unsigned char *p = (const unsigned char *)bytes.ptr + offset;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool rpm_header(struct span bytes, struct package *ret_package, struct span *ret_release) {
    if (bytes.len < 8)
        return false;
    uint32_t count = u32_at(bytes, 0), size = u32_at(bytes, 4);
    if (count > (bytes.len - 8) / RPM_ENTRY)
        return false;
    struct span data = span_slice(bytes, 8 + (size_t)count * RPM_ENTRY, bytes.len);
    data = span_slice(data, 0, size);
    struct package package = {0};
    *ret_release = (struct span){0};
    for (size_t i = 0; i < count; i++) {
        size_t entry = 8 + i * RPM_ENTRY;
        uint32_t tag = u32_at(bytes, entry), type = u32_at(bytes, entry + 4), offset = u32_at(bytes, entry + 8);
        struct span *target = tag == RPM_NAME      ? &package.name
                              : tag == RPM_VERSION ? &package.version
                              : tag == RPM_ARCH    ? &package.architecture
                              : tag == RPM_RELEASE ? ret_release
                                                   : NULL;
        if (!target || type != RPM_STRING || offset >= data.len)
            continue;
        struct span text = span_slice(data, offset, data.len);
        const char *end = memchr(text.ptr, '\0', text.len);
        if (end)
            *target = span_slice(text, 0, (size_t)(end - text.ptr));
    }
    *ret_package = package;
    return package.name.len > 0;
}
