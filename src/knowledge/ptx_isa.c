#include "knowledge/ptx_isa.h"

#include <stddef.h>

/* Release history of the PTX ISA, docs.nvidia.com/cuda/parallel-thread-execution; 7.8, 8.1, 8.4, 8.8, 9.0 and 9.4
 * also as the ptxas of those toolkits tells. */
static const struct {
    unsigned isa; /* 100 * major + minor */
    int cuda;
} FIRST[] = {
    {200, 3000},  {201, 3010},  {202, 3020},  {203, 4000},  {300, 4010},  {301, 5000},  {302, 5050},  {400, 6000},
    {401, 6050},  {402, 7000},  {403, 7050},  {500, 8000},  {600, 9000},  {601, 9010},  {602, 9020},  {603, 10000},
    {604, 10010}, {605, 10020}, {700, 11000}, {701, 11010}, {702, 11020}, {703, 11030}, {704, 11040}, {705, 11050},
    {706, 11060}, {707, 11070}, {708, 11080}, {800, 12000}, {801, 12010}, {802, 12020}, {803, 12030}, {804, 12040},
    {805, 12050}, {806, 12070}, {807, 12080}, {808, 12090},
};

int ptx_isa_cuda(unsigned major, unsigned minor) {
    if (major == 9 && minor <= 9) /* CUDA 13: the minor versions go together, seen up to 9.4 */
        return 13000 + (int)minor * 10;
    for (size_t i = 0; i < sizeof FIRST / sizeof *FIRST; i++)
        if (minor < 100 && FIRST[i].isa == major * 100 + minor)
            return FIRST[i].cuda;
    return 0;
}
