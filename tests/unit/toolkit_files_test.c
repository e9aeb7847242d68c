/* Files of toolkits and containers: cuda_text, cdi, inf. */
#include <errno.h>

#include "format/cdi.h"
#include "format/cuda_text.h"
#include "format/inf.h"
#include "support/unit.h"

static void versions(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct span json = span_of("{\"cuda\": {\"name\": \"CUDA SDK\", \"version\": \"12.4.1\"}, \"cuda_nvcc\": "
                               "{\"version\": \"12.4.131\"}}");
    assert_string_equal(cuda_version_json(&arena, json), "12.4.1");
    json = span_of("{\"cuda\": {\"version\": \"11.8.20220929\"}, \"cuda_nvcc\": {\"version\": \"11.8.89\"}}");
    assert_string_equal(cuda_version_json(&arena, json), "11.8.89");
    assert_null(cuda_version_json(&arena, span_of("[1]")));
    assert_null(cuda_version_json(&arena, span_of("{\"cuda\": 12}")));
    assert_null(cuda_version_json(&arena, (struct span){0}));
    assert_string_equal(cuda_version_txt(&arena, span_of("CUDA Version 10.2.89\n")), "10.2.89");
    assert_null(cuda_version_txt(&arena, span_of("CUDA 10")));
    assert_int_equal(
        cuda_version_header(span_of("/* CUDA_VERSION 1 */\n#define CUDA_VERSION 12040\n"), "CUDA_VERSION"), 12040);
    assert_int_equal(cuda_version_header(span_of("#define CUDART_VERSION  13000\n"), "CUDART_VERSION"), 13000);
    assert_int_equal(cuda_version_header(span_of("#define CUDA_VERSION_X 12040\n"), "CUDA_VERSION"), 0);
}

/* lines of CUDA 8.0, 9.2, 11.8 and 13.0 */
static void limits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int gcc, clang;
    } headers[] = {
        {"#if __GNUC__ > 5\n#error -- unsupported GNU version! gcc versions later than 5 are not "
         "supported!\n#endif\n",
         5, 0},
        {"#if defined(__clang__)\n#if (__clang_major__ > 5) || ((__clang_major__ == 5) && (__clang_minor__ > "
         "0))\n#if __GNUC__ > 7\n",
         7, 5},
        {"#if __GNUC__ > 11\n#if (__clang_major__ >= 15) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  "
         "(__clang_minor__ < 3))\n",
         11, 14},
        {"#if (__GRCO_CLANG_COMPILER__ == 1) && ((__clang_major__ < 16) || (__clang_major__ > 20))\n#if __GNUC__ "
         "> 15\n",
         15, 20},
        {"#if __GNUC__ < 4\n", 0, 0},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct cuda_limits found = cuda_host_limits(span_of(headers[i].text));
        assert_int_equal(found.gcc, headers[i].gcc);
        assert_int_equal(found.clang, headers[i].clang);
    }
}

static void specs(void **state) {
    (void)state;
    static const char yaml[] =
        "---\ncdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    "
        "deviceNodes:\n"
        "    - path: /dev/nvidia0\n- name: all\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia0\n"
        "containerEdits:\n  env:\n  - NVIDIA_VISIBLE_DEVICES=void\n  deviceNodes:\n  - path: /dev/nvidiactl\n"
        "  - path: /dev/nvidia-uvm\n  hooks:\n  - hookName: createContainer\n    path: /usr/bin/nvidia-cdi-hook\n "
        " mounts:\n"
        "  - hostPath: /usr/lib/libcuda.so.550.54.14\n    containerPath: /usr/lib/libcuda.so.550.54.14\n";
    static const char json[] =
        "{\"kind\":\"nvidia.com/"
        "gpu\",\"devices\":[{\"name\":\"0\",\"containerEdits\":{\"deviceNodes\":[{\"path\":\"/dev/nvidia0\"}]}},"
        "{\"name\":\"all\"}],\"containerEdits\":{\"deviceNodes\":[{\"path\":\"/dev/nvidiactl\"},{\"path\":\"/dev/"
        "nvidia-uvm\"}],"
        "\"mounts\":[{\"hostPath\":\"/usr/lib/libcuda.so.550.54.14\"}]}}";
    static const char *const texts[] = {yaml, json};
    for (size_t i = 0; i < 2; i++) {
        AUTO_ARENA arena = {0};
        struct cdi cdi;
        assert_int_equal(cdi_parse(span_of(texts[i]), &arena, &cdi), 0);
        assert_true(cdi.nvidia);
        assert_string_equal(cdi.version.text, "550.54.14");
        assert_int_equal(cdi.devices, 2);
        assert_int_equal(cdi.mounts.count, 1);
        assert_int_equal(cdi.nodes.count, 2);
        assert_string_equal(cdi.nodes.items[1], "/dev/nvidia-uvm");
    }
    AUTO_ARENA arena = {0};
    struct cdi cdi;
    assert_int_equal(cdi_parse(span_of("{broken"), &arena, &cdi), -EINVAL);
    assert_int_equal(cdi_parse(span_of("kind: vendor.com/net\n"), &arena, &cdi), 0);
    assert_false(cdi.nvidia);
}

static void windows(void **state) {
    (void)state;
    struct driver_version version;
    assert_int_equal(
        inf_driver_version(span_of("[Version]\r\nDriverVer = 10/17/2024, 32.0.15.6614\r\n"), &version), 0);
    assert_string_equal(version.text, "566.14");
    static const char wide[] = "D\0r\0i\0v\0e\0r\0V\0e\0r\0=\0"
                               "1\0/\0"
                               "1\0/\0"
                               "2\0,\0"
                               "3\0"
                               "1\0.\0"
                               "0\0.\0"
                               "1\0"
                               "5\0.\0"
                               "5\0"
                               "1\0"
                               "6\0"
                               "1\0\r\0\n";
    assert_int_equal(inf_driver_version(span_from(wide, sizeof wide), &version), 0);
    assert_string_equal(version.text, "551.61");
    assert_int_equal(inf_driver_version(span_of("DriverVersion = 1, 2.3\n"), &version), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(versions), cmocka_unit_test(limits),
                                       cmocka_unit_test(specs), cmocka_unit_test(windows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
