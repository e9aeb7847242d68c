/* Who explains whom: the table that makes one root out of many findings. Not the order of the links: a container
 * without a GPU (link 3) explains a missing libcuda (link 2). */
#pragma once

#include "base/list.h"

enum explanation { EXPLAINS_NOT, EXPLAINS, EXPLAINS_AS_RISK };

/* Does cause `by` explain the presence of cause `what`? */
enum explanation explains(const char *by, const char *what);
