/* The check of a product finds whatever is wrong with it, down to the last bit of one element. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live/matrix.h"
#include "support/unit.h"

struct product {
    size_t size, padded;
    float *a, *b, *c;
};

static struct product product_new(size_t size) {
    struct product p = {.size = size, .padded = matrix_padded(size)};
    size_t bytes = p.padded * p.padded * sizeof(float);
    p.a = malloc(bytes), p.b = malloc(bytes), p.c = malloc(bytes);
    matrix_fill(p.a, size, 0);
    matrix_fill(p.b, size, 1);
    matrix_multiply(p.a, p.b, p.c, size);
    return p;
}

static void product_free(struct product *p) {
    free(p->a), free(p->b), free(p->c);
}

static struct matrix_verdict check(const struct product *p) {
    struct matrix_verdict verdict;
    assert_int_equal(matrix_check(p->a, p->b, p->c, p->size, &verdict), 0);
    return verdict;
}

static void products_are_exact(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 63, 64, 65, 127, 300};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct product p = product_new(sizes[i]);
        assert_int_equal(check(&p).wrong_rows, 0);
        /* against the definition, in double precision, where nothing is lost either */
        for (size_t row = 0; row < p.size; row += 7)
            for (size_t column = 0; column < p.size; column += 5) {
                double sum = 0;
                for (size_t k = 0; k < p.size; k++)
                    sum += (double)p.a[row * p.padded + k] * (double)p.b[k * p.padded + column];
                assert_true(sum == (double)p.c[row * p.padded + column]);
            }
        product_free(&p);
    }
}

static void every_bit_counts(void **state) {
    (void)state;
    struct product p = product_new(100);
    float *element = &p.c[37 * p.padded + 91], right = *element;
    for (int bit = 0; bit < 32; bit++) {
        uint32_t word;
        memcpy(&word, &right, sizeof word);
        word ^= 1u << bit;
        memcpy(element, &word, sizeof word);
        struct matrix_verdict verdict = check(&p);
        assert_int_equal(verdict.wrong, 1);
        assert_int_equal(verdict.wrong_rows, 1);
        assert_int_equal(verdict.row, 37);
        assert_int_equal(verdict.column, 91);
        assert_true(verdict.expected == (double)right);
    }
    product_free(&p);
}

static void other_ways_to_be_wrong(void **state) {
    (void)state;
    struct product p = product_new(100);
    float *row = &p.c[5 * p.padded], kept = row[3];
    row[3] = NAN;
    assert_int_equal(check(&p).wrong, 1);
    row[3] = row[4], row[4] = kept; /* two elements changed places */
    assert_int_equal(check(&p).wrong, 2);
    row[4] = row[3], row[3] = kept;
    assert_int_equal(check(&p).wrong_rows, 0);
    row[110] = 1; /* in the padding */
    assert_int_equal(check(&p).wrong, 1);
    row[110] = 0;
    memset(p.c, 0, p.padded * p.padded * sizeof(float)); /* nothing was written */
    struct matrix_verdict verdict = check(&p);
    assert_int_equal(verdict.wrong_rows, 100);
    assert_true(verdict.wrong > 60 * 90 && verdict.wrong <= 64 * 128);
    product_free(&p);
}

static void large_sizes_stay_exact(void **state) {
    (void)state;
    /* limit^2 * size <= 2^24 in units of 1/4096, for the largest size too: the greatest sum there can be is still
     * exact */
    static const size_t sizes[] = {1000, 4096, 4097, 16384, MATRIX_SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t limit = (uint64_t)matrix_element_limit(sizes[i]);
        assert_true(limit >= 1 && limit * limit * sizes[i] <= 1u << 24);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_are_exact), cmocka_unit_test(every_bit_counts),
                                       cmocka_unit_test(other_ways_to_be_wrong),
                                       cmocka_unit_test(large_sizes_stay_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
