

#include "format/python_dist.h"
#include "format/python_metadata.h"
#include "format/python_record.h"
#include "format/python_text.h"
#include "support/unit.h"

static struct python_dist dist(const char *name, bool conda) {
    struct python_dist parsed = {0};
    assert_true(python_dist_parse(span_of(name), conda, &parsed));
    return parsed;
}

static void names_of_installed_packages(void **state) {
    (void)state;
    struct python_dist d = dist("nvidia_cublas_cu12-12.4.5.8.dist-info", false);
    assert_true(python_name_is(d.name, "nvidia-cublas-cu12"));
    assert_true(python_name_starts(d.name, "nvidia-"));
    assert_false(python_name_is(d.name, "nvidia-cublas-cu1"));
    assert_true(span_eq(d.version, "12.4.5.8"));
    d = dist("torch-2.6.0+cu124.dist-info", false);
    assert_true(span_eq(d.version, "2.6.0+cu124"));
    d = dist("torch-1.13.1-py3.8-linux-x86_64.egg-info", false);
    assert_int_equal(d.kind, PYTHON_EGG_INFO);
    assert_true(span_eq(d.version, "1.13.1"));
    d = dist("cryptography.egg-info", false);
    assert_true(span_eq(d.name, "cryptography"));
    assert_int_equal(d.version.len, 0);
    d = dist("~orch-2.5.1.dist-info", false);
    assert_true(d.leftover);
    assert_true(span_eq(d.name, "orch"));
    d = dist("torch.egg-link", false);
    assert_int_equal(d.kind, PYTHON_EGG_LINK);
    d = dist("pytorch-2.3.0-py3.11_cuda12.1_cudnn8.9.2_0.json", true);
    assert_true(span_eq(d.name, "pytorch"));
    assert_true(span_eq(d.version, "2.3.0"));
    assert_true(span_eq(d.build, "py3.11_cuda12.1_cudnn8.9.2_0"));
    d = dist("pytorch-mutex-1.0-cpu.json", true);
    assert_true(span_eq(d.name, "pytorch-mutex"));
    struct python_dist none;
    assert_false(python_dist_parse(span_of("torch"), false, &none));
    assert_false(python_dist_parse(span_of(".dist-info"), false, &none));
    assert_false(python_dist_parse(span_of("state.json"), true, &none));
    assert_false(python_dist_parse(span_of("history"), true, &none));
    struct arena arena = {0};
    assert_string_equal(python_name_normalise(&arena, span_of("NVIDIA__cublas.-cu12")), "nvidia-cublas-cu12");
    arena_release(&arena);
}

static void metadata(void **state) {
    (void)state;
    struct arena arena = {0};
    struct python_metadata m;
    python_metadata_parse(
        &arena,
        span_of("Metadata-Version: 2.1\r\nName: torch\r\nVersion: 2.6.0\nSummary: a\n  folded: line\n"
                "Requires-Dist: filelock\nRequires-Dist: nvidia-nccl-cu12 (==2.21.5) ; x == 'y'\n"
                "Requires-Python: >=3.9.0\n\nName: not this\nRequires-Dist: nor this\n"),
        &m);
    assert_true(span_eq(m.name, "torch"));
    assert_true(span_eq(m.version, "2.6.0"));
    assert_true(span_eq(m.requires_python, ">=3.9.0"));
    assert_int_equal(m.requirements.count, 2);
    assert_true(span_eq(m.requirements.items[1], "nvidia-nccl-cu12 (==2.21.5) ; x == 'y'"));
    python_metadata_parse(&arena, (struct span){0}, &m);
    assert_int_equal(m.name.len + m.requirements.count, 0);
    arena_release(&arena);
}

static void record(void **state) {
    (void)state;
    struct python_record_entry e;
    assert_true(python_record_parse(span_of("torch/lib/libc10.so,sha256=abc,1289584"), &e));
    assert_true(span_eq(e.path, "torch/lib/libc10.so"));
    assert_true(e.has_size && e.size == 1289584);
    assert_true(python_record_parse(span_of("\"a,b.so\",sha256=abc,7"), &e));
    assert_true(span_eq(e.path, "a,b.so"));
    assert_true(python_record_parse(span_of("torch-2.6.0.dist-info/RECORD,,"), &e));
    assert_false(e.has_size);
    assert_true(python_record_parse(span_of("x,y,99999999999999999999"), &e));
    assert_false(e.has_size);
    assert_false(python_record_parse(span_of("nothing"), &e));
    assert_false(python_record_parse(span_of(",,"), &e));
    static const char *const libraries[] = {"torch/lib/libc10.so",      "nvidia/cudnn/lib/libcudnn.so.9",
                                            "x/libgomp-a34b3233.so.1",  "libcudart.so.12.4.127",
                                            "torch/lib/torch_cuda.dll", "torch/_C.pyd"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        assert_true(python_record_is_library(span_of(libraries[i])));
    static const char *const others[] = {"torch/version.py", "a.so.txt", ".so.1x", "so.1", "1.2", "", "x.so.",
                                         "libsox1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (python_record_is_library(span_of(others[i])))
            fail_msg("%s", others[i]);
}

static void pyvenv_files(void **state) {
    (void)state;
    struct pyvenv p;
    pyvenv_parse(span_of("home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11.2\n"), &p);
    assert_true(span_eq(p.home, "/usr/bin"));
    assert_true(p.system_site);
    assert_true(span_eq(p.version, "3.11.2"));
    pyvenv_parse(span_of("home = /x/bin\nimplementation = CPython\nuv = 0.5.1\nversion_info = 3.12.1.final.0\n"
                         "include-system-site-packages = false\nprompt = 'ml'\n"),
                 &p);
    assert_false(p.system_site);
    assert_true(span_eq(p.version, "3.12.1"));
    assert_true(span_eq(p.uv, "0.5.1"));
    assert_true(span_eq(p.prompt, "ml"));
    pyvenv_parse(span_of(""), &p);
    assert_true(p.system_site); /* site.py's default */
}

static void pth_lines(void **state) {
    (void)state;
    struct span rest =
                    span_of("\xef\xbb\xbf# comment\n\n  \nimport os; os.x\n./src\nimportant/dir\n/abs/dir \r\n"),
                text;
    enum pth_kind kind;
    assert_true(pth_next(&rest, &kind, &text));
    assert_int_equal(kind, PTH_CODE);
    assert_true(pth_next(&rest, &kind, &text));
    assert_int_equal(kind, PTH_PATH);
    assert_true(span_eq(text, "./src"));
    assert_true(pth_next(&rest, &kind, &text));
    assert_int_equal(kind, PTH_PATH);
    assert_true(pth_next(&rest, &kind, &text));
    assert_true(span_eq(text, "/abs/dir"));
    assert_false(pth_next(&rest, &kind, &text));
}

/* Every form that torch/version.py has had from 1.0 to 2.15. */
static void assignments(void **state) {
    (void)state;
    struct span rest =
        span_of("from typing import Optional\n\n__all__ = ['__version__', 'debug']\n"
                "__version__ = '2.6.0+cu124'\ndebug = False\ncuda: Optional[str] = '12.4'  # toolkit\n"
                "hip: Optional[str] = None\nxpu: Final[Optional[str]] = \"20250004\"\n"
                "if x == 1:\n    cuda = '9'\nx == 2\nd['a'] = 1\ngit_version='ab\\'c'\n");
    struct python_assignment a;
    static const struct {
        const char *name;
        enum python_value kind;
        const char *value;
    } rows[] = {
        {"__all__", PYTHON_OTHER, "['__version__', 'debug']"},
        {"__version__", PYTHON_TEXT, "2.6.0+cu124"},
        {"debug", PYTHON_OTHER, "False"},
        {"cuda", PYTHON_TEXT, "12.4"},
        {"hip", PYTHON_NONE, "None"},
        {"xpu", PYTHON_TEXT, "20250004"},
        {"git_version", PYTHON_OTHER, "'ab\\'c'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(python_next_assignment(&rest, &a));
        if (!span_eq(a.name, rows[i].name) || a.kind != rows[i].kind || !span_eq(a.value, rows[i].value))
            fail_msg("%s: %.*s", rows[i].name, (int)a.value.len, a.value.ptr);
    }
    assert_false(python_next_assignment(&rest, &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_installed_packages),
        cmocka_unit_test(metadata),
        cmocka_unit_test(record),
        cmocka_unit_test(pyvenv_files),
        cmocka_unit_test(pth_lines),
        cmocka_unit_test(assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
