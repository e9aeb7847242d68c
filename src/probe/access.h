/* The parts of the access probe; each fills its facts of the access record and nothing else. */
#pragma once

#include "probe/probe.h"

/* Device nodes, groups, nvidia-modprobe, cgroup denial, MIG (access_nodes.c). */
void access_nodes_read(struct probe *probe);
/* How a container got its GPU; CDI; schedulers (access_container.c). */
void access_container_read(struct probe *probe);
