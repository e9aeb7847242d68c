#include "cli/gather.h"

#include <errno.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "facts/snapshot_json.h"
#include "import/import.h"
#include "probe/probe.h"
#include "sys/root.h"

int option_number(const char *name, const char *text, long least, long most, long otherwise, long *ret_number) {
    int64_t number = otherwise;
    if (text && (span_to_number(span_of(text), 10, &number) < 0 || number < least || number > most))
        return complain(EXIT_USAGE, "--%s takes a number from %ld to %ld, not '%s'", name, least, most, text);
    *ret_number = (long)number;
    return EXIT_OK;
}

/* One line on a terminal, written over and over. */
static void show_progress(void *context, const char *child, const char *at) {
    (void)context;
    fprintf(stderr, "\r\033[K%s: %.60s", child, at);
}

int gather_options(const struct cli *cli, struct live_options *ret_options) {
    long seconds = 0;
    int status = option_number("timeout", cli->options.timeout, 1, 24 * 3600, 0, &seconds);
    *ret_options = (struct live_options){.torch = cli->options.ask_torch,
                                         .python = cli->options.python,
                                         .gpu = -1,
                                         .milliseconds = (unsigned)seconds * 1000};
    return status;
}

/* What PyTorch said is read as if it had been pasted, so that the same rules know it. */
static void recognise_words(const struct cli *cli, struct snapshot *snapshot) {
    AUTO_BUFFER words = BUFFER_INIT(LIMIT_FILE);
    const struct compute_facts *compute = &snapshot->compute;
    for (size_t i = 0; i < compute->torch_warnings.count; i++)
        buffer_addf(&words, "%s\n", compute->torch_warnings.items[i]);
    for (size_t i = 0; i < compute->torch_errors.count; i++) {
        const char *traceback = text_of(compute->torch_errors.items[i].traceback);
        buffer_addf(&words, "%s\n", traceback ? traceback : "");
    }
    if (!words.len)
        return;
    struct snapshot *read = import_text(buffer_span(&words), cli->knowledge);
    if (read->printed.messages.count) {
        struct snapshot_error error;
        json_t *json = snapshot_to_json(read), *printed = json_object();
        json_object_set(printed, "messages", json_object_get(json_object_get(json, "printed"), "messages"));
        snapshot_read_part(snapshot, "printed", printed, &error);
        json_decref(printed);
        json_decref(json);
    }
    snapshot_free(read);
}

static int ask(const struct cli *cli, const struct root *root, const struct live_options *options,
               struct snapshot *snapshot) {
    if (!root_is_live(root)) {
        const char *message;
        int r = live_recorded(snapshot, root, &message);
        if (r == -EINVAL)
            return complain(EXIT_NO_INPUT, "%s/.whycuda/live.json: %s", cli->options.root, message);
        if (r < 0)
            live_leave(snapshot, "not recorded");
        return EXIT_OK;
    }
    if (cli->options.no_live) {
        live_leave(snapshot, "not asked (--no-live)");
        return EXIT_OK;
    }
    struct live_options mine = *options;
    bool terminal = isatty(STDERR_FILENO);
    mine.progress = terminal ? show_progress : NULL;
    live_ask(snapshot, root, &mine);
    if (terminal)
        fputs("\r\033[K", stderr);
    if (mine.torch)
        recognise_words(cli, snapshot);
    return EXIT_OK;
}

int gather(const struct cli *cli, const struct live_options *options, struct snapshot **ret_snapshot) {
    struct root *root;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    struct probe_options probes = {
        .python = cli->options.python, .knowledge = cli->knowledge, .for_build = cli->options.for_build};
    struct snapshot *snapshot = probe_machine(root, probes);
    status = ask(cli, root, options, snapshot);
    root_close(root);
    if (status != EXIT_OK)
        snapshot_free(snapshot);
    else
        *ret_snapshot = snapshot;
    return status;
}
