/* Windows and its subsystem for Linux: ver, winver, systeminfo, `wsl -l -v`, `wsl --version`, and where texts say
 * it. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

/* "Microsoft Windows [Version 10.0.19042.1052]", "Windows version: 10.0.22631.2861", "10.0.19045 N/A Build 19045" */
static bool version_line(struct reading *reading, struct span text) {
    static const char *const starts[] = {"Microsoft Windows", "Windows version", "OS Version", "OS Name"};
    bool fits = false;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        fits |= span_starts(text, starts[i]);
    if (!fits || !span_has(text, "10.0."))
        return false;
    read_os_name(reading, text);
    reading_kind(reading, "windows");
    return true;
}

/* "Windows 10 Version 1909 build 18363", "OS Build 19045.3803" */
static void build_number(struct reading *reading, struct span text) {
    size_t at = span_find_nocase(text, "build ");
    int64_t build;
    if (at == SIZE_MAX || span_find_nocase(text, "windows") == SIZE_MAX)
        return;
    struct span digits = version_at(span_slice(text, at + 6, text.len)), head, tail;
    span_cut(digits, '.', &head, &tail);
    if (head.len == 5 && span_to_number(head, 10, &build) == 0 && build >= 10000)
        note_number(reading, &reading->facts->system.windows_build, build);
}

static void is_wsl(struct reading *reading, int version) {
    reading->place = PLACE_WSL;
    if (reading->blocks.count)
        reading->blocks.items[reading->blocks.count - 1].place = PLACE_WSL;
    if (version)
        note_number(reading, &reading->facts->system.wsl, version);
}

/* "WSL2", "WSL 2", "WSL1"; "WSL 1.2.0.0" is the release of the app, which runs WSL 2. */
static void subsystem(struct reading *reading, struct span text) {
    size_t at = span_find(text, "WSL");
    if (at == SIZE_MAX || span_has(text, "wsl.exe") || text.len > 200)
        return;
    struct span rest = span_slice(text, at + 3, text.len);
    if (rest.len && rest.ptr[0] == ' ')
        rest = span_slice(rest, 1, rest.len);
    if (span_starts(rest, "version: ") || span_starts(rest, "version "))
        rest = span_slice(rest, 8 + (rest.ptr[7] == ':'), rest.len);
    struct span version = version_at(span_trim(rest));
    if (version.len > 1 && memchr(version.ptr, '.', version.len))
        is_wsl(reading, 2);
    else if (span_eq(version, "1") || span_eq(version, "2"))
        is_wsl(reading, version.ptr[0] - '0');
    else if (find_word(text, "WSL") != SIZE_MAX)
        is_wsl(reading, 0);
    size_t kernel = span_find(text, "kernel ");
    if (kernel != SIZE_MAX) {
        struct span release = version_at(span_slice(text, kernel + 7, text.len));
        if (release.len > 4)
            note_text(reading, &reading->facts->system.kernel, release);
    }
}

/* "* Ubuntu-20.04    Running         2" */
static bool list_line(struct reading *reading, struct span text) {
    bool listing = span_has(reading->command, "wsl") && span_has(reading->command, "-l");
    struct span word, rest = text, last = {0};
    if (!listing && text.ptr[0] != '*')
        return false;
    bool state = span_has(text, "Running") || span_has(text, "Stopped");
    while (span_next_word(&rest, &word))
        last = word;
    if (!state || !(span_eq(last, "1") || span_eq(last, "2")))
        return false;
    if (text.ptr[0] == '*' || !known(reading->facts->system.wsl))
        is_wsl(reading, last.ptr[0] - '0');
    reading_kind(reading, "wsl");
    return true;
}

/* The driver's place under WSL 2, and NVIDIA's package source for WSL, whose toolkits bring no driver. */
static bool names_wsl(struct span text) {
    return span_has(text, "/usr/lib/wsl/lib") || span_has(text, "/repos/wsl-ubuntu/");
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    bool version = version_line(reading, text);
    build_number(reading, text);
    subsystem(reading, text);
    if (names_wsl(text))
        is_wsl(reading, 2);
    return version || list_line(reading, text);
}

static void read_command(struct reading *reading, void *memory) {
    (void)memory;
    if (reading->line->style == PROMPT_WINDOWS && reading->line->prompt.len > 1)
        note_word(reading, &reading->facts->system.os, "windows");
    if (names_wsl(reading->line->text))
        is_wsl(reading, 2);
    else if (span_has(reading->line->prompt, ":/mnt/c"))
        is_wsl(reading, 0);
}

const struct importer import_windows = {0, read_line, read_command, NULL};
