#include "format/elf.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "format/bytes.h"
#include "sys/root.h"

uint16_t elf_u16(const struct elf *elf, const char *bytes) {
    return elf->big ? bytes_be16(bytes) : bytes_le16(bytes);
}

uint32_t elf_u32(const struct elf *elf, const char *bytes) {
    return elf->big ? bytes_be32(bytes) : bytes_le32(bytes);
}

uint64_t elf_u64(const struct elf *elf, const char *bytes) {
    return elf->big ? bytes_be64(bytes) : bytes_le64(bytes);
}

uint64_t elf_word(const struct elf *elf, const char *bytes) {
    return elf->wide ? elf_u64(elf, bytes) : elf_u32(elf, bytes);
}

int elf_check_range(const struct elf *elf, uint64_t offset, uint64_t size) {
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end))
        return -EBADMSG;
    return end > elf->size ? -ENODATA : 0;
}

int elf_read(const struct elf *elf, void *bytes, uint64_t offset, size_t size) {
    int r = elf_check_range(elf, offset, size);
    return r < 0 ? r : root_pread(elf->fd, bytes, size, elf->start + offset);
}

int elf_read_span(const struct elf *elf, struct arena *arena, uint64_t offset, uint64_t size, size_t max,
                  struct span *ret_bytes) {
    *ret_bytes = (struct span){0};
    int r = elf_check_range(elf, offset, size);
    if (r < 0)
        return r;
    if (size > max)
        return -EFBIG;
    char *bytes = arena_bytes(arena, (size_t)size + 1);
    r = root_pread(elf->fd, bytes, (size_t)size, elf->start + offset);
    if (r < 0)
        return r;
    bytes[size] = '\0';
    *ret_bytes = span_from(bytes, (size_t)size);
    return 0;
}

/* Where the fields of both classes stand (gABI, "ELF Header", "Sections", "Program Header"). */
struct header_layout {
    size_t size, entry, phoff, shoff, flags, phentsize, phnum, shentsize, shnum, shstrndx;
    size_t segment_size, section_size;
};

static const struct header_layout LAYOUT_32 = {.size = 52,
                                               .entry = 24,
                                               .phoff = 28,
                                               .shoff = 32,
                                               .flags = 36,
                                               .phentsize = 42,
                                               .phnum = 44,
                                               .shentsize = 46,
                                               .shnum = 48,
                                               .shstrndx = 50,
                                               .segment_size = 32,
                                               .section_size = 40};
static const struct header_layout LAYOUT_64 = {.size = 64,
                                               .entry = 24,
                                               .phoff = 32,
                                               .shoff = 40,
                                               .flags = 48,
                                               .phentsize = 54,
                                               .phnum = 56,
                                               .shentsize = 58,
                                               .shnum = 60,
                                               .shstrndx = 62,
                                               .segment_size = 56,
                                               .section_size = 64};

static struct elf_section section_decode(const struct elf *elf, const char *bytes) {
    size_t word = elf->wide ? 8 : 4;
    return (struct elf_section){
        .name = "",
        .type = elf_u32(elf, bytes + 4),
        .flags = elf_word(elf, bytes + 8),
        .address = elf_word(elf, bytes + 8 + word),
        .offset = elf_word(elf, bytes + 8 + 2 * word),
        .size = elf_word(elf, bytes + 8 + 3 * word),
        .link = elf_u32(elf, bytes + 8 + 4 * word),
        .info = elf_u32(elf, bytes + 12 + 4 * word),
        .entry_size = elf_word(elf, bytes + 16 + 5 * word),
    };
}

static struct elf_segment segment_decode(const struct elf *elf, const char *bytes) {
    size_t word = elf->wide ? 8 : 4;
    size_t offset = elf->wide ? 8 : 4; /* the flags stand second in 64 bit, last but one in 32 bit */
    return (struct elf_segment){
        .type = elf_u32(elf, bytes),
        .flags = elf_u32(elf, bytes + (elf->wide ? 4 : 24)),
        .offset = elf_word(elf, bytes + offset),
        .address = elf_word(elf, bytes + offset + word),
        .file_size = elf_word(elf, bytes + offset + 3 * word),
        .memory_size = elf_word(elf, bytes + offset + 4 * word),
        .align = elf_word(elf, bytes + (elf->wide ? 48 : 28)),
    };
}

/* A table of `count` entries: reads it whole, or as much as the limit and the file allow (then *ret_error). What
 * was read of the file's start already is not read again. */
static const char *table_read(const struct elf *elf, struct arena *arena, struct span start, uint64_t offset,
                              size_t entry, size_t limit, uint64_t *count, int *ret_error) {
    if (*count > limit) {
        *count = limit;
        *ret_error = -EFBIG;
    }
    if (offset > elf->size) {
        *count = 0;
        *ret_error = -ENODATA;
    } else if (*count > (elf->size - offset) / entry) {
        *count = (elf->size - offset) / entry;
        *ret_error = -ENODATA;
    }
    struct span bytes = {0};
    if (offset <= start.len && *count * entry <= start.len - offset)
        return start.ptr + offset;
    int r = *count ? elf_read_span(elf, arena, offset, *count * entry, limit * entry, &bytes) : 0;
    if (r < 0) {
        *count = 0;
        *ret_error = r;
    }
    return bytes.ptr;
}

static void sections_name(struct elf *elf, struct arena *arena, struct elf_section *sections, size_t count,
                          uint32_t table, const char *bytes, size_t entry) {
    if (table >= count || sections[table].type == SHT_NOBITS)
        return;
    struct span names;
    int r = elf_read_span(elf, arena, sections[table].offset, sections[table].size, LIMIT_FILE, &names);
    if (r < 0) {
        elf->section_error = elf->section_error ? elf->section_error : r;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t at = elf_u32(elf, bytes + i * entry);
        if (at < names.len)
            sections[i].name = names.ptr + at; /* elf_read_span put a NUL behind the last one */
    }
}

static void sections_load(struct elf *elf, struct arena *arena, const struct header_layout *layout,
                          const char *header) {
    uint64_t offset = elf_word(elf, header + layout->shoff);
    uint64_t count = elf_u16(elf, header + layout->shnum);
    uint32_t names = elf_u16(elf, header + layout->shstrndx);
    if (!offset)
        return;
    if (elf_u16(elf, header + layout->shentsize) != layout->section_size) {
        elf->section_error = -EBADMSG;
        return;
    }
    if (!count || names == SHN_XINDEX) { /* too many for the header: the first section has the true numbers */
        char first[64];
        int r = elf_read(elf, first, offset, layout->section_size);
        if (r < 0) {
            elf->section_error = r;
            return;
        }
        struct elf_section zero = section_decode(elf, first);
        count = count ? count : zero.size;
        names = names == SHN_XINDEX ? zero.link : names;
    }
    size_t entry = layout->section_size;
    const char *bytes =
        table_read(elf, arena, (struct span){0}, offset, entry, LIMIT_ELF_SECTIONS, &count, &elf->section_error);
    struct elf_section *sections = arena_alloc(arena, (size_t)count * sizeof *sections);
    for (size_t i = 0; i < count; i++)
        sections[i] = section_decode(elf, bytes + i * entry);
    sections_name(elf, arena, sections, (size_t)count, names, bytes, entry);
    elf->sections = sections;
    elf->section_count = (size_t)count;
}

static void segments_load(struct elf *elf, struct arena *arena, const struct header_layout *layout,
                          struct span start) {
    const char *header = start.ptr;
    uint64_t offset = elf_word(elf, header + layout->phoff);
    uint64_t count = elf_u16(elf, header + layout->phnum);
    if (!offset || !count)
        return;
    if (elf_u16(elf, header + layout->phentsize) != layout->segment_size) {
        elf->segment_error = -EBADMSG;
        return;
    }
    if (count == PN_XNUM && elf->section_count)
        count = elf->sections[0].info;
    size_t entry = layout->segment_size;
    const char *bytes =
        table_read(elf, arena, start, offset, entry, LIMIT_ELF_SEGMENTS, &count, &elf->segment_error);
    struct elf_segment *segments = arena_alloc(arena, (size_t)count * sizeof *segments);
    for (size_t i = 0; i < count; i++)
        segments[i] = segment_decode(elf, bytes + i * entry);
    elf->segments = segments;
    elf->segment_count = (size_t)count;
}

static int headers_open(struct elf *ret_elf, struct arena *arena, int fd, uint64_t offset, uint64_t size,
                        bool sections) {
    struct elf elf = {.fd = fd, .start = offset, .size = size};
    char header[1024]; /* the segment table nearly always stands right behind the first 64 bytes */
    if (size > UINT64_MAX - offset)
        return -EBADMSG;
    size_t have = size < sizeof header ? (size_t)size : sizeof header;
    int r = elf_read(&elf, header, 0, have);
    if (r < 0)
        return r;
    if (have < SELFMAG || memcmp(header, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    if (have < EI_NIDENT)
        return -ENODATA;
    uint8_t class = (uint8_t)header[EI_CLASS], data = (uint8_t)header[EI_DATA];
    if ((class != ELFCLASS32 && class != ELFCLASS64) || (data != ELFDATA2LSB && data != ELFDATA2MSB) ||
        header[EI_VERSION] != EV_CURRENT)
        return -EBADMSG;
    elf.wide = class == ELFCLASS64;
    elf.big = data == ELFDATA2MSB;
    const struct header_layout *layout = elf.wide ? &LAYOUT_64 : &LAYOUT_32;
    if (have < layout->size)
        return -ENODATA;
    elf.os_abi = (uint8_t)header[EI_OSABI];
    elf.abi_version = (uint8_t)header[EI_ABIVERSION];
    elf.type = elf_u16(&elf, header + 16);
    elf.machine = elf_u16(&elf, header + 18);
    elf.flags = elf_u32(&elf, header + layout->flags);
    elf.entry = elf_word(&elf, header + layout->entry);
    if (sections)
        sections_load(&elf, arena, layout, header);
    segments_load(&elf, arena, layout, span_from(header, have));
    *ret_elf = elf;
    return 0;
}

int elf_open(struct elf *ret_elf, struct arena *arena, int fd, uint64_t offset, uint64_t size) {
    return headers_open(ret_elf, arena, fd, offset, size, true);
}

int elf_open_image(struct elf *ret_elf, struct arena *arena, int fd, uint64_t size) {
    return headers_open(ret_elf, arena, fd, 0, size, false);
}

int elf_open_file(struct elf *ret_elf, struct arena *arena, int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    return elf_open(ret_elf, arena, fd, 0, (uint64_t)st.st_size);
}

const struct elf_section *elf_find_section(const struct elf *elf, const char *name,
                                           const struct elf_section *after) {
    for (size_t i = after ? (size_t)(after - elf->sections) + 1 : 0; i < elf->section_count; i++)
        if (strcmp(elf->sections[i].name, name) == 0)
            return &elf->sections[i];
    return NULL;
}

const struct elf_segment *elf_find_segment(const struct elf *elf, uint32_t type, const struct elf_segment *after) {
    for (size_t i = after ? (size_t)(after - elf->segments) + 1 : 0; i < elf->segment_count; i++)
        if (elf->segments[i].type == type)
            return &elf->segments[i];
    return NULL;
}

int elf_offset_of(const struct elf *elf, uint64_t address, uint64_t *ret_offset, uint64_t *ret_available) {
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (s->type != PT_LOAD || address < s->address || address - s->address >= s->file_size)
            continue;
        uint64_t inside = address - s->address, offset;
        if (__builtin_add_overflow(s->offset, inside, &offset) || offset >= elf->size)
            continue;
        uint64_t left = s->file_size - inside, in_file = elf->size - offset;
        *ret_offset = offset;
        *ret_available = left < in_file ? left : in_file;
        return 0;
    }
    return -ENOENT;
}
