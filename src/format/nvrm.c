#include "format/nvrm.h"

#include <errno.h>

int nvrm_parse(struct span text, struct nvrm *ret_nvrm) {
    static const char mark[] = "Kernel Module";
    struct span line, word;
    while (span_next_line(&text, &line)) {
        size_t at = span_find(line, mark);
        if (at == SIZE_MAX)
            continue;
        struct nvrm nvrm = {.flavour = NVRM_PROPRIETARY};
        if (span_ends(span_trim(span_slice(line, 0, at)), "Open"))
            nvrm.flavour = NVRM_OPEN;
        struct span rest = span_slice(line, at + sizeof mark - 1, line.len);
        while (nvrm.version.count < 2 && span_next_word(&rest, &word))
            if (word.len && word.ptr[0] >= '0' && word.ptr[0] <= '9' && span_has(word, "."))
                if (driver_version_parse(word, &nvrm.version) < 0)
                    nvrm.version = (struct driver_version){0};
        *ret_nvrm = nvrm;
        return 0;
    }
    return -EINVAL;
}

enum nvrm_flavour nvrm_flavour_of_license(struct span license) {
    if (span_has(license, "MIT") || span_has(license, "GPL"))
        return NVRM_OPEN;
    return span_eq(span_trim(license), "NVIDIA") ? NVRM_PROPRIETARY : NVRM_FLAVOUR_UNKNOWN;
}

const char *nvrm_flavour_text(enum nvrm_flavour flavour) {
    return flavour == NVRM_OPEN ? "open" : flavour == NVRM_PROPRIETARY ? "proprietary" : NULL;
}
