/* Any pasted text: cleaned, cut into lines, and shown to every importer. */
#include "base/limits.h"
#include "import/import.h"

struct snapshot *import_text(struct span text, const struct knowledge *knowledge) {
    (void)knowledge;
    struct snapshot *snapshot = snapshot_new("text");
    int64_t lines = 0;
    struct span line;
    while (span_next_line(&text, &line))
        lines++;
    set_number(&snapshot->printed.lines, lines, "text");
    return snapshot;
}
