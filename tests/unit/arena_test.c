#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* What is freed comes back with its old bytes: a zeroed piece is zeroed all the same, a large one too. */
static void zeroed(void **state) {
    (void)state;
    for (size_t size = 1; size < 300000; size = size * 3 + 1) {
        AUTO_ARENA dirty = {0};
        memset(arena_bytes(&dirty, size), 0xff, size);
        arena_release(&dirty);
        AUTO_ARENA arena = {0};
        memset(arena_bytes(&arena, 40), 0xff, 40); /* the same block is used for both */
        const char *bytes = arena_alloc(&arena, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
    }
}

static void printed(void **state) {
    (void)state;
    char want[2000];
    for (size_t len = 0; len < sizeof want; len += len < 250 || len > 260 ? 10 : 1) {
        AUTO_ARENA arena = {0};
        memset(want, 'x', len);
        want[len] = '\0';
        assert_string_equal(arena_printf(&arena, "%s", want), want);
        assert_string_equal(arena_copy(&arena, want), want);
    }
}

static void paths(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    assert_string_equal(text_path(&arena, "/usr", "lib"), "/usr/lib");
    assert_string_equal(text_path(&arena, "/usr/", "//lib/"), "/usr/lib/");
    assert_string_equal(text_path(&arena, "/", "lib"), "/lib");
    assert_string_equal(text_path(&arena, "", "lib"), "/lib");
    assert_string_equal(text_path(&arena, "/usr", ""), "/usr/");
}

static void starts(void **state) {
    (void)state;
    assert_true(text_starts("libcuda.so.1", "libcuda"));
    assert_true(text_starts("libcuda", "libcuda"));
    assert_true(text_starts("", ""));
    assert_false(text_starts("libcud", "libcuda"));
    assert_false(text_starts("", "l"));
    assert_false(text_starts(NULL, ""));
}

static void natural(void **state) {
    (void)state;
    assert_true(text_compare_natural("sm_75", "sm_100") < 0);
    assert_true(text_compare_natural("6.1.0-9", "6.1.0-10") < 0);
    assert_true(text_compare_natural("a10b", "a10a") > 0);
    assert_int_equal(text_compare_natural("a1", "a1"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(zeroed), cmocka_unit_test(printed),
                                       cmocka_unit_test(paths), cmocka_unit_test(starts),
                                       cmocka_unit_test(natural)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
