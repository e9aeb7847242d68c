/* Any bytes as a library: the dynamic section, symbols, versions and relocations; every symbol that is needed is
 * looked up in the file itself. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/elf_symbols.h"
#include "support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void symbols(const struct elf *elf, const struct elf_dynamic *dynamic, struct arena *arena) {
    struct elf_symbols s;
    struct elf_reference reference;
    size_t index = 0;
    if (elf_symbols_open(&s, arena, elf, dynamic, false) < 0)
        return;
    const bool *relocated = elf_symbols_relocated(&s, arena, dynamic);
    for (size_t i = 0; i < 4096 && elf_symbols_next_undefined(&s, &index, &reference); i++) {
        if (reference.index >= s.undefined_end || strlen(reference.name) != reference.length)
            abort();
        if (reference.version && !reference.version->name)
            abort();
        if (reference.hash != elf_gnu_hash(reference.name, reference.length))
            abort();
        volatile bool use = elf_symbols_define(&s, &reference) || relocated[reference.index];
        (void)use;
    }
    static const char name[] = "cuInit";
    reference = (struct elf_reference){.name = name, .length = 6, .hash = elf_gnu_hash(name, 6)};
    elf_symbols_define(&s, &reference);
    elf_symbols_define_version(&s, "GLIBC_2.2.5");
    elf_symbols_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    AUTO_FD fd = memory_file(data, size);
    struct elf elf;
    struct elf_dynamic dynamic;
    if (elf_open_image(&elf, &arena, fd, size) < 0 || elf_dynamic_read(&dynamic, &arena, &elf) < 0)
        return 0;
    size_t length = strlen(dynamic.soname ? dynamic.soname : "") + strlen(dynamic.rpath ? dynamic.rpath : "") +
                    strlen(dynamic.runpath ? dynamic.runpath : "") +
                    strlen(dynamic.interpreter ? dynamic.interpreter : "");
    for (size_t i = 0; i < dynamic.needed.count; i++)
        length += strlen(dynamic.needed.items[i]) > size;
    if (length > 4 * size)
        abort();
    symbols(&elf, &dynamic, &arena);
    return 0;
}
