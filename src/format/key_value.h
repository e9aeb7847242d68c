/* Lines of KEY=value: os-release(5), sysfs' uevent, simple configuration files. */
#pragma once

#include "base/span.h"

/* Cuts lines off *rest until one is KEY=value (comments and other lines are passed over). The value is trimmed and
 * freed of one pair of quotes; escapes inside stay as they are. False when nothing is left. */
bool key_value_next(struct span *rest, struct span *ret_key, struct span *ret_value);
