/* What the rules of link torch share: whose library or symbol a loader's error is about. */
#pragma once

#include <stdbool.h>

#include "diagnose/judge.h"

/* libtorch_cuda_cu.so and libtorch_cuda_cpp.so exist in PyTorch 1.10 to 1.12 only. */
bool is_split_torch_library(const char *name);
/* The file that asks is torch's own or one of its CUDA wheels'; also where nobody is named. */
bool is_extensions_library(struct judge *judge, const struct printed_message *message);
bool wanted_by_torch(const char *file);
/* A Windows error that says of an extension module that it was linked against another torch. */
bool is_misfit_module(const struct printed_message *message);
/* A symbol of CUDA's libraries or MKL, not of PyTorch's own C++. */
bool is_library_symbol(const char *symbol);
