/* Jetson boards: /etc/nv_tegra_release, jetson_release, and where texts name one. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

/* "# R35 (release), REVISION: 4.1, GCID: …" -> R35.4.1 */
static bool release_line(struct reading *reading, struct span text) {
    struct span major, revision;
    if (!span_has(text, "(release), REVISION:") || !after_key(text, "REVISION:", &revision))
        return false;
    size_t at = span_find(text, "R");
    major = version_at(span_slice(text, at + 1, text.len));
    revision = version_at(revision);
    note_word(reading, &reading->facts->system.jetson,
              arena_printf(reading->arena, "R%.*s.%.*s", (int)(major.len < 8 ? major.len : 8), major.ptr,
                           (int)(revision.len < 8 ? revision.len : 8), revision.ptr));
    note_word(reading, &reading->facts->gpu.tegra, "Jetson");
    note_word(reading, &reading->facts->system.machine, "aarch64");
    reading_kind(reading, "jetson");
    return true;
}

/* "L4T 36.4.3", "JetPack 6.2", "Jetpack: 5.1.2 [L4T 35.4.1]" */
static void release_word(struct reading *reading, struct span text) {
    static const char *const words[] = {"L4T ", "L4T: ", "L4T-"};
    struct span value;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (after_key(text, words[i], &value) && version_at(value).len) {
            note_word(reading, &reading->facts->system.jetson,
                      arena_printf(reading->arena, "R%.*s", (int)version_at(value).len, value.ptr));
            return;
        }
    size_t at = span_find_nocase(text, "jetpack");
    if (at == SIZE_MAX)
        return;
    value = span_slice(text, at + 7, text.len);
    while (value.len && strchr(" :", value.ptr[0]))
        value = span_slice(value, 1, value.len);
    if (version_at(value).len)
        note_word(reading, &reading->facts->system.jetson,
                  arena_printf(reading->arena, "JetPack %.*s", (int)version_at(value).len, value.ptr));
}

static const char *const models[] = {"Jetson AGX Orin", "Jetson AGX Xavier", "Jetson AGX Thor", "Jetson Orin Nano",
                                     "Jetson Orin NX",  "Jetson Xavier NX",  "Jetson Nano",     "Jetson TX2",
                                     "Jetson TX1",      "Jetson Thor",       "Jetson TK1",      "Jetson"};

static void model(struct reading *reading, struct span text) {
    if (span_find_nocase(text, "jetson") == SIZE_MAX || span_has(text, "jetson-containers") ||
        span_has(text, "dusty"))
        return;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (span_find_nocase(text, models[i]) != SIZE_MAX) {
            note_word(reading, &reading->facts->gpu.tegra, models[i]);
            note_word(reading, &reading->facts->system.machine, "aarch64");
            note_word(reading, &reading->facts->system.os, "linux");
            return;
        }
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    if (!span_has(text, "etson") && !span_has(text, "L4T") && !span_has(text, "JETSON") &&
        !span_has(text, "etPack") && !span_has(text, "etpack") && !span_has(text, "(release)"))
        return false;
    if (release_line(reading, text) || release_line(reading, reading->line->whole))
        return true;
    if (text.len < 300) {
        release_word(reading, text);
        model(reading, text);
    }
    return false;
}

static void read_command(struct reading *reading, void *memory) {
    (void)memory;
    model(reading, reading->line->prompt);
}

const struct importer import_jetson = {0, read_line, read_command, NULL};
