#include "probe/probe.h"

void probe_access(struct probe *probe) {
    (void)probe;
}
