/* First lines of programs that name their torch: Ultralytics ("torch-2.0.0+cpu CUDA:0 (…)"), web interfaces for
 * image models ("torch: 2.0.1+cu118"), kohya ("Torch 2.0.1+cu118"), xFormers ("you have 2.1.0+cu121"), NVIDIA's
 * images. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

/* Lines in which a version is wanted, offered or refused, not there. */
static bool is_about_others(struct span text) {
    static const char *const words[] = {"require",     "from versions",
                                        "No matching", ">=",
                                        "<=",          "Collecting",
                                        "Downloading", "ERROR:",
                                        "ninstall",    "http",
                                        "supports",    "needs",
                                        "expected",    "want",
                                        "satisf",      "compiled with",
                                        "was built",   "is not compatible",
                                        "newer than",  "older than",
                                        "deprecated",  "since ",
                                        "upgrade",     "==",
                                        "install",     "cached",
                                        "File \""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_has(text, words[i]))
            return true;
    return false;
}

/* "torch-2.0.0+cpu", "torch 1.7.1", "torch: 2.0.1+cu118", "PyTorch 2.0.1", "Torch Version: 2.1" */
static bool torch_word(struct reading *reading, struct span text) {
    static const char *const words[] = {"torch", "Torch", "pytorch", "PyTorch", "Pytorch"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t at = find_word(text, words[i]);
        if (at == SIZE_MAX)
            continue;
        struct span rest = span_slice(text, at + strlen(words[i]), text.len);
        size_t skip = 0;
        while (skip < rest.len && skip < 3 && strchr(" -=:v", rest.ptr[skip]))
            skip++;
        struct span version = release_at(span_slice(rest, skip, rest.len));
        struct package_version parsed;
        if (!skip || package_version_parse(version, &parsed) < 0 || parsed.count < 3)
            continue;
        read_torch_version(reading, version, true);
        return true;
    }
    return false;
}

/* Ultralytics: "Python-3.9.16 torch-2.0.0+cpu", "CUDA:0 (NVIDIA GeForce RTX 3060, 12288MiB)" */
static void ultralytics(struct reading *reading, struct span text) {
    struct span value;
    if (after_key(text, "Python-", &value))
        read_python_version(reading, value);
    if (after_key(text, "CUDA:0 (", &value)) {
        size_t end = span_find(value, ")");
        read_gpu_name(reading, 0, span_slice(value, 0, end == SIZE_MAX ? value.len : end));
        note_flag(reading, &reading->facts->compute.is_available, true);
    }
}

/* "Torch detected GPU: NVIDIA GeForce RTX 3060 VRAM 12288 Arch (8, 6) Cores 28", and a synthesiser's "Using GPU 0
 * (GeForce GT 630M) of compute capability 2.1" */
static bool detected(struct reading *reading, struct span text) {
    struct span value, capability;
    if (after_key(text, "Torch detected GPU: ", &value)) {
        size_t end = span_find(value, " VRAM");
        read_gpu_name(reading, 0, span_slice(value, 0, end == SIZE_MAX ? value.len : end));
        note_flag(reading, &reading->facts->compute.is_available, true);
        return true;
    }
    if (after_key(text, "Using GPU 0 (", &value) && after_key(text, "of compute capability ", &capability)) {
        size_t end = span_find(value, ")");
        read_gpu_name(reading, 0, span_slice(value, 0, end == SIZE_MAX ? value.len : end));
        struct gpu_device *device = reading_gpu(reading, 0);
        if (device)
            note_text(reading, &device->compute_capability, version_at(capability));
        note_flag(reading, &reading->facts->compute.is_available, true);
        return true;
    }
    return false;
}

/* What a script prints without a word beside it: "2.6.0+cu124 12.4 False 0", "('2.6.0+cu124', '12.4', False)". The
 * tag makes it a release of PyTorch. */
static bool bare_values(struct reading *reading, struct span text) {
    struct span rest = text, word;
    struct package_version parsed;
    int64_t count;
    for (size_t i = 0; i < 4 && span_next_word(&rest, &word); i++) {
        while (word.len && strchr("('\"", word.ptr[0]))
            word = span_slice(word, 1, word.len);
        while (word.len && strchr("),'\"", word.ptr[word.len - 1]))
            word.len--;
        if (i == 0) {
            if (!word.len || !isdigit((unsigned char)word.ptr[0]) || release_at(word).len != word.len ||
                package_version_parse(word, &parsed) < 0 || parsed.count != 3 || parsed.release[0] < 1 ||
                !(strncmp(parsed.local, "cu", 2) == 0 || strncmp(parsed.local, "cpu", 3) == 0 ||
                  strncmp(parsed.local, "rocm", 4) == 0))
                return false;
            read_torch_version(reading, word, true);
        } else if (span_eq(word, "True") || span_eq(word, "False")) {
            read_available(reading, word);
        } else if (span_eq(word, "None") || memchr(word.ptr, '.', word.len)) {
            read_torch_cuda(reading, word);
        } else if (word.len < 3 && span_to_number(word, 10, &count) == 0) {
            note_number(reading, &reading->facts->compute.device_count, count);
        } else {
            break;
        }
    }
    return rest.ptr != text.ptr;
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text, value;
    if (reading->line->kind != LINE_OUTPUT || text.len > 600)
        return false;
    if (after_key(text, "(you have ",
                  &value)) { /* xFormers: the torch that it met; "Python 3.11.7 (you have 3.11.0)" */
        if (span_starts(text, "Python"))
            read_python_version(reading, value);
        else
            read_torch_version(reading, release_at(value), true);
        return true;
    }
    if (span_starts(text, "Container image Copyright") ||
        span_has(text, "NVIDIA Deep Learning Container License")) {
        note_word(reading, &reading->facts->system.container, "docker");
        return true;
    }
    if (detected(reading, text))
        return true;
    if (bare_values(reading, text)) {
        reading_kind(reading, "banner");
        return true;
    }
    bool found = span_has(text, "orch") && !is_about_others(text) && torch_word(reading, text);
    if (found) {
        ultralytics(reading, text);
        reading_kind(reading, "banner");
    }
    return found;
}

const struct importer import_banner = {0, read_line, NULL, NULL};
