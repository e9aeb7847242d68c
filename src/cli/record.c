/* `./dev record DIR`: this machine as a root for --root, made anonymous. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "cli/verb.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "live/live.h"
#include "probe/probe.h"
#include "sys/record.h"

static void name_pair(struct record_names *names, const char *from, const char *to) {
    static const char *const ordinary[] = {"root", "user", "/root", "/", "localhost", "host"};
    if (!from || strlen(from) < 2)
        return;
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        if (strcmp(from, ordinary[i]) == 0)
            return;
    names->from[names->count] = from;
    names->to[names->count++] = to;
}

static void write_environment(const char *directory, const struct snapshot *snapshot) {
    AUTO_BUFFER out = BUFFER_INIT(1 << 20);
    for (size_t i = 0; i < snapshot->environment.variables.count; i++) {
        const struct variable *variable = &snapshot->environment.variables.items[i];
        if (known(variable->name) && known(variable->value) && !strchr(variable->value.value, '\n'))
            buffer_addf(&out, "%s=%s\n", variable->name.value, variable->value.value);
    }
    record_side_file(directory, "environ", buffer_span(&out));
}

static bool is_denied(const struct texts_fact *denied, const char *path) {
    for (size_t i = 0; i < denied->count; i++)
        if (text_eq(denied->items[i], path))
            return true;
    return false;
}

static void write_nodes(const char *directory, const struct snapshot *snapshot) {
    AUTO_BUFFER out = BUFFER_INIT(1 << 20);
    for (size_t i = 0; i < snapshot->access.nodes.count; i++) {
        const struct device_node *node = &snapshot->access.nodes.items[i];
        buffer_addf(&out, "%s c %lld:%lld %s %lld %lld", text_of(node->path) ? text_of(node->path) : "?",
                    (long long)number_of(node->major, 0), (long long)number_of(node->minor, 0),
                    text_of(node->mode) ? text_of(node->mode) : "0666", (long long)number_of(node->uid, 0),
                    (long long)number_of(node->gid, 0));
        if (known(node->open_error))
            buffer_addf(&out, " open=%s", node->open_error.value);
        else if (unknown(node->open_error) && text_starts(node->open_error.is.reason, NODE_NO_ANSWER))
            buffer_add_text(&out, " open=ETIMEDOUT");
        else if (is_denied(&snapshot->access.mig_nodes_denied, text_of(node->path)))
            buffer_add_text(&out, " open=EACCES"); /* for the MIG instance that it opens */
        buffer_add_text(&out, "\n");
    }
    record_side_file(directory, "nodes", buffer_span(&out));
}

/* What the driver answers, now, as live.json: the compute record, and of access what only NVML tells. */
static void write_live(const char *directory, const struct snapshot *snapshot) {
    json_t *json = snapshot_to_json(snapshot), *live = json_object(), *access = json_object(), *fact;
    const char *name;
    json_object_foreach(json_object_get(json, "access"), name, fact) {
        if (text_eq(json_string_value(json_object_get(fact, "source")), "NVML"))
            json_object_set(access, name, fact);
    }
    json_object_set(live, "compute", json_object_get(json, "compute"));
    json_object_set_new(live, "access", access);
    char *text = json_dumps(live, JSON_INDENT(1));
    if (text)
        record_side_file(directory, "live.json", span_of(text));
    free(text);
    json_decref(live);
    json_decref(json);
}

static void write_sides(const char *directory, const struct root *root, const struct snapshot *snapshot) {
    AUTO_BUFFER out = BUFFER_INIT(1 << 20);
    const struct root_uname *uts = root_uname(root);
    const struct root_identity *id = root_identity(root);
    buffer_addf(&out, "release=%s\nmachine=%s\n", uts->release, uts->machine);
    record_side_file(directory, "uname", buffer_span(&out));
    buffer_clear(&out);
    buffer_addf(&out, "uid=%u gid=%u groups=", id->uid, id->gid);
    for (size_t i = 0; i < id->group_count; i++)
        buffer_addf(&out, "%s%u", i ? "," : "", id->groups[i]);
    buffer_add_text(&out, "\n");
    record_side_file(directory, "id", buffer_span(&out));
    write_environment(directory, snapshot);
    write_nodes(directory, snapshot);
}

int record_machine(const char *directory, struct knowledge *knowledge) {
    struct root *root;
    AUTO_ARENA arena = {0};
    struct texts paths;
    struct record_names names = {.count = 0};
    if (root_open(&root, NULL) < 0)
        return complain(EXIT_INTERNAL, "cannot open this machine");
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    name_pair(&names, root_env(root, "HOME", NULL), "/home/user");
    name_pair(&names, root_env(root, "USER", NULL), "user");
    name_pair(&names, root_env(root, "SUDO_USER", NULL), "user");
    name_pair(&names, host, "host");
    int r = record_start(root, directory, &names);
    if (r < 0) {
        root_close(root);
        return complain(EXIT_NO_INPUT, "%s: %s", directory, strerror(-r));
    }
    struct snapshot *snapshot = probe_machine(root, (struct probe_options){.knowledge = knowledge});
    record_stop(root, &arena, &paths);
    for (size_t i = 0; !directory && i < paths.count; i++)
        puts(paths.items[i]);
    if (directory)
        live_ask(snapshot, root, &(struct live_options){.gpu = -1});
    snapshot_redact(snapshot, false);
    if (directory) {
        write_sides(directory, root, snapshot);
        write_live(directory, snapshot);
    }
    snapshot_free(snapshot);
    root_close(root);
    return EXIT_OK;
}
