/* Link 6: the Python that would run, and the PyTorch in every environment. */
#pragma once
#include "facts/fact.h"

#define PYTHON_PACKAGE_FIELDS(T, N, F, L, R)                                                                 \
    T(name, PLAIN, "normalised name: torchvision, nvidia-cublas-cu12")                                       \
    T(version, PLAIN, "version")                                                                             \
    T(build, PLAIN, "conda's build string, or what the wheel's local tag says")                              \
    T(cuda, PLAIN, "CUDA version it was built for: 12.4; absent: a CPU build")                               \
    T(requires_torch, PLAIN, "its requirement on torch: ==2.6.0")                                            \
    T(required, PLAIN, "version torch requires of it; absent: not required")                                 \
    T(location, PATH, "directory it lies in")                                                                \
    T(installer, PLAIN, "pip, uv, conda, dpkg …")

RECORD(python_package, PYTHON_PACKAGE_FIELDS)

#define TORCH_LIBRARY_FIELDS(T, N, F, L, R)                                                                  \
    T(name, PLAIN, "DT_NEEDED string or soname")                                                             \
    T(path, PATH, "the copy the loader takes; absent: none")                                                 \
    T(found_by, PLAIN, "rpath, ld_library_path, runpath, cache …")                                           \
    T(needed_by, PATH, "the file that asks for it")                                                          \
    L(shadows, PATH, "other copies it hides")                                                                \
    F(foreign, PLAIN, "it is taken from outside the environment while the environment has its own")          \
    L(undefined, PLAIN, "symbols that no loaded library defines, wanted by this one")

RECORD(torch_library, TORCH_LIBRARY_FIELDS)

#define PYTHON_ENVIRONMENT_FIELDS(T, N, F, L, R)                                                             \
    T(path, PATH, "prefix")                                                                                  \
    T(kind, PLAIN, "venv, conda, uv, pyenv, poetry, pipx, jupyter, system, windows")                         \
    T(name, PATH, "name a user would call it by")                                                            \
    F(in_use, PLAIN, "the one that would run")                                                               \
    T(interpreter, PATH, "python's file")                                                                    \
    T(python, PLAIN, "version: 3.11.7 or 3.11")                                                              \
    T(machine, PLAIN, "machine the interpreter is built for")                                                \
    L(site_packages, PATH, "directories searched, in order")                                                 \
    T(torch_version, PLAIN, "version with its local tag: 2.6.0+cu124")                                       \
    T(torch_path, PATH, "directory of the torch that is imported")                                           \
    T(installer, PLAIN, "pip, uv, conda, dpkg, source, nvidia-container")                                    \
    T(index, PLAIN, "package index it was asked from: https://download.pytorch.org/whl/cpu")                 \
    T(wanted, PLAIN, "what the installer was asked for: torch==2.6.0, cudatoolkit=10.1")                     \
    T(build, PLAIN, "cuda, cpu, rocm, xpu, mps")                                                             \
    T(cuda, PLAIN, "torch.version.cuda: 12.4; absent: None")                                                 \
    T(hip, PLAIN, "torch.version.hip")                                                                       \
    F(cuda_library, PLAIN, "libtorch_cuda is there")                                                         \
    L(sass, PLAIN, "SASS targets in libtorch_cuda: sm_80")                                                   \
    L(ptx, PLAIN, "PTX targets in libtorch_cuda: compute_90")                                                \
    R(packages, python_package, "torch's companions and nvidia-* packages")                                  \
    L(missing_files, PATH, "files of torch's RECORD that are not there")                                     \
    L(damaged_files, PATH, "files shorter than their RECORD says")                                           \
    L(missing_packages, PLAIN, "nvidia-* packages that torch requires and that are not installed")           \
    T(shadowed_by, PATH, "what hides the environment's torch: a torch.py, a user-site copy")                 \
    T(shadowed_version, PLAIN, "version of the torch that is hidden")                                        \
    R(libraries, torch_library, "CUDA libraries torch would load, missing ones and foreign ones")            \
    T(import_error, PATH, "what importing torch says, where it was seen")

RECORD(python_environment, PYTHON_ENVIRONMENT_FIELDS)

#define TORCH_FIELDS(T, N, F, L, R)                                                                          \
    T(interpreter, PATH, "the python that would run")                                                        \
    T(chosen_by, PLAIN, "--python, VIRTUAL_ENV, CONDA_PREFIX, PATH")                                         \
    R(environments, python_environment, "every environment found; the one in use first")

RECORD(torch_facts, TORCH_FIELDS)
