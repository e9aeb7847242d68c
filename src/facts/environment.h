/* Link 5: the variables, resolved against the disk. */
#pragma once
#include "facts/fact.h"

#define VARIABLE_FIELDS(T, N, F, L, R)                                                                            \
    T(name, PLAIN, "name")                                                                                        \
    T(value, VALUE, "value")

RECORD(variable, VARIABLE_FIELDS)

#define PATH_ENTRY_FIELDS(T, N, F, L, R)                                                                          \
    T(variable, PLAIN, "PATH, LD_LIBRARY_PATH, LD_PRELOAD, CUDA_HOME …")                                          \
    T(entry, PATH, "the directory or file")                                                                       \
    T(real_path, PATH, "behind symlinks")                                                                         \
    F(exists, PLAIN, "it is there")                                                                               \
    T(holds, PLAIN, "toolkit, stubs, compat, wsl, cuda-libraries; absent: nothing of CUDA")                       \
    T(version, PLAIN, "CUDA version of what it holds")                                                            \
    L(libraries, PLAIN, "CUDA libraries in it, by soname")

RECORD(path_entry, PATH_ENTRY_FIELDS)

#define ENVIRONMENT_FIELDS(T, N, F, L, R)                                                                         \
    R(variables, variable, "the relevant variables that are set")                                                 \
    R(entries, path_entry, "entries of path variables that concern CUDA, and dead ones")                          \
    T(visible_devices, UUID, "CUDA_VISIBLE_DEVICES; absent: unset")                                               \
    T(device_order, PLAIN, "CUDA_DEVICE_ORDER")

RECORD(environment_facts, ENVIRONMENT_FIELDS)
