/* What one Python package asks of another: names, extras, version specifiers and markers (PEP 508, PEP 440). */
#pragma once

#include <stdbool.h>

#include "base/span.h"

enum tristate { NO, YES, CANNOT_TELL };

/* "cuda-toolkit[cublas,cudart]==13.2.2; platform_system == 'Linux'". Points into the line. */
struct python_requirement {
    struct span name;
    struct span extras;    /* "cublas,cudart" */
    struct span specifier; /* "==13.2.2", ">=1.0,<2", "==12.4.*"; empty: any version, or a URL */
    struct span marker;
};
/* Both forms: "name (==1.0) ; marker" of older wheels, and "name==1.0; marker". False for what has no name. */
bool python_requirement_parse(struct span line, struct python_requirement *ret_requirement);

/* The platform that markers ask about. NULL: not known, which makes a marker that asks for it CANNOT_TELL. */
struct python_target {
    const char *system;      /* platform_system: Linux, Windows, Darwin */
    const char *machine;     /* platform_machine: x86_64, aarch64, AMD64 */
    const char *platform;    /* sys_platform: linux, win32, darwin */
    const char *os;          /* os_name: posix, nt */
    const char *python;      /* python_version: 3.11 */
    const char *python_full; /* python_full_version: 3.11.7 */
    struct span extras;      /* wanted, separated by commas */
};
/* An empty marker holds. Nesting beyond LIMIT_MARKER_DEPTH is CANNOT_TELL, and so is what is no marker. */
enum tristate python_marker_holds(struct span marker, const struct python_target *target);

/* Whether a version meets all clauses. The local part counts only where the clause has one (PEP 440). */
enum tristate python_specifier_meets(struct span specifier, struct span version);
/* The version of a single "==" clause ("==2.6.0"), else the empty span. */
struct span python_specifier_exact(struct span specifier);

/* <0, 0, >0 in PEP 440's order, with any number of release parts; the local part is left out. */
int python_version_compare(struct span a, struct span b);
