/* /proc/driver/nvidia/version, in the wording of all releases:
 *   NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sun Feb 11 …
 *   NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.163.01  Release Build  (dvs-builder@…)  …
 *   NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  TempVersion  Release Build …      (Tegra, no number)
 */
#pragma once

#include "format/version.h"

enum nvrm_flavour { NVRM_FLAVOUR_UNKNOWN, NVRM_PROPRIETARY, NVRM_OPEN };

struct nvrm {
    struct driver_version version; /* count 0: none in it */
    enum nvrm_flavour flavour;
};
/* 0, or -EINVAL: no "Kernel Module" line. */
int nvrm_parse(struct span text, struct nvrm *ret_nvrm);

/* What a module's licence (modinfo) says: "Dual MIT/GPL" and "MIT/GPL" are the open modules, "NVIDIA" the
 * proprietary one. */
enum nvrm_flavour nvrm_flavour_of_license(struct span license);
/* "open", "proprietary", NULL. */
const char *nvrm_flavour_text(enum nvrm_flavour flavour);
