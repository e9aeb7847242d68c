#include "cli/output.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "diagnose/engine.h"
#include "facts/redact.h"

const struct report_format *output_format(const struct cli *cli) {
    const char *name = cli->options.format ? cli->options.format : cli->options.json ? "json" : "text";
    for (size_t i = 0; i < report_format_count; i++)
        if (strcmp(report_formats[i].name, name) == 0)
            return &report_formats[i];
    AUTO_BUFFER names = BUFFER_INIT(1024);
    for (size_t i = 0; i < report_format_count; i++)
        buffer_addf(&names, " %s", report_formats[i].name);
    complain(EXIT_USAGE, "no format '%s'; there are:%s", name, buffer_text(&names));
    return NULL;
}

struct report_style output_style(const struct cli *cli) {
    setlocale(LC_CTYPE, ""); /* for the character set; what needs no style does not load the locale */
    bool terminal = isatty(fileno(cli->out));
    const char *when = cli->options.color ? cli->options.color : "auto", *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    struct winsize size;
    int width = terminal && ioctl(fileno(cli->out), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    return (struct report_style){
        .color = text_eq(when, "always") ||
                 (text_eq(when, "auto") && terminal && !(no_color && *no_color) && !text_eq(kind, "dumb")),
        .utf8 = text_eq(nl_langinfo(CODESET), "UTF-8"),
        .width = width < 60    ? 60
                 : width > 100 ? 100
                               : width,
        .verbose = cli->options.verbose,
    };
}

enum exit_status output_status(const struct cli *cli, const struct diagnosis *diagnosis) {
    switch (diagnosis->verdict) {
    case VERDICT_HEALTHY:
        return EXIT_OK;
    case VERDICT_DEGRADED:
        return cli->options.fail_on ? EXIT_FOUND : EXIT_OK;
    case VERDICT_BROKEN:
        return EXIT_FOUND;
    case VERDICT_UNKNOWN:
        break;
    }
    return EXIT_UNKNOWN;
}

int output_diagnosis(struct cli *cli, struct snapshot *snapshot) {
    const struct report_format *format = output_format(cli);
    if (!format)
        return EXIT_USAGE;
    if (cli->options.fail_on && !text_eq(cli->options.fail_on, "warning"))
        return complain(EXIT_USAGE, "--fail-on takes 'warning' only");
    /* the terminal is for the person at the machine; everything else travels */
    snapshot_redact(snapshot, text_eq(format->name, "text") || cli->options.no_redact);
    struct judge_options options = {.for_build = cli->options.for_build, .knowledge = cli->knowledge};
    struct diagnosis *diagnosis = diagnose(snapshot, options);
    AUTO_BUFFER out = BUFFER_INIT(LIMIT_REPORT);
    struct report_input input = {diagnosis, snapshot, cli->options.with_snapshot};
    format->write(&out, input, output_style(cli));
    fwrite(buffer_text(&out), 1, out.len, cli->out);
    enum exit_status status = output_status(cli, diagnosis);
    diagnosis_free(diagnosis);
    return (int)status;
}
