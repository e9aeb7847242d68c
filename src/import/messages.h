/* What the expressions of data/messages.csv and data/kernel_messages.csv find in the text, and what it tells. */
#pragma once

#include "import/reading.h"

/* Over lines [first, last] (from 1): messages into the blocks they stand in, errors of CUDA and NVML as
 * "cuda_error" and "nvml_error" with their number of today, lines of the kernel's log, and the facts that they
 * carry. */
void messages_read(struct reading *reading, size_t first, size_t last);
/* May this line be one of the kernel's log? */
bool is_log_line(struct span line);
/* The facts of one message that was found; the reading is in its block. */
void message_facts(struct reading *reading, const struct printed_message *message, struct span text);
