/* Everything that reads text about an installed Python package: no input may crash it or make it run long. */
#include "format/python_text.h"
#include "base/limits.h"
#include "format/python_dist.h"
#include "format/python_metadata.h"
#include "format/python_record.h"
#include "format/python_requirement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_requirement(struct span line) {
    static const struct python_target target = {.system = "Linux", .machine = "x86_64", .python = "3.12"};
    struct python_requirement requirement;
    if (!python_requirement_parse(line, &requirement))
        return;
    python_marker_holds(requirement.marker, &target);
    python_specifier_meets(requirement.specifier, span_of("2.6.0+cu124"));
    python_specifier_meets(requirement.specifier, requirement.name);
    python_specifier_exact(requirement.specifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    struct span bytes = span_from(data, size), rest = bytes, line, text;
    struct python_metadata metadata;
    python_metadata_parse(&arena, bytes, &metadata);
    for (size_t i = 0; i < metadata.requirements.count; i++)
        read_requirement(metadata.requirements.items[i]);
    struct pyvenv pyvenv;
    pyvenv_parse(bytes, &pyvenv);
    enum pth_kind kind;
    while (pth_next(&rest, &kind, &text))
        ;
    struct python_assignment assignment;
    for (rest = bytes; python_next_assignment(&rest, &assignment);)
        ;
    size_t at = python_record_find_so(bytes), wanted = span_find(bytes, ".so");
    if (at != wanted)
        __builtin_trap();
    for (rest = bytes; span_next_line(&rest, &line);) {
        struct python_record_entry entry;
        struct python_dist dist;
        if (python_record_parse(line, &entry))
            python_record_is_library(entry.path);
        if (python_dist_parse(line, size & 1, &dist))
            python_name_normalise(&arena, dist.name);
        read_requirement(line);
    }
    return 0;
}
