/* The rules, among them each one that other tools get wrong. */
#include <string.h>

#include "knowledge/compat.h"
#include "support/unit.h"

static struct driver_version version(const char *text) {
    struct driver_version driver = {0};
    if (text)
        assert_int_equal(driver_version_parse(span_of(text), &driver), 0);
    return driver;
}

static struct driver_verdict ask(struct arena *arena, int program, int driver_cuda, const char *driver,
                                 const char *floor) {
    struct driver_question question = {
        .program_cuda = program, .driver_cuda = driver_cuda, .driver = version(driver), .floor = version(floor)};
    struct driver_verdict verdict = compat_driver(arena, &question);
    assert_non_null(verdict.reason);
    return verdict;
}

static void newer_drivers_run_older_programs(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct driver_verdict v = ask(&arena, 11080, 13040, "615.78.08", "450.80.02");
    assert_int_equal(v.fit, FIT_YES);
    assert_int_equal(v.way, DRIVER_WAY_BACKWARD);
    assert_int_equal(v.ptx, FIT_YES);
    v = ask(&arena, 12040, 12040, NULL, NULL);
    assert_int_equal(v.way, DRIVER_WAY_BACKWARD);
}

static void the_version_nvidia_smi_shows_is_no_ceiling(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    /* cu128 on driver 550 (CUDA 12.4) fits, but for PTX of 12.8 */
    struct driver_verdict v = ask(&arena, 12080, 12040, "550.163.01", "525.60.13");
    assert_int_equal(v.fit, FIT_YES);
    assert_int_equal(v.way, DRIVER_WAY_MINOR);
    assert_int_equal(v.ptx, FIT_NO);
    assert_int_equal(ask(&arena, 12090, 12000, "525.60.13", "525.60.13").fit, FIT_YES);
    assert_int_equal(ask(&arena, 13020, 13000, "580.65.06", "580.65.06").fit, FIT_YES);
    assert_int_equal(ask(&arena, 11080, 11010, "455.32.00", "450.80.02").fit, FIT_YES);
    /* without the release, by the API numbers alone */
    assert_int_equal(ask(&arena, 12080, 12020, NULL, "525.60.13").fit, FIT_YES);
    /* Windows */
    assert_int_equal(ask(&arena, 12080, 12000, "528.33", "527.41").fit, FIT_YES);
    assert_int_equal(ask(&arena, 12010, 12000, "526.98", "527.41").fit, FIT_NO);
}

static void an_older_major_does_not_fit(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct driver_verdict v = ask(&arena, 13000, 12080, "570.211.01", "580.65.06");
    assert_int_equal(v.fit, FIT_NO);
    assert_non_null(strstr(v.reason, "580.65.06"));
    assert_int_equal(ask(&arena, 12010, 11080, "520.61.05", "525.60.13").fit, FIT_NO);
    assert_int_equal(ask(&arena, 13000, 0, "550.54.15", "580.65.06").fit, FIT_NO);
    /* before CUDA 11 the exact version counts */
    assert_int_equal(ask(&arena, 10020, 10010, "418.87.00", "440.33").fit, FIT_NO);
    assert_int_equal(ask(&arena, 10020, 10000, NULL, NULL).fit, FIT_NO);
    /* 11.0 came before minor-version compatibility: the release decides */
    assert_int_equal(ask(&arena, 11030, 11000, "450.51.05", "450.80.02").fit, FIT_NO);
    assert_int_equal(ask(&arena, 11030, 11000, "450.248.02", "450.80.02").fit, FIT_YES);
    assert_int_equal(ask(&arena, 11030, 11000, NULL, "450.80.02").fit, FIT_UNKNOWN);
}

static void what_is_not_known_is_told(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    assert_int_equal(ask(&arena, 0, 12040, "550.54.15", NULL).fit, FIT_UNKNOWN);
    assert_int_equal(ask(&arena, 12040, 0, NULL, "525.60.13").fit, FIT_UNKNOWN);
    assert_int_equal(ask(&arena, 14000, 0, "700.10", NULL).fit, FIT_UNKNOWN);
    /* a driver newer than the tables: its floor is known, its PTX is not */
    struct driver_verdict v = ask(&arena, 12080, 0, "700.10", "525.60.13");
    assert_int_equal(v.fit, FIT_YES);
    assert_int_equal(v.ptx, FIT_UNKNOWN);
}

static void forward_compatibility(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct driver_question q = {.program_cuda = 13000,
                                .driver_cuda = 12020,
                                .driver = version("535.309.01"),
                                .floor = version("580.65.06"),
                                .compat_cuda = 13000,
                                .compat_gpu = true,
                                .compat_gpu_known = true};
    struct driver_verdict v = compat_driver(&arena, &q);
    assert_int_equal(v.fit, FIT_YES);
    assert_int_equal(v.way, DRIVER_WAY_FORWARD);
    q.compat_gpu = false; /* a GeForce: 804, even for a program that the driver alone would run */
    assert_int_equal(compat_driver(&arena, &q).fit, FIT_NO);
    q.program_cuda = 12000;
    v = compat_driver(&arena, &q);
    assert_int_equal(v.fit, FIT_NO);
    assert_non_null(strstr(v.reason, "804"));
    q.compat_gpu_known = false;
    assert_int_equal(compat_driver(&arena, &q).fit, FIT_UNKNOWN);
    q.driver_cuda = 13010; /* a stale package before a newer driver */
    v = compat_driver(&arena, &q);
    assert_int_equal(v.fit, FIT_NO);
    assert_non_null(strstr(v.reason, "803"));
}

static void sass_runs_within_a_major(void **state) {
    (void)state;
    static const struct {
        const char *architecture;
        int capability, cuda;
        enum fit fit;
    } rows[] = {{"sm_86", 89, 0, FIT_YES},                                   /* RTX 40 on a wheel without sm_89 */
                {"sm_80", 86, 0, FIT_YES},         {"sm_86", 80, 0, FIT_NO}, /* not downwards */
                {"sm_90", 89, 0, FIT_NO},                                    /* not to another major */
                {"sm_70", 75, 0, FIT_YES},   /* Volta's code on Turing: one major, 7 */
                {"sm_120", 121, 0, FIT_YES}, /* GB10 */
                {"sm_100", 103, 0, FIT_YES},       {"sm_100", 120, 0, FIT_NO},
                {"sm_90a", 90, 0, FIT_YES},        {"sm_90a", 100, 0, FIT_NO},
                {"sm_100a", 103, 0, FIT_NO},       {"sm_100f", 103, 0, FIT_YES},
                {"sm_100f", 100, 0, FIT_YES},      {"sm_103f", 100, 0, FIT_NO},
                {"sm_120f", 121, 0, FIT_YES},      {"sm_100f", 120, 0, FIT_NO},
                {"sm_50", 53, 0, FIT_NO}, /* Tegra */
                {"sm_60", 62, 0, FIT_NO},          {"sm_70", 72, 12060, FIT_NO},
                {"sm_53", 53, 0, FIT_YES},         {"sm_80", 87, 13020, FIT_YES},
                {"sm_80", 87, 12060, FIT_UNKNOWN}, {"sm_80", 87, 0, FIT_UNKNOWN},
                {"sm_87", 87, 0, FIT_YES},         {"sm_87", 89, 0, FIT_NO},
                {"sm_101", 110, 0, FIT_YES}, /* one chip, two numbers */
                {"sm_110", 101, 0, FIT_YES},       {"sm_100", 101, 0, FIT_NO},
                {"sm_61", 61, 0, FIT_YES},         {"compute_86", 86, 0, FIT_NO}, /* PTX is no SASS */
                {"gfx90a", 90, 0, FIT_NO},         {"sm_", 90, 0, FIT_NO},
                {"sm_86", 0, 0, FIT_UNKNOWN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (compat_sass(rows[i].architecture, rows[i].capability, rows[i].cuda) != rows[i].fit)
            fail_msg("%s on %d", rows[i].architecture, rows[i].capability);
}

static void ptx_runs_forward(void **state) {
    (void)state;
    static const struct {
        const char *architecture;
        int capability;
        enum fit fit;
    } rows[] = {{"compute_50", 120, FIT_YES},  {"compute_90", 120, FIT_YES}, {"compute_120", 103, FIT_NO},
                {"compute_90a", 120, FIT_NO},  {"compute_90a", 90, FIT_YES}, {"compute_100f", 103, FIT_YES},
                {"compute_100f", 120, FIT_NO}, {"compute_86", 80, FIT_NO},   {"compute_80", 87, FIT_YES},
                {"sm_80", 80, FIT_NO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (compat_ptx(rows[i].architecture, rows[i].capability) != rows[i].fit)
            fail_msg("%s on %d", rows[i].architecture, rows[i].capability);
}

static struct code_verdict code(struct arena *arena, const char *list, int capability, enum fit ptx) {
    struct texts architectures = {0};
    struct span rest = span_of(list), word;
    while (span_next_word(&rest, &word))
        texts_add(arena, &architectures, arena_copy_span(arena, word));
    struct code_verdict verdict = compat_code(arena, &architectures, capability, 0, ptx);
    assert_non_null(verdict.reason);
    return verdict;
}

static void a_library_as_a_whole(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    const char *cu124 = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90";
    struct code_verdict v = code(&arena, cu124, 89, FIT_YES);
    assert_int_equal(v.fit, FIT_YES);
    assert_string_equal(v.by, "sm_86");
    v = code(&arena, cu124, 120, FIT_YES);
    assert_int_equal(v.fit, FIT_NO);
    assert_true(v.too_new);
    v = code(&arena, "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", 70, FIT_YES);
    assert_int_equal(v.fit, FIT_NO);
    assert_false(v.too_new);
    v = code(&arena, "sm_75 sm_80 sm_90 compute_90", 120, FIT_YES);
    assert_int_equal(v.fit, FIT_YES);
    assert_int_equal(v.way, CODE_WAY_PTX);
    assert_string_equal(v.by, "compute_90");
    v = code(&arena, "sm_75 sm_80 sm_90 compute_90", 120, FIT_NO); /* 222 */
    assert_int_equal(v.fit, FIT_NO);
    v = code(&arena, "sm_75 sm_80 sm_90 compute_90", 120, FIT_UNKNOWN);
    assert_int_equal(v.fit, FIT_UNKNOWN);
    v = code(&arena, "sm_80 sm_90a compute_90a", 120, FIT_YES); /* no base for anything later */
    assert_int_equal(v.fit, FIT_NO);
    v = code(&arena, "", 86, FIT_YES);
    assert_int_equal(v.fit, FIT_UNKNOWN);
    v = code(&arena, cu124, 0, FIT_YES);
    assert_int_equal(v.fit, FIT_UNKNOWN);
    v = code(&arena, "sm_80 sm_90", 87, FIT_YES);
    assert_int_equal(v.fit, FIT_UNKNOWN);
}

static void branches_and_gpus(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    assert_int_equal(compat_branch(&arena, 550, 120, 570, 0, true).fit, FIT_NO);
    assert_int_equal(compat_branch(&arena, 580, 120, 570, 0, true).fit, FIT_YES);
    assert_int_equal(compat_branch(&arena, 590, 61, 367, 580, true).fit, FIT_NO);
    assert_int_equal(compat_branch(&arena, 580, 61, 367, 580, true).fit, FIT_YES);
    assert_int_equal(compat_branch(&arena, 0, 61, 367, 580, true).fit, FIT_UNKNOWN);
    assert_int_equal(compat_branch(&arena, 580, 107, 0, 0, false).fit, FIT_UNKNOWN);
    assert_int_equal(compat_branch(&arena, 470, 35, 0, 470, true).fit, FIT_YES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(newer_drivers_run_older_programs),
                                       cmocka_unit_test(the_version_nvidia_smi_shows_is_no_ceiling),
                                       cmocka_unit_test(an_older_major_does_not_fit),
                                       cmocka_unit_test(what_is_not_known_is_told),
                                       cmocka_unit_test(forward_compatibility),
                                       cmocka_unit_test(sass_runs_within_a_major),
                                       cmocka_unit_test(ptx_runs_forward),
                                       cmocka_unit_test(a_library_as_a_whole),
                                       cmocka_unit_test(branches_and_gpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
