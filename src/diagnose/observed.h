/* What PyTorch showed weighs more than what files foretold. */
#pragma once

#include "diagnose/judge.h"

/* After roles were given: where PyTorch finished work on a GPU, no cause of the links driver, access, torch and
 * match can be what keeps it from one. Such roots become risks. */
void observed_success(struct judge *judge);

/* After the verdict: where PyTorch answered False although no cause was found, the machine is not called healthy.
 * `foretold` is what was predicted for is_available(). */
void observed_failure(struct judge *judge, bool foretold);
