/* Lists of packages: pip list, freeze and show, uv pip list, conda list, poetry show, the lists of collect_env,
 * what pip, uv and conda say while they install, and the names of wheels. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

struct packages {
    char shown[64]; /* pip show: "Name: torch" */
};

/* --- which packages ------------------------------------------------------------------------------------------ */

static bool matters(struct span name) {
    static const char *const names[] = {
        "torch",         "pytorch",       "torchvision",    "torchaudio",     "torchtext",
        "torchao",       "triton",        "triton-windows", "pytorch-triton", "xformers",
        "flash-attn",    "flash_attn",    "bitsandbytes",   "cudatoolkit",    "pytorch-cuda",
        "cpuonly",       "pytorch-mutex", "pytorch-cpu",    "pytorch-gpu",    "libtorch",
        "cuda-version",  "cudnn",         "mmcv",           "mmcv-full",      "detectron2",
        "vllm",          "deepspeed",     "apex",           "auto-gptq",      "exllama",
        "exllamav2",     "torch-scatter", "torch-sparse",   "torch_scatter",  "torch_sparse",
        "mkl",           "numpy",         "tensorflow",     "torch-directml", "intel-extension-for-pytorch",
        "torchdata",     "cuda-toolkit",  "cuda-bindings",  "nccl",           "pytorch-triton-rocm",
        "libtorch-cuda", "torch-cluster"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_eq_nocase(name, names[i]))
            return true;
    return span_starts_nocase(name, "nvidia-") || span_starts_nocase(name, "nvidia_c") ||
           span_starts(name, "cuda-cudart") || span_starts(name, "cuda-nvcc") || span_starts(name, "cuda-runtime");
}

static bool is_torch(struct span name) {
    return span_eq_nocase(name, "torch") || span_eq_nocase(name, "pytorch") || span_eq_nocase(name, "libtorch");
}

static bool is_release(struct span version) {
    struct package_version parsed;
    return version.len && isdigit((unsigned char)version.ptr[0]) && package_version_parse(version, &parsed) == 0;
}

bool read_package(struct reading *reading, struct span name, struct span version, struct span build) {
    struct package_version parsed;
    if (!matters(name) || !is_release(version))
        return false;
    package_version_parse(version, &parsed);
    struct python_environment *python = reading_python(reading);
    if (is_torch(name) && !span_eq_nocase(name, "libtorch")) {
        if (parsed.count < 2)
            return false;
        read_torch_version(reading, version, false);
    }
    if (build.len && (is_torch(name) || span_eq(name, "pytorch-mutex")))
        read_torch_conda_build(reading, build);
    /* these exist to choose the build (docs.conda.io, the pytorch channel and conda-forge) */
    if (span_eq(name, "cpuonly") || span_eq(name, "pytorch-cpu"))
        note_word(reading, &python->build, "cpu");
    if (span_eq(name, "pytorch-cuda"))
        note_word(reading, &python->build, "cuda");
    if (span_eq(name, "pytorch-mutex") && span_has(build, "cpu"))
        note_word(reading, &python->build, "cpu");
    struct python_package *package = reading_package(reading, name);
    if (!package)
        return true;
    note_text(reading, &package->version, version);
    if (build.len)
        note_text(reading, &package->build, build);
    struct torch_build made;
    char text[16];
    torch_build_of_local(parsed.local, &made);
    if (build.len && made.kind == TORCH_BUILD_UNTAGGED)
        torch_build_of_conda(build, &made);
    if (made.kind == TORCH_BUILD_CUDA && made.cuda)
        note_text(reading, &package->cuda, span_of(cuda_version_text(made.cuda, text)));
    else if (made.kind == TORCH_BUILD_CPU)
        note_absent(reading, &package->cuda.is);
    return true;
}

/* --- one package and its version ----------------------------------------------------------------------------- */

static size_t name_length(struct span text) {
    size_t at = 0;
    while (at < text.len && (isalnum((unsigned char)text.ptr[at]) || strchr("-_.", text.ptr[at])))
        at++;
    while (at && !isalnum((unsigned char)text.ptr[at - 1]))
        at--;
    return at;
}

/* "torch==2.6.0+cu124", "pytorch=1.9.0=py3.8_cpu_0", "torch @ https://…/torch-2.0.1%2Bcu118-cp310-….whl" */
static bool pinned(struct reading *reading, struct span text) {
    size_t end = name_length(text);
    struct span name = span_slice(text, 0, end), rest = span_slice(text, end, text.len);
    if (!end || !rest.len)
        return false;
    if (span_starts(rest, "==")) {
        struct span version = release_at(span_slice(rest, 2, rest.len));
        struct span behind = span_trim(span_slice(rest, 2 + version.len, rest.len));
        return !behind.len && read_package(reading, name, version, (struct span){"", 0});
    }
    if (rest.ptr[0] == '=') {
        struct span version, build, fields = span_slice(rest, 1, rest.len);
        if (!span_next_field(&fields, '=', &version))
            return false;
        build = fields.ptr ? fields : (struct span){"", 0};
        return read_package(reading, name, version, span_trim(build));
    }
    return false;
}

/* "torch                     2.3.0", "pytorch  1.10.0  py3.7_cuda10.2_cudnn7.6.5_0  pytorch", "torch 2.0.1
 * Tensors…" */
static bool column(struct reading *reading, struct span text) {
    struct span rest = text, name, version, build;
    if (!span_next_word(&rest, &name) || !span_next_word(&rest, &version) || name_length(name) != name.len)
        return false;
    if (span_eq(name, "(!)") && !span_next_word(&rest, &version)) /* poetry: not installed as locked */
        return false;
    struct span after = rest;
    if (!span_next_word(&after, &build))
        build = (struct span){"", 0};
    bool conda =
        build.len && (memchr(build.ptr, '_', build.len) || isdigit((unsigned char)build.ptr[build.len - 1]));
    bool spaced = version.ptr - (name.ptr + name.len) >= 2 || !build.len || conda;
    if (!spaced && !(span_eq(reading->program, "poetry") || span_has(reading->command, "list")))
        return false;
    if (version.len &&
        (version.ptr[0] == '(' || version.ptr[0] == '<')) { /* pip before 10, pyenv: "torch (1.0.0)" */
        version = span_slice(version, 1, version.len);
        while (version.len && (version.ptr[version.len - 1] == ')' || version.ptr[version.len - 1] == '>'))
            version.len--;
    }
    struct span local;
    span_cut(build, '/', &local, &build);
    return read_package(reading, name, version, conda ? local : (struct span){"", 0});
}

/* --- while installing ---------------------------------------------------------------------------------------- */

/* "torch-2.1.0+cu118": name and version of a wheel or of pip's last line. */
static bool dashed(struct reading *reading, struct span word) {
    size_t dash = 0;
    for (size_t i = 1; i + 1 < word.len && !dash; i++)
        if (word.ptr[i] == '-' && isdigit((unsigned char)word.ptr[i + 1]))
            dash = i;
    if (!dash)
        return false;
    return read_package(reading, span_slice(word, 0, dash), release_at(span_slice(word, dash + 1, word.len)),
                        (struct span){"", 0});
}

/* "Successfully installed torch-2.1.0+cu118 torchvision-0.16.0": what stood there before no longer holds. */
static bool installed(struct reading *reading, struct span text) {
    struct span rest, word;
    if (!after_key(text, "Successfully installed ", &rest))
        return false;
    struct python_environment *python = reading_python(reading);
    if (span_has(rest, " torch-") || span_starts(rest, "torch-")) {
        python->torch_version.is = python->build.is = python->cuda.is = (struct fact){0};
        note_word(reading, &python->installer, "pip");
    }
    while (span_next_word(&rest, &word))
        dashed(reading, word);
    return true;
}

/* "Requirement already satisfied: torch in c:\…\site-packages (from x) (2.1.0+cu121)" */
static bool satisfied(struct reading *reading, struct span text) {
    struct span rest, path;
    if (!after_key(text, "Requirement already satisfied: ", &rest) &&
        !after_key(text, "Requirement already up-to-date: ", &rest))
        return false;
    size_t name = name_length(rest), open = 0;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == '(')
            open = i + 1;
    struct span version = release_at(span_slice(rest, open, rest.len));
    if (open && read_package(reading, span_slice(rest, 0, name), version, (struct span){"", 0}) &&
        is_torch(span_slice(rest, 0, name)) && after_key(rest, " in ", &path)) {
        size_t end = span_find(path, " (");
        read_path(reading, span_slice(path, 0, end == SIZE_MAX ? path.len : end));
    }
    return true;
}

/* uv: " + torch==2.6.0", " ~ torch==2.6.0"; " - torch==2.5.1" goes away. poetry: "  - Installing torch (2.0.1)". */
static bool changed(struct reading *reading, struct span text) {
    struct span rest;
    if ((text.ptr[0] == '+' || text.ptr[0] == '~') && text.len > 2 && text.ptr[1] == ' ') {
        if (pinned(reading, span_trim(span_slice(text, 2, text.len))))
            return true;
        return column(reading, span_trim(span_slice(text, 2, text.len)));
    }
    if (after_key(text, "Installing ", &rest) && memchr(rest.ptr, '(', rest.len))
        return column(reading, rest);
    return false;
}

/* conda's plan: "pytorch   pytorch/win-64::pytorch-1.10.0-py3.6_cpu_0", "pytorch:  1.4.0-py3.7_cuda10.1_0 pytorch"
 */
static bool planned(struct reading *reading, struct span text) {
    struct span rest = text, name, plan;
    if (!span_next_word(&rest, &name) || !span_next_word(&rest, &plan))
        return false;
    size_t at = span_find(plan, "::");
    if (name.ptr[name.len - 1] == ':')
        name.len--;
    else if (at == SIZE_MAX)
        return false;
    if (!matters(name))
        return false;
    if (at != SIZE_MAX)
        plan = span_slice(plan, at + 2, plan.len);
    if (plan.len > name.len && memcmp(plan.ptr, name.ptr, name.len) == 0 && plan.ptr[name.len] == '-')
        plan = span_slice(plan, name.len + 1, plan.len);
    struct span version, build;
    if (!span_cut(plan, '-', &version, &build))
        return false;
    return read_package(reading, name, version, build);
}

/* pip show: "Name: torch" and below it "Version: 2.0.1", "Location: …". */
static bool shown(struct reading *reading, struct span text, struct packages *state) {
    if (span_starts(text, "Name: ")) {
        struct span name = span_trim(span_slice(text, 6, text.len));
        state->shown[0] = '\0';
        if (matters(name) && name.len < sizeof state->shown) {
            memcpy(state->shown, name.ptr, name.len);
            state->shown[name.len] = '\0';
        }
        return state->shown[0];
    }
    if (!state->shown[0])
        return false;
    if (span_starts(text, "Version: "))
        return read_package(reading, span_of(state->shown), span_trim(span_slice(text, 9, text.len)),
                            (struct span){"", 0});
    if (span_starts(text, "Location: ") && strcmp(state->shown, "torch") == 0) {
        read_path(reading, span_trim(span_slice(text, 10, text.len)));
        return true;
    }
    return false;
}

/* "Downloading https://…/torch-2.0.1%2Bcpu-cp310-cp310-win_amd64.whl", "Using cached torch-2.0.1-cp311-….whl":
 * what will be installed, and for which Python and system. */
static void wheel(struct reading *reading, struct span text) {
    size_t end = span_find(text, ".whl");
    size_t at = span_find(text, "torch-");
    if (end == SIZE_MAX || at == SIZE_MAX || at > end || (at && isalnum((unsigned char)text.ptr[at - 1])) ||
        span_has(text, "not a supported wheel") || span_has(text, "BadZipFile"))
        return;
    struct span name = span_slice(text, at + 6, end), python;
    size_t dash = span_find(name, "-cp");
    if (dash == SIZE_MAX ||
        !(span_has(text, "Downloading") || span_has(text, "cached") || span_has(text, "Processing")))
        return;
    char version[64];
    size_t used = 0;
    for (size_t i = 0; i < dash && used + 1 < sizeof version; i++) {
        bool plus = i + 2 < dash && memcmp(name.ptr + i, "%2B", 3) == 0;
        version[used++] = plus ? '+' : name.ptr[i];
        i += plus ? 2 : 0;
    }
    read_package(reading, span_of("torch"), span_from(version, used), (struct span){"", 0});
    python = span_slice(name, dash + 3, dash + 6);
    if (python.len >= 2 && isdigit((unsigned char)python.ptr[1]))
        read_python_version(reading,
                            span_of(arena_printf(reading->arena, "%c.%.*s", python.ptr[0],
                                                 python.len > 2 && isdigit((unsigned char)python.ptr[2]) ? 2 : 1,
                                                 python.ptr + 1)));
    if (span_has(name, "win_amd64"))
        note_word(reading, &reading->facts->system.os, "windows");
    if (span_has(name, "macosx"))
        note_word(reading, &reading->facts->system.os, "macos");
    if (span_has(name, "aarch64"))
        note_word(reading, &reading->facts->system.machine, "aarch64");
}

/* --- lines --------------------------------------------------------------------------------------------------- */

/* "Detectron2 CUDA Compiler  10.1", "MMCV CUDA Compiler: 11.3": the CUDA that their operators were compiled with. */
static bool compiled_with(struct reading *reading, struct span text) {
    static const struct {
        const char *words, *package;
    } table[] = {{"Detectron2 CUDA Compiler", "detectron2"}, {"MMCV CUDA Compiler", "mmcv"}};
    struct span value;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!span_starts(text, table[i].words) || !after_key(text, table[i].words, &value))
            continue;
        while (value.len && strchr(": ", value.ptr[0]))
            value = span_slice(value, 1, value.len);
        struct span version = version_at(value);
        struct python_package *package = version.len ? reading_package(reading, span_of(table[i].package)) : NULL;
        if (package)
            note_text(reading, &package->cuda, version);
        return package != NULL;
    }
    return false;
}

static bool read_line(struct reading *reading, void *memory) {
    struct packages *state = memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    if (span_starts(text, "[pip") || span_starts(text, "[conda]")) {
        size_t close = span_find(text, "]");
        text = span_trim(span_slice(text, close + 1, text.len));
    }
    if (!text.len)
        return false;
    if (compiled_with(reading, text))
        return true;
    if (installed(reading, text) || satisfied(reading, text)) {
        reading_kind(reading, "pip");
        return true;
    }
    if (shown(reading, text, state) || planned(reading, text) || changed(reading, text) || pinned(reading, text) ||
        column(reading, text)) {
        reading_kind(reading, "packages");
        return true;
    }
    wheel(reading, text);
    return false;
}

static void read_command(struct reading *reading, void *memory) {
    (void)reading;
    *(struct packages *)memory = (struct packages){""};
}

/* `pip list | grep torch` that printed nothing: it is not there. */
static void command_done(struct reading *reading, void *memory) {
    (void)memory;
    bool lists = span_has(reading->command, "pip list") || span_has(reading->command, "pip freeze") ||
                 span_has(reading->command, "pip3 list") || span_has(reading->command, "conda list") ||
                 span_has(reading->command, "pip3 freeze");
    if (lists && span_has(reading->command, "grep") && span_has(reading->command, "torch") &&
        !reading->output_lines)
        note_absent(reading, &reading_python(reading)->torch_version.is);
}

const struct importer import_packages = {sizeof(struct packages), read_line, read_command, command_done};
