#include "probe/probe.h"

void probe_torch(struct probe *probe) {
    (void)probe;
}
