/* The kernel's log as dmesg(1), syslog daemons and the ring buffer give it. */
#pragma once

#include "base/buffer.h"
#include "base/span.h"

/* The part since the last start: from the last line that holds "Linux version " as the kernel's first message on.
 * The whole text and *ret_start_seen false where there is no such line (the buffer has gone round, the file was
 * rotated). */
struct span kernel_log_current_boot(struct span log, bool *ret_start_seen);

/* Appends the lines that may concern a GPU's driver to `messages`, each without its time stamp, level, host name
 * and "kernel:"; continuation lines of a message ("NVRM:" without a stamp) are kept as lines of their own. */
void kernel_log_collect(struct span log, struct buffer *messages);

/* One line without what stands before the message. */
struct span kernel_log_message(struct span line);
