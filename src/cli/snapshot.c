/* whycuda snapshot: the facts as JSON. */
#include <stdio.h>

#include "cli/verb.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "probe/probe.h"

int verb_snapshot(struct cli *cli) {
    struct root *root;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    struct probe_options options = {
        .python = cli->options.python, .knowledge = cli->knowledge, .for_build = cli->options.for_build};
    struct snapshot *snapshot = probe_machine(root, options);
    root_close(root);
    if (cli->options.no_redact)
        snapshot_redact_credentials(snapshot);
    else
        snapshot_redact(snapshot);
    json_t *json = snapshot_to_json(snapshot);
    int r = json_dumpf(json, cli->out, JSON_INDENT(1));
    fputc('\n', cli->out);
    json_decref(json);
    snapshot_free(snapshot);
    return r < 0 ? EXIT_FOUND : EXIT_OK;
}
