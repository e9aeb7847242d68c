/* PyTorch's own list of GPU architectures, as torch._C._cuda_getArchFlags() gives it: a string ("sm_75 sm_80 sm_90
 * compute_90") that the build compiled into torch/lib/libtorch_python.so (CUDA_ARCH_FLAGS in
 * torch/csrc/cuda/Module.cpp). It names what PyTorch's own kernels were compiled for; entries of the fatbins also
 * come from libraries linked in. */
#pragma once

#include "base/list.h"
#include "sys/root.h"

/* Reads .rodata (some 10 MB or less; the whole file without section names) until the list is found: no symbol
 * leads to it. 0; -ENOENT: no such list (a build without CUDA); -ENOEXEC, -ENODATA, -EBADMSG: not sound ELF; or
 * the -errno of opening and reading. */
int torch_flags_read(const struct root *root, struct arena *arena, const char *path, struct texts *ret_list);
