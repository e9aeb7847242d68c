/* Any bytes as an ELF file, whole and as the member of something: what is handed out lies in the file, and the
 * helpers agree with each other. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/elf.h"
#include "support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct elf *elf, struct arena *arena) {
    uint64_t offset, available;
    struct span bytes;
    char c;
    for (size_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *section = &elf->sections[i];
        if (strlen(section->name) > elf->size)
            abort();
        const struct elf_section *found = elf_find_section(elf, section->name, NULL);
        if (!found || strcmp(found->name, section->name) != 0 || (found > section))
            abort();
        int fits = elf_check_range(elf, section->offset, section->size);
        int read = elf_read_span(elf, arena, section->offset, section->size, 4096, &bytes);
        if (fits < 0               ? read != fits
            : section->size > 4096 ? read != -EFBIG
                                   : read != 0 || bytes.len != section->size)
            abort();
    }
    for (size_t i = 0; i < elf->segment_count; i++) {
        uint64_t address = elf->segments[i].address;
        if (elf_offset_of(elf, address, &offset, &available) == 0 &&
            (offset >= elf->size || available > elf->size - offset || elf_read(elf, &c, offset, 1) < 0))
            abort();
    }
    if (elf_offset_of(elf, UINT64_MAX, &offset, &available) == 0 && offset >= elf->size)
        abort();
    if (elf_read(elf, &c, UINT64_MAX, 1) == 0 || elf_read(elf, &c, elf->size, 1) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FD fd = memory_file(data, size);
    for (int part = 0; part < 2; part++) {
        AUTO_ARENA arena = {0};
        struct elf elf;
        uint64_t start = part && size > 8 ? size / 8 : 0;
        int r = elf_open(&elf, &arena, fd, start, size - start);
        if (r == 0)
            check(&elf, &arena);
        else if (r != -ENOEXEC && r != -ENODATA && r != -EBADMSG)
            abort();
    }
    return 0;
}
