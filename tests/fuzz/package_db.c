/* Any bytes as dpkg's list, pacman's desc and rpm's header: what is handed out lies in the input. */
#include <stdint.h>
#include <stdlib.h>

#include "format/package_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span all) {
    if (part.len && (part.ptr < all.ptr || part.ptr + part.len > all.ptr + all.len))
        abort();
}

static void check(const struct package *package, struct span all) {
    if (!package->name.len)
        abort();
    inside(package->name, all);
    inside(package->version, all);
    inside(package->status, all);
    inside(package->architecture, all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct span all = span_from(data, size);
    struct span rest = all, release;
    struct package package;
    while (dpkg_next(&rest, NULL, &package))
        check(&package, all);
    if (pacman_desc(all, &package))
        check(&package, all);
    if (rpm_header(all, &package, &release)) {
        check(&package, all);
        inside(release, all);
    }
    return 0;
}
