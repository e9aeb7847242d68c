/* A snapshot read from any bytes, redacted, judged and written in every format. */
#include <stdint.h>

#include "diagnose/engine.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "knowledge/knowledge.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct snapshot *snapshot;
    struct snapshot_error error;
    struct texts newer = {0};
    if (snapshot_from_json(span_from(data, size), &snapshot, &newer, &error) < 0)
        return 0;
    static struct knowledge *tables; /* for the life of the process */
    if (!tables && knowledge_open(&tables, NULL) < 0)
        tables = NULL;
    snapshot_redact(snapshot, false);
    struct judge_options options = {.for_build = size % 2, .knowledge = tables};
    struct diagnosis *diagnosis = diagnose(snapshot, options);
    for (size_t i = 0; i < report_format_count; i++) {
        AUTO_BUFFER out = BUFFER_INIT(1 << 24);
        report_formats[i].write(&out, (struct report_input){diagnosis, snapshot, true},
                                (struct report_style){.width = 80, .verbose = true});
    }
    diagnosis_free(diagnosis);
    snapshot_free(snapshot);
    return 0;
}
