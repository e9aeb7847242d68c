/* What NVML tells of the GPUs' health without their use being broken: errors counted, lowered clocks, narrow
 * links. */
#pragma once

#include "diagnose/judge.h"

void gpu_health_notes(struct judge *judge, struct link_state *state);
