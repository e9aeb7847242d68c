#include "format/elf_dynamic.h"

#include <errno.h>

#include "base/limits.h"

/* Strings are read together where they stand together, which is the rule. */
enum { STRINGS_TOGETHER = 64 * 1024, STRINGS_BEHIND = 1024, STRING_FIRST_READ = 256 };

struct string_reader {
    const struct elf *elf;
    struct arena *arena;
    uint64_t offset, size; /* of the table in the file */
    uint64_t start;        /* of `window` in the table */
    struct span window;
};

/* The terminated string at `at`; grows the window until its end is seen. */
static int string_read(struct string_reader *reader, uint64_t at, const char **ret_text) {
    for (uint64_t want = STRING_FIRST_READ;; want *= 4) {
        if (at >= reader->size)
            return -EBADMSG;
        if (at >= reader->start && at - reader->start < reader->window.len) {
            const char *text = reader->window.ptr + (at - reader->start);
            if (memchr(text, '\0', reader->window.len - (size_t)(at - reader->start))) {
                *ret_text = text;
                return 0;
            }
        }
        if (want > LIMIT_TEXT * 4)
            return -EBADMSG;
        uint64_t size = reader->size - at < want ? reader->size - at : want;
        reader->start = at;
        int r =
            elf_read_span(reader->elf, reader->arena, reader->offset + at, size, LIMIT_TEXT * 4, &reader->window);
        if (r < 0)
            return r;
        if (size == reader->size - at && !memchr(reader->window.ptr, '\0', size))
            return -EBADMSG;
    }
}

/* One entry of the table: tag and value. */
static void entry_at(const struct elf *elf, struct span table, size_t index, uint64_t *ret_tag,
                     uint64_t *ret_value) {
    size_t word = elf->wide ? 8 : 4;
    *ret_tag = elf_word(elf, table.ptr + index * 2 * word);
    *ret_value = elf_word(elf, table.ptr + index * 2 * word + word);
}

static bool tag_is_string(uint64_t tag) {
    return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH || tag == DT_RUNPATH || tag == DT_AUXILIARY ||
           tag == DT_FILTER;
}

static uint64_t *number_of(struct elf_dynamic *d, uint64_t tag) {
    switch (tag) {
    case DT_STRTAB:
        return &d->strings;
    case DT_STRSZ:
        return &d->strings_size;
    case DT_SYMTAB:
        return &d->symbols;
    case DT_GNU_HASH:
        return &d->gnu_hash;
    case DT_HASH:
        return &d->sysv_hash;
    case DT_FLAGS:
        return &d->flags;
    case DT_FLAGS_1:
        return &d->flags_1;
    case DT_VERSYM:
        return &d->versions;
    case DT_VERNEED:
        return &d->version_needs;
    case DT_VERNEEDNUM:
        return &d->version_need_count;
    case DT_VERDEF:
        return &d->version_definitions;
    case DT_VERDEFNUM:
        return &d->version_definition_count;
    case DT_RELA:
        return &d->rela;
    case DT_RELASZ:
        return &d->rela_size;
    case DT_REL:
        return &d->rel;
    case DT_RELSZ:
        return &d->rel_size;
    case DT_RELACOUNT:
        return &d->rela_count;
    case DT_RELCOUNT:
        return &d->rel_count;
    case DT_JMPREL:
        return &d->plt_relocations;
    case DT_PLTRELSZ:
        return &d->plt_relocations_size;
    case DT_RELR:
        return &d->relr;
    default:
        return NULL;
    }
}

/* The numbers, and between which offsets the strings stand. As in ld.so the last of equal tags counts. Returns the
 * number of entries before DT_NULL. */
static size_t numbers_collect(struct elf_dynamic *d, const struct elf *elf, struct span table, uint64_t *ret_low,
                              uint64_t *ret_high) {
    size_t entry = elf->wide ? 16 : 8, count = table.len / entry, i;
    *ret_low = UINT64_MAX;
    *ret_high = 0;
    for (i = 0; i < count; i++) {
        uint64_t tag, value, *number;
        entry_at(elf, table, i, &tag, &value);
        if (tag == DT_NULL)
            break;
        if (tag == DT_PLTREL)
            d->plt_is_rela = value == DT_RELA;
        if ((number = number_of(d, tag)))
            *number = value;
        if (!tag_is_string(tag))
            continue;
        *ret_low = value < *ret_low ? value : *ret_low;
        *ret_high = value > *ret_high ? value : *ret_high;
    }
    return i;
}

static int strings_collect(struct elf_dynamic *d, const struct elf *elf, struct arena *arena, struct span table,
                           size_t count, uint64_t low, uint64_t high) {
    struct string_reader reader = {.elf = elf, .arena = arena};
    uint64_t available;
    if (low > high)
        return 0; /* none */
    if (!d->strings || elf_offset_of(elf, d->strings, &reader.offset, &available) < 0)
        return -EBADMSG;
    reader.size = d->strings_size < available ? d->strings_size : available;
    if (high < reader.size && high - low < STRINGS_TOGETHER) {
        uint64_t left = reader.size - low, want = high - low + STRINGS_BEHIND;
        reader.start = low;
        int r = elf_read_span(elf, arena, reader.offset + low, want < left ? want : left,
                              STRINGS_TOGETHER + STRINGS_BEHIND, &reader.window);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t tag, value;
        const char *text;
        entry_at(elf, table, i, &tag, &value);
        if (!tag_is_string(tag))
            continue;
        int r = string_read(&reader, value, &text);
        if (r < 0)
            return r;
        if (tag == DT_NEEDED || tag == DT_FILTER)
            texts_add(arena, &d->needed, text);
        else if (tag == DT_SONAME)
            d->soname = text;
        else if (tag == DT_RPATH)
            d->rpath = text;
        else if (tag == DT_RUNPATH)
            d->runpath = text;
        else
            texts_add(arena, &d->auxiliary, text);
    }
    return 0;
}

int elf_dynamic_read(struct elf_dynamic *ret_dynamic, struct arena *arena, const struct elf *elf) {
    struct elf_dynamic d = {0};
    struct span bytes;
    const struct elf_segment *segment = elf_find_segment(elf, PT_INTERP, NULL);
    if (segment) {
        int r = elf_read_span(elf, arena, segment->offset, segment->file_size, LIMIT_PATH, &bytes);
        if (r < 0)
            return r;
        d.interpreter = bytes.ptr;
    }
    segment = elf_find_segment(elf, PT_DYNAMIC, NULL);
    if (!segment) {
        *ret_dynamic = d;
        return 0;
    }
    uint64_t offset, available, size = segment->file_size, low, high;
    if (elf_offset_of(elf, segment->address, &offset, &available) < 0)
        return elf_check_range(elf, segment->offset, segment->file_size) < 0 ? -ENODATA : -EBADMSG;
    size = size < available ? size : available;
    int r = elf_read_span(elf, arena, offset, size, (size_t)LIMIT_ELF_DYNAMIC * 16, &bytes);
    if (r < 0)
        return r;
    d.present = true;
    size_t count = numbers_collect(&d, elf, bytes, &low, &high);
    r = strings_collect(&d, elf, arena, bytes, count, low, high);
    if (r < 0)
        return r;
    *ret_dynamic = d;
    return 0;
}
