/* Whether lines were printed on a host, in a container, under WSL, on Windows or in a job. */
#pragma once

#include "import/reading.h"

/* At each command, before its block is opened: sets reading->place. */
void place_of_command(struct reading *reading, const struct line *line);
/* Remarks tell, too: "# in the container". */
void place_of_remark(struct reading *reading, const struct line *line);
