/* Link 6: the Python that would run, and the PyTorch in every environment. */
#pragma once
#include "facts/fact.h"

#define PYTHON_PACKAGE_FIELDS(T, N, F, L, R)                                                                      \
    T(name, PLAIN, "normalised name: torchvision, nvidia-cublas-cu12")                                            \
    T(version, PLAIN, "version")                                                                                  \
    T(build, PLAIN, "conda's build string, or what the wheel's local tag says")                                   \
    T(cuda, PLAIN, "CUDA version it was built for: 12.4; absent: a CPU build")                                    \
    T(requires_torch, PLAIN, "its requirement on torch: ==2.6.0")                                                 \
    T(built_for, PLAIN, "PyTorch it was compiled against, where it tells: 2.6.0+cu124")                           \
    F(fits, PLAIN, "its version is one that torch accepts")                                                       \
    T(required, PLAIN, "version torch requires of it; absent: not required")                                      \
    T(location, PATH, "directory it lies in")                                                                     \
    T(installer, PLAIN, "pip, uv, conda, dpkg …")

RECORD(python_package, PYTHON_PACKAGE_FIELDS)

#define TORCH_LIBRARY_FIELDS(T, N, F, L, R)                                                                       \
    T(name, PLAIN, "DT_NEEDED string or soname")                                                                  \
    T(path, PATH, "the copy the loader takes; absent: none")                                                      \
    T(found_by, PLAIN, "rpath, ld_library_path, runpath, cache …")                                                \
    T(needed_by, PATH, "the file that asks for it")                                                               \
    T(error, PATH, "why it cannot be used though it is taken, in ld.so's words")                                  \
    L(shadows, PATH, "other copies it hides")                                                                     \
    F(foreign, PLAIN, "it is taken from outside the environment while the environment has its own")               \
    L(undefined, PLAIN, "symbols that no loaded library defines, wanted by this one")

RECORD(torch_library, TORCH_LIBRARY_FIELDS)

#define PYTHON_ENVIRONMENT_FIELDS(T, N, F, L, R)                                                                  \
    T(path, PATH, "prefix")                                                                                       \
    T(kind, PLAIN, "venv, conda, uv, pyenv, poetry, pipx, jupyter, system, windows")                              \
    T(name, PATH, "name a user would call it by")                                                                 \
    F(in_use, PLAIN, "the one that would run")                                                                    \
    T(interpreter, PATH, "python's file")                                                                         \
    T(python, PLAIN, "version: 3.11.7 or 3.11")                                                                   \
    T(machine, PLAIN, "machine the interpreter is built for")                                                     \
    F(free_threaded, PLAIN, "a Python without the GIL, which takes wheels of its own (cp313t)")                   \
    F(externally_managed, PLAIN, "pip refuses to install into it (PEP 668)")                                      \
    F(has_pip, PLAIN, "pip is in it")                                                                             \
    L(kernels, PLAIN, "Jupyter kernels that run it")                                                              \
    L(site_packages, PATH, "sys.path without the standard library, in order")                                     \
    T(torch_version, PLAIN, "version with its local tag: 2.6.0+cu124")                                            \
    T(torch_path, PATH, "directory of the PyTorch imported, or hidden by what is no PyTorch")                     \
    T(found_in, PLAIN, "what puts it on sys.path: site-packages, user site, PYTHONPATH, .pth file")               \
    T(metadata_version, PLAIN, "version that its dist-info or egg-info tells, without the local tag")             \
    T(installer, PLAIN, "pip, uv, conda, dpkg, source, nvidia-container")                                         \
    T(index, PLAIN, "package index it was asked from: https://download.pytorch.org/whl/cpu")                      \
    T(wanted, PLAIN, "what the installer was asked for: torch==2.6.0, cudatoolkit=10.1")                          \
    T(origin, VALUE, "where it came from: conda's channel, URL or directory of direct_url.json")                  \
    T(conda_build, PLAIN, "conda's build string of pytorch")                                                      \
    T(wheel, PLAIN, "tag of the wheel: cp312-cp312-manylinux_2_28_x86_64")                                        \
    T(build, PLAIN, "cuda, cpu, rocm, xpu, mps")                                                                  \
    T(cuda, PLAIN, "torch.version.cuda: 12.4; absent: None")                                                      \
    T(hip, PLAIN, "torch.version.hip; absent: None")                                                              \
    T(xpu, PLAIN, "torch.version.xpu; absent: None")                                                              \
    T(git_version, PLAIN, "torch.version.git_version")                                                            \
    F(cuda_library, PLAIN, "libtorch_cuda is there")                                                              \
    L(sass, PLAIN, "SASS targets in libtorch_cuda: sm_80")                                                        \
    L(ptx, PLAIN, "PTX targets in libtorch_cuda: compute_90")                                                     \
    R(packages, python_package, "torch's companions and nvidia-* packages")                                       \
    L(missing_files, PATH, "libraries in the RECORD of torch or of what it requires, not there")                  \
    L(damaged_files, PATH, "libraries cut short: shorter than their RECORD says, and not whole")                  \
    L(changed_files, PATH, "libraries of another size than their RECORD says, but whole")                         \
    L(leftovers, PATH, "half-removed or doubled installations of torch: ~orch, a second dist-info")               \
    L(missing_packages, PLAIN, "nvidia-* packages that torch requires and that are not installed")                \
    T(shadowed_by, PATH, "what hides the environment's torch: a torch.py, a user-site copy")                      \
    T(shadowed_version, PLAIN, "version of the torch that is hidden")                                             \
    R(libraries, torch_library, "CUDA libraries torch would load, missing ones and foreign ones")                 \
    T(import_stops, PATH, "why importing torch would stop, by the loader's rules")                                \
    T(import_error, PATH, "what importing torch says, where it was seen")

RECORD(python_environment, PYTHON_ENVIRONMENT_FIELDS)

#define TORCH_FIELDS(T, N, F, L, R)                                                                               \
    T(interpreter, PATH, "the python that would run")                                                             \
    T(chosen_by, PLAIN, "--python, VIRTUAL_ENV, CONDA_PREFIX, PATH")                                              \
    T(on_path, PATH, "what plain `python` would run, VIRTUAL_ENV and CONDA_PREFIX aside")                         \
    L(cut, PATH, "places with more in them than is looked at")                                                    \
    R(environments, python_environment, "every environment found; the one in use first")

RECORD(torch_facts, TORCH_FIELDS)
