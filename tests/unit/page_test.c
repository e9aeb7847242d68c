#include <string.h>

#include "base/text.h"
#include "import/page.h"
#include "import/prompt.h"
#include "support/unit.h"

static void check_span(struct span got, const char *wanted) {
    if (!span_eq(got, wanted))
        fail_msg("wanted \"%s\", got \"%.*s\"", wanted, (int)got.len, got.ptr);
}

static void characters(void **state) {
    (void)state;
    static const char *const samples[][2] = {
        {"\033[31mError\033[0m: \033]0;title\007no", "Error: no"},
        {"\xe2\x80\x9c"
         "2.1.0\xe2\x80\x9d \xe2\x80\x94 \xe2\x80\x98x\xe2\x80\x99",
         "\"2.1.0\" -- 'x'"},
        {"&gt;&gt;&gt; a &amp;&amp; b &lt;c&gt;", ">>> a && b <c>"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char out[128];
        struct span line = span_of(samples[i][0]);
        size_t length = page_clean_line(line, out, sizeof out);
        check_span((struct span){out, length}, samples[i][1]);
        assert_true(length <= line.len);
        assert_true(page_clean_line(line, out, 4) <= 4);
    }
}

static void prefixes(void **state) {
    (void)state;
    static const char *const samples[][2] = {
        {"2024-05-01 10:11:12,123 ERROR: No CUDA GPUs are available", "No CUDA GPUs are available"},
        {"[rank3]: RuntimeError: x", "RuntimeError: x"},
        {"web_1  | RuntimeError: x", "RuntimeError: x"},
        {"Oct 03 11:22:10 host kernel: NVRM: loading", "NVRM: loading"},
        {"[   12.345678] NVRM: loading", "NVRM: loading"},
        {"RuntimeError: nothing in front", "RuntimeError: nothing in front"},
        {"| 0  Tesla T4  Off |", "| 0  Tesla T4  Off |"}, /* a table's border is no container's name */
    };
    bool service;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        check_span(span_trim(page_cut_prefix(span_of(samples[i][0]), &service)), samples[i][1]);
}

static void lines(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum line_kind kind;
        enum prompt_style style;
        const char *text;
    } samples[] = {
        {"", LINE_BLANK, PROMPT_NONE, NULL},
        {"$ nvidia-smi", LINE_SHELL, PROMPT_UNIX, "nvidia-smi"},
        {"(base) user@host:~/x$ python a.py", LINE_SHELL, PROMPT_UNIX, "python a.py"},
        {"root@4f2e1a9b0c7d:/workspace# nvidia-smi -L", LINE_SHELL, PROMPT_UNIX, "nvidia-smi -L"},
        {"(env) C:\\AI>pip list", LINE_SHELL, PROMPT_WINDOWS, "pip list"},
        {"PS C:\\Users\\user> nvidia-smi", LINE_SHELL, PROMPT_WINDOWS, "nvidia-smi"},
        {">>> import torch", LINE_PYTHON, PROMPT_PYTHON, "import torch"},
        {"... print(1)", LINE_CONTINUED, PROMPT_PYTHON, "print(1)"},
        {"In [3]: torch.cuda.is_available()", LINE_PYTHON, PROMPT_NOTEBOOK, "torch.cuda.is_available()"},
        {"!pip install torch", LINE_SHELL, PROMPT_NOTEBOOK, "pip install torch"},
        {"# Tesla P40, driver 470.57.02", LINE_REMARK, PROMPT_NONE, "Tesla P40, driver 470.57.02"},
        {"RuntimeError: No CUDA GPUs are available", LINE_OUTPUT, PROMPT_NONE,
         "RuntimeError: No CUDA GPUs are available"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct line line;
        line_classify(span_of(samples[i].line), i + 1, &line);
        if (line.kind != samples[i].kind || line.style != samples[i].style)
            fail_msg("\"%s\": kind %d, style %d", samples[i].line, (int)line.kind, (int)line.style);
        if (samples[i].text)
            check_span(line.text, samples[i].text);
        assert_int_equal(line.number, i + 1);
    }
}

/* Lines keep their numbers, whatever ends them and whatever stands in them. */
static void numbers(void **state) {
    (void)state;
    AUTO_PAGE page = {0};
    page_read(&page, span_of("> one\r\n> two\n> ```\n> 10%\r> 50%\r> four\n>\n> six"));
    assert_int_equal(page.starts.count, 6);
    check_span(page_line(&page, 0), "one");
    check_span(page_line(&page, 1), "two");
    check_span(page_line(&page, 2), "");
    check_span(page_line(&page, 3), "four");
    check_span(page_line(&page, 5), "six");
    check_span(page_lines(&page, 0, 1), "one\ntwo");
    assert_int_equal(page_line_at(&page, (size_t)(page_line(&page, 3).ptr - page_line(&page, 0).ptr)), 3);
}

static void other_encodings(void **state) {
    (void)state;
    AUTO_PAGE wide = {0}, bytes = {0};
    static const char utf16[] = "\xff\xfe"
                                "a\0b\0\n\0c\0";
    page_read(&wide, (struct span){utf16, sizeof utf16 - 1});
    assert_false(wide.binary);
    check_span(page_line(&wide, 0), "ab");
    check_span(page_line(&wide, 1), "c");
    static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\0\0\0\0";
    page_read(&bytes, (struct span){elf, sizeof elf - 1});
    assert_true(bytes.binary);
    assert_int_equal(bytes.starts.count, 0);
}

static void wrapped(void **state) {
    (void)state;
    AUTO_PAGE page;
    page_read(&page, span_of("$ python run.py\n"
                             "RuntimeError: the first message goes on to the very last edg\n"
                             "e of it\n"
                             "ImportError: libcudart.so.12.1: cannot open shared object fi\n"
                             "le: No such file or directory\n"
                             "short\n"));
    check_span(page_line(&page, 1), "RuntimeError: the first message goes on to the very last edge of it");
    check_span(page_line(&page, 2), "");
    check_span(page_line(&page, 3),
               "ImportError: libcudart.so.12.1: cannot open shared object file: No such file or directory");
    check_span(page_line(&page, 5), "short");
    AUTO_PAGE whole;
    page_read(&whole, span_of("NVRM: GPU 0000:01:00.0: RmInitAdapter failed 0x26:0x56\n"
                              "NVRM: GPU 0000:01:00.0: RmInitAdapter failed 0x26:0x57\n"
                              "NVRM: GPU 0000:01:00.0: RmInitAdapter failed 0x26:0x58\n"));
    check_span(page_line(&whole, 1), "NVRM: GPU 0000:01:00.0: RmInitAdapter failed 0x26:0x57");
}

static void margins(void **state) {
    (void)state;
    static const struct {
        const char *text, *first;
    } samples[] = {
        {"> a\n> b\n> c\n", "a"},
        {"> nvidia-smi\nb\nc\n", "> nvidia-smi"}, /* one such line is a prompt */
        {"comfyui  | a\ncomfyui  | b\ncomfyui  |\n", "a"},
        {"| a | b |\n| c | d |\n| e | f |\n", "| a | b |"}, /* a table */
        {"     1\ta\n     2\tb\n     3\tc\n", "a"},
        {"01:00.0 VGA\n02:00.0 3D\n03:00.0 VGA\n", "01:00.0 VGA"},
        {"> web  | 1: a\n> web  | 2: b\n> web  | 3: c\n", "a"},
        {"[ERROR] a\n[INFO] b\n[ERROR] c\n", "a"},
        {"[0] a\n[1] b\n[2] c\n", "[0] a"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        AUTO_PAGE page;
        page_read(&page, span_of(samples[i].text));
        check_span(page_line(&page, 0), samples[i].first);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(characters),     cmocka_unit_test(prefixes),
                                              cmocka_unit_test(lines),          cmocka_unit_test(numbers),
                                              cmocka_unit_test(margins),        cmocka_unit_test(wrapped),
                                              cmocka_unit_test(other_encodings)};
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
