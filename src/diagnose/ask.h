/* What to ask for when the facts do not decide: the two or three commands whose output would. */
#pragma once

#include "diagnose/judge.h"

/* After verdict and roles are known. Pasted text that decides nothing, or only possibly, is answered with commands
 * for the platform seen; on a machine, links that stayed unknown are named. */
void ask_for_more(struct judge *judge);
