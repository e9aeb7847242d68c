/* Macs: system_profiler's pages of the hardware and its displays, sw_vers. */
#include "base/text.h"
#include "import/importer.h"

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    static const char *const starts[] = {"Chipset Model: Apple ", "Chip: Apple M",       "Metal Support: Metal",
                                         "ProductName: macOS",    "ProductName:\tmacOS", "ProductName:\t\tmacOS"};
    struct span text = reading->line->text;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(text, starts[i])) {
            note_word(reading, &reading->facts->system.os, "macos");
            reading_kind(reading, "macos");
            return true;
        }
    return false;
}

const struct importer import_macos = {0, read_line, NULL, NULL};
