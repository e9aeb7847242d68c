/* The facts of the machine in question: its files first, and on a live machine what its driver answers. */
#pragma once

#include "cli/verb.h"
#include "facts/snapshot.h"
#include "live/live.h"

/* What --no-live, --torch, --timeout ask of the children. EXIT_OK, or EXIT_USAGE after a message. */
int gather_options(const struct cli *cli, struct live_options *ret_options);
/* The snapshot is the caller's. EXIT_OK, or an exit status after a message. */
int gather(const struct cli *cli, const struct live_options *options, struct snapshot **ret_snapshot);

/* A whole number from `least` to `most`, of the option `name`; NULL gives `otherwise`. EXIT_OK, or EXIT_USAGE
 * after a message. */
int option_number(const char *name, const char *text, long least, long most, long otherwise, long *ret_number);
