/* Tracebacks, and the paths in any line: which Python ran, where its torch is, and how the import of torch ended. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

struct traceback {
    bool inside;
    bool torch_import; /* a frame of torch/__init__.py, or "import torch", was in it */
};

/* --- paths --------------------------------------------------------------------------------------------------- */

static void read_os_of_path(struct reading *reading, struct span path) {
    struct text_fact *os = &reading->facts->system.os;
    bool drive = path.len > 2 && isalpha((unsigned char)path.ptr[0]) && path.ptr[1] == ':' &&
                 (path.ptr[2] == '\\' || path.ptr[2] == '/');
    if (drive || span_has(path, "\\Lib\\") || span_has(path, "\\lib\\"))
        note_word(reading, os, "windows");
    else if (span_starts(path, "/Users/") || span_starts(path, "/opt/homebrew/"))
        note_word(reading, os, "macos");
    else if (span_starts(path, "/home/") || span_starts(path, "/usr/lib") || span_starts(path, "/root/"))
        note_word(reading, os, "linux");
}

/* "/lib/python3.10/", "\Python310\", "python3.8/site-packages" */
static void read_python_of_path(struct reading *reading, struct span path) {
    size_t at = span_find_nocase(path, "python");
    while (at != SIZE_MAX) {
        struct span rest = span_slice(path, at + 6, path.len), version = version_at(rest);
        bool ends = version.len == rest.len || strchr("/\\\"", rest.ptr[version.len]);
        if (ends && memchr(version.ptr, '.', version.len)) {
            read_python_version(reading, version);
            return;
        }
        if (ends && version.len >= 2 && version.len <= 3 && (version.ptr[0] == '3' || version.ptr[0] == '2')) {
            read_python_version(reading, span_of(arena_printf(reading->arena, "%c.%.*s", version.ptr[0],
                                                              (int)version.len - 1, version.ptr + 1)));
            return;
        }
        size_t next = span_find_nocase(rest, "python");
        at = next == SIZE_MAX ? SIZE_MAX : at + 6 + next;
    }
}

static bool is_user_site(struct span directory) {
    return span_has(directory, "/.local/lib/python") || span_has(directory, "AppData\\Roaming\\Python") ||
           span_has(directory, "AppData/Roaming/Python") || span_has(directory, "/Library/Python/");
}

/* The environment that a site-packages directory belongs to. */
static void read_prefix(struct reading *reading, struct span directory) {
    struct python_environment *python = reading_python(reading);
    if (is_user_site(directory) || known(python->path))
        return;
    static const char *const ends[] = {"/lib/python",          "/lib64/python",      "\\lib\\site-packages",
                                       "\\Lib\\site-packages", "/lib/site-packages", "/Lib/site-packages"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t at = span_find(directory, ends[i]);
        if (at == SIZE_MAX || !at)
            continue;
        struct span prefix = span_slice(directory, 0, at);
        note_text(reading, &python->path, prefix);
        const char *kind = span_has(prefix, "conda") || span_has(prefix, "/envs/") ||
                                   span_has(prefix, "\\envs\\") || span_has(prefix, "miniforge") ||
                                   span_has(prefix, "mambaforge")
                               ? "conda"
                           : span_has(prefix, "pypoetry")                                      ? "poetry"
                           : span_has(prefix, "venv") || span_has(prefix, "virtualenv")        ? "venv"
                           : span_has(prefix, "\\Programs\\Python") || span_eq(prefix, "/usr") ? "system"
                           : span_eq(prefix, "/usr/local")                                     ? "system"
                                                                                               : NULL;
        if (kind)
            note_word(reading, &python->kind, kind);
        return;
    }
}

void read_path(struct reading *reading, struct span path) {
    static const char *const sites[] = {"site-packages", "dist-packages"};
    path = span_trim(path);
    if ((span_ends(path, "/torch.py") || span_ends(path, "\\torch.py")) && !span_has(path, "site-packages"))
        note_text(reading, &reading_python(reading)->shadowed_by,
                  path); /* the user's own file is imported first */
    read_os_of_path(reading, path);
    bool python_in_it = false;
    for (size_t i = 0; i < 2; i++) {
        size_t at = span_find(path, sites[i]);
        if (at == SIZE_MAX)
            continue;
        python_in_it = true;
        size_t end = at + strlen(sites[i]);
        struct span directory = span_slice(path, 0, end), rest = span_slice(path, end, path.len);
        struct python_environment *python = reading_python(reading);
        note_listed(reading, &python->site_packages, directory);
        read_prefix(reading, directory);
        if (rest.len > 5 && memcmp(rest.ptr + 1, "torch", 5) == 0 && (rest.len == 6 || strchr("/\\", rest.ptr[6])))
            note_text(reading, &python->torch_path, span_slice(path, 0, end + 6));
    }
    if (python_in_it || span_has(path, "/lib/python") || span_has(path, "\\Python"))
        read_python_of_path(reading, path);
}

/* Every word of a line that is a path with a Python in it. */
static void read_paths(struct reading *reading, struct span text) {
    static const char *const marks[] = {"site-packages", "dist-packages"};
    bool any = false;
    if (!memchr(text.ptr, '/', text.len) && !memchr(text.ptr, '\\', text.len) && !span_has(text, ".so:"))
        return;
    for (size_t i = 0; i < 2; i++) {
        size_t at = span_find(text, marks[i]);
        if (at == SIZE_MAX)
            continue;
        any = true;
        size_t start = at, end = at;
        while (start && !strchr("\"'`(=,;", text.ptr[start - 1]) &&
               !(text.ptr[start - 1] == ' ' &&
                 (start < 2 || text.ptr[start] == '/' || (start + 1 < text.len && text.ptr[start + 1] == ':'))))
            start--;
        while (end < text.len && !strchr("\"'`):;,", text.ptr[end]) && text.ptr[end] != ' ')
            end++;
        read_path(reading, span_slice(text, start, end));
    }
    if (any)
        return;
    struct span value;
    if (span_starts(text, "File \"") && after_key(text, "File \"", &value)) {
        size_t end = span_find(value, "\"");
        read_path(reading, span_slice(value, 0, end == SIZE_MAX ? value.len : end));
    }
    /* a drive or a home in any line tells the system */
    size_t users = span_find(text, ":\\");
    if (users != SIZE_MAX && users && isalpha((unsigned char)text.ptr[users - 1]))
        note_word(reading, &reading->facts->system.os, "windows");
    else if (span_has(text, " /Users/") || span_has(text, "\"/Users/") || span_starts(text, "/Users/"))
        note_word(reading, &reading->facts->system.os, "macos");
    else if (span_has(text, "/home/") || span_has(text, ".so:") || span_has(text, "x86_64-linux-gnu"))
        note_word(reading, &reading->facts->system.os, "linux");
    if (span_has(text, "aarch64-linux-gnu"))
        note_word(reading, &reading->facts->system.machine, "aarch64");
}

/* "flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so" */
static void read_extension_tag(struct reading *reading, struct span text) {
    struct span value;
    if (!after_key(text, ".cpython-", &value))
        return;
    struct span digits = version_at(value);
    if (digits.len >= 2 && digits.len <= 3)
        read_python_version(reading, span_of(arena_printf(reading->arena, "%c.%.*s", digits.ptr[0],
                                                          (int)digits.len - 1, digits.ptr + 1)));
    if (span_has(value, "x86_64-linux-gnu"))
        note_word(reading, &reading->facts->system.machine, "x86_64");
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool is_exception(struct span text) {
    size_t colon = span_find(text, ":");
    struct span name = span_slice(text, 0, colon == SIZE_MAX ? text.len : colon);
    if (name.len < 6 || name.len > 60 || memchr(name.ptr, ' ', name.len))
        return false;
    return span_ends(name, "Error") || span_ends(name, "Exception") || span_ends(name, "BadZipFile");
}

/* "RuntimeError: mat1 and mat2 …", "torch.cuda.OutOfMemoryError: …" -> its type and its words */
static void python_error(struct reading *reading, struct span text) {
    struct span type, words;
    span_cut(text, ':', &type, &words);
    reading_message(reading, "python_error", type, span_slice(span_trim(words), 0, 400));
}

static bool read_line(struct reading *reading, void *memory) {
    struct traceback *state = memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    read_paths(reading, text);
    read_extension_tag(reading, text);
    if (span_starts(text, "Traceback (most recent call last)")) {
        *state = (struct traceback){.inside = true};
        reading_kind(reading, "traceback");
        return true;
    }
    state->torch_import |= span_has(text, "torch/__init__.py") || span_has(text, "torch\\__init__.py") ||
                           span_eq(text, "import torch");
    if (!is_exception(text))
        return false;
    reading_kind(reading, "traceback");
    python_error(reading, text);
    bool import = span_starts(text, "ImportError") || span_starts(text, "OSError") ||
                  span_starts(text, "ModuleNotFoundError");
    if (import && (state->torch_import || span_has(text, "/torch/lib/") || span_has(text, "\\torch\\lib\\")))
        note_text(reading, &reading_python(reading)->import_error, text);
    *state = (struct traceback){.inside = false};
    return false;
}

const struct importer import_traceback = {sizeof(struct traceback), read_line, NULL, NULL};
