/* A snapshot read from any bytes, redacted, judged and written in every format. */
#include <stdint.h>

#include "diagnose/engine.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct snapshot *snapshot;
    struct snapshot_error error;
    struct texts newer = {0};
    if (snapshot_from_json(span_from(data, size), &snapshot, &newer, &error) < 0)
        return 0;
    snapshot_redact(snapshot);
    struct diagnosis *diagnosis = diagnose(snapshot, (struct judge_options){0});
    for (size_t i = 0; i < report_format_count; i++) {
        AUTO_BUFFER out = BUFFER_INIT(1 << 24);
        report_formats[i].write(&out, (struct report_input){diagnosis, snapshot, true},
                                (struct report_style){.width = 80, .verbose = true});
    }
    diagnosis_free(diagnosis);
    snapshot_free(snapshot);
    return 0;
}
