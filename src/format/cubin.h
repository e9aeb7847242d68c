/* What a bare cubin or a PTX text is for. */
#pragma once

#include "format/elf.h"
#include "format/fatbin.h"

#ifndef EM_CUDA
#define EM_CUDA 190
#endif

/* Of an ELF file of machine EM_CUDA: the architecture from e_flags, in the place of its ABI version, and the
 * suffix where the cubin tells it (CUDA 13 keeps it outside e_flags). 0; -EBADMSG: no architecture that can be. */
int cubin_target(const struct elf *elf, struct fatbin_target *ret_target);

/* Of a text with .version and .target before anything but comments. -ENOEXEC: not PTX. */
int ptx_target(struct window *window, uint64_t offset, uint64_t size, struct fatbin_target *ret_target);
