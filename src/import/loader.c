/* Libraries as ldconfig -p, ldd, ls and programs name them: which libcuda and NVML there are, and what the loader
 * takes for PyTorch. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

/* --- libcuda and NVML ---------------------------------------------------------------------------------------- */

/* "/usr/local/cuda-13.0/compat/libcuda.so.1" -> 13.0; "" where the path has no number. */
static const char *compat_version(struct reading *reading, struct span path) {
    struct span value;
    if (!after_key(path, "cuda-", &value))
        return "";
    struct span version = version_at(value);
    return arena_copy_span(reading->arena, version);
}

static struct driver_library *add_driver_library(struct reading *reading, struct span path, const char *soname) {
    struct driver_library_rows *libraries = &reading->facts->driver.libraries;
    if (!soname || !path.len)
        return NULL;
    for (size_t i = 0; i < libraries->count; i++)
        if (span_eq(path, libraries->items[i].path.value))
            return &libraries->items[i];
    struct driver_library *library = READING_PUSH(reading, libraries);
    if (!library)
        return NULL;
    note_word(reading, &library->soname, soname);
    note_text(reading, &library->path, path);
    bool stub = span_has(path, "/stubs/"), compat = span_has(path, "/compat/"), wsl = span_has(path, "/wsl/");
    note_flag(reading, &library->stub, stub);
    note_flag(reading, &library->wsl, wsl);
    if (compat)
        note_word(reading, &library->compat_cuda, compat_version(reading, path));
    else
        note_absent(reading, &library->compat_cuda.is);
    size_t so = span_find(path, ".so.");
    struct driver_version version;
    struct span number = so == SIZE_MAX ? (struct span){"", 0} : version_at(span_slice(path, so + 4, path.len));
    if (number.len > 3 && driver_version_parse(number, &version) == 0) {
        note_text(reading, &library->version, span_of(version.text));
        if (!stub && !compat && !wsl && strcmp(soname, "libcuda.so.1") == 0)
            note_text(reading, &reading->facts->driver.library_version, span_of(version.text));
    }
    return library;
}

static const char *driver_soname(struct span name) {
    size_t slash = name.len;
    while (slash && name.ptr[slash - 1] != '/')
        slash--;
    struct span base = span_slice(name, slash, name.len);
    return span_starts(base, "libcuda.so")        ? "libcuda.so.1"
           : span_starts(base, "libnvidia-ml.so") ? "libnvidia-ml.so.1"
                                                  : NULL;
}

static void wins(struct reading *reading, struct driver_library *library, const char *by) {
    struct driver_library_rows *libraries = &reading->facts->driver.libraries;
    for (size_t i = 0; i < libraries->count; i++)
        if (is_true(libraries->items[i].wins) && &libraries->items[i] != library &&
            text_eq(libraries->items[i].soname.value, library->soname.value)) {
            note_flag(reading, &library->wins, false);
            return;
        }
    note_flag(reading, &library->wins, true);
    note_word(reading, &library->found_by, by);
}

/* --- "NAME => PATH" ------------------------------------------------------------------------------------------ */

static bool is_cuda_name(struct span name) {
    static const char *const starts[] = {"libcud",      "libcublas", "libcufft", "libcurand",  "libcusolver",
                                         "libcusparse", "libnccl",   "libnvrtc", "libnvJit",   "libnvToolsExt",
                                         "libtorch",    "libc10",    "libcupti", "libnvidia-", "libmkl",
                                         "libiomp",     "libstdc++"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(name, starts[i]))
            return true;
    return false;
}

static bool arrow_line(struct reading *reading, struct span text) {
    size_t arrow = span_find(text, " => ");
    if (arrow == SIZE_MAX || !span_starts(text, "lib"))
        return false;
    struct span rest = text, name, path = span_trim(span_slice(text, arrow + 4, text.len));
    span_next_word(&rest, &name);
    if (!is_cuda_name(name))
        return false;
    bool cache = span_has(span_slice(text, 0, arrow), "(libc6"), found = !span_starts(path, "not found");
    size_t end = span_find(path, " (0x");
    path = span_slice(path, 0, end == SIZE_MAX ? path.len : end);
    const char *soname = driver_soname(name);
    reading_kind(reading, cache ? "ldconfig" : "ldd");
    if (soname) {
        if (!found) {
            if (!known(reading->facts->driver.libraries))
                set_listed(&reading->facts->driver.libraries, reading_source(reading));
            return true;
        }
        /* ldconfig -p lists the same soname in the order in which the loader tries them */
        struct driver_library *library = span_eq(name, soname) ? add_driver_library(reading, path, soname) : NULL;
        if (library)
            wins(reading, library, cache ? "cache" : "loaded");
        return true;
    }
    if (cache)
        return true;
    struct torch_library *library = READING_PUSH(reading, &reading_python(reading)->libraries);
    if (!library)
        return true;
    note_text(reading, &library->name, name);
    if (found)
        note_text(reading, &library->path, path);
    else
        note_absent(reading, &library->path.is);
    return true;
}

/* Any path of libcuda or NVML in a line: "Loaded from /usr/local/cuda/lib64/stubs/libcuda.so", "libcuda.so.1 ->
 * libcuda.so.535.104.05". */
static void path_line(struct reading *reading, struct span text) {
    static const char *const names[] = {"libcuda.so", "libnvidia-ml.so"};
    for (size_t i = 0; i < 2; i++) {
        size_t at = span_find(text, names[i]);
        if (at == SIZE_MAX || span_has(text, "cannot open shared object") || span_has(text, "not found") ||
            span_has(text, "No such file") || span_has(text, "dlerror"))
            continue;
        size_t start = at, end = at + strlen(names[i]);
        while (start && !strchr(" '\"=(:[,\t", text.ptr[start - 1]))
            start--;
        while (end < text.len && (isdigit((unsigned char)text.ptr[end]) || text.ptr[end] == '.'))
            end++;
        while (end > at && text.ptr[end - 1] == '.')
            end--;
        struct span path = span_slice(text, start, end);
        if (path.ptr[0] == '/' && memchr(path.ptr + 1, '/', path.len - 1)) {
            struct driver_library *library = add_driver_library(reading, path, driver_soname(path));
            if (library && span_has(text, "Loaded from"))
                wins(reading, library, "loaded");
        }
        struct span target;
        struct driver_version version;
        if (after_key(text, " -> libcuda.so.", &target) && version_at(target).len > 3 &&
            driver_version_parse(version_at(target), &version) == 0 && !span_has(text, "/compat/")) {
            note_text(reading, &reading->facts->driver.library_version, span_of(version.text));
        }
    }
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    if (arrow_line(reading, text))
        return true;
    path_line(reading, text);
    return false; /* what the line says besides is for others */
}

const struct importer import_loader = {0, read_line, NULL, NULL};
