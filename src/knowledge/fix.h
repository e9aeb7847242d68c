/* The commands that repair something on one system (data/fixes.csv); only confirmed rows are ever handed out. */
#pragma once

#include "knowledge/knowledge.h"

struct fix_entry {
    const char *system; /* "debian", "ubuntu", "fedora", "arch", "wsl", "docker", "pip", "uv", "conda" … */
    const char *action; /* stable key: "install-driver", "load-module", "configure-runtime" … */
    const char *title;
    struct texts commands; /* in order; may hold {branch}, {torch}, {variant} to fill in */
    bool needs_root, reboot;
    const char *notes;  /* "" none */
    const char *source; /* what it was taken from: an address, or the name of a manual */
};
/* The rows for a system and an action, best first; `system` alone, its family is the caller's list. Count 0: none.
 */
size_t knowledge_fixes(struct knowledge *knowledge, struct arena *arena, const char *system, const char *action,
                       struct fix_entry **ret_fixes);
