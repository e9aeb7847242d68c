/* whycuda explain: pasted output, or a saved snapshot. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/batch.h"
#include "cli/output.h"
#include "facts/snapshot_json.h"
#include "import/import.h"

static int read_input(const char *name, struct buffer *bytes) {
    AUTO_FILE opened = NULL;
    FILE *in = stdin;
    if (name && strcmp(name, "-") != 0) {
        in = opened = fopen(name, "re");
        if (!in)
            return complain(EXIT_NO_INPUT, "%s: %s", name, strerror(errno));
    }
    char chunk[64 * 1024];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, in)) > 0 && !bytes->full;)
        buffer_add(bytes, chunk, n);
    if (ferror(in))
        return complain(EXIT_NO_INPUT, "%s: %s", name ? name : "standard input", strerror(errno));
    if (bytes->full)
        complain(EXIT_OK, "only the first %zu bytes are read", bytes->max);
    return EXIT_OK;
}

static int read_snapshot(struct span text, struct snapshot **ret_snapshot) {
    struct snapshot_error error;
    struct texts newer = {0};
    if (snapshot_from_json(text, ret_snapshot, &newer, &error) < 0)
        return complain(EXIT_UNKNOWN, "snapshot, line %d, column %d: %s", error.line, error.column, error.message);
    for (size_t i = 0; i < newer.count; i++)
        complain(EXIT_OK, "%s is not known to this version and was passed over", newer.items[i]);
    return EXIT_OK;
}

static int explain_batch(struct cli *cli) {
    const char *name = cli->argument_count ? cli->arguments[0] : NULL;
    if (!name || strcmp(name, "-") == 0)
        return batch_run(cli, stdin);
    AUTO_FILE in = fopen(name, "re");
    return in ? batch_run(cli, in) : complain(EXIT_NO_INPUT, "%s: %s", name, strerror(errno));
}

/* What is no text gives a diagnosis all the same, one that knows nothing. */
static void complain_of_text(const struct snapshot *snapshot) {
    const struct printed_facts *printed = &snapshot->printed;
    if (unknown(printed->lines))
        complain(EXIT_OK, "%s: paste what programs printed, or give a saved snapshot", printed->lines.is.reason);
    else if (is_true(printed->cut))
        complain(EXIT_OK, "the text is longer than what is read of it: %d lines, %d bytes of each",
                 LIMIT_REPORT_LINES, LIMIT_REPORT_LINE);
}

int verb_explain(struct cli *cli) {
    if (cli->options.batch)
        return explain_batch(cli);
    if (!output_format(cli))
        return EXIT_USAGE;
    AUTO_BUFFER bytes = BUFFER_INIT((size_t)LIMIT_SNAPSHOT * 4);
    int status = read_input(cli->argument_count ? cli->arguments[0] : NULL, &bytes);
    if (status != EXIT_OK)
        return status;
    struct span text = buffer_span(&bytes);
    struct snapshot *snapshot = NULL;
    if (snapshot_recognise(text)) {
        status = read_snapshot(text, &snapshot);
    } else {
        snapshot = import_text(text, cli->knowledge);
        complain_of_text(snapshot);
    }
    if (!snapshot)
        return status;
    status = output_diagnosis(cli, snapshot);
    snapshot_free(snapshot);
    return status;
}
