/* whycuda snapshot: the facts as JSON. */
#include <stdio.h>

#include "cli/gather.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"

int verb_snapshot(struct cli *cli) {
    struct live_options options;
    struct snapshot *snapshot;
    int status = gather_options(cli, &options);
    if (status == EXIT_OK)
        status = gather(cli, &options, &snapshot);
    if (status != EXIT_OK)
        return status;
    snapshot_redact(snapshot, cli->options.no_redact);
    json_t *json = snapshot_to_json(snapshot);
    int r = json_dumpf(json, cli->out, JSON_INDENT(1));
    fputc('\n', cli->out);
    json_decref(json);
    snapshot_free(snapshot);
    return r < 0 ? EXIT_FOUND : EXIT_OK;
}
