#include <errno.h>

#include "format/version.h"
#include "support/unit.h"

static struct driver_version driver(const char *text) {
    struct driver_version version = {0};
    assert_int_equal(driver_version_parse(span_of(text), &version), 0);
    return version;
}

static struct package_version package(const char *text) {
    struct package_version version = {0};
    assert_int_equal(package_version_parse(span_of(text), &version), 0);
    return version;
}

static void drivers(void **state) {
    (void)state;
    struct driver_version a = driver(" 535.104.05\n"), b = driver("535.104.12"), branch = driver("535");
    assert_int_equal(a.part[2], 5);
    assert_string_equal(a.text, "535.104.05");
    assert_true(driver_version_compare(&a, &b) < 0);
    assert_int_equal(driver_version_compare(&branch, &b), 0);
    assert_true(driver_version_order(&branch, &b) < 0);
    b = driver("525.60.13");
    assert_true(driver_version_compare(&branch, &b) > 0);
    a = driver("570.26"), b = driver("570.124.06");
    assert_true(driver_version_compare(&a, &b) < 0);
    a = driver("450.248.02"), b = driver("450.80.02");
    assert_true(driver_version_compare(&a, &b) > 0);
}

static void windows_driver_numbers(void **state) {
    (void)state;
    struct driver_version a = driver("31.0.15.5161");
    assert_string_equal(a.text, "551.61");
    a = driver("32.0.15.7680");
    assert_string_equal(a.text, "576.80");
    a = driver("27.21.14.5671");
    assert_string_equal(a.text, "456.71");
    a = driver("30.0.14.9603");
    assert_string_equal(a.text, "496.03");
}

static void what_is_no_driver_version(void **state) {
    (void)state;
    static const char *const bad[] = {"",       "N/A",  "550.", "550.54.15-1",   "1.2.3.4.5",
                                      "550,54", "x550", "0.1",  "99999999999.1", "550.54.15.lots"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct driver_version version = {.count = 77};
        assert_int_equal(driver_version_parse(span_of(bad[i]), &version), -EINVAL);
        assert_int_equal(version.count, 77);
    }
}

static void cuda_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int number;
    } good[] = {{"12.4", 12040},      {"12040", 12040}, {"12.4.1", 12040}, {"V12.4.131", 12040},
                {"cuda_11.8", 11080}, {"9.2", 9020},    {"13.0", 13000},   {"10.2.89", 10020},
                {"12", 12000},        {"8000", 8000},   {"12.10", 12100}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int number = 0;
        assert_int_equal(cuda_version_parse(span_of(good[i].text), &number), 0);
        assert_int_equal(number, good[i].number);
    }
    int number = 5;
    assert_int_equal(cuda_version_parse(span_of("ERR!"), &number), -EINVAL);
    assert_int_equal(cuda_version_parse(span_of("12.x"), &number), -EINVAL);
    assert_int_equal(number, 5);
    char buffer[16];
    assert_string_equal(cuda_version_text(12080, buffer), "12.8");
    assert_string_equal(cuda_version_text(9000, buffer), "9.0");
}

static void packages(void **state) {
    (void)state;
    struct package_version v = package("2.6.0+cu124");
    assert_int_equal(v.release[1], 6);
    assert_int_equal(v.phase, PHASE_FINAL);
    assert_string_equal(v.local, "cu124");
    v = package("2.9.0.dev20250801+cu130");
    assert_int_equal(v.phase, PHASE_DEV);
    assert_int_equal(v.dev, 20250801);
    v = package("2.1.0a0+32f93b1");
    assert_int_equal(v.phase, PHASE_ALPHA);
    assert_string_equal(v.local, "32f93b1");
    v = package("0.4.1.post2");
    assert_int_equal(v.post, 3);
    char buffer[48];
    assert_string_equal(package_version_release_text(&v, buffer), "0.4.1");
    v = package("3.10");
    assert_int_equal(v.count, 2);
    struct package_version other;
    assert_int_equal(package_version_parse(span_of("2.6.0+"), &other), -EINVAL);
    assert_int_equal(package_version_parse(span_of("two"), &other), -EINVAL);
    assert_int_equal(package_version_parse(span_of("2.6.0 cu124"), &other), -EINVAL);
}

static void package_order(void **state) {
    (void)state;
    /* PEP 440's own order */
    static const char *const order[] = {"1.13.1",   "2.0.0.dev20230101", "2.0.0a0+git1234567", "2.0.0b1",
                                        "2.0.0rc1", "2.0.0+cu118",       "2.0.0.post1",        "2.0.1",
                                        "2.10.0"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
            struct package_version a = package(order[i]), b = package(order[k]);
            int is = package_version_compare(&a, &b);
            assert_true(i < k ? is < 0 : i > k ? is > 0 : is == 0);
        }
    struct package_version a = package("2.6"), b = package("2.6.0+cpu");
    assert_int_equal(package_version_compare(&a, &b), 0);
    a = package("2.1.0a0+32f93b1"), b = package("2.1.0");
    assert_true(package_version_same_release(&a, &b));
}

static void builds_by_local_tag(void **state) {
    (void)state;
    static const struct {
        const char *local;
        enum torch_build_kind kind;
        int cuda;
        const char *variant, *nvidia;
    } rows[] = {{"", TORCH_BUILD_UNTAGGED, 0, "", ""},
                {"cu124", TORCH_BUILD_CUDA, 12040, "cu124", ""},
                {"cu92", TORCH_BUILD_CUDA, 9020, "cu92", ""},
                {"cu117.with.pypi.cudnn", TORCH_BUILD_CUDA, 11070, "cu117", ""},
                {"cpu", TORCH_BUILD_CPU, 0, "cpu", ""},
                {"cpu.cxx11.abi", TORCH_BUILD_CPU, 0, "cpu", ""},
                {"rocm6.2.4", TORCH_BUILD_ROCM, 0, "rocm6.2.4", ""},
                {"rocm7.0", TORCH_BUILD_ROCM, 0, "rocm7.0", ""},
                {"xpu", TORCH_BUILD_XPU, 0, "xpu", ""},
                {"32f93b1", TORCH_BUILD_SOURCE, 0, "", ""},
                {"git4dcd4b3", TORCH_BUILD_SOURCE, 0, "", ""},
                {"df5bbc09d1.nv24.12", TORCH_BUILD_SOURCE, 0, "", "24.12"},
                {"computecanada", TORCH_BUILD_OTHER, 0, "", ""},
                {"cu12", TORCH_BUILD_OTHER, 0, "", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct torch_build build;
        torch_build_of_local(rows[i].local, &build);
        assert_int_equal(build.kind, rows[i].kind);
        assert_int_equal(build.cuda, rows[i].cuda);
        assert_string_equal(build.variant, rows[i].variant);
        assert_string_equal(build.nvidia, rows[i].nvidia);
    }
}

static void builds_by_conda_string(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum torch_build_kind kind;
        int cuda;
    } rows[] = {{"py3.10_cuda11.8_cudnn8.7.0_0", TORCH_BUILD_CUDA, 11080},
                {"py3.7_cuda10.2.89_cudnn7.6.5_0", TORCH_BUILD_CUDA, 10020},
                {"cuda126_mkl_py312_h30b5a27_300", TORCH_BUILD_CUDA, 12060},
                {"cuda112py39hb0b7ed5_201", TORCH_BUILD_CUDA, 11020},
                {"gpu_cuda118py310h6f85f1c_0", TORCH_BUILD_CUDA, 11080},
                {"cpu_py39h7c1a5a3_0", TORCH_BUILD_CPU, 0},
                {"py3.9_cpu_0", TORCH_BUILD_CPU, 0},
                {"cpu_generic_py310_h9ae4da0_0", TORCH_BUILD_CPU, 0},
                {"rocm_py310_0", TORCH_BUILD_ROCM, 0},
                {"h1234567_0", TORCH_BUILD_UNTAGGED, 0},
                {"", TORCH_BUILD_UNTAGGED, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct torch_build build;
        torch_build_of_conda(span_of(rows[i].text), &build);
        assert_int_equal(build.kind, rows[i].kind);
        assert_int_equal(build.cuda, rows[i].cuda);
    }
}

static void variants(void **state) {
    (void)state;
    int cuda = 0;
    char buffer[16];
    assert_int_equal(torch_variant_cuda(span_of("cu130"), &cuda), 0);
    assert_int_equal(cuda, 13000);
    assert_string_equal(torch_variant_text(13000, buffer), "cu130");
    assert_string_equal(torch_variant_text(9020, buffer), "cu92");
    assert_int_equal(torch_variant_cuda(span_of("cu12"), &cuda), -EINVAL);
    assert_int_equal(torch_variant_cuda(span_of("cu12x"), &cuda), -EINVAL);
    assert_int_equal(torch_variant_cuda(span_of("cpu"), &cuda), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(drivers),
                                       cmocka_unit_test(windows_driver_numbers),
                                       cmocka_unit_test(what_is_no_driver_version),
                                       cmocka_unit_test(cuda_numbers),
                                       cmocka_unit_test(packages),
                                       cmocka_unit_test(package_order),
                                       cmocka_unit_test(builds_by_local_tag),
                                       cmocka_unit_test(builds_by_conda_string),
                                       cmocka_unit_test(variants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
