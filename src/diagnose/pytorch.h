/* PyTorch's own four answers: observed where PyTorch was asked, else predicted from the causes. */
#pragma once

#include "diagnose/judge.h"

void pytorch_answer(struct judge *judge);
/* is_available() is True with this cause: it shows only when a device is used. */
bool cause_leaves_available(const char *id);
