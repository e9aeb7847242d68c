

#include "base/text.h"
#include "support/unit.h"
#include "sys/dl.h"

static void a_library_that_is_there(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    const char *error;
    void *handle = dl_open(&arena, "libm.so.6", &error);
    assert_non_null(handle);
    assert_true(text_has(dl_path(&arena, handle), "/libm"));
    assert_non_null(dl_symbol(handle, "cosf"));
    assert_null(dl_symbol(handle, "no_such_function"));
    assert_null(dl_symbol(handle, "malloc")); /* libc's, which libm needs */
}

static void a_library_that_is_not(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    const char *error;
    assert_null(dl_open(&arena, "libno-such-thing.so.1", &error));
    assert_true(text_has(error, "libno-such-thing.so.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_library_that_is_there),
                                       cmocka_unit_test(a_library_that_is_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
