/* The documentation table of all facts, made from the field lists. */
#include "cli/verb.h"
#include "facts/snapshot.h"

static const char *kind_words(const struct field *field) {
    static const char *const words[] = {"text", "number", "yes/no", "list of text", "list"};
    return words[field->kind];
}

static const char *mark_words(enum mark mark) {
    static const char *const words[] = {"", "paths and names", "always", "always", "UUIDs", "paths, names, UUIDs"};
    return words[mark];
}

static void print_record(FILE *out, const char *prefix, const struct record_type *type) {
    for (size_t i = 0; i < type->count; i++) {
        const struct field *field = &type->fields[i];
        fprintf(out, "| `%s%s` | %s | %s | %s |\n", prefix, field->name, kind_words(field), field->doc,
                mark_words(field->mark));
        if (field->kind != FIELD_ROWS)
            continue;
        char inner[256];
        snprintf(inner, sizeof inner, "%s%s[].", prefix, field->name);
        print_record(out, inner, field->rows);
    }
}

void facts_print(FILE *out) {
    fputs(
        "# Every fact of a snapshot\n\n"
        "Made from the field lists in `src/facts/` by `./dev docs`. A fact is known (value and source), absent "
        "(looked, is not\nthere) or unknown (why). The last column says what is made anonymous before a snapshot "
        "leaves the machine.\n",
        out);
    for (size_t i = 0; i < snapshot_part_count; i++) {
        fprintf(out, "\n## %s\n\n%s\n\n| fact | kind | meaning | made anonymous |\n|---|---|---|---|\n",
                snapshot_parts[i].name, snapshot_parts[i].doc);
        print_record(out, "", snapshot_parts[i].type);
    }
}
