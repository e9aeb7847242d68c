#include <string.h>

#include "base/text.h"
#include "import/import.h"
#include "knowledge/knowledge.h"
#include "support/unit.h"

/* What programs print, and the message with its argument that must be seen in it; NULL: any, "": none. */
static const struct {
    const char *text, *id, *argument;
} samples[] = {
    /* wrapped at 80 columns, where the expression has blanks */
    {"RuntimeError: Detected that PyTorch and torchvision were compiled with different\n"
     "CUDA versions. PyTorch has CUDA Version=11.7 and torchvision has CUDA \n"
     "Version=11.8. Please reinstall the torchvision that matches your PyTorch \ninstall.\n",
     "companion_cuda_mismatch", "torchvision"},
    {"OSError: CUDA_HOME environment variable is not set. Please set it to your CUDA\ninstall root.\n",
     "ext_no_cuda_home", NULL},
    /* a kernel's assertion, with and without its quotes; later calls fail as they like */
    {"../aten/src/ATen/native/cuda/IndexKernel.cu:92: operator(): block: [12,0,0], thread: [101,0,0] Assertion "
     "`index >= -sizes[i] && index < sizes[i] && \"index out of bounds\"` failed.\n"
     "RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`\n",
     "cuda_error", "710"},
    {"/pytorch/torch/lib/THCUNN/ClassNLLCriterion.cu:101: void f(int) [with Dtype = float]: block: [0,0,0], "
     "thread: "
     "[2,0,0] Assertion t >= 0 && t < n_classes failed.\n",
     "cuda_error", "710"},
    {"python: malloc.c:2379: sysmalloc: Assertion `(old_top == initial_top (av))' failed.\n", "cuda_error", ""},
    {"RuntimeError: CUDA error: operation not supported\n", "cuda_error", "801"},
    {"RuntimeError: CUDA error: OS call failed or operation not supported on this OS\n", "cuda_error", "304"},
    /* compilers */
    {"gcc: error trying to exec 'cc1plus': execvp: No such file or directory\n", "compiler_missing", "cc1plus"},
    {"ValueError: cl.exe not found in default Visual Studio installation path\n", "compiler_missing", NULL},
    {"'cl' is not recognized as an internal or external command,\n", "compiler_missing", NULL},
    {"ERROR: No supported gcc/g++ host compiler found, but clang-3.8 is available.\n", "gcc_unsupported", NULL},
    {"nvcc fatal   : nvcc cannot find a supported version of Microsoft Visual Studio. Only the versions between "
     "2013 and 2019 (inclusive) are supported!\n",
     "msvc_unsupported", NULL},
    {"unable to execute '/usr/local/cuda-11.0/bin/nvcc': No such file or directory\n", "file_missing",
     "/usr/local/cuda-11.0/bin/nvcc"},
    /* cut short */
    {"NVIDIA GeForce RTX 3090 with CUDA capability sm_86 is not compatible with the current PyTorch "
     "installation.\n",
     "sm_not_compatible", "NVIDIA GeForce RTX 3090"},
    {"error: Distribution `torch==2.5.1 @ registry+https://download.pytorch.org/whl/cu124` can't be installed "
     "because "
     "it doesn't have a source distribution or wheel for the current platform\n",
     "pip_no_match", "torch==2.5.1"},
    /* the module's names in Ubuntu and Debian */
    {"modprobe: ERROR: ../libkmod/libkmod-module.c:809 kmod_module_insert_module() could not find module by "
     "name='nvidia_367'\n",
     "modprobe_not_found", "nvidia"},
    {"modprobe: FATAL: Module nvidia-current not found in directory /lib/modules/6.1.0-28-amd64\n",
     "modprobe_not_found", "nvidia"},
    {"modprobe: FATAL: Module nvidia-uvm not found in directory /lib/modules/6.1.0-28-amd64\n",
     "modprobe_not_found", "nvidia-uvm"},
};

static void every_sample(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct snapshot *snapshot = import_text(span_of(samples[i].text), knowledge);
        const struct printed_message_rows *messages = &snapshot->printed.messages;
        bool none = samples[i].argument && !samples[i].argument[0], found = false;
        for (size_t k = 0; k < messages->count && !found; k++) {
            const struct printed_message *message = &messages->items[k];
            found = text_eq(text_of(message->id), samples[i].id) &&
                    (none || !samples[i].argument || text_eq(text_of(message->argument), samples[i].argument));
        }
        if (found == none)
            fail_msg("%s: %s in %s", none ? "seen" : "not seen", samples[i].id, samples[i].text);
        snapshot_free(snapshot);
    }
}

/* NVIDIA's package source for WSL is of use only there. */
static void a_source_for_wsl(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    static const char text[] = "$ wget https://developer.download.nvidia.com/compute/cuda/repos/wsl-ubuntu/x86_64/"
                               "cuda-keyring_1.0-1_all.deb\n$ nvidia-smi\n";
    struct snapshot *snapshot = import_text(span_of(text), knowledge);
    assert_true(known(snapshot->system.wsl));
    assert_int_equal(snapshot->system.wsl.value, 2);
    snapshot_free(snapshot);
}

/* What is set between two runs that differ is set for the second. */
static void a_variable_between_two_answers(void **state) {
    (void)state;
    static const char text[] = "$ python -c \"import torch; print(torch.cuda.is_available())\"\nTrue\n"
                               "$ export CUDA_VISIBLE_DEVICES=2\n"
                               "$ python -c \"import torch; print(torch.cuda.is_available())\"\nFalse\n";
    struct snapshot *snapshot = import_text(span_of(text), NULL);
    assert_true(known(snapshot->compute.is_available));
    assert_false(snapshot->compute.is_available.value);
    assert_int_equal(snapshot->environment.variables.count, 1);
    assert_string_equal(snapshot->environment.variables.items[0].value.value, "2");
    snapshot_free(snapshot);
}

static void a_line_of_the_kernel_log(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    static const char text[] = "[    5.1] NVRM: GPU 0000:57:00.0: RmInitAdapter failed! (0x22:0x56:897)\n";
    struct snapshot *snapshot = import_text(span_of(text), knowledge);
    assert_int_equal(snapshot->driver.kernel_log.count, 1);
    assert_string_equal(text_of(snapshot->driver.kernel_log.items[0].id), "rminit_failed");
    snapshot_free(snapshot);
}

static void a_mac(void **state) {
    (void)state;
    static const char text[] = "Chipset Model: Apple M2\nType: GPU\nBus: Built-In\nMetal Support: Metal 4\n";
    struct snapshot *snapshot = import_text(span_of(text), NULL);
    assert_string_equal(text_of(snapshot->system.os), "macos");
    snapshot_free(snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_sample), cmocka_unit_test(a_source_for_wsl),
                                       cmocka_unit_test(a_variable_between_two_answers), cmocka_unit_test(a_mac),
                                       cmocka_unit_test(a_line_of_the_kernel_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
