/* whycuda explain: pasted output, or a saved snapshot. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
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

int verb_explain(struct cli *cli) {
    if (!output_format(cli))
        return EXIT_USAGE;
    AUTO_BUFFER bytes = BUFFER_INIT((size_t)LIMIT_SNAPSHOT * 4);
    int status = read_input(cli->argument_count ? cli->arguments[0] : NULL, &bytes);
    if (status != EXIT_OK)
        return status;
    struct span text = buffer_span(&bytes);
    struct snapshot *snapshot = NULL;
    if (snapshot_recognise(text))
        status = read_snapshot(text, &snapshot);
    else
        snapshot = import_text(text, cli->knowledge);
    if (!snapshot)
        return status;
    status = output_diagnosis(cli, snapshot);
    snapshot_free(snapshot);
    return status;
}
