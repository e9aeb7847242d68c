/* The parts of the system probe. */
#pragma once

#include "probe/probe.h"

/* WSL, virtual machine, container, Jetson. */
void system_kind_read(struct probe *probe, struct arena *scratch);
