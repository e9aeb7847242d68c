/* Dynamic symbols and their versions: what a library defines, what it needs from others. Looked up as ld.so does,
 * through DT_GNU_HASH (or DT_HASH) and the version tables; the section table is not used. Tables are read in
 * blocks as they are looked at, since those of libtorch have tens of megabytes of which a check needs a tenth. */
#pragma once

#include "format/elf_dynamic.h"

/* A table of the file: mapped where it is large, else read in blocks as they are asked for. */
struct elf_table {
    uint64_t offset, size; /* in the file */
    const char *bytes;
    struct map *map;  /* NULL: read in blocks, into `bytes` */
    unsigned shift;   /* of the size of a block */
    uint8_t *present; /* one per block */
};

/* A version node: VERNEED (file set) or VERDEF. */
struct elf_version {
    const char *name; /* NULL: no such index */
    const char *file; /* the DT_NEEDED that must define it; NULL for one's own */
    uint32_t hash;
    bool weak; /* may be missing */
};

struct elf_symbols {
    struct elf elf; /* its descriptor is needed until elf_symbols_close */
    bool own_fd;
    int error; /* first trouble reading a table: 0, -ENODATA, -EBADMSG, -EIO …; lookups then miss things */
    struct elf_table symbols, strings, chains;
    struct map *maps[4];
    size_t map_count;
    size_t undefined_end; /* undefined symbols are among [1, undefined_end) */
    uint64_t name_budget; /* bytes of names still to be read, so that overlapping strings cannot take forever */
    /* DT_GNU_HASH */
    uint32_t bucket_count, first_hashed, bloom_count, bloom_shift;
    const char *bloom, *buckets;
    bool sysv; /* only DT_HASH; then bucket_count and buckets are its */
    uint32_t sysv_count;
    bool versioned; /* has DT_VERSYM */
    struct elf_table symbol_versions;
    const struct elf_version *versions; /* by index */
    size_t version_count;
};

/* A symbol one object needs. */
struct elf_reference {
    const char *name; /* bytes as they are */
    size_t length;
    uint32_t hash;                     /* of DT_GNU_HASH */
    const struct elf_version *version; /* NULL: any */
    size_t index;                      /* in the symbol table */
};

/* Opens the tables of a file whose headers and dynamic section were read. With `own_fd` the descriptor is closed
 * by elf_symbols_close (also after a failure). 0; -ENODATA or -EBADMSG: there are none that could be used; or the
 * -errno of reading. A file without hash table defines nothing and is no error. */
int elf_symbols_open(struct elf_symbols *ret_symbols, struct arena *arena, const struct elf *elf,
                     const struct elf_dynamic *dynamic, bool own_fd);
/* `error` is complete after this: a file that shrank meanwhile is told here. */
void elf_symbols_close(struct elf_symbols *symbols);

/* The next symbol that must be defined elsewhere, from *index on (start with 0): neither weak nor local. False at
 * the end. */
bool elf_symbols_next_undefined(struct elf_symbols *symbols, size_t *index, struct elf_reference *ret_reference);
/* Whether the object defines it in a version that will do. */
bool elf_symbols_define(struct elf_symbols *symbols, const struct elf_reference *reference);
/* Whether a version node of that name is among its own definitions. */
bool elf_symbols_define_version(const struct elf_symbols *symbols, const char *name);
/* Per symbol in [0, undefined_end) whether a relocation refers to it: ld.so complains about no others. Reads all
 * relocations, so it is for the few objects where a symbol is missing. */
const bool *elf_symbols_relocated(const struct elf_symbols *symbols, struct arena *arena,
                                  const struct elf_dynamic *dynamic);

uint32_t elf_gnu_hash(const char *name, size_t length);
