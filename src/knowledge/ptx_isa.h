/* Versions of the PTX language and the CUDA that first knew each. */
#pragma once

/* The API number (12040) of the first CUDA whose drivers compile PTX of that `.version`; 0: not known. A driver
 * compiles it when its own CUDA is that or newer. */
int ptx_isa_cuda(unsigned major, unsigned minor);
