/* Who explains whom: the table that makes one root out of many findings. Not the order of the links: a container
 * without a GPU (link 3) explains a missing libcuda (link 2). */
#pragma once

#include <stddef.h>

#include "base/list.h"

enum explanation { EXPLAINS_NOT, EXPLAINS, EXPLAINS_AS_RISK };

/* One reason. A trailing '*' stands for a family: "torch-*". */
struct explanation_row {
    const char *by, *what;
    enum explanation how;
};
extern const struct explanation_row explanation_rows[];
extern const size_t explanation_row_count;

/* Does cause `by` explain the presence of cause `what`? */
enum explanation explains(const char *by, const char *what);
/* Is the id meant by a pattern of the table? */
bool explanation_matches(const char *pattern, const char *id);
