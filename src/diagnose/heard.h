/* What was said: the messages of pasted text, and those recognised in PyTorch's own errors and warnings. */
#pragma once

#include "diagnose/judge.h"

/* Fills judge->messages. */
void hear_messages(struct judge *judge);
