#include "live/matrix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION = 64 /* elements are whole multiples of 1/64 */ };

size_t matrix_padded(size_t size) {
    return (size + MATRIX_TILE - 1) / MATRIX_TILE * MATRIX_TILE;
}

int matrix_element_limit(size_t size) {
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
    int limit = matrix_element_limit(size);
    memset(matrix, 0, padded * padded * sizeof *matrix);
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            uint64_t random = scramble((uint64_t)which << 62 ^ (uint64_t)row << 31 ^ column);
            int element = (int)(random % (2 * (unsigned)limit + 1)) - limit;
            matrix[row * padded + column] = (float)element / FRACTION;
        }
}

/* Four elements at once, whatever the compiler is asked to optimise; any alignment. */
typedef float lanes __attribute__((vector_size(16), aligned(4), may_alias));

enum { PANEL_ROWS = 256, PANEL_COLUMNS = 16, ROWS = 2 };

/* Adds to two rows of c what `count` rows of b, 16 columns wide and packed, contribute. The sums have names so
 * that they stay in registers. */
static void multiply_panel(const float *a, const float *panel, float *c, size_t padded, size_t count) {
    lanes *one = (lanes *)c, *two = (lanes *)(c + padded);
    lanes p0 = one[0], p1 = one[1], p2 = one[2], p3 = one[3];
    lanes q0 = two[0], q1 = two[1], q2 = two[2], q3 = two[3];
    for (size_t k = 0; k < count; k++) {
        const lanes *from = (const lanes *)(panel + k * PANEL_COLUMNS);
        float p = a[k], q = a[padded + k];
        p0 += from[0] * p, p1 += from[1] * p, p2 += from[2] * p, p3 += from[3] * p;
        q0 += from[0] * q, q1 += from[1] * q, q2 += from[2] * q, q3 += from[3] * q;
    }
    one[0] = p0, one[1] = p1, one[2] = p2, one[3] = p3;
    two[0] = q0, two[1] = q1, two[2] = q2, two[3] = q3;
}

void matrix_multiply(const float *a, const float *b, float *c, size_t size) {
    size_t padded = matrix_padded(size);
    float panel[PANEL_ROWS *
                PANEL_COLUMNS]; /* rows of b lie a power of two apart, on the same few cache lines: copied */
    memset(c, 0, padded * padded * sizeof *c);
    for (size_t k = 0; k < size; k += PANEL_ROWS)
        for (size_t column = 0; column < padded; column += PANEL_COLUMNS) {
            size_t count = size - k < PANEL_ROWS ? size - k : PANEL_ROWS;
            for (size_t i = 0; i < count; i++)
                memcpy(panel + i * PANEL_COLUMNS, b + (k + i) * padded + column, PANEL_COLUMNS * sizeof *panel);
            for (size_t row = 0; row < padded; row += ROWS)
                multiply_panel(a + row * padded + k, panel, c + row * padded + column, padded, count);
        }
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
