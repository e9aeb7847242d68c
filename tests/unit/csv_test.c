#include <errno.h>

#include "format/csv.h"
#include "support/unit.h"

static void rows_and_fields(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct span rest = span_of("# a comment, with a comma\n\nid,name\n1,\"a, \"\"b\"\"\"\r\n2,\n#3,x\n4,last");
    struct csv_row row;
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_int_equal(row.count, 2);
    assert_int_equal(csv_find(&row, "name"), 1);
    assert_true(csv_find(&row, "nothing") == SIZE_MAX);
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_string_equal(csv_text(&arena, &row, 1), "a, \"b\"");
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 0, "2") && csv_is(&row, 1, "") && !csv_is(&row, 2, ""));
    assert_string_equal(csv_text(&arena, &row, 7), "");
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 1, "last"));
    assert_int_equal(csv_next(&rest, &row), 0);
}

static void a_field_may_span_lines_and_hold_a_hash(void **state) {
    (void)state;
    struct span rest = span_of("\"#no comment\",\"x\ny\"\nz\n");
    struct csv_row row;
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 0, "#no comment") && csv_is(&row, 1, "x\ny"));
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 0, "z"));
}

static void bad_rows_are_told_and_passed(void **state) {
    (void)state;
    struct span rest = span_of("a,\"b\"c,d\ngood\n");
    struct csv_row row;
    assert_int_equal(csv_next(&rest, &row), -EINVAL);
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 0, "good"));
    rest = span_of("a,\"never closed\nb\n");
    assert_int_equal(csv_next(&rest, &row), -EINVAL);
    assert_int_equal(csv_next(&rest, &row), 0);
    rest = span_of("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25\nnext");
    assert_int_equal(csv_next(&rest, &row), -E2BIG);
    assert_int_equal(csv_next(&rest, &row), 1);
    assert_true(csv_is(&row, 0, "next"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_and_fields),
                                       cmocka_unit_test(a_field_may_span_lines_and_hold_a_hash),
                                       cmocka_unit_test(bad_rows_are_told_and_passed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
