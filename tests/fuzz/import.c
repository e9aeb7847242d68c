/* Any bytes as a pasted report: every source names a line of it, the snapshot survives being written and read back
 * strictly, and a diagnosis comes of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/engine.h"
#include "facts/snapshot_json.h"
#include "import/import.h"
#include "knowledge/knowledge.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "line 12" is a line of the text: lines end with \n, with \r, or with both. */
static void check_lines(const char *json, size_t lines) {
    static const char key[] = "\"source\": \"line ";
    for (const char *at = json; (at = strstr(at, key)) != NULL;) {
        at += sizeof key - 1;
        size_t number = strtoul(at, NULL, 10);
        if (number < 1 || number > lines)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct knowledge *knowledge;
    if (!knowledge && knowledge_open(&knowledge, NULL))
        abort();
    struct span text = span_from(data, size);
    struct snapshot *snapshot = import_text(text, knowledge), *again = NULL;
    json_t *json = snapshot_to_json(snapshot);
    char *written = json_dumps(json, 0);
    struct snapshot_error error;
    if (!written || snapshot_from_json(span_of(written), &again, NULL, &error) < 0)
        abort();
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r';
    if (!(size > 1 && (data[0] == 0xff || data[0] == 0xfe))) /* UTF-16 has other ends of lines */
        check_lines(written, lines);
    struct diagnosis *diagnosis = diagnose(snapshot, (struct judge_options){.knowledge = knowledge});
    json_decref(report_json_object((struct report_input){diagnosis, snapshot, true}));
    diagnosis_free(diagnosis);
    snapshot_free(again);
    snapshot_free(snapshot);
    json_decref(json);
    free(written);
    return 0;
}
