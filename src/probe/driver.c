#include "probe/probe.h"

void probe_driver(struct probe *probe) {
    (void)probe;
}
