/* Texts that are part of the program (live/embedded.S), each terminated. */
#pragma once

extern const char live_matmul_ptx[], live_pattern_ptx[], live_compare_ptx[];
extern const char live_torch_py[];
