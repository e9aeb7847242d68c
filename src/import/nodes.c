/* Device nodes and the user: ls /dev/nvidia*, id, groups, and the nodes that a CDI specification lists. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

struct nodes {
    bool cdi;    /* inside a CDI specification */
    bool common; /* its containerEdits: what every container gets */
    struct cdi_spec *spec;
};

static void add_node(struct reading *reading, struct span path, struct span mode, struct span owner,
                     struct span group, struct span major, struct span minor) {
    struct device_node_rows *nodes = &reading->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (span_eq(path, nodes->items[i].path.value))
            return;
    struct device_node *node = READING_PUSH(reading, nodes);
    int64_t number;
    if (!node)
        return;
    note_text(reading, &node->path, path);
    if (mode.len >= 10) { /* "crw-rw----" */
        unsigned bits = 0;
        for (size_t i = 1; i < 10; i++)
            bits = bits << 1 | (mode.ptr[i] != '-');
        note_word(reading, &node->mode, arena_printf(reading->arena, "%04o", bits));
    }
    if (span_to_number(major, 10, &number) == 0)
        note_number(reading, &node->major, number);
    if (span_to_number(minor, 10, &number) == 0)
        note_number(reading, &node->minor, number);
    if (span_eq(owner, "root"))
        note_number(reading, &node->uid, 0);
    if (group.len)
        note_text(reading, &node->group, group);
}

/* "crw-rw-rw- 1 root root 195,   0 May 17 15:55 /dev/nvidia0"; plain ls writes only paths. */
static bool node_line(struct reading *reading, struct span text) {
    if (text.ptr[0] == 'c' && text.len > 10 && (text.ptr[1] == 'r' || text.ptr[1] == '-')) {
        struct span rest = text, mode, links, owner, group, major, minor, word, path = {0};
        span_next_word(&rest, &mode);
        span_next_word(&rest, &links);
        span_next_word(&rest, &owner);
        span_next_word(&rest, &group);
        span_next_word(&rest, &major);
        span_next_word(&rest, &minor);
        while (span_next_word(&rest, &word))
            path = word;
        if (!span_has(path, "nvidia") && !span_has(path, "dxg") && !span_has(path, "nvhost"))
            return false;
        if (major.len && major.ptr[major.len - 1] == ',')
            major.len--;
        const char *full =
            path.ptr[0] == '/' ? NULL : arena_printf(reading->arena, "/dev/%.*s", (int)path.len, path.ptr);
        add_node(reading, full ? span_of(full) : path, mode, owner, group, major, minor);
        reading_kind(reading, "device nodes");
        return true;
    }
    if (!span_starts(text, "/dev/nvidia") && !span_starts(text, "/dev/dxg"))
        return false;
    struct span rest = text, word, none = {"", 0};
    while (span_next_word(&rest, &word)) {
        if (!span_starts(word, "/dev/"))
            return false;
        if (memchr(word.ptr, ':', word.len)) /* a message about it */
            return false;
        add_node(reading, word, none, none, none, none, none);
    }
    reading_kind(reading, "device nodes");
    return true;
}

static bool no_node_line(struct reading *reading, struct span text) {
    if (!span_starts(text, "ls: ") && !span_starts(text, "zsh: no matches"))
        return false;
    if (!span_has(text, "/dev/nvidia*") && !span_has(text, "/dev/nvidia'"))
        return false;
    if (!known(reading->facts->access.nodes))
        set_listed(&reading->facts->access.nodes, reading_source(reading));
    reading_kind(reading, "device nodes");
    return true;
}

/* "uid=1000(user) gid=1000(user) groups=1000(user),44(video)" */
static bool id_line(struct reading *reading, struct span text) {
    struct span value;
    int64_t uid;
    if (!span_starts(text, "uid=") || !after_key(text, "groups=", &value))
        return false;
    if (span_to_number(version_at(span_slice(text, 4, text.len)), 10, &uid) == 0)
        note_number(reading, &reading->facts->system.uid, uid);
    struct span field;
    set_listed(&reading->facts->access.groups, reading_source(reading));
    while (span_next_field(&value, ',', &field)) {
        size_t open = span_find(field, "("), close = span_find(field, ")");
        if (open != SIZE_MAX && close != SIZE_MAX && close > open)
            note_listed(reading, &reading->facts->access.groups, span_slice(field, open + 1, close));
    }
    reading_kind(reading, "id");
    return true;
}

static bool groups_line(struct reading *reading, struct span text) {
    if (span_eq(reading->program, "whoami") && span_eq(text, "root")) {
        note_number(reading, &reading->facts->system.uid, 0);
        return true;
    }
    if (!span_eq(reading->program, "groups"))
        return false;
    struct span rest = text, word;
    size_t colon = span_find(text, " : ");
    if (colon != SIZE_MAX)
        rest = span_slice(text, colon + 3, text.len);
    set_listed(&reading->facts->access.groups, reading_source(reading));
    while (span_next_word(&rest, &word))
        note_listed(reading, &reading->facts->access.groups, word);
    reading_kind(reading, "id");
    return true;
}

/* The containerEdits of a CDI specification, in YAML or JSON, as nvidia-ctk writes it. */
static bool cdi_line(struct reading *reading, struct span text, struct nodes *state) {
    struct span value;
    if (span_starts(text, "cdiVersion:") || span_starts(text, "\"cdiVersion\"")) {
        *state = (struct nodes){.cdi = true};
        state->spec = READING_PUSH(reading, &reading->facts->access.cdi_specs);
        reading_kind(reading, "cdi");
        return true;
    }
    if (!state->cdi)
        return false;
    if (span_starts(text, "containerEdits:") && reading->line->indent == 0) {
        state->common = true;
        if (state->spec)
            set_listed(&state->spec->nodes, reading_source(reading));
    } else if (reading->line->indent == 0 && text.len && isalpha((unsigned char)text.ptr[0])) {
        state->common = false;
    }
    if (state->common && state->spec && after_key(text, "path: ", &value) && span_starts(value, "/dev/"))
        note_listed(reading, &state->spec->nodes, value);
    return after_key(text, "path: ", &value) && span_starts(value, "/dev/");
}

static bool read_line(struct reading *reading, void *memory) {
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    return cdi_line(reading, text, memory) || node_line(reading, text) || no_node_line(reading, text) ||
           id_line(reading, text) || groups_line(reading, text);
}

static void read_command(struct reading *reading, void *memory) {
    (void)reading;
    *(struct nodes *)memory = (struct nodes){0};
}

const struct importer import_nodes = {sizeof(struct nodes), read_line, read_command, NULL};
