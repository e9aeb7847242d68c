/* modprobe.d(5): lines that keep a module from loading; and the same on the kernel's command line. */
#pragma once

#include "base/span.h"

enum modprobe_effect {
    MODPROBE_NONE,
    MODPROBE_BLACKLIST, /* "blacklist nvidia": not by alias, but by name */
    MODPROBE_REFUSED,   /* "install nvidia /bin/false", "alias nvidia off" */
};
/* What a line means for the module it names; '-' and '_' are alike. `ret_module` is a part of the line. */
enum modprobe_effect modprobe_line(struct span line, struct span *ret_module);

/* Cuts words off a kernel command line until one keeps a module from loading: modprobe.blacklist=a,b
 * module_blacklist=a rd.driver.blacklist=a driver.blacklist=a, and nouveau.modeset=0. False when nothing is left.
 * `ret_modules` is the list with commas, `ret_word` the whole word. */
bool command_line_blacklist(struct span *rest, struct span *ret_word, struct span *ret_modules);
