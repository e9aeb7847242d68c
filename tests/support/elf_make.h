/* Small ELF files made in memory, both classes and byte orders, one PT_LOAD per section with an address. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MADE_SECTIONS = 16, MADE_BYTES = 96 * 1024 };

struct made_section {
    char name[32];
    uint32_t type;
    uint64_t flags, address, offset, size;
};

struct made {
    bool wide, big;
    uint16_t type, machine;
    uint32_t flags;
    size_t count;
    struct made_section sections[MADE_SECTIONS];
    size_t size;
    uint8_t bytes[MADE_BYTES];
};

static inline void made_number(struct made *made, size_t at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        made->bytes[at + i] = (uint8_t)(value >> 8 * (made->big ? width - 1 - i : i));
}

static inline void made_start(struct made *made, bool wide, bool big, uint16_t type, uint16_t machine,
                              uint32_t flags) {
    memset(made, 0, sizeof *made);
    made->wide = wide;
    made->big = big;
    made->type = type;
    made->machine = machine;
    made->flags = flags;
    /* room for the header and the segments behind it */
    made->size = (wide ? 64 : 52) + MADE_SECTIONS * (wide ? 56 : 32);
}

static inline struct made_section *made_section(struct made *made, const char *name, uint32_t type,
                                                const void *bytes, size_t size, uint64_t address) {
    made->size = (made->size + 15) & ~(size_t)15;
    if (made->count == MADE_SECTIONS || made->size + size > MADE_BYTES - 4096)
        abort();
    struct made_section *s = &made->sections[made->count++];
    strncpy(s->name, name, sizeof s->name - 1);
    s->type = type;
    s->address = address;
    s->offset = made->size;
    s->size = size;
    memcpy(made->bytes + made->size, bytes, size);
    made->size += size;
    return s;
}

static inline void made_section_header(struct made *made, size_t at, uint32_t name, const struct made_section *s) {
    size_t word = made->wide ? 8 : 4;
    made_number(made, at, name, 4);
    made_number(made, at + 4, s->type, 4);
    made_number(made, at + 8, s->flags, word);
    made_number(made, at + 8 + word, s->address, word);
    made_number(made, at + 8 + 2 * word, s->offset, word);
    made_number(made, at + 8 + 3 * word, s->size, word);
}

static inline size_t made_segments(struct made *made) {
    size_t at = made->wide ? 64 : 52, count = 0;
    for (size_t i = 0; i < made->count; i++) {
        const struct made_section *s = &made->sections[i];
        if (!s->address)
            continue;
        size_t word = made->wide ? 8 : 4, offset = at + word;
        made_number(made, at, PT_LOAD, 4);
        made_number(made, at + (made->wide ? 4 : 24), PF_R, 4);
        made_number(made, offset, s->offset, word);
        made_number(made, offset + word, s->address, word);
        made_number(made, offset + 3 * word, s->size, word);
        made_number(made, offset + 4 * word, s->size, word);
        at += made->wide ? 56 : 32;
        count++;
    }
    return count;
}

/* Writes the names, the section table (last in the file) and the header. */
static inline void made_finish(struct made *made) {
    char names[MADE_SECTIONS * 32 + 32] = "";
    uint32_t at[MADE_SECTIONS], used = 1;
    for (size_t i = 0; i < made->count; i++) {
        at[i] = used;
        memcpy(names + used, made->sections[i].name, strlen(made->sections[i].name) + 1);
        used += (uint32_t)strlen(made->sections[i].name) + 1;
    }
    memcpy(names + used, ".shstrtab", 10);
    struct made_section table = {.type = SHT_STRTAB, .offset = made->size, .size = used + 10};
    memcpy(made->bytes + made->size, names, used + 10);
    made->size = (made->size + used + 10 + 15) & ~(size_t)15;
    size_t word = made->wide ? 8 : 4, entry = made->wide ? 64 : 40, sections = made->size;
    for (size_t i = 0; i < made->count; i++)
        made_section_header(made, sections + (i + 1) * entry, at[i], &made->sections[i]);
    made_section_header(made, sections + (made->count + 1) * entry, used, &table);
    made->size += (made->count + 2) * entry;
    size_t segments = made_segments(made);
    memcpy(made->bytes, ELFMAG, SELFMAG);
    made->bytes[EI_CLASS] = made->wide ? ELFCLASS64 : ELFCLASS32;
    made->bytes[EI_DATA] = made->big ? ELFDATA2MSB : ELFDATA2LSB;
    made->bytes[EI_VERSION] = EV_CURRENT;
    made_number(made, 16, made->type, 2);
    made_number(made, 18, made->machine, 2);
    made_number(made, 20, EV_CURRENT, 4);
    made_number(made, 24 + word, made->wide ? 64 : 52, word); /* phoff */
    made_number(made, 24 + 2 * word, sections, word);
    size_t rest = 24 + 3 * word;
    made_number(made, rest, made->flags, 4);
    made_number(made, rest + 4, made->wide ? 64 : 52, 2);
    made_number(made, rest + 6, made->wide ? 56 : 32, 2);
    made_number(made, rest + 8, segments, 2);
    made_number(made, rest + 10, entry, 2);
    made_number(made, rest + 12, made->count + 2, 2);
    made_number(made, rest + 14, made->count + 1, 2);
}
