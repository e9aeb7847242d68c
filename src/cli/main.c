/* Finds the verb, parses its options, runs it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/verb.h"
#include "facts/snapshot_json.h"
#include "knowledge/knowledge.h"
#include "report/report.h"
#include "sys/root.h"

int cli_open_root(const struct cli *cli, struct root **ret_root) {
    int r = root_open(ret_root, cli->options.root);
    if (r < 0)
        return complain(EXIT_NO_INPUT, "%s: %s", cli->options.root, strerror(-r));
    return EXIT_OK;
}

static const struct verb *verb_named(const char *name) {
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* What the build and the tests ask for: the texts and schemas made from the tables. */
static int print_generated(const char *what) {
    json_t *schema = NULL;
    if (strcmp(what, "--generate-manual") == 0)
        manual_print(stdout);
    else if (strcmp(what, "--generate-completion") == 0)
        completion_print(stdout);
    else if (strcmp(what, "--generate-facts") == 0)
        facts_print(stdout);
    else if (strcmp(what, "--generate-diagnosis-schema") == 0)
        schema = report_json_schema();
    else if (strcmp(what, "--generate-snapshot-schema") == 0)
        schema = snapshot_schema();
    else
        return -1;
    if (schema) {
        json_dumpf(schema, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(schema);
    }
    return EXIT_OK;
}

static int run(const struct verb *verb, int argc, char **argv) {
    struct cli cli = {.out = stdout};
    if (options_parse(verb, argc, argv, &cli) < 0)
        return EXIT_USAGE;
    AUTO_FILE file = NULL;
    if (cli.options.output) {
        file = fopen(cli.options.output, "we");
        if (!file)
            return complain(EXIT_NO_INPUT, "%s: %s", cli.options.output, strerror(errno));
        cli.out = file;
    }
    AUTO_KNOWLEDGE knowledge = NULL;
    int r = knowledge_open(&knowledge, cli.options.data);
    if (r < 0)
        return complain(EXIT_NO_INPUT, "%s: %s", cli.options.data ? cli.options.data : "tables",
                        r == -EINVAL ? "holds no table of whycuda" : strerror(-r));
    cli.knowledge = knowledge;
    int status = verb->run(&cli);
    if (cli.options.data && knowledge_bad_rows(knowledge))
        complain(EXIT_OK, "%s: some rows could not be read and were passed over", cli.options.data);
    if (fflush(cli.out) != 0 || ferror(cli.out))
        return complain(EXIT_INTERNAL, "cannot write: %s", strerror(errno));
    return status;
}

int main(int argc, char **argv) {
    const struct verb *verb = argc > 1 ? verb_named(argv[1]) : NULL;
    if (verb)
        return run(verb, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        help_print(stdout, argc > 2 ? verb_named(argv[2]) : NULL);
        return EXIT_OK;
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help_print(stdout, NULL);
        return EXIT_OK;
    }
    bool listing = argc == 2 && strcmp(argv[1], "--record-list") == 0;
    if (listing || (argc == 3 && strcmp(argv[1], "--record") == 0)) {
        AUTO_KNOWLEDGE knowledge = NULL;
        knowledge_open(&knowledge, NULL);
        return record_machine(listing ? NULL : argv[2], knowledge);
    }
    int generated = argc == 2 ? print_generated(argv[1]) : -1;
    if (generated >= 0)
        return generated;
    if (argc > 1 && argv[1][0] != '-')
        return complain(EXIT_USAGE, "no verb '%s'; 'whycuda --help' lists them", argv[1]);
    return run(&verbs[0], argc, argv);
}
