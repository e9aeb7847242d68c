/* Out of the blocks of a text comes one snapshot.
 *
 * Blocks that do not contradict each other belong to one report. Where PyTorch answers differently, or another
 * torch or another driver shows up, a new report begins: before and after a change, host and container. The last
 * report that failed is judged, else the last one; what the others tell of the machine fills its gaps (the GPU and
 * the driver are the same in a container as on its host), and they are listed in printed.also_seen. */
#pragma once

#include "import/reading.h"

void blocks_combine(struct reading *reading, struct snapshot *snapshot);
