/* PyTorch's own four answers: observed where PyTorch was asked, else predicted from the causes. */
#pragma once

#include "diagnose/judge.h"

void pytorch_answer(struct judge *judge);
