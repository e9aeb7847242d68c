/* nvcc --version, host compilers, toolkits in /usr/local, and signs that something is being compiled. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

/* "Cuda compilation tools, release 12.4, V12.4.131" */
static bool nvcc_line(struct reading *reading, struct span text) {
    struct span value;
    if (span_has(text, "NVIDIA (R) Cuda compiler driver")) {
        reading_kind(reading, "nvcc");
        return true;
    }
    if (!span_has(text, "Cuda compilation tools") || !after_key(text, "release ", &value))
        return false;
    struct span version = version_at(value);
    if (!version.len)
        return false;
    reading_kind(reading, "nvcc");
    note_text(reading, &reading->facts->toolkit.nvcc_version, version);
    return true;
}

/* "gcc (Ubuntu 9.4.0-1ubuntu1~20.04.1) 9.4.0", "gcc version 11.4.0 (Ubuntu …)", "clang version 14.0.0" */
static bool compiler_line(struct reading *reading, struct span text) {
    static const char *const names[] = {"gcc", "g++", "clang", "c++"};
    struct span rest = text, name, value;
    span_next_word(&rest, &name);
    const char *known_name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_eq(name, names[i]))
            known_name = names[i];
    if (!known_name)
        return false;
    struct span version = {"", 0};
    if (after_key(text, " version ", &value))
        version = version_at(value);
    else if (after_key(text, ") ", &value))
        version = version_at(value);
    struct host_compiler *compiler =
        version.len ? READING_PUSH(reading, &reading->facts->toolkit.compilers) : NULL;
    if (!compiler)
        return false;
    note_word(reading, &compiler->name, known_name);
    note_text(reading, &compiler->version, version);
    return true;
}

/* `ls /usr/local`: "cuda  cuda-11.8  cuda-12.1"; `which nvcc`: "/usr/local/cuda/bin/nvcc" */
static bool place_line(struct reading *reading, struct span text) {
    if ((span_eq(reading->program, "which") || span_eq(reading->program, "whereis") ||
         span_eq(reading->program, "type")) &&
        span_ends(text, "/nvcc")) {
        size_t at = span_find(text, "/");
        note_text(reading, &reading->facts->toolkit.nvcc_path, span_slice(text, at, text.len));
        return true;
    }
    if (!span_eq(reading->program, "ls") || !span_has(reading->command, "/usr/local"))
        return false;
    struct span rest = text, word;
    bool any = false;
    while (span_next_word(&rest, &word)) {
        struct span base = word, value;
        size_t at = span_find(word, "/usr/local/");
        if (at != SIZE_MAX)
            base = span_slice(word, at + 11, word.len);
        if (!span_starts(base, "cuda-") || !after_key(base, "cuda-", &value) || !version_at(value).len)
            continue;
        struct cuda_toolkit *toolkit = READING_PUSH(reading, &reading->facts->toolkit.toolkits);
        if (!toolkit)
            break;
        any = true;
        note_word(reading, &toolkit->path,
                  arena_printf(reading->arena, "/usr/local/cuda-%.*s", (int)version_at(value).len, value.ptr));
        note_text(reading, &toolkit->version, version_at(value));
    }
    return any;
}

static const char *const builds[] = {"cpp_extension.py",
                                     "Failed building wheel",
                                     "Building wheel for",
                                     "CUDAExtension",
                                     "BuildExtension",
                                     "egg_info did not run",
                                     "build_ext",
                                     "nvcc fatal",
                                     "ninja: build stopped",
                                     "unsupported GNU version",
                                     "host_config.h",
                                     "Getting requirements to build wheel",
                                     "Failed to build",
                                     "Building extension module",
                                     "Error compiling objects",
                                     "bdist_wheel",
                                     "CMakeLists.txt",
                                     "Error building extension",
                                     "running install",
                                     "Preparing metadata (setup.py): finished with status 'error'",
                                     "pip-build-env",
                                     "error: command '/usr/local/cuda",
                                     "python setup.py",
                                     "Dependencies    src/"};

/* Every one of them holds "uil", "setup", "ninja", "wheel" or one of these. */
static bool may_build(struct span text) {
    static const char *const parts[] = {
        "uild",  "whe",       "xtension",        "nvcc",        "egg_", "config.h", "GNU", "install", "setup.py",
        "CMake", "compiling", "/usr/local/cuda", "Dependencies"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (span_has(text, parts[i]))
            return true;
    return false;
}

static void building(struct reading *reading, struct span text) {
    if (known(reading->facts->toolkit.needed) || !may_build(text))
        return;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++)
        if (span_has(text, builds[i])) {
            note_flag(reading, &reading->facts->toolkit.needed, true);
            return;
        }
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    building(reading, text);
    return nvcc_line(reading, text) || compiler_line(reading, text) || place_line(reading, text);
}

static void read_command(struct reading *reading, void *memory) {
    (void)memory;
    struct span command = reading->command;
    if (span_has(command, "setup.py") || span_has(command, "--no-build-isolation") ||
        span_eq(reading->program, "nvcc")) {
        if (!span_has(command, "--version") && !span_has(command, " -V"))
            note_flag(reading, &reading->facts->toolkit.needed, true);
    }
}

/* `which nvcc` that printed nothing. */
static void command_done(struct reading *reading, void *memory) {
    (void)memory;
    if (span_eq(reading->program, "which") && find_word(reading->command, "nvcc") != SIZE_MAX &&
        !reading->output_lines)
        note_absent(reading, &reading->facts->toolkit.nvcc_path.is);
    if (span_eq(reading->program, "which") && find_word(reading->command, "nvidia-smi") != SIZE_MAX &&
        !reading->output_lines)
        note_flag(reading, &reading->facts->driver.smi_present, false);
}

const struct importer import_toolkit = {0, read_line, read_command, command_done};
