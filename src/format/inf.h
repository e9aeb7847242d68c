/* Windows' driver descriptions, as WSL shows them under /usr/lib/wsl/drivers: text in ASCII or UTF-16. */
#pragma once

#include "format/version.h"

/* The release of `DriverVer = 10/22/2024, 32.0.15.6614`, which is NVIDIA's 566.14. 0, or -ENOENT. */
int inf_driver_version(struct span text, struct driver_version *ret_version);
