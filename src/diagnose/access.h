/* CUDA_VISIBLE_DEVICES of this process, read against the GPUs of this machine. */
#pragma once

#include "diagnose/judge.h"
#include "format/visible_devices.h"

/* False: the variable is not set, or not known. */
bool visible_devices_of(struct judge *judge, struct visible_devices *ret_visible);
