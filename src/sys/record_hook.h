/* The places in sys/root that a recorder watches; they do nothing while none runs. */
#pragma once

#include "sys/root.h"

bool record_active(void);
void record_whole(const struct root *root, const char *path, struct span bytes);
void record_part(int from, const void *bytes, size_t len, uint64_t offset);
void record_seen(const struct root *root, const char *path);
/* An entry of a directory that was listed. */
void record_entry(const struct root *root, const char *directory, const char *name);
