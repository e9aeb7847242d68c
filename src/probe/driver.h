/* The parts of the driver probe; each fills its facts of the driver record and nothing else. */
#pragma once

#include "probe/probe.h"

/* Modules on disk, DKMS, headers, firmware (driver_modules.c). */
void driver_modules_read(struct probe *probe);
/* modprobe.d, the kernel's command line, prime-select, Secure Boot, lockdown (driver_policy.c). */
void driver_policy_read(struct probe *probe);
/* Lines of the kernel log (driver_log.c). */
void driver_log_read(struct probe *probe);
/* Packages that own driver pieces (driver_packages.c). */
void driver_packages_read(struct probe *probe);
/* libcuda and NVML (driver_libraries.c). */
void driver_libraries_read(struct probe *probe);
