#include "probe/probe.h"

void probe_environment(struct probe *probe) {
    (void)probe;
}
