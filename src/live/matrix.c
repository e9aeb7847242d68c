#include "live/matrix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION = 64 /* elements are whole multiples of 1/64 */ };

size_t matrix_padded(size_t size) {
    return (size + MATRIX_TILE - 1) / MATRIX_TILE * MATRIX_TILE;
}

/* The largest power of two up to 64 with limit^2 * size <= 2^24. */
static int element_limit(size_t size) {
    int limit = FRACTION;
    while (limit > 1 && (uint64_t)limit * (uint64_t)limit * size > 1u << 24)
        limit /= 2;
    return limit;
}

static uint64_t scramble(uint64_t x) { /* splitmix64 (Steele, Lea, Flood 2014) */
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void matrix_fill(float *matrix, size_t size, int which) {
    size_t padded = matrix_padded(size);
    int limit = element_limit(size);
    memset(matrix, 0, padded * padded * sizeof *matrix);
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            uint64_t random = scramble((uint64_t)which << 62 ^ (uint64_t)row << 31 ^ column);
            int element = (int)(random % (2 * (unsigned)limit + 1)) - limit;
            matrix[row * padded + column] = (float)element / FRACTION;
        }
}

/* Eight elements at once, whatever the compiler is asked to optimise; any alignment. */
typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));

static void multiply_rows(const float *a, const float *b, float *c, size_t padded, size_t size, size_t column) {
    lanes sum[4][2] = {{{0}}};
    for (size_t k = 0; k < size; k++) {
        const lanes *from = (const lanes *)(b + k * padded + column);
        for (size_t row = 0; row < 4; row++) {
            sum[row][0] += from[0] * a[row * padded + k];
            sum[row][1] += from[1] * a[row * padded + k];
        }
    }
    for (size_t row = 0; row < 4; row++)
        memcpy(c + row * padded + column, sum[row], sizeof sum[row]);
}

void matrix_multiply(const float *a, const float *b, float *c, size_t size) {
    size_t padded = matrix_padded(size);
    for (size_t column = 0; column < padded; column += 16) /* 16 columns of b stay in the cache */
        for (size_t row = 0; row < padded; row += 4)
            multiply_rows(a + row * padded, b, c + row * padded, padded, size, column);
}

/* A result as a whole number of 4096ths; false when it is none, and so wrong. */
static bool whole(float value, int64_t *ret_number) {
    float scaled = value * (FRACTION * FRACTION);
    if (!(fabsf(scaled) <= 1 << 24) || scaled != truncf(scaled))
        return false;
    *ret_number = (int64_t)scaled;
    return true;
}

static uint64_t as_number(float element) {
    return (uint64_t)(int64_t)(element * FRACTION);
}

/* Counts the wrong elements of one row, against a row calculated in whole numbers. */
static void check_row(const float *a, const float *b, const float *c, size_t padded, size_t row, int64_t *expected,
                      struct matrix_verdict *verdict) {
    memset(expected, 0, padded * sizeof *expected);
    for (size_t k = 0; k < padded; k++) {
        int64_t factor = (int64_t)(a[row * padded + k] * FRACTION);
        for (size_t column = 0; factor && column < padded; column++)
            expected[column] += factor * (int64_t)(b[k * padded + column] * FRACTION);
    }
    for (size_t column = 0; column < padded; column++) {
        int64_t got = 0;
        if (whole(c[row * padded + column], &got) && got == expected[column])
            continue;
        if (!verdict->wrong++) {
            verdict->row = row;
            verdict->column = column;
            verdict->got = (double)c[row * padded + column];
            verdict->expected = (double)expected[column] / (FRACTION * FRACTION);
        }
    }
}

int matrix_check(const float *a, const float *b, const float *c, size_t size, struct matrix_verdict *ret_verdict) {
    size_t padded = matrix_padded(size);
    uint64_t *weights = calloc(padded, 2 * sizeof *weights);
    if (!weights)
        return -ENOMEM;
    uint64_t *weighted = weights + padded; /* b x weights */
    struct matrix_verdict verdict = {0};
    for (size_t i = 0; i < padded; i++)
        weights[i] = scramble(i) | 1;
    for (size_t k = 0; k < padded; k++)
        for (size_t column = 0; column < padded; column++)
            weighted[k] += as_number(b[k * padded + column]) * weights[column];
    for (size_t row = 0; row < padded; row++) {
        uint64_t expected = 0, got = 0;
        bool fine = true;
        for (size_t k = 0; k < padded; k++) {
            int64_t number = 0;
            expected += as_number(a[row * padded + k]) * weighted[k];
            fine &= whole(c[row * padded + k], &number);
            got += (uint64_t)number * weights[k];
        }
        if (fine && got == expected)
            continue;
        if (verdict.wrong_rows++ < MATRIX_ROWS_COUNTED) {
            int64_t *exact = calloc(padded, sizeof *exact);
            if (exact)
                check_row(a, b, c, padded, row, exact, &verdict);
            free(exact);
        }
    }
    free(weights);
    *ret_verdict = verdict;
    return 0;
}
