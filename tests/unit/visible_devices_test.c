
#include <stdio.h>

#include "format/visible_devices.h"
#include "support/unit.h"

static const char *const uuids[] = {"GPU-9e8d35e3-aaaa", "GPU-9e8d35e4-bbbb", "GPU-11112222-cccc",
                                    "GPU-77778888-dddd"};

struct expect {
    const char *value;
    int machine; /* GPUs; -1: not known */
    size_t count;
    int indices[4];
    enum visible_end end;
    const char *wrong;
};

static void check(const struct expect *expect, const char *const *known_uuids) {
    struct visible_devices visible;
    struct visible_machine machine = {expect->machine, known_uuids};
    visible_devices_parse(span_of(expect->value), machine, &visible);
    if (visible.count != expect->count || visible.end != expect->end)
        print_error("value '%s': %zu entries, end %d\n", expect->value, visible.count, (int)visible.end);
    assert_int_equal(visible.count, expect->count);
    assert_int_equal(visible.end, expect->end);
    for (size_t i = 0; i < expect->count; i++)
        assert_int_equal(visible.entries[i].index, expect->indices[i]);
    if (expect->wrong)
        assert_true(span_eq(visible.wrong, expect->wrong));
    assert_int_equal(visible.checked, expect->machine >= 0);
}

/* The rows with "1gpu2", repeats and negative numbers are those of PyTorch's own test (test_cuda.py,
 * test_parse_visible_devices), which was written after the driver's behaviour. */
static void indices(void **state) {
    (void)state;
    static const struct expect rows[] = {
        {"0", 4, 1, {0}, VISIBLE_END_NONE, NULL},
        {"2,0", 4, 2, {2, 0}, VISIBLE_END_NONE, NULL},
        {" 1 , 3 ", 4, 2, {1, 3}, VISIBLE_END_NONE, NULL},
        {"1gpu2,2ampere", 4, 2, {1, 2}, VISIBLE_END_NONE, NULL},
        {"+1", 4, 1, {1}, VISIBLE_END_NONE, NULL},
        {"0, 1, 2, -1, 3", 4, 3, {0, 1, 2}, VISIBLE_END_NEGATIVE, "-1"},
        {"0,one,2,3", 4, 1, {0}, VISIBLE_END_WORD, "one"},
        {"0,1,1,-1", 4, 0, {0}, VISIBLE_END_REPEATED, "1"},
        {"1,0x1", 4, 2, {1, 0}, VISIBLE_END_NONE, NULL},
        {"0,5,1", 2, 1, {0}, VISIBLE_END_RANGE, "5"},
        {"1", 1, 0, {0}, VISIBLE_END_RANGE, "1"},
        {"7", -1, 1, {7}, VISIBLE_END_NONE, NULL},
        {"99999999999999999999", 4, 0, {0}, VISIBLE_END_RANGE, "99999999999999999999"},
        {"0,,1", 4, 1, {0}, VISIBLE_END_WORD, ""},
        {"0,", 4, 1, {0}, VISIBLE_END_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], NULL);
}

static void nothing(void **state) {
    (void)state;
    static const struct expect rows[] = {
        {"", 4, 0, {0}, VISIBLE_END_EMPTY, ""},         {"  ", 4, 0, {0}, VISIBLE_END_EMPTY, ""},
        {"-1", 4, 0, {0}, VISIBLE_END_NEGATIVE, "-1"},  {"-0", 4, 0, {0}, VISIBLE_END_NEGATIVE, "-0"},
        {"all", 4, 0, {0}, VISIBLE_END_WORD, "all"},    {"cuda:0", 4, 0, {0}, VISIBLE_END_WORD, "cuda:0"},
        {"none", -1, 0, {0}, VISIBLE_END_WORD, "none"}, {"NoDevFiles", -1, 0, {0}, VISIBLE_END_WORD, "NoDevFiles"},
        {",0", 4, 0, {0}, VISIBLE_END_WORD, ""},        {"\"0\"", 4, 0, {0}, VISIBLE_END_WORD, "\"0\""},
        {"0", 0, 0, {0}, VISIBLE_END_RANGE, "0"},       {"-", 4, 0, {0}, VISIBLE_END_WORD, "-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], NULL);
}

static void by_uuid(void **state) {
    (void)state;
    static const struct expect rows[] = {
        {"GPU-1111", 4, 1, {2}, VISIBLE_END_NONE, NULL},
        {"GPU-7777,GPU-9e8d35e3", 4, 2, {3, 0}, VISIBLE_END_NONE, NULL},
        {"GPU-9e8d35e", 4, 0, {0}, VISIBLE_END_AMBIGUOUS, "GPU-9e8d35e"},
        {"GPU-1111,GPU-123,GPU-7777", 4, 1, {2}, VISIBLE_END_UNKNOWN, "GPU-123"},
        {"GPU-1111,0", 4, 1, {2}, VISIBLE_END_KIND, "0"},
        {"0,GPU-1111", 4, 1, {0}, VISIBLE_END_KIND, "GPU-1111"},
        {"GPU-1111,GPU-11112222", 4, 0, {0}, VISIBLE_END_REPEATED, "GPU-11112222"},
        {"gpu-1111", 4, 0, {0}, VISIBLE_END_WORD, "gpu-1111"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], uuids);
    /* unknown UUIDs prove nothing against an entry */
    static const char *const partly[] = {NULL, "GPU-9e8d35e4-bbbb"};
    check(&(struct expect){"GPU-5555", 2, 1, {-1}, VISIBLE_END_NONE, NULL}, partly);
    check(&(struct expect){"GPU-5555,GPU-5555", -1, 0, {0}, VISIBLE_END_REPEATED, "GPU-5555"}, NULL);
}

static void mig(void **state) {
    (void)state;
    struct visible_devices visible;
    struct visible_machine machine = {1, uuids};
    visible_devices_parse(span_of("MIG-89c850dc-e897-5a31"), machine, &visible);
    assert_true(visible.mig);
    assert_int_equal(visible.count, 1);
    assert_int_equal(visible.end, VISIBLE_END_NONE);
    visible_devices_parse(span_of("MIG-GPU-9e8d35e3/1/0,MIG-GPU-9e8d35e3/2/0"), machine, &visible);
    assert_int_equal(visible.count, 1);
    assert_int_equal(visible.end, VISIBLE_END_MIG);
    visible_devices_parse(span_of("MIG-1,GPU-9e8d35e3"), machine, &visible);
    assert_int_equal(visible.end, VISIBLE_END_KIND);
}

static void long_lists_are_cut(void **state) {
    (void)state;
    char list[4096] = "";
    for (int i = 0; i < 200; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%d,", i);
    struct visible_devices visible;
    visible_devices_parse(span_of(list), (struct visible_machine){-1, NULL}, &visible);
    assert_int_equal(visible.count, VISIBLE_MAX);
}

static void every_end_has_words(void **state) {
    (void)state;
    for (int end = VISIBLE_END_NONE; end <= VISIBLE_END_MIG; end++)
        assert_non_null(visible_end_words((enum visible_end)end));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices),
        cmocka_unit_test(nothing),
        cmocka_unit_test(by_uuid),
        cmocka_unit_test(mig),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(every_end_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
