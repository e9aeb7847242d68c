#include "format/bytes.h"

enum { BLOCK = 64 };

const char *bytes_find(const char *bytes, size_t len, const char *pattern, size_t pattern_len) {
    char first = pattern[0], second = pattern[1], third = pattern[2];
    size_t at = 0;
    /* blocks of a fixed size and without a branch inside, which compilers turn into vector instructions */
    for (; at + BLOCK + pattern_len <= len; at += BLOCK) {
        const char *block = bytes + at;
        unsigned char any = 0;
        for (size_t i = 0; i < BLOCK; i++)
            any |= (unsigned char)((block[i] == first) & (block[i + 1] == second) & (block[i + 2] == third));
        const char *hit = any ? memmem(block, BLOCK + pattern_len - 1, pattern, pattern_len) : NULL;
        if (hit)
            return hit;
    }
    return memmem(bytes + at, len - at, pattern, pattern_len);
}
