/* From facts to a diagnosis: runs every rule, then says which causes are roots and what follows from what. */
#pragma once

#include "diagnose/judge.h"

/* Never fails; the diagnosis is the caller's (diagnosis_free). */
struct diagnosis *diagnose(const struct snapshot *snapshot, struct judge_options options);
