/* whycuda diagnose: this machine, or one under --root. */
#include "cli/output.h"
#include "probe/probe.h"

int verb_diagnose(struct cli *cli) {
    if (!output_format(cli))
        return EXIT_USAGE;
    struct root *root;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    struct probe_options options = {
        .python = cli->options.python, .knowledge = cli->knowledge, .for_build = cli->options.for_build};
    struct snapshot *snapshot = probe_machine(root, options);
    root_close(root);
    status = output_diagnosis(cli, snapshot);
    snapshot_free(snapshot);
    return status;
}
