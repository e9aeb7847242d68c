#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "knowledge/recommend.h"
#include "support/tables.h"
#include "support/unit.h"

static struct recommendation ask(struct arena *arena, const char *driver, int capability, unsigned python,
                                 enum platform platform, const char *torch) {
    struct recommend_question question = {.capabilities = &capability,
                                          .capability_count = capability ? 1 : 0,
                                          .python = python,
                                          .platform = platform,
                                          .torch = torch,
                                          .driver_windows = platform == PLATFORM_WINDOWS};
    if (driver)
        assert_int_equal(driver_version_parse(span_of(driver), &question.driver), 0);
    struct recommendation answer;
    assert_int_equal(knowledge_recommend(knowledge, arena, &question, 8, &answer), 0);
    for (size_t i = 0; i < answer.count; i++) {
        assert_non_null(answer.items[i].torch);
        assert_true(text_starts(answer.items[i].index_url, "https://download.pytorch.org/whl/cu"));
        if (driver)
            assert_true(answer.items[i].driver_fits);
    }
    if (!answer.count)
        assert_non_null(answer.why_none.reason);
    return answer;
}

static void a_new_gpu_with_a_new_driver(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "595.71.05", 120, 312, PLATFORM_LINUX_X86_64, NULL);
    assert_true(r.count > 1);
    assert_string_equal(r.items[0].torch, "2.15.0");
    assert_string_equal(r.items[0].variant, "cu132");
    assert_true(r.items[0].pypi_default);
    assert_string_equal(r.items[0].code, "sm_120");
    assert_null(r.after_driver);
}

static void a_cuda_the_driver_offers_in_full_comes_first(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "580.95.05", 89, 312, PLATFORM_LINUX_X86_64, NULL);
    assert_string_equal(r.items[0].variant,
                        "cu130"); /* not cu132, which would run by minor-version compatibility */
    assert_string_equal(r.items[0].code, "sm_86");
}

static void a_driver_of_cuda_12_gets_a_build_of_cuda_12(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "550.163.01", 86, 311, PLATFORM_LINUX_X86_64, NULL);
    assert_string_equal(r.items[0].torch, "2.15.0");
    assert_string_equal(r.items[0].variant, "cu126");
    assert_string_equal(r.items[0].driver_needed, "525.60.13");
    assert_string_equal(r.items[0].vision, "0.29.2");
    r = ask(&arena, "470.256.02", 86, 310, PLATFORM_LINUX_X86_64, NULL); /* CUDA 11 */
    assert_string_equal(r.items[0].variant, "cu118");
    assert_string_equal(r.items[0].torch, "2.7.1");
    assert_non_null(r.after_driver);
    assert_string_equal(r.after_driver->torch, "2.14.1"); /* Python 3.10 ended with it */
}

static void a_driver_that_does_not_serve_the_gpu(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    /* cu128 would run on a 550 driver, but that driver knows no Blackwell */
    struct recommendation r = ask(&arena, "550.163.01", 120, 312, PLATFORM_LINUX_X86_64, NULL);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.why_none.fit, FIT_NO);
    assert_string_equal(r.after_driver->torch, "2.15.0");
    assert_string_equal(r.after_least_driver->driver_needed, "570");
    assert_true(r.after_least_driver->cuda < 13000);
    r = ask(&arena, "550.163.01", 120, 312, PLATFORM_LINUX_X86_64, "2.8.0");
    assert_string_equal(r.after_driver->driver_needed, "570");
}

static void an_old_gpu_keeps_its_builds(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "580.95.05", 61, 312, PLATFORM_LINUX_X86_64, NULL);
    assert_true(r.count > 0);
    for (size_t i = 0; i < r.count; i++)
        assert_true(r.items[i].cuda < 13000);
    assert_string_equal(r.items[0].variant, "cu126");
    assert_int_equal(r.items[0].newest_branch, 580);
    r = ask(&arena, "470.256.02", 35, 0, PLATFORM_LINUX_X86_64, NULL); /* K40: no build since 1.3 */
    assert_int_equal(r.count, 0);
    r = ask(&arena, "470.256.02", 37, 310, PLATFORM_LINUX_X86_64, NULL); /* K80 */
    assert_string_equal(r.items[0].torch, "2.7.1");
    assert_string_equal(r.items[0].variant, "cu118");
}

static void python_and_platform_count(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "580.95.05", 86, 309, PLATFORM_LINUX_X86_64, NULL);
    assert_string_equal(r.items[0].torch, "2.8.0");
    r = ask(&arena, "580.95.05", 86, 399, PLATFORM_LINUX_X86_64, NULL);
    assert_int_equal(r.count, 0);
    r = ask(&arena, "580.95.05", 121, 312, PLATFORM_LINUX_AARCH64, NULL); /* DGX Spark */
    assert_string_equal(r.items[0].code, "sm_120");
    r = ask(&arena, "581.29", 120, 312, PLATFORM_WINDOWS, NULL);
    assert_true(r.count > 0 && !r.items[0].pypi_default);
    r = ask(&arena, NULL, 87, 310, PLATFORM_JETSON, NULL);
    assert_int_equal(r.why_none.fit, FIT_UNKNOWN);
    r = ask(&arena, NULL, 0, 310, PLATFORM_MACOS, NULL);
    assert_int_equal(r.why_none.fit, FIT_NO);
}

static void two_gpus_of_different_kind(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    int both[] = {61, 86}, never[] = {61, 120};
    struct recommend_question question = {
        .capabilities = both, .capability_count = 2, .python = 312, .platform = PLATFORM_LINUX_X86_64};
    driver_version_parse(span_of("580.95.05"), &question.driver);
    struct recommendation r;
    assert_int_equal(knowledge_recommend(knowledge, &arena, &question, 3, &r), 0);
    assert_string_equal(r.items[0].variant, "cu126");
    assert_int_equal(r.count, 3);
    question.capabilities = never; /* no build for Linux has code for both */
    assert_int_equal(knowledge_recommend(knowledge, &arena, &question, 3, &r), 0);
    assert_int_equal(r.count, 0);
}

static void commands(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "595.71.05", 120, 312, PLATFORM_LINUX_X86_64, "2.15.0");
    assert_string_equal(recommend_command(&arena, &r.items[0]), "pip install torch==2.15.0 torchvision==0.29.2");
    r = ask(&arena, "550.163.01", 86, 312, PLATFORM_LINUX_X86_64, "2.6.0");
    bool found = false;
    for (size_t i = 0; i < r.count; i++)
        found |= text_eq(
            recommend_command(&arena, &r.items[i]),
            "pip install torch==2.6.0 torchvision==0.21.0 --index-url https://download.pytorch.org/whl/cu126");
    assert_true(found);
    r = ask(&arena, "470.256.02", 86, 308, PLATFORM_LINUX_X86_64, "1.10.2");
    assert_string_equal(recommend_command(&arena, &r.items[0]),
                        "pip install torch==1.10.2+cu113 -f https://download.pytorch.org/whl/torch_stable.html");
}

static void wishes(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct recommendation r = ask(&arena, "580.95.05", 86, 312, PLATFORM_LINUX_X86_64, "2.6");
    assert_true(r.count > 1);
    for (size_t i = 0; i < r.count; i++)
        assert_true(text_starts(r.items[i].torch, "2.6."));
    int capability = 86;
    struct recommend_question question = {
        .capabilities = &capability, .capability_count = 1, .platform = PLATFORM_LINUX_X86_64, .torch = "two"};
    assert_int_equal(knowledge_recommend(knowledge, &arena, &question, 3, &r), -EINVAL);
    question.torch = NULL;
    question.variant = "cuda";
    assert_int_equal(knowledge_recommend(knowledge, &arena, &question, 3, &r), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_new_gpu_with_a_new_driver),
                                       cmocka_unit_test(a_cuda_the_driver_offers_in_full_comes_first),
                                       cmocka_unit_test(a_driver_of_cuda_12_gets_a_build_of_cuda_12),
                                       cmocka_unit_test(a_driver_that_does_not_serve_the_gpu),
                                       cmocka_unit_test(an_old_gpu_keeps_its_builds),
                                       cmocka_unit_test(python_and_platform_count),
                                       cmocka_unit_test(two_gpus_of_different_kind),
                                       cmocka_unit_test(commands),
                                       cmocka_unit_test(wishes)};
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
