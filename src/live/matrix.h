/* The matrix product that a GPU is tested with: inputs whose product is exact, and a check that misses no wrong
 * element.
 *
 * Elements are i/64 for small whole i, so few that every partial sum of a product is a whole number of 4096ths
 * below 2^24 of them. Single precision holds each exactly, in any order of summation, with or without fused
 * multiply-add and in TF32 too. The bound on the error of a right result is therefore zero: it is right to the bit
 * or it is wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MATRIX_TILE = 64,        /* rows and columns are padded with zeros to a multiple of this */
    MATRIX_SIZE_MAX = 32768, /* 4 GiB a matrix */
};

size_t matrix_padded(size_t size);
/* Elements are from -limit/64 to limit/64: the largest power of two up to 64 with limit^2 * size <= 2^24. */
int matrix_element_limit(size_t size);
/* Fills `size` rows and columns of a padded square matrix, and zeros around them. `which` 0 and 1 are the two
 * factors. */
void matrix_fill(float *matrix, size_t size, int which);
/* c = a x b, on the CPU, in single precision. */
void matrix_multiply(const float *a, const float *b, float *c, size_t size);

struct matrix_verdict {
    uint64_t wrong;     /* elements, the padding included; in at most MATRIX_ROWS_COUNTED rows */
    size_t wrong_rows;  /* all of them */
    size_t row, column; /* the first wrong element */
    double got, expected;
};
enum { MATRIX_ROWS_COUNTED = 64 };

/* Whether c is a x b. Row sums weighted with random odd 64-bit numbers are compared in whole-number arithmetic
 * modulo 2^64 (Freivalds): one wrong element in a row shows always, several together go unseen with a chance below
 * 2^-50. That takes time with the square of the size; wrong rows are then calculated anew, element by element. 0,
 * or -ENOMEM. */
int matrix_check(const float *a, const float *b, const float *c, size_t size, struct matrix_verdict *ret_verdict);
