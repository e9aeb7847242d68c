/* whycuda diagnose: this machine, or one under --root. */
#include "cli/gather.h"
#include "cli/output.h"

int verb_diagnose(struct cli *cli) {
    struct live_options options;
    struct snapshot *snapshot;
    if (!output_format(cli))
        return EXIT_USAGE;
    int status = gather_options(cli, &options);
    if (status == EXIT_OK)
        status = gather(cli, &options, &snapshot);
    if (status != EXIT_OK)
        return status;
    status = output_diagnosis(cli, snapshot);
    snapshot_free(snapshot);
    return status;
}
