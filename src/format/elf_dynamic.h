/* What a program or library asks of the dynamic loader: PT_DYNAMIC and PT_INTERP. Read as ld.so does, by the
 * addresses of the segments, never by the section table. Symbols and versions: format/elf_symbols.h. */
#pragma once

#include "base/list.h"
#include "format/elf.h"

struct elf_dynamic {
    bool present;            /* false: no PT_DYNAMIC (a static program, an object file) */
    const char *interpreter; /* PT_INTERP; NULL where there is none, as in most libraries */
    const char *soname; /* these are bytes as they are in the file: clean before printing; NULL: no such tag */
    const char *rpath, *runpath;
    struct texts needed;     /* DT_NEEDED and DT_FILTER, in order */
    struct texts auxiliary;  /* DT_AUXILIARY: loaded where they are found, and not missed */
    uint64_t flags, flags_1; /* DF_*, DF_1_* */
    /* addresses, 0 where absent; sizes and counts as the file claims them */
    uint64_t strings, strings_size, symbols, gnu_hash, sysv_hash;
    uint64_t versions, version_needs, version_need_count, version_definitions, version_definition_count;
    uint64_t rela, rela_size, rela_count, rel, rel_size, rel_count, plt_relocations, plt_relocations_size, relr;
    bool plt_is_rela;
};

/* 0 also where there is no PT_DYNAMIC (see `present`); -ENODATA: the file ends before; -EBADMSG: absurd (a string
 * outside its table, no string table); -EFBIG: more than LIMIT_ELF_DYNAMIC entries; or the -errno of reading. */
int elf_dynamic_read(struct elf_dynamic *ret_dynamic, struct arena *arena, const struct elf *elf);
