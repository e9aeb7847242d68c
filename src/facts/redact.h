/* Makes a snapshot fit to leave the machine. */
#pragma once

#include "facts/snapshot.h"

/* Replaces what tells who and where: the user's name, home directory, host name, GPU UUIDs and serials become
 * stable pseudonyms, equal ones the same, so that rules give the same answers. With `keep_names` they stay.
 * Credentials in URLs go always. */
void snapshot_redact(struct snapshot *snapshot, bool keep_names);
