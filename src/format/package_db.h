/* Entries of the package managers' databases: dpkg's status file, pacman's desc files, rpm's headers. */
#pragma once

#include "base/span.h"

struct package {
    struct span name, version, architecture;
    struct span status; /* dpkg: "install ok installed", "install ok half-configured" … */
};

/* Cuts stanzas off *rest until one is a package whose name `wanted` likes (NULL: any). False when nothing is left.
 */
bool dpkg_next(struct span *rest, bool (*wanted)(struct span name), struct package *ret_package);

/* A file /var/lib/pacman/local/NAME-VERSION/desc. False: no name in it. */
bool pacman_desc(struct span text, struct package *ret_package);

/* A header as rpm keeps it in its databases (without the magic of package files): two counts in network order, an
 * index of 16-byte entries, then the data. May be cut anywhere. `ret_release` is the part after the version, as of
 * "560.35.03-1.fc40". False: no name in it. */
bool rpm_header(struct span bytes, struct package *ret_package, struct span *ret_release);
