#include "probe/probe.h"

void probe_toolkit(struct probe *probe) {
    (void)probe;
}
