/* The headers of an ELF file: 32 and 64 bit, both byte orders, a whole file or a part of one (a member of an
 * archive, a cubin inside a fatbin). Only headers, tables and the ranges asked for are read; bodies never.
 *
 * Files shrink, tables are missing and sizes lie: whatever is stored here is checked against the window the file
 * was opened with, or says that it was not there. A bad section table does not make a file unreadable (ld.so does
 * not look at it), a bad segment table neither: see section_error and segment_error. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct elf_section {
    const char *name; /* terminated, bytes as they are: clean before printing; "" where there are no names */
    uint32_t type, link, info;
    uint64_t flags, address, offset, size, entry_size;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, file_size, memory_size, align;
};

struct elf {
    int fd;
    uint64_t start, size; /* the window in the file; every offset below counts from `start` */
    bool wide;            /* ELFCLASS64 */
    bool big;             /* ELFDATA2MSB */
    uint8_t os_abi, abi_version;
    uint16_t type, machine; /* ET_*, EM_* */
    uint32_t flags;         /* e_flags: where a cubin keeps its architecture */
    uint64_t entry;
    /* 0, or why the list is empty or cut, or the sections have no names: -ENODATA the file ends before the table
     * does, -EBADMSG absurd, -EFBIG more than LIMIT_ELF_SECTIONS / LIMIT_ELF_SEGMENTS. No table at all is 0 with
     * an empty list. */
    int section_error, segment_error;
    const struct elf_section *sections;
    size_t section_count;
    const struct elf_segment *segments;
    size_t segment_count;
};

/* Reads the headers of the file at [offset, offset + size) of an open descriptor, which stays the caller's and
 * must stay open as long as the other functions here are used. The lists live in the arena. 0; -ENOEXEC: not ELF;
 * -ENODATA: it ends within the first header; -EBADMSG: class, byte order or version that do not exist; or the
 * -errno of reading. */
int elf_open(struct elf *ret_elf, struct arena *arena, int fd, uint64_t offset, uint64_t size);
/* The same for the whole file. */
int elf_open_file(struct elf *ret_elf, struct arena *arena, int fd);
/* The same for a whole file of `size` bytes without its section table, which ld.so does not look at either: the
 * list of sections stays empty. */
int elf_open_image(struct elf *ret_elf, struct arena *arena, int fd, uint64_t size);

/* The first section of that name, NULL if there is none. `after` NULL starts at the first; else the search goes on
 * behind it, since object files may have several of one name. */
const struct elf_section *elf_find_section(const struct elf *elf, const char *name,
                                           const struct elf_section *after);
const struct elf_segment *elf_find_segment(const struct elf *elf, uint32_t type, const struct elf_segment *after);

/* Whether [offset, offset + size) lies in the file: 0; -EBADMSG: it wraps around; -ENODATA: the file ends before. */
int elf_check_range(const struct elf *elf, uint64_t offset, uint64_t size);
/* Reads a range. The errors of elf_check_range, or the -errno of reading. */
int elf_read(const struct elf *elf, void *bytes, uint64_t offset, size_t size);
/* A range as a copy in the arena, followed by one NUL. -EFBIG when it is longer than `max`; `ret_bytes` empty on
 * error. */
int elf_read_span(const struct elf *elf, struct arena *arena, uint64_t offset, uint64_t size, size_t max,
                  struct span *ret_bytes);
/* Where the byte that is loaded at `address` stands in the file, and how many bytes of that segment follow it in
 * the file. 0; -ENOENT: no PT_LOAD has it, or not in the file (.bss). */
int elf_offset_of(const struct elf *elf, uint64_t address, uint64_t *ret_offset, uint64_t *ret_available);

/* Numbers in the byte order of the file; elf_word is 32 or 64 bit wide as the file is. */
uint16_t elf_u16(const struct elf *elf, const char *bytes);
uint32_t elf_u32(const struct elf *elf, const char *bytes);
uint64_t elf_u64(const struct elf *elf, const char *bytes);
uint64_t elf_word(const struct elf *elf, const char *bytes);
