/* Makes a snapshot fit to leave the machine. */
#pragma once

#include "facts/snapshot.h"

/* Replaces what tells who and where: the user's name, home directory, host name, GPU UUIDs and serials become
 * stable pseudonyms, equal ones the same, so that rules give the same answers. Credentials in URLs go as well. */
void snapshot_redact(struct snapshot *snapshot);

/* Only credentials in URLs: for --no-redact. */
void snapshot_redact_credentials(struct snapshot *snapshot);
