#include <string.h>

#include "knowledge/literal.h"
#include "knowledge/message.h"
#include "support/unit.h"

static struct knowledge *knowledge;
static const struct message_set *set;

static int open_tables(void **state) {
    (void)state;
    if (knowledge_open(&knowledge, NULL))
        return -1;
    return knowledge_messages(knowledge, &set);
}

static int close_tables(void **state) {
    (void)state;
    knowledge_close(knowledge);
    return 0;
}

static const char *literals(struct arena *arena, const char *regex) {
    struct literal_choice choice;
    const char *list = "";
    literal_of_regex(regex, &choice);
    for (unsigned i = 0; i < choice.count; i++)
        list =
            arena_printf(arena, "%s%s%.*s", list, i ? "|" : "", (int)choice.items[i].length, choice.items[i].text);
    return list;
}

static void literals_of_expressions(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    static const struct {
        const char *regex, *literals;
    } rows[] = {{"No CUDA GPUs are available", "No CUDA GPUs are available"},
                {"found version (\\d+)\\)", "found version "},
                {"ab\\.cdef+gh", "ab.cdef"},
                {"colou?rful things", "rful things"},
                {"one|two long words", ""},
                {"four|two long words", "four|two long words"},
                {"(one|two) long words", " long words"},
                {"[a-z]+ of \\S+ is gone", " is gone"},
                {"x{2,3}abcdef", "abcdef"},
                {"[]()|]abcd", "abcd"},
                {"a.b.c", ""},
                {"abcd(?s:.{0,9}?)wxyz12", "wxyz12"},
                {"(?:alpha|beta)", "alpha|beta"},
                {"(?:alpha|x) gamma", " gamma"},
                {"(?:alpha|beta)? of", ""},
                {"no (?:first one|second(?: one)?|third{2}) x", "first one|second|third"},
                {"(?:a(?:bcde|fghi)|jklm)n", "bcde|fghi|jklm"},
                {"(?i:abcdef)gh", ""},
                {"(?=abcdef).*", ""},
                {"'(?P<nvcc>[^']*nvcc)' failed", "' failed"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(literals(&arena, rows[i].regex), rows[i].literals) != 0)
            fail_msg("%s: %s", rows[i].regex, literals(&arena, rows[i].regex));
}

static void candidates_of_a_text(void **state) {
    (void)state;
    static struct literal_set set_of_three; /* large, and empty when zeroed */
    struct literal_hits hits;
    literal_set_add(&set_of_three, 3, "alpha beta|[0-9]+ gamma(?:x|y)|delta");
    literal_set_add(&set_of_three, 4, "ab|long enough");
    literal_set_scan(&set_of_three, span_of("12 gammax"), &hits);
    assert_true(literal_hit(&hits, 3) && literal_hit(&hits, 4) && !literal_hit(&hits, 5));
    literal_set_scan(&set_of_three, span_of("nothing"), &hits);
    assert_true(!literal_hit(&hits, 3) && literal_hit(&hits, 4));
}

static void every_message_has_a_literal(void **state) {
    (void)state;
    assert_true(message_count(set) >= 50);
    assert_int_equal(message_wrong(set), 0);
    for (size_t i = 0; i < message_count(set); i++) {
        struct literal_choice choice;
        literal_of_regex(message_at(set, i)->regex, &choice);
        if (!choice.count)
            fail_msg("%s: an alternative without a literal of four bytes", message_at(set, i)->id);
    }
}

static void messages_in_a_report(void **state) {
    (void)state;
    const char *text = "/venv/torch/cuda/__init__.py:129: UserWarning: CUDA initialization: The NVIDIA driver on "
                       "your system is too old "
                       "(found version 11040). Please update your GPU driver\n"
                       "[  12.3] NVRM: API mismatch: the client has the version 550.54.15, but\n"
                       "[  12.3] NVRM: this kernel module has the version 535.183.01.  Please\n"
                       "RuntimeError: No CUDA GPUs are available\n"
                       "RuntimeError: No CUDA GPUs are available\n";
    struct message_match matches[8];
    size_t count = message_find(set, span_of(text), matches, 8);
    assert_int_equal(count, 4);
    assert_string_equal(matches[0].message->id, "init_warning_prefix");
    assert_string_equal(matches[1].message->id, "driver_too_old");
    assert_true(span_eq(matches[1].group[1], "11040"));
    assert_string_equal(matches[2].message->id, "kernel_api_mismatch");
    assert_true(span_eq(matches[2].group[1], "550.54.15"));
    assert_true(span_eq(matches[2].group[2], "535.183.01"));
    assert_string_equal(matches[3].message->id, "no_gpus");
    assert_int_equal(message_find(set, span_of(text), matches, 2), 2);
    assert_string_equal(matches[1].message->id, "driver_too_old");
    assert_int_equal(message_find(set, span_of("all is well\n"), matches, 8), 0);
    assert_int_equal(message_find(set, span_of(""), matches, 8), 0);
    assert_int_equal(message_find(set, span_from(NULL, 0), matches, 8), 0);
}

static void one_message_again_and_again(void **state) {
    (void)state;
    struct span text = span_of("NVRM: Xid (PCI:0000:01:00): 79, pid=1\nNVRM: Xid (PCI:0000:02:00): 48, x\n");
    struct message_match match;
    assert_true(message_next(set, "kernel_xid", text, 0, &match));
    assert_true(span_eq(match.group[1], "0000:01:00") && span_eq(match.group[2], "79"));
    assert_true(message_next(set, "kernel_xid", text, match.end, &match));
    assert_true(span_eq(match.group[2], "48"));
    assert_false(message_next(set, "kernel_xid", text, match.end, &match));
    assert_false(message_next(set, "no such id", text, 0, &match));
    assert_non_null(message_by_id(set, "kernel_xid"));
    assert_null(message_by_id(set, "no such id"));
}

static void old_and_new_wording(void **state) {
    (void)state;
    static const struct {
        const char *text, *id;
    } rows[] = {
        {"CUDA error: no kernel image is available for execution on the device", "no_kernel_image"},
        {"AssertionError: Torch not compiled with CUDA enabled", "not_compiled"},
        {"NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch "
         "installation.\n"
         "The current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.\n",
         "sm_not_compatible"},
        {"Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
         "NumCudaDevices() that "
         "might have already set an error? Error 804: forward compatibility was attempted on non supported HW",
         "unexpected_count_error"},
        {"Failed to initialize NVML: Driver/library version mismatch", "smi_mismatch"},
        {"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "smi_no_comm"},
        {"OSError: libcudart.so.12: cannot open shared object file: No such file or directory", "library_missing"},
        {"ImportError: libtorch_cuda.so: undefined symbol: __nvJitLinkAddData_12_1", "undefined_nvjitlink"},
        {"The detected CUDA version (11.8) mismatches the version that was used to compile\nPyTorch (12.4).",
         "ext_cuda_mismatch"},
        {"NVRM: The NVIDIA probe routine was not called for 1 device(s).", "kernel_nouveau"},
        {"NVRM: API mismatch: the client 'nvidia-smi' (pid 7)\nNVRM: has the version 595.84, but this kernel "
         "module has\n"
         "NVRM: the version 595.71.05.",
         "kernel_api_mismatch"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message_match matches[4];
        size_t count = message_find(set, span_of(rows[i].text), matches, 4);
        bool found = false;
        for (size_t k = 0; k < count; k++)
            found |= strcmp(matches[k].message->id, rows[i].id) == 0;
        if (!found)
            fail_msg("%s was not seen in: %s", rows[i].id, rows[i].text);
    }
}

static void binary_and_hostile_text(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    size_t len = 1 << 20;
    char *text = arena_alloc(&arena, len);
    memset(text, 'a', len);
    memcpy(text, "with CUDA capability sm_", 24);
    text[len - 1] = (char)0xff;
    struct message_match matches[4];
    assert_true(message_find(set, span_from(text, len), matches, 4) <= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_of_expressions),     cmocka_unit_test(candidates_of_a_text),
        cmocka_unit_test(every_message_has_a_literal), cmocka_unit_test(messages_in_a_report),
        cmocka_unit_test(one_message_again_and_again), cmocka_unit_test(old_and_new_wording),
        cmocka_unit_test(binary_and_hostile_text)};
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
