#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "knowledge/driver.h"
#include "knowledge/error.h"
#include "knowledge/fix.h"
#include "knowledge/gpu.h"
#include "knowledge/torch.h"
#include "support/tables.h"
#include "support/unit.h"

static struct gpu_model by_id(unsigned id) {
    struct gpu_model gpu = {0};
    assert_int_equal(knowledge_gpu_by_id(knowledge, id, &gpu), 0);
    return gpu;
}

static void gpus_by_pci_id(void **state) {
    (void)state;
    struct gpu_model gpu = by_id(0x2b85);
    assert_string_equal(gpu.name, "NVIDIA GeForce RTX 5090");
    assert_string_equal(gpu.chip, "GB202");
    assert_int_equal(gpu.capability, 120);
    assert_int_equal(gpu.module, MODULE_OPEN_ONLY);
    assert_int_equal(gpu.first_branch, 570);
    assert_true(gpu.last_known && gpu.last_branch == 0 && gpu.confirmed);
    gpu = by_id(0x1db1); /* V100-SXM2-16GB */
    assert_int_equal(gpu.capability, 70);
    assert_int_equal(gpu.last_branch, 580);
    assert_int_equal(gpu.module, MODULE_CLOSED_ONLY);
    gpu = by_id(0x102d); /* K80 */
    assert_int_equal(gpu.capability, 37);
    assert_int_equal(gpu.last_branch, 470);
    gpu = by_id(0x20b0); /* A100-SXM4-40GB */
    assert_int_equal(gpu.capability, 80);
    assert_int_equal(gpu.module, MODULE_EITHER);
    gpu = by_id(0x06dd); /* Quadro 4000, Fermi */
    assert_int_equal(gpu.last_branch, 390);
    assert_int_equal(gpu.capability, 20);
    assert_int_equal(knowledge_gpu_by_id(knowledge, 0x0001, &gpu), -ENOENT);
    assert_int_equal(knowledge_gpu_by_id(knowledge, 0x12345, &gpu), -EINVAL);
}

static int capability(const char *name) {
    struct gpu_model gpu = {0};
    return knowledge_gpu_by_name(knowledge, span_of(name), &gpu) ? 0 : gpu.capability;
}

static void gpus_by_name(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int capability;
    } rows[] = {{"NVIDIA GeForce RTX 5090", 120},
                {"RTX 5090", 120},
                {"rtx5090", 120},
                {"5090", 120},
                {"GeForce RTX 5090 Laptop GPU", 120},
                {"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 120},
                {"RTX PRO 6000", 120},
                {"NVIDIA GB10", 121},
                {"NVIDIA B200", 100},
                {"NVIDIA B300", 103},
                {"Jetson AGX Thor Developer Kit", 110},
                {"NVIDIA H100 80GB HBM3", 90},
                {"H100 PCIe", 90},
                {"NVIDIA H100 80GB HBM3 MIG 1g.10gb", 90},
                {"NVIDIA H200", 90},
                {"NVIDIA GH200 480GB", 90},
                {"A100-SXM4-80GB", 80},
                {"NVIDIA A100 80GB PCIe", 80},
                {"A100", 80},
                {"GRID A100-40C", 80},
                {"Tesla V100-SXM2-16GB", 70},
                {"V100", 70},
                {"Tesla T4", 75},
                {"T4", 75},
                {"NVIDIA GeForce GTX 1660 Ti", 75},
                {"GTX 1080Ti", 61},
                {"GeForce GTX 1070 with Max-Q Design", 61},
                {"Tesla P100-PCIE-16GB", 60},
                {"Tesla K80", 37},
                {"NVIDIA GeForce GTX 780 Ti", 35},
                {"Quadro RTX 4000", 75},
                {"NVIDIA RTX 4000 Ada Generation", 89},
                {"NVIDIA RTX A4000", 86},
                {"NVIDIA GeForce RTX 3080 Laptop GPU", 86},
                {"RTX 3060 12GB", 86},
                {"NVIDIA L40S", 89},
                {"NVIDIA GeForce RTX 4090 D", 89},
                {"Quadro M5000", 52},
                {"Orin (nvgpu)", 87}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (capability(rows[i].name) != rows[i].capability)
            fail_msg("%s: %d instead of %d", rows[i].name, capability(rows[i].name), rows[i].capability);
}

static void an_ambiguous_name_is_not_guessed(void **state) {
    (void)state;
    static const char *const names[] = {"GeForce GT 640",
                                        "RTX 4000",
                                        "RTX 6000",
                                        "GeForce GT 710",
                                        "RTX",
                                        "NVIDIA",
                                        "NVIDIA GPU",
                                        "GeForce",
                                        "",
                                        "RTX 9999",
                                        "Radeon RX 7900",
                                        "GeForce GTX 860M",
                                        "Llama 3"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (capability(names[i]))
            fail_msg("%s was taken for %d", names[i], capability(names[i]));
}

static void architectures(void **state) {
    (void)state;
    struct architecture a;
    assert_int_equal(knowledge_architecture(knowledge, 89, &a), 0);
    assert_string_equal(a.name, "Ada Lovelace");
    assert_int_equal(a.first_cuda, 11080);
    assert_int_equal(a.last_cuda, 0);
    assert_int_equal(knowledge_architecture(knowledge, 61, &a), 0);
    assert_int_equal(a.last_cuda, 12090);
    assert_int_equal(a.last_branch, 580);
    assert_int_equal(knowledge_architecture(knowledge, 87, &a), 0);
    assert_true(a.tegra);
    assert_int_equal(knowledge_architecture(knowledge, 99, &a), -ENOENT);
}

static int offered(const char *driver, bool windows) {
    struct driver_version version;
    int cuda = 0;
    assert_int_equal(driver_version_parse(span_of(driver), &version), 0);
    return knowledge_driver_max_cuda(knowledge, &version, windows, &cuda) ? 0 : cuda;
}

static void drivers_and_their_cuda(void **state) {
    (void)state;
    assert_int_equal(offered("535.104.05", false), 12020);
    assert_int_equal(offered("550.54.15", false), 12040);
    assert_int_equal(offered("580.65.06", false), 13000);
    assert_int_equal(offered("470.256.02", false), 11040);
    assert_int_equal(offered("551.61", false), 0); /* no Linux branch */
    assert_int_equal(offered("551.61", true), 12040);
    assert_int_equal(offered("31.0.15.5161", true), 12040);
    assert_int_equal(offered("537.13", true), 12020);
    assert_int_equal(offered("572.61", true), 12080);
    assert_int_equal(offered("446.14", true), 0); /* R445 existed for Windows only */
    assert_int_equal(offered("700.10", false), 0);
    assert_int_equal(offered("700.10", true), 0);
}

/* uv's own table of floors (crates/uv-torch/src/backend.rs at 26a9dd4), an independent reading of NVIDIA's notes. */
static void floors_agree_with_uv(void **state) {
    (void)state;
    static const struct {
        const char *variant, *floor;
    } rows[] = {{"cu80", "375.26"},     {"cu90", "384.81"},     {"cu92", "396.26"},     {"cu100", "410.48"},
                {"cu101", "418.39"},    {"cu102", "440.33"},    {"cu110", "450.36.06"}, {"cu111", "450.80.02"},
                {"cu113", "450.80.02"}, {"cu115", "450.80.02"}, {"cu116", "450.80.02"}, {"cu117", "450.80.02"},
                {"cu118", "450.80.02"}, {"cu121", "525.60.13"}, {"cu124", "525.60.13"}, {"cu126", "525.60.13"},
                {"cu128", "525.60.13"}, {"cu129", "525.60.13"}, {"cu130", "580"},       {"cu132", "580"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int cuda;
        struct cuda_release release;
        struct driver_version floor;
        assert_int_equal(torch_variant_cuda(span_of(rows[i].variant), &cuda), 0);
        assert_int_equal(knowledge_cuda(knowledge, cuda, &release), 0);
        assert_int_equal(driver_version_parse(span_of(rows[i].floor), &floor), 0);
        if (cuda == 8000) /* uv takes the driver of the second release (GA2), the notes' first is 367.48 */
            assert_true(driver_version_compare(&release.floor_linux, &floor) <= 0);
        else
            assert_int_equal(driver_version_compare(&release.floor_linux, &floor), 0);
    }
}

static void cuda_releases(void **state) {
    (void)state;
    struct cuda_release release;
    assert_int_equal(knowledge_cuda(knowledge, 12040, &release), 0);
    assert_string_equal(release.name, "12.4 GA");
    assert_string_equal(release.toolkit_linux.text, "550.54.14");
    assert_string_equal(release.toolkit_windows.text, "551.61");
    assert_string_equal(release.floor_windows.text, "527.41");
    assert_true(release.minor_compatible);
    assert_int_equal(knowledge_cuda(knowledge, 12070, &release), 0); /* never released as a toolkit */
    assert_string_equal(release.floor_linux.text, "525.60.13");
    assert_int_equal(release.toolkit_linux.count, 0);
    assert_int_equal(knowledge_cuda(knowledge, 11000, &release), 0);
    assert_false(release.minor_compatible);
    assert_int_equal(knowledge_cuda(knowledge, 14000, &release), -ENOENT);
    assert_int_equal(knowledge_cuda(knowledge, 0, &release), -ENOENT);
}

static void torch_releases(void **state) {
    (void)state;
    struct package_version version;
    struct torch_release release;
    package_version_parse(span_of("2.6.0+cu124"), &version);
    assert_int_equal(knowledge_torch(knowledge, &version, &release), 0);
    assert_string_equal(release.vision, "0.21.0");
    assert_string_equal(release.audio, "2.6.0");
    assert_int_equal(release.python_min, 309);
    assert_int_equal(release.python_max, 313);
    assert_string_equal(release.pypi_linux_x86_64, "cu124");
    assert_string_equal(release.pypi_windows, "cpu");
    assert_string_equal(release.pypi_linux_aarch64, "cpu");
    assert_true(texts_have(&release.variants, "cu126") && release.confirmed);
    package_version_parse(span_of("2.11.0"), &version);
    assert_int_equal(knowledge_torch(knowledge, &version, &release), 0);
    assert_string_equal(release.pypi_linux_aarch64, "cu130");
    package_version_parse(span_of("9.9.9"), &version);
    assert_int_equal(knowledge_torch(knowledge, &version, &release), -ENOENT);
}

static void torch_builds(void **state) {
    (void)state;
    struct package_version version;
    struct torch_variant variant;
    package_version_parse(span_of("2.6.0"), &version); /* PyPI's, which carries no tag in the file name */
    assert_int_equal(knowledge_torch_variant(knowledge, &version, PLATFORM_LINUX_X86_64, &variant), 0);
    assert_string_equal(variant.variant, "cu124");
    assert_int_equal(variant.cuda, 12040);
    assert_true(texts_have(&variant.architectures, "sm_90") && !texts_have(&variant.architectures, "sm_120"));
    assert_int_equal(knowledge_torch_variant(knowledge, &version, PLATFORM_WINDOWS, &variant), -ENOENT);
    package_version_parse(span_of("2.7.1+cu128"), &version);
    assert_int_equal(knowledge_torch_variant(knowledge, &version, PLATFORM_LINUX_X86_64, &variant), 0);
    assert_true(texts_have(&variant.architectures, "sm_120") && texts_have(&variant.architectures, "compute_120"));
    package_version_parse(span_of("2.6.0+cpu"), &version);
    assert_int_equal(knowledge_torch_variant(knowledge, &version, PLATFORM_LINUX_X86_64, &variant), -ENOENT);
}

static void companions(void **state) {
    (void)state;
    struct package_version version, torch;
    bool exact = false;
    package_version_parse(span_of("0.21.0+cu124"), &version);
    assert_int_equal(knowledge_companion(knowledge, "torchvision", &version, &torch, &exact), 0);
    assert_true(exact && torch.release[0] == 2 && torch.release[1] == 6 && torch.release[2] == 0);
    package_version_parse(span_of("0.29.1"), &version);
    assert_int_equal(knowledge_companion(knowledge, "torchvision", &version, &torch, &exact), 0);
    assert_false(exact);
    package_version_parse(span_of("2.11.0"), &version);
    assert_int_equal(knowledge_companion(knowledge, "torchaudio", &version, &torch, &exact), -ENOENT);
}

static void errors_and_xids(void **state) {
    (void)state;
    struct error_entry error;
    assert_int_equal(knowledge_error(knowledge, ERROR_CUDA, 804, &error), 0);
    assert_string_equal(error.name, "cudaErrorCompatNotSupportedOnDevice");
    assert_int_equal(knowledge_error(knowledge, ERROR_NVML, 18, &error), 0);
    assert_string_equal(error.text, "Driver/library version mismatch");
    assert_int_equal(knowledge_error_by_name(knowledge, span_of("CUDA_ERROR_NO_DEVICE"), &error), 0);
    assert_int_equal(error.code, 100);
    assert_int_equal(knowledge_error_by_name(knowledge, span_of("cudaerrornokernelimagefordevice"), &error), 0);
    assert_int_equal(error.code, 209);
    assert_int_equal(knowledge_error_by_name(knowledge, span_of(""), &error), -ENOENT);
    assert_int_equal(knowledge_error(knowledge, ERROR_CUDA, 12345, &error), -ENOENT);
    struct xid_entry xid;
    assert_int_equal(knowledge_xid(knowledge, 79, &xid), 0);
    assert_true(strstr(xid.meaning, "PCIe") != NULL);
    assert_int_equal(knowledge_xid(knowledge, 0, &xid), -ENOENT);
    assert_int_equal(knowledge_xid(knowledge, 100000, &xid), -ENOENT);
}

static void fixes_are_confirmed_only(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct fix_entry *fixes;
    assert_int_equal(knowledge_fixes(knowledge, &arena, "linux", "load-module", &fixes), 1);
    assert_int_equal(fixes[0].commands.count, 2);
    assert_string_equal(fixes[0].commands.items[1], "sudo modprobe nvidia-uvm");
    assert_true(fixes[0].needs_root && !fixes[0].reboot);
    assert_non_null(strstr(fixes[0].source, "https://docs.nvidia.com/"));
    assert_int_equal(knowledge_fixes(knowledge, &arena, "opensuse", "install-driver-580", &fixes),
                     0); /* unconfirmed */
    assert_int_equal(knowledge_fixes(knowledge, &arena, "plan9", "install-driver", &fixes), 0);
}

static void capability_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int capability;
    } rows[] = {{"8.6", 86},          {"sm_86", 86}, {"86", 86},  {"sm_90a", 90},
                {"compute_120", 120}, {"12.1", 121}, {"100", 100}};
    int number;
    char buffer[8];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(capability_parse(span_of(rows[i].text), &number), 0);
        assert_int_equal(number, rows[i].capability);
    }
    static const char *const bad[] = {"", "8", "sm_", "eight", "8.66", "8.", "0.1", "-8.6", "99999", "lto_90"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(capability_parse(span_of(bad[i]), &number), -EINVAL);
    assert_string_equal(capability_text(103, buffer), "10.3");
}

static void a_directory_replaces_the_tables(void **state) {
    (void)state;
    char directory[] = "/tmp/whycuda-data-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    struct knowledge *own = NULL;
    assert_int_equal(knowledge_open(&own, directory), -EINVAL); /* none of our tables in it */
    assert_int_equal(knowledge_open(&own, "/nonexistent/data"), -ENOENT);
    snprintf(path, sizeof path, "%s/gpu_ids.csv", directory);
    FILE *file = fopen(path, "w");
    /* columns in another order, one row that is none, one fine */
    fputs("# ours\nid,name,confidence,chip\nffff,\"broken\n\nfffe,NVIDIA Test 1,confirmed,GB202\n", file);
    fclose(file);
    assert_int_equal(knowledge_open(&own, directory), 0);
    struct gpu_model gpu;
    assert_int_equal(knowledge_gpu_by_id(own, 0xfffe, &gpu), 0);
    assert_string_equal(gpu.name, "NVIDIA Test 1");
    assert_int_equal(gpu.capability, 120); /* the chips are still the program's */
    assert_int_equal(knowledge_gpu_by_id(own, 0x2b85, &gpu), -ENOENT);
    assert_int_equal(knowledge_gpu_by_name(own, span_of("RTX 5090"), &gpu), -ENOENT);
    assert_true(knowledge_bad_rows(own) > 0);
    knowledge_close(own);
    unlink(path);
    rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gpus_by_pci_id),
                                       cmocka_unit_test(gpus_by_name),
                                       cmocka_unit_test(an_ambiguous_name_is_not_guessed),
                                       cmocka_unit_test(architectures),
                                       cmocka_unit_test(drivers_and_their_cuda),
                                       cmocka_unit_test(floors_agree_with_uv),
                                       cmocka_unit_test(cuda_releases),
                                       cmocka_unit_test(torch_releases),
                                       cmocka_unit_test(torch_builds),
                                       cmocka_unit_test(companions),
                                       cmocka_unit_test(errors_and_xids),
                                       cmocka_unit_test(fixes_are_confirmed_only),
                                       cmocka_unit_test(capability_texts),
                                       cmocka_unit_test(a_directory_replaces_the_tables)};
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
