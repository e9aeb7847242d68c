/* What was asked of an installer: pip, uv, conda, poetry for PyTorch; apt and NVIDIA's runfiles for the driver. An
 * order that failed (an error before the next command) is no fact about what is installed. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

enum installer { INSTALL_NONE, INSTALL_PIP, INSTALL_UV, INSTALL_CONDA, INSTALL_POETRY, INSTALL_DRIVER };

struct install {
    enum installer by;
    bool failed, cpu_only;
    size_t line; /* of the command */
    struct span wanted, index, channel;
    struct span driver; /* package or runfile */
};

/* --- the order ----------------------------------------------------------------------------------------------- */

static bool is_wanted(struct span word) {
    static const char *const names[] = {"torch",       "pytorch",      "torchvision", "torchaudio", "cpuonly",
                                        "cudatoolkit", "pytorch-cuda", "pytorch-cpu", "pytorch-gpu"};
    word = span_unquote(word);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (span_starts(word, names[i]) && (word.len == length || strchr("=<>!~[@", word.ptr[length])))
            return true;
    }
    return false;
}

static enum installer installer_of(struct span command) {
    static const struct {
        const char *word;
        enum installer by;
    } table[] = {{"uv pip install", INSTALL_UV},        {"uv add", INSTALL_UV},
                 {"pip install", INSTALL_PIP},          {"pip3 install", INSTALL_PIP},
                 {"pip2 install", INSTALL_PIP},         {"pip.exe install", INSTALL_PIP},
                 {"pip3.exe install", INSTALL_PIP},     {"conda install", INSTALL_CONDA},
                 {"conda create", INSTALL_CONDA},       {"mamba install", INSTALL_CONDA},
                 {"mamba create", INSTALL_CONDA},       {"conda env create", INSTALL_CONDA},
                 {"micromamba install", INSTALL_CONDA}, {"pixi add", INSTALL_CONDA},
                 {"poetry add", INSTALL_POETRY},        {"poetry install", INSTALL_POETRY}};
    size_t best = SIZE_MAX;
    enum installer by = INSTALL_NONE;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t at = span_find(command, table[i].word);
        if (at < best) {
            best = at;
            by = table[i].by;
        }
    }
    if (by == INSTALL_NONE && span_find(command, " -m pip") != SIZE_MAX && span_has(command, " install "))
        by = INSTALL_PIP;
    return by;
}

/* "sudo apt install nvidia-driver-440", "sh cuda_11.3.1_465.19.01_linux.run", "NVIDIA-Linux-x86_64-570.run". */
static bool driver_order(struct span command, struct install *order) {
    struct span rest = command, word;
    bool manager = span_has(command, " install ") || span_has(command, "pacman -S");
    while (span_next_word(&rest, &word)) {
        bool runfile = span_ends(word, ".run") && (span_has(word, "NVIDIA-Linux") || span_has(word, "cuda_"));
        bool package =
            manager && (span_starts(word, "nvidia-driver") || span_starts(word, "nvidia-utils") ||
                        span_starts(word, "cuda-drivers") || span_eq(word, "nvidia") ||
                        span_starts(word, "nvidia-dkms") || span_starts(word, "nvidia-open") ||
                        span_starts(word, "akmod-nvidia") || span_starts(word, "nvidia-cuda-toolkit") ||
                        span_eq(word, "cuda") || span_starts(word, "cuda-compat") ||
                        span_starts(word, "nvidia-headless") || span_starts(word, "nvidia-fabricmanager"));
        if (!runfile && !package)
            continue;
        if (span_has(command, "wget ") || span_has(command, "curl ") || span_has(command, "chmod "))
            continue; /* fetched, not run */
        size_t slash = word.len;
        while (slash && word.ptr[slash - 1] != '/')
            slash--;
        order->driver = span_slice(word, slash, word.len);
        return true;
    }
    return false;
}

/* pip reads these in any place of the line. */
static struct span index_of(struct span command) {
    static const char *const options[] = {"--index-url", "-i",           "--extra-index-url",
                                          "-f",          "--find-links", "--default-index",
                                          "--index",     "--source",     "--torch-backend"};
    struct span value;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (command_option(command, options[i], &value) && value.len)
            return value;
    size_t at = span_find(command, "https://download.pytorch.org/whl/");
    if (at == SIZE_MAX)
        return (struct span){"", 0};
    struct span rest = span_slice(command, at, command.len), word;
    span_next_word(&rest, &word);
    return word;
}

static void read_command(struct reading *reading, void *memory) {
    struct install *order = memory;
    struct span command = reading->line->text;
    *order = (struct install){.by = installer_of(command), .line = reading->line->number};
    if (driver_order(command, order)) {
        order->by = INSTALL_DRIVER;
        return;
    }
    if (order->by == INSTALL_NONE)
        return;
    struct span rest = command, word;
    while (!order->wanted.len && span_next_word(&rest, &word))
        if (is_wanted(word))
            order->wanted = span_unquote(word);
    order->cpu_only = find_word(command, "cpuonly") != SIZE_MAX || find_word(command, "pytorch-cpu") != SIZE_MAX;
    order->index = index_of(command);
    if (order->by == INSTALL_CONDA)
        command_option(command, "-c", &order->channel);
}

/* --- its end ------------------------------------------------------------------------------------------------- */

static bool read_line(struct reading *reading, void *memory) {
    struct install *order = memory;
    struct span text = reading->line->text;
    if (order->by == INSTALL_NONE || order->failed)
        return false;
    static const char *const failures[] = {"ERROR: ",
                                           "error: ",
                                           "No matching distribution",
                                           "PackagesNotFoundError",
                                           "UnsatisfiableError",
                                           "No solution found",
                                           "SolverProblemError",
                                           "Unable to find installation candidates",
                                           "not a supported wheel",
                                           "E: Unable to locate",
                                           "Could not solve for environment specs",
                                           "Solving environment: failed"};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        order->failed |= span_has(text, failures[i]) && !span_has(text, "dependency resolver");
    return false;
}

/* ".../whl/cu121", ".../whl/nightly/rocm6.0", "https://download.pytorch.org/whl/cu80/torch_stable.html" */
static struct span variant_of(struct span index) {
    size_t at = span_find(index, "/whl/");
    if (at == SIZE_MAX)
        return span_starts(index, "http") ? (struct span){"", 0} : index; /* --torch-backend=cu126 */
    struct span rest = span_slice(index, at + 5, index.len), part;
    if (span_starts(rest, "nightly/") || span_starts(rest, "test/"))
        span_cut(rest, '/', &part, &rest);
    span_cut(rest, '/', &part, &rest);
    return part;
}

static void torch_ordered(struct reading *reading, const struct install *order) {
    static const char *const names[] = {
        [INSTALL_PIP] = "pip", [INSTALL_UV] = "uv", [INSTALL_CONDA] = "conda", [INSTALL_POETRY] = "poetry"};
    struct python_environment *python = reading_python(reading);
    note_word(reading, &python->installer, names[order->by]);
    if (!order->wanted.len)
        return;
    note_text(reading, &python->wanted, order->wanted);
    if (order->index.len)
        note_text(reading, &python->index, order->index);
    else if (order->channel.len)
        note_text(reading, &python->index, order->channel);
    if (order->failed)
        return;
    struct span variant = variant_of(order->index), head, local;
    char text[16];
    struct torch_build build;
    if (span_cut(order->wanted, '+', &head, &local) && local.len)
        variant = release_at(local).len ? release_at(local) : local;
    torch_build_of_local(arena_copy_span(reading->arena, variant), &build);
    if (build.kind == TORCH_BUILD_CPU || order->cpu_only)
        note_word(reading, &python->build, "cpu");
    else if (build.kind == TORCH_BUILD_ROCM)
        note_word(reading, &python->build, "rocm");
    else if (build.kind == TORCH_BUILD_XPU)
        note_word(reading, &python->build, "xpu");
    else if (build.kind == TORCH_BUILD_CUDA && build.cuda) {
        note_word(reading, &python->build, "cuda");
        note_text(reading, &python->cuda, span_of(cuda_version_text(build.cuda, text)));
    }
    /* an exact pin without an error is what is there */
    struct span version;
    if (after_key(order->wanted, "==", &version) && span_starts(order->wanted, "torch="))
        read_torch_version(
            reading, release_at(span_starts(version, "=") ? span_slice(version, 1, version.len) : version), false);
}

/* "NVIDIA-Linux-x86_64-570.124.04.run", "cuda_11.3.1_465.19.01_linux.run", "nvidia-driver-440" */
static void driver_ordered(struct reading *reading, const struct install *order) {
    struct driver_package *package = READING_PUSH(reading, &reading->facts->driver.packages);
    if (!package)
        return;
    note_text(reading, &package->name, order->driver);
    note_word(reading, &package->state, "installed");
    struct span version = {"", 0}, rest = order->driver;
    if (span_starts(rest, "NVIDIA-Linux-")) {
        size_t at = rest.len;
        while (at && rest.ptr[at - 1] != '-')
            at--;
        version = version_at(span_slice(rest, at, rest.len));
    } else if (span_starts(rest, "cuda_")) {
        struct span field;
        for (int i = 0; i < 3 && span_next_field(&rest, '_', &field); i++)
            version = version_at(field);
    }
    if (version.len)
        note_text(reading, &package->version, version);
    struct driver_version parsed;
    bool user_space_only = span_has(reading->command, "--no-kernel-module");
    if (user_space_only && driver_version_parse(version, &parsed) == 0)
        note_text(reading, &reading->facts->driver.library_version, span_of(parsed.text));
    note_word(reading, &package->manager, version.len ? "runfile" : "dpkg");
}

static void command_done(struct reading *reading, void *memory) {
    struct install *order = memory;
    if (order->by == INSTALL_DRIVER && !order->failed)
        driver_ordered(reading, order);
    else if (order->by != INSTALL_NONE && order->by != INSTALL_DRIVER)
        torch_ordered(reading, order);
    order->by = INSTALL_NONE;
}

const struct importer import_install = {sizeof(struct install), read_line, read_command, command_done};
