/* Runs PTX: the instructions that the shipped kernels use and no others, thread by thread between barriers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptx_kernel;

/* Parses one .entry. NULL with words in `error` for anything it does not know. `ret_isa` is the .version times
 * ten, `ret_target` the number in .target. */
struct ptx_kernel *ptx_parse(const char *text, char *error, size_t error_size, int *ret_isa, int *ret_target);
const char *ptx_name(const struct ptx_kernel *kernel);

struct ptx_launch {
    unsigned grid[3], block[3];
    void **parameters;
    /* Device memory: the host address of `bytes` at a device address, NULL where nothing is allocated. */
    char *(*memory)(uint64_t address, size_t bytes);
    /* May change or drop a store to device memory; false: drop it. */
    bool (*store)(uint64_t *address, void *bytes, size_t size);
};

/* 0, or the CUresult of a kernel that went wrong: 700 an illegal address, 716 a misaligned one, 719 any other. */
int ptx_run(const struct ptx_kernel *kernel, const struct ptx_launch *launch);
