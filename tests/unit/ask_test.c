#include <errno.h>
#include <string.h>

#include "knowledge/ask.h"
#include "knowledge/page.h"
#include "support/tables.h"
#include "support/unit.h"

static struct ask_answer ask(struct arena *arena, struct ask_question question) {
    struct ask_answer answer;
    const char *problem;
    assert_int_equal(knowledge_ask(knowledge, arena, &question, &answer, &problem), 0);
    for (size_t i = 0; i < answer.part_count; i++)
        assert_non_null(answer.parts[i].reason);
    return answer;
}

static enum fit part(const struct ask_answer *answer, const char *what) {
    for (size_t i = 0; i < answer->part_count; i++)
        if (strcmp(answer->parts[i].what, what) == 0)
            return answer->parts[i].fit;
    fail_msg("%s was not judged", what);
    return FIT_UNKNOWN;
}

static void what_peers_get_wrong(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    /* an RTX 4090 on a wheel without sm_89 */
    struct ask_answer a =
        ask(&arena, (struct ask_question){.gpu = "RTX 4090", .driver = "560.35.03", .torch = "2.7.0+cu126"});
    assert_int_equal(a.fit, FIT_YES);
    /* cu128 on a driver that shows CUDA 12.4 */
    a = ask(&arena, (struct ask_question){.gpu = "RTX 3090", .driver = "550.54.15", .torch = "2.8.0+cu128"});
    assert_int_equal(a.fit, FIT_YES);
    /* GB10 on code for 12.0 */
    a = ask(&arena, (struct ask_question){.gpu = "NVIDIA GB10", .driver = "580.95.05", .torch = "2.13.0+cu130"});
    assert_int_equal(a.fit, FIT_YES);
    assert_int_equal(a.platform, PLATFORM_LINUX_AARCH64);
    /* and what does not fit */
    a = ask(&arena, (struct ask_question){.gpu = "GTX 1080", .driver = "580.95.05", .torch = "2.11.0+cu130"});
    assert_int_equal(part(&a, "driver and CUDA"), FIT_YES);
    assert_int_equal(part(&a, "code and GPU"), FIT_NO);
    assert_int_equal(a.fit, FIT_NO);
    a = ask(&arena, (struct ask_question){.gpu = "Tesla V100-SXM2-16GB", .driver = "590.48.01", .torch = "2.6.0"});
    assert_int_equal(part(&a, "driver and GPU"), FIT_NO);
    assert_string_equal(a.variant, "cu124");
}

static void the_example_of_the_issue(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct ask_answer a =
        ask(&arena, (struct ask_question){.gpu = "RTX 5090", .driver = "550", .torch = "2.6.0+cu124"});
    assert_int_equal(a.fit, FIT_NO);
    assert_int_equal(part(&a, "driver and GPU"), FIT_NO);
    assert_int_equal(part(&a, "driver and CUDA"), FIT_YES);
    assert_int_equal(part(&a, "code and GPU"), FIT_NO);
    assert_int_equal(a.same.count, 0);
    assert_non_null(a.any.after_driver);
}

static void windows_numbers_are_recognised(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct ask_answer a = ask(&arena, (struct ask_question){.driver = "551.61", .cuda = "12.8"});
    assert_true(a.windows);
    assert_int_equal(a.fit, FIT_YES);
    a = ask(&arena, (struct ask_question){.gpu = "RTX 3060", .driver = "551.61", .torch = "2.6.0"});
    assert_int_equal(part(&a, "build"), FIT_NO); /* PyPI's wheels for Windows are for the CPU */
    a = ask(&arena, (struct ask_question){.driver = "522.06", .cuda = "12.1"});
    assert_int_equal(a.fit, FIT_NO);
    a = ask(&arena, (struct ask_question){.driver = "550", .cuda = "12.1", .platform = "windows"});
    assert_true(a.windows);
}

static void toolkits_and_gpus(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct ask_answer a = ask(&arena, (struct ask_question){.gpu = "8.9", .cuda = "11.7"});
    assert_int_equal(a.fit, FIT_NO);
    a = ask(&arena, (struct ask_question){.gpu = "8.9", .cuda = "11.8"});
    assert_int_equal(a.fit, FIT_YES);
    a = ask(&arena, (struct ask_question){.gpu = "sm_70", .cuda = "13.0"});
    assert_int_equal(a.fit, FIT_NO);
    a = ask(&arena, (struct ask_question){.torch = "2.6.0", .cuda = "12.6", .gpu = "8.6"});
    assert_string_equal(a.variant, "cu126"); /* the build of that CUDA is meant */
    a = ask(&arena, (struct ask_question){.torch = "2.6.0+cu124", .cuda = "13.0"});
    assert_int_equal(part(&a, "toolkit and build"), FIT_NO);
    a = ask(&arena, (struct ask_question){.torch = "2.6.0+cu124", .cuda = "12.8"});
    assert_int_equal(part(&a, "toolkit and build"), FIT_YES);
}

static void what_cannot_be_told(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    assert_int_equal(ask(&arena, (struct ask_question){.gpu = "RTX 9999", .driver = "580"}).fit, FIT_UNKNOWN);
    assert_int_equal(ask(&arena, (struct ask_question){.gpu = "RTX 5090"}).fit, FIT_UNKNOWN);
    struct ask_answer a =
        ask(&arena, (struct ask_question){.gpu = "RTX 5090", .driver = "580", .torch = "9.1.0+cu130"});
    assert_int_equal(part(&a, "build"), FIT_UNKNOWN);
    assert_int_equal(a.fit, FIT_UNKNOWN);
    a = ask(&arena, (struct ask_question){.gpu = "RTX 9999", .driver = "580"});
    assert_int_equal(a.any.count, 0); /* nothing is recommended for a GPU that is not known */
    a = ask(&arena, (struct ask_question){.torch = "2.6.0+cu121", .driver = "580"});
    assert_int_equal(part(&a, "build"), FIT_NO); /* no such build */
    a = ask(&arena, (struct ask_question){.torch = "2.6.0+cpu", .gpu = "RTX 3060"});
    assert_int_equal(part(&a, "build"), FIT_NO);
    a = ask(&arena, (struct ask_question){.torch = "2.6.0+cu124", .python = "3.14"});
    assert_int_equal(part(&a, "Python and PyTorch"), FIT_NO);
}

static void what_is_not_understood(void **state) {
    (void)state;
    static const struct {
        struct ask_question question;
        const char *problem;
    } rows[] = {{{.gpu = ""}, "gpu"},
                {{.driver = "new"}, "driver"},
                {{.cuda = "twelve"}, "cuda"},
                {{.torch = "torch"}, "torch"},
                {{.python = "three"}, "python"},
                {{.python = "3"}, "python"},
                {{.driver = "550", .platform = "amiga"}, "platform"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA arena = {0};
        struct ask_answer answer;
        const char *problem = NULL;
        assert_int_equal(knowledge_ask(knowledge, &arena, &rows[i].question, &answer, &problem), -EINVAL);
        assert_string_equal(problem, rows[i].problem);
    }
}

static void pages_of_causes(void **state) {
    (void)state;
    struct span page;
    const char *id, *last = "";
    size_t count = 0;
    for (; page_at(count, &id, &page); count++) {
        assert_true(strcmp(last, id) < 0);
        assert_true(page.len > 100 && page.ptr[page.len] == '\0');
        assert_true(span_starts(page, "# ") && span_starts(span_slice(page, 2, page.len), id));
        last = id;
    }
    assert_true(count > 40);
    assert_true(page_find("torch-cpu-build", &page));
    assert_true(span_has(page, "CPU"));
    assert_false(page_find("no-such-cause", &page));
    assert_false(page_find("", &page));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_peers_get_wrong),
                                       cmocka_unit_test(the_example_of_the_issue),
                                       cmocka_unit_test(windows_numbers_are_recognised),
                                       cmocka_unit_test(toolkits_and_gpus),
                                       cmocka_unit_test(what_cannot_be_told),
                                       cmocka_unit_test(what_is_not_understood),
                                       cmocka_unit_test(pages_of_causes)};
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
