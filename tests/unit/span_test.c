#include <errno.h>

#include "base/span.h"
#include "base/text.h"
#include "support/unit.h"

static void numbers(void **state) {
    (void)state;
    int64_t n = 7;
    assert_int_equal(span_to_number(span_of("0x10"), 16, &n), 0);
    assert_int_equal(n, 16);
    assert_int_equal(span_to_number(span_of("-3"), 10, &n), 0);
    assert_int_equal(n, -3);
    assert_int_equal(span_to_number(span_of("12a"), 10, &n), -EINVAL);
    assert_int_equal(span_to_number(span_of(""), 10, &n), -EINVAL);
    assert_int_equal(span_to_number(span_of("99999999999999999999"), 10, &n), -ERANGE);
    assert_int_equal(n, -3);
}

static void fields_and_lines(void **state) {
    (void)state;
    struct span rest = span_of("a,,b"), part;
    assert_true(span_next_field(&rest, ',', &part) && span_eq(part, "a"));
    assert_true(span_next_field(&rest, ',', &part) && span_eq(part, ""));
    assert_true(span_next_field(&rest, ',', &part) && span_eq(part, "b"));
    assert_false(span_next_field(&rest, ',', &part));
    rest = span_of("one\r\n\ntwo");
    assert_true(span_next_line(&rest, &part) && span_eq(part, "one"));
    assert_true(span_next_line(&rest, &part) && span_eq(part, ""));
    assert_true(span_next_line(&rest, &part) && span_eq(part, "two"));
    assert_false(span_next_line(&rest, &part));
}

static void foreign_text_is_made_safe(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    assert_string_equal(text_clean(&arena, span_of("a\033[31mb\xff\xc3\xa9")), "a\\x1b[31mb\\xff\xc3\xa9");
    assert_string_equal(text_clean(&arena, span_of("\xc2\x9b"
                                                   "31m")),
                        "\\xc2\\x9b31m");
    assert_int_equal(text_columns("\xc3\xa9\xe4\xb8\xad"), 3);
}

static void natural_order(void **state) {
    (void)state;
    assert_true(text_compare_natural("sm_75", "sm_100") < 0);
    assert_true(text_compare_natural("a10b2", "a10b10") < 0);
    assert_int_equal(text_compare_natural("x", "x"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(fields_and_lines),
                                       cmocka_unit_test(foreign_text_is_made_safe),
                                       cmocka_unit_test(natural_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
