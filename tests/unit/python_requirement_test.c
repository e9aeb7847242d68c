#include <stdio.h>

#include "format/python_requirement.h"
#include "support/unit.h"

static const struct python_target linux_x86 = {.system = "Linux",
                                               .machine = "x86_64",
                                               .platform = "linux",
                                               .os = "posix",
                                               .python = "3.12",
                                               .python_full = "3.12.1"};

static void check(bool condition, const char *what) {
    if (!condition)
        print_error("%s\n", what);
    assert_true(condition);
}

static void names_extras_specifiers(void **state) {
    (void)state;
    struct python_requirement r;
    assert_true(python_requirement_parse(
        span_of("cuda-toolkit[cublas,cudart]==13.2.2; platform_system == \"Linux\""), &r));
    assert_true(span_eq(r.name, "cuda-toolkit"));
    assert_true(span_eq(r.extras, "cublas,cudart"));
    assert_true(span_eq(r.specifier, "==13.2.2"));
    assert_true(span_eq(r.marker, "platform_system == \"Linux\""));
    assert_true(
        python_requirement_parse(span_of("nvidia-cublas-cu11 (==11.10.3.66) ; platform_system == \"Linux\""), &r));
    assert_true(span_eq(r.name, "nvidia-cublas-cu11"));
    assert_true(span_eq(r.specifier, "==11.10.3.66"));
    assert_true(python_requirement_parse(span_of("filelock"), &r));
    assert_int_equal(r.specifier.len, 0);
    assert_int_equal(r.marker.len, 0);
    assert_true(python_requirement_parse(span_of("pip @ https://example.org/pip.zip"), &r));
    assert_int_equal(r.specifier.len, 0);
    assert_false(python_requirement_parse(span_of(""), &r));
    assert_false(python_requirement_parse(span_of("(==1.0)"), &r));
}

/* The answers are those of packaging.specifiers. */
static void specifiers(void **state) {
    (void)state;
    static const struct {
        const char *specifier, *version;
        enum tristate meets;
    } rows[] = {
        {"==12.4.5.8", "12.4.5.8", YES},
        {"==12.4.5.8", "12.4.5", NO},
        {"==13.4.1.3.*", "13.4.1.3", YES},
        {"==13.4.1.3.*", "13.4.1.30", NO},
        {"==13.3.5.*", "13.3.5.0.6", YES},
        {"==2.6.0", "2.6", YES},
        {"==2.6.0", "2.6.0+cu124", YES},
        {"==2.6.0+cu124", "2.6.0+cu124", YES},
        {"==2.6.0+cu124", "2.6.0+cu121", NO},
        {"==2.6.0+cu124", "2.6.0", NO},
        {"<14,>=13.0.3", "13.5.0", YES},
        {"<14,>=13.0.3", "14.0.0", NO},
        {"<14,>=13.2.86", "13.2.85", NO},
        {"~=3.9.0", "3.9.4", YES},
        {"~=3.9.0", "3.10.0", NO},
        {"~=3.9", "3.10.0", YES},
        {"~=3.9", "4.0", NO},
        {"!=1.5.*", "1.5.3", NO},
        {"!=1.5.*", "1.6", YES},
        {">=2.0", "2.0.0rc1", NO},
        {">=2.0", "2.0.post1", YES},
        {"<=1.0", "1.0.0", YES},
        {">1.9", "1.10", YES},
        {"", "1.0", YES},
        {"===2.6.0", "2.6.0", YES},
        {"2.6.0", "2.6.0", CANNOT_TELL},
        {"==2.6.0", "unknown", CANNOT_TELL},
        {"==", "2.6.0", CANNOT_TELL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[128];
        snprintf(what, sizeof what, "%s with %s", rows[i].specifier, rows[i].version);
        check(python_specifier_meets(span_of(rows[i].specifier), span_of(rows[i].version)) == rows[i].meets, what);
    }
    assert_true(span_eq(python_specifier_exact(span_of("== 2.6.0")), "2.6.0"));
    assert_int_equal(python_specifier_exact(span_of(">=2.6.0")).len, 0);
    assert_int_equal(python_specifier_exact(span_of("==2.6.*")).len, 0);
    assert_int_equal(python_specifier_exact(span_of("==2.6.0,!=2")).len, 0);
}

static void markers(void **state) {
    (void)state;
    static const struct {
        const char *marker;
        enum tristate holds;
    } rows[] = {
        {"", YES},
        {"platform_system == \"Linux\"", YES},
        {"platform_system == 'Windows'", NO},
        {"platform_system == \"Linux\" and platform_machine == \"x86_64\"", YES},
        {"platform_system == \"Linux\" and platform_machine == \"aarch64\"", NO},
        {"platform_machine == 'aarch64' or platform_machine == 'x86_64'", YES},
        {"(sys_platform == 'win32' or sys_platform == 'linux' and platform_machine == 'x86_64') and extra == "
         "'cublas'",
         NO},
        {"python_version >= \"3.9\"", YES},
        {"python_version >= \"3.12\"", YES},
        {"python_version < \"3.9\"", NO},
        {"python_full_version > '3.12.0'", YES},
        {"\"3.10\" < python_version", YES},
        {"extra == 'opt-einsum'", NO},
        {"extra != 'opt-einsum'", YES},
        {"os_name == 'posix' and implementation_name == 'cpython'", YES},
        {"'linux' in sys_platform", YES},
        {"'win' not in sys_platform", YES},
        {"platform_release >= '5'", CANNOT_TELL},
        {"platform_release >= '5' or os_name == 'posix'", YES},
        {"platform_release >= '5' and os_name == 'nt'", NO},
        {"nonsense == 'x'", CANNOT_TELL},
        {"os_name == 'posix' extra", CANNOT_TELL},
        {"os_name ==", CANNOT_TELL},
        {"(os_name == 'posix'", CANNOT_TELL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(python_marker_holds(span_of(rows[i].marker), &linux_x86) == rows[i].holds, rows[i].marker);
    }
    struct python_target target = linux_x86;
    target.extras = span_of("CUDArt, opt_einsum");
    assert_int_equal(python_marker_holds(span_of("extra == 'opt-einsum'"), &target), YES);
    assert_int_equal(python_marker_holds(span_of("extra == 'cudart'"), &target), YES);
    assert_int_equal(python_marker_holds(span_of("extra == 'cuda'"), &target), NO);
    target.machine = NULL;
    assert_int_equal(python_marker_holds(span_of("platform_machine == 'x86_64'"), &target), CANNOT_TELL);
    assert_int_equal(python_marker_holds(span_of("platform_machine == 'x86_64' and os_name == 'nt'"), &target),
                     NO);
}

static void nesting_is_bounded(void **state) {
    (void)state;
    static char deep[100000];
    memset(deep, '(', sizeof deep - 1);
    assert_int_equal(python_marker_holds(span_of(deep), &linux_x86), CANNOT_TELL);
}

static void versions_in_order(void **state) {
    (void)state;
    static const char *const sorted[] = {"0.4.1.post2",     "1.0.0.dev1",  "1.0.0a1",    "1.0.0b2",    "1.0.0rc1",
                                         "1.0.0",           "1.0.0.post1", "1.0.1",      "1.9",        "1.10",
                                         "2.1.0a0+32f93b1", "2.1.0",       "13.3.5.0.6", "13.3.5.0.10"};
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++)
        for (size_t j = 0; j < sizeof sorted / sizeof *sorted; j++) {
            int order = python_version_compare(span_of(sorted[i]), span_of(sorted[j]));
            check((order > 0) - (order < 0) == (i > j) - (i < j), sorted[i]);
        }
    assert_int_equal(python_version_compare(span_of("v2.0"), span_of("2.0.0+cpu")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_extras_specifiers), cmocka_unit_test(specifiers),        cmocka_unit_test(markers),
        cmocka_unit_test(nesting_is_bounded),      cmocka_unit_test(versions_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
