#include "format/elf_symbols.h"

#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "format/bytes.h"
#include "sys/map.h"

enum {
    /* read at once, as powers of two: symbols and hash chains are looked at in runs, strings here and there */
    RUN_SHIFT = 13,
    STRING_SHIFT = 12,
    MAP_FROM = 64 * 1024, /* bytes of a table */
    VERSION_HIDDEN = 0x8000,
    VERSION_MASK = 0x7fff,
};

static uint32_t u32_of(const struct elf_symbols *s, const char *bytes) {
    return s->elf.big ? bytes_be32(bytes) : bytes_le32(bytes);
}

static uint16_t u16_of(const struct elf_symbols *s, const char *bytes) {
    return s->elf.big ? bytes_be16(bytes) : bytes_le16(bytes);
}

/* --- tables read block by block ---------------------------------------------------------------------------- */

/* Most tables do not say how long they are: at most up to where the next one starts. */
static uint64_t room_behind(const struct elf_dynamic *d, uint64_t address) {
    const uint64_t others[] = {d->strings,
                               d->symbols,
                               d->gnu_hash,
                               d->sysv_hash,
                               d->versions,
                               d->version_needs,
                               d->version_definitions,
                               d->rela,
                               d->rel,
                               d->relr,
                               d->plt_relocations};
    uint64_t room = LIMIT_ELF_TABLE;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] > address && others[i] - address < room)
            room = others[i] - address;
    return room;
}

static bool table_open(struct elf_symbols *s, struct arena *arena, const struct elf_dynamic *d, uint64_t address,
                       uint64_t size, unsigned shift, struct elf_table *ret_table) {
    uint64_t offset, available, room = room_behind(d, address);
    *ret_table = (struct elf_table){0};
    if (!address || elf_offset_of(&s->elf, address, &offset, &available) < 0)
        return false;
    size = size < room ? size : room;
    size = size < available ? size : available;
    size = size < LIMIT_ELF_TABLE ? size : LIMIT_ELF_TABLE;
    *ret_table = (struct elf_table){.offset = offset, .size = size, .shift = shift};
    if (size >= MAP_FROM && s->map_count < sizeof s->maps / sizeof *s->maps) {
        struct map *map = arena_alloc(arena, sizeof *map);
        if (map_open(map, s->elf.fd, s->elf.start + offset, (size_t)size) == 0) {
            s->maps[s->map_count++] = ret_table->map = map;
            ret_table->bytes = map->bytes;
            return true;
        }
    }
    ret_table->bytes = arena_alloc(arena, (size_t)size + 1);
    ret_table->present = arena_alloc(arena, (size_t)(size >> shift) + 1);
    return true;
}

static bool block_load(struct elf_symbols *s, struct elf_table *table, uint64_t block) {
    uint64_t start = block << table->shift, left = table->size - start, whole = 1ull << table->shift;
    int r = elf_read(&s->elf, (char *)table->bytes + start, table->offset + start,
                     (size_t)(left < whole ? left : whole));
    if (r < 0) {
        s->error = s->error ? s->error : r;
        return false;
    }
    table->present[block] = 1;
    return true;
}

/* The bytes [at, at + len) of a table; NULL outside of it or when they cannot be read. */
static inline const char *table_at(struct elf_symbols *s, struct elf_table *table, uint64_t at, size_t len) {
    if (at >= table->size || len > table->size - at) {
        s->error = s->error ? s->error : -EBADMSG;
        return NULL;
    }
    if (table->map)
        return table->bytes + at;
    for (uint64_t block = at >> table->shift; block <= (at + len - 1) >> table->shift; block++)
        if (!table->present[block] && !block_load(s, table, block))
            return NULL;
    return table->bytes + at;
}

/* The terminated string at an offset of the string table. */
static const char *string_at(struct elf_symbols *s, uint64_t at, size_t *ret_length) {
    const char *start = NULL;
    for (uint64_t from = at; from < s->strings.size; from = ((from >> STRING_SHIFT) + 1) << STRING_SHIFT) {
        const char *piece = table_at(s, &s->strings, from, 1);
        if (!piece)
            return NULL;
        start = start ? start : piece;
        uint64_t end = ((from >> STRING_SHIFT) + 1) << STRING_SHIFT;
        end = end < s->strings.size ? end : s->strings.size;
        const char *nul = memchr(piece, '\0', (size_t)(end - from));
        size_t seen = nul ? (size_t)(nul - start) : (size_t)(end - at);
        if (seen >= s->name_budget)
            break;
        if (nul) {
            s->name_budget -= seen + 1;
            *ret_length = seen;
            return start;
        }
    }
    s->error = s->error ? s->error : -EBADMSG;
    return NULL;
}

/* --- versions ---------------------------------------------------------------------------------------------- */

static struct elf_version *version_slot(struct arena *arena, struct elf_symbols *s, size_t index) {
    if (index >= s->version_count) {
        size_t count = index < 64 ? 64 : VERSION_MASK + 1;
        struct elf_version *grown = arena_alloc(arena, count * sizeof *grown);
        if (s->version_count)
            memcpy(grown, s->versions, s->version_count * sizeof *grown);
        s->versions = grown;
        s->version_count = count;
    }
    return (struct elf_version *)&s->versions[index];
}

/* One DT_VERNEED record at `at`: the file, then its nodes. Returns the distance to the next record, 0 at the end. */
static uint32_t version_need_read(struct elf_symbols *s, struct arena *arena, struct elf_table *table, uint64_t at,
                                  size_t *budget) {
    size_t length;
    const char *record = table_at(s, table, at, 16);
    if (!record)
        return 0;
    uint32_t nodes = u16_of(s, record + 2), node_at = u32_of(s, record + 8), next = u32_of(s, record + 12);
    const char *file = string_at(s, u32_of(s, record + 4), &length);
    uint64_t where = at + node_at;
    for (uint32_t i = 0; i < nodes && file && *budget; i++, (*budget)--) {
        const char *node = table_at(s, table, where, 16);
        if (!node)
            return 0;
        struct elf_version *version = version_slot(arena, s, u16_of(s, node + 6) & VERSION_MASK);
        *version = (struct elf_version){.file = file,
                                        .hash = u32_of(s, node),
                                        .weak = u16_of(s, node + 4) & VER_FLG_WEAK,
                                        .name = string_at(s, u32_of(s, node + 8), &length)};
        uint32_t step = u32_of(s, node + 12);
        if (!step)
            break;
        where += step;
    }
    return next;
}

static uint32_t version_definition_read(struct elf_symbols *s, struct arena *arena, struct elf_table *table,
                                        uint64_t at) {
    size_t length;
    const char *record = table_at(s, table, at, 20);
    if (!record)
        return 0;
    uint16_t flags = u16_of(s, record + 2), index = u16_of(s, record + 4) & VERSION_MASK;
    uint32_t hash = u32_of(s, record + 8), next = u32_of(s, record + 16);
    const char *name_record = table_at(s, table, at + u32_of(s, record + 12), 8);
    if (name_record && !(flags & VER_FLG_BASE)) {
        const char *name = string_at(s, u32_of(s, name_record), &length);
        struct elf_version *version = version_slot(arena, s, index);
        *version = (struct elf_version){.name = name, .hash = hash};
    }
    return next;
}

static void versions_read(struct elf_symbols *s, struct arena *arena, const struct elf_dynamic *d) {
    struct elf_table table;
    size_t budget = LIMIT_ELF_VERSIONS;
    uint64_t at = 0;
    if (d->version_needs && table_open(s, arena, d, d->version_needs, LIMIT_SMALL_FILE, RUN_SHIFT, &table))
        for (uint64_t i = 0; i < d->version_need_count && budget; i++, budget--) {
            uint32_t next = version_need_read(s, arena, &table, at, &budget);
            if (!next)
                break;
            at += next;
        }
    at = 0;
    if (d->version_definitions &&
        table_open(s, arena, d, d->version_definitions, LIMIT_SMALL_FILE, RUN_SHIFT, &table))
        for (uint64_t i = 0; i < d->version_definition_count && budget; i++, budget--) {
            uint32_t next = version_definition_read(s, arena, &table, at);
            if (!next)
                break;
            at += next;
        }
    s->versioned =
        d->versions && table_open(s, arena, d, d->versions, LIMIT_ELF_TABLE, RUN_SHIFT, &s->symbol_versions);
}

static uint16_t version_index(struct elf_symbols *s, size_t symbol) {
    const char *bytes = s->versioned ? table_at(s, &s->symbol_versions, (uint64_t)symbol * 2, 2) : NULL;
    return bytes ? u16_of(s, bytes) : 1;
}

static const struct elf_version *version_at(const struct elf_symbols *s, size_t index) {
    return index < s->version_count && s->versions[index].name ? &s->versions[index] : NULL;
}

bool elf_symbols_define_version(const struct elf_symbols *s, const char *name) {
    for (size_t i = 0; i < s->version_count; i++)
        if (s->versions[i].name && !s->versions[i].file && strcmp(s->versions[i].name, name) == 0)
            return true;
    return false;
}

/* --- hash tables ------------------------------------------------------------------------------------------- */

uint32_t elf_gnu_hash(const char *name, size_t length) {
    uint32_t hash = 5381;
    size_t i = 0;
    for (; i + 4 <= length; i += 4) { /* four steps of h * 33 + c at once */
        const unsigned char *c = (const unsigned char *)name + i;
        hash = hash * 1185921u + c[0] * 35937u + c[1] * 1089u + c[2] * 33u + c[3];
    }
    for (; i < length; i++)
        hash = hash * 33 + (unsigned char)name[i];
    return hash;
}

static uint32_t sysv_hash(const char *name, size_t length) {
    uint32_t hash = 0;
    for (size_t i = 0; i < length; i++) {
        hash = (hash << 4) + (unsigned char)name[i];
        uint32_t high = hash & 0xf0000000u;
        hash = (hash ^ (high >> 24)) & ~high;
    }
    return hash;
}

static int gnu_hash_open(struct elf_symbols *s, struct arena *arena, const struct elf_dynamic *d) {
    uint64_t offset, available, at;
    char header[16];
    if (elf_offset_of(&s->elf, d->gnu_hash, &offset, &available) < 0 || available < sizeof header)
        return -EBADMSG;
    int r = elf_read(&s->elf, header, offset, sizeof header);
    if (r < 0)
        return r;
    s->bucket_count = u32_of(s, header);
    s->first_hashed = u32_of(s, header + 4);
    s->bloom_count = u32_of(s, header + 8);
    s->bloom_shift = u32_of(s, header + 12);
    uint64_t bloom = (uint64_t)s->bloom_count * (s->elf.wide ? 8 : 4), buckets = (uint64_t)s->bucket_count * 4;
    if (!s->bloom_count || (s->bloom_count & (s->bloom_count - 1)) || bloom > LIMIT_ELF_TABLE ||
        buckets > LIMIT_ELF_TABLE || sizeof header + bloom + buckets > available)
        return -EBADMSG;
    struct span bytes;
    r = elf_read_span(&s->elf, arena, offset + sizeof header, bloom + buckets, 2 * (size_t)LIMIT_ELF_TABLE,
                      &bytes);
    if (r < 0)
        return r;
    s->bloom = bytes.ptr;
    s->buckets = bytes.ptr + bloom;
    at = sizeof header + bloom + buckets;
    if (at < available)
        table_open(s, arena, d, d->gnu_hash + at, available - at, RUN_SHIFT, &s->chains);
    return 0;
}

static int sysv_hash_open(struct elf_symbols *s, struct arena *arena, const struct elf_dynamic *d) {
    uint64_t offset, available;
    char header[8];
    if (elf_offset_of(&s->elf, d->sysv_hash, &offset, &available) < 0 || available < sizeof header)
        return -EBADMSG;
    int r = elf_read(&s->elf, header, offset, sizeof header);
    if (r < 0)
        return r;
    s->sysv = true;
    s->bucket_count = u32_of(s, header);
    s->sysv_count = u32_of(s, header + 4);
    uint64_t buckets = (uint64_t)s->bucket_count * 4, chains = (uint64_t)s->sysv_count * 4;
    if (buckets > LIMIT_ELF_TABLE || chains > LIMIT_ELF_TABLE || sizeof header + buckets + chains > available)
        return -EBADMSG;
    struct span bytes;
    r = elf_read_span(&s->elf, arena, offset + sizeof header, buckets, LIMIT_ELF_TABLE, &bytes);
    if (r < 0)
        return r;
    s->buckets = bytes.ptr;
    if (chains)
        table_open(s, arena, d, d->sysv_hash + sizeof header + buckets, chains, RUN_SHIFT, &s->chains);
    return 0;
}

/* --- symbols ----------------------------------------------------------------------------------------------- */

struct symbol {
    uint64_t name, value;
    uint8_t info;
    uint16_t section;
};

static bool symbol_at(struct elf_symbols *s, size_t index, struct symbol *ret_symbol) {
    size_t size = s->elf.wide ? 24 : 16;
    const char *bytes = table_at(s, &s->symbols, (uint64_t)index * size, size);
    if (!bytes)
        return false;
    ret_symbol->name = u32_of(s, bytes);
    ret_symbol->info = (uint8_t)bytes[s->elf.wide ? 4 : 12];
    ret_symbol->section = u16_of(s, bytes + (s->elf.wide ? 6 : 14));
    bytes += s->elf.wide ? 8 : 4;
    if (s->elf.wide)
        ret_symbol->value = s->elf.big ? bytes_be64(bytes) : bytes_le64(bytes);
    else
        ret_symbol->value = u32_of(s, bytes);
    return true;
}

bool elf_symbols_next_undefined(struct elf_symbols *s, size_t *index, struct elf_reference *ret_reference) {
    for (size_t i = *index ? *index : 1; i < s->undefined_end; i++) {
        struct symbol symbol;
        size_t length;
        if (!symbol_at(s, i, &symbol))
            break;
        if (symbol.section != SHN_UNDEF || ELF64_ST_BIND(symbol.info) != STB_GLOBAL || !symbol.name)
            continue;
        const char *name = string_at(s, symbol.name, &length);
        if (!name)
            break;
        size_t version = version_index(s, i) & VERSION_MASK;
        *ret_reference = (struct elf_reference){.name = name,
                                                .length = length,
                                                .hash = elf_gnu_hash(name, length),
                                                .version = version > 1 ? version_at(s, version) : NULL,
                                                .index = i};
        *index = i + 1;
        return true;
    }
    return false;
}

/* check_match of glibc's elf/dl-lookup.c, for one symbol whose hash fits. `default_seen` counts versioned
 * candidates for a reference without version. */
static bool symbol_matches(struct elf_symbols *s, const struct elf_reference *reference, size_t index,
                           size_t *default_seen) {
    struct symbol symbol;
    if (!symbol_at(s, index, &symbol))
        return false;
    unsigned type = ELF64_ST_TYPE(symbol.info), bind = ELF64_ST_BIND(symbol.info);
    if (symbol.section == SHN_UNDEF || (!symbol.value && symbol.section != SHN_ABS && type != STT_TLS))
        return false;
    if (type > STT_COMMON && type != STT_TLS && type != STT_GNU_IFUNC)
        return false;
    if (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE)
        return false;
    uint64_t available = symbol.name < s->strings.size ? s->strings.size - symbol.name : 0;
    if (reference->length >= available)
        return false;
    const char *name = table_at(s, &s->strings, symbol.name, reference->length + 1);
    if (!name || memcmp(name, reference->name, reference->length) != 0 || name[reference->length] != '\0')
        return false;
    if (!s->versioned)
        return true;
    uint16_t raw = version_index(s, index);
    const struct elf_version *own = version_at(s, raw & VERSION_MASK);
    if (reference->version) {
        if (own && own->hash == reference->version->hash && strcmp(own->name, reference->version->name) == 0)
            return true;
        return !own && !(raw & VERSION_HIDDEN); /* the unversioned base definition serves every version */
    }
    if ((raw & VERSION_MASK) < 3)
        return true;
    *default_seen += !(raw & VERSION_HIDDEN);
    return false;
}

static bool sysv_define(struct elf_symbols *s, const struct elf_reference *reference, size_t *default_seen) {
    if (!s->bucket_count)
        return false;
    uint32_t hash = sysv_hash(reference->name, reference->length);
    uint32_t index = u32_of(s, s->buckets + (size_t)(hash % s->bucket_count) * 4);
    for (uint32_t steps = 0; index && index < s->sysv_count && steps < s->sysv_count; steps++) {
        if (symbol_matches(s, reference, index, default_seen))
            return true;
        const char *next = table_at(s, &s->chains, (uint64_t)index * 4, 4);
        index = next ? u32_of(s, next) : 0;
    }
    return false;
}

static bool bloom_passes(const struct elf_symbols *s, uint32_t hash) {
    uint32_t bits = s->elf.wide ? 64 : 32, second = s->bloom_shift < 32 ? hash >> s->bloom_shift : 0;
    size_t word = (hash / bits) & (s->bloom_count - 1);
    if (!s->elf.wide) {
        uint32_t filter = u32_of(s, s->bloom + word * 4);
        return filter >> (hash % 32) & filter >> (second % 32) & 1;
    }
    const char *bytes = s->bloom + word * 8;
    uint64_t filter = s->elf.big ? bytes_be64(bytes) : bytes_le64(bytes);
    return filter >> (hash % 64) & filter >> (second % 64) & 1;
}

bool elf_symbols_define(struct elf_symbols *s, const struct elf_reference *reference) {
    size_t default_seen = 0;
    if (s->sysv)
        return sysv_define(s, reference, &default_seen) || default_seen == 1;
    if (!s->bucket_count || !bloom_passes(s, reference->hash))
        return false;
    uint32_t index = u32_of(s, s->buckets + (size_t)(reference->hash % s->bucket_count) * 4);
    if (index < s->first_hashed)
        return false;
    for (;; index++) {
        const char *link = table_at(s, &s->chains, (uint64_t)(index - s->first_hashed) * 4, 4);
        if (!link)
            return false;
        uint32_t hash = u32_of(s, link);
        if ((hash | 1) == (reference->hash | 1) && symbol_matches(s, reference, index, &default_seen))
            return true;
        if (hash & 1 || index == UINT32_MAX)
            return default_seen == 1;
    }
}

/* --- relocations ------------------------------------------------------------------------------------------- */

/* The symbol of one relocation; MIPS, which orders the fields otherwise, is nothing whycuda runs on. */
static uint64_t relocation_symbol(const struct elf *elf, const char *bytes) {
    bytes += elf->wide ? 8 : 4;
    if (elf->big)
        return elf->wide ? bytes_be64(bytes) >> 32 : bytes_be32(bytes) >> 8;
    return elf->wide ? bytes_le64(bytes) >> 32 : bytes_le32(bytes) >> 8;
}

/* Looks through one relocation table, behind the `relative` first ones, which refer to no symbol: marks the
 * symbols of `marks` [0, count) that are referred to, and notes the highest index of all. */
static void relocations_scan(const struct elf *elf, uint64_t address, uint64_t size, uint64_t relative,
                             bool addend, bool *marks, size_t count, uint64_t *highest) {
    uint64_t offset, available;
    size_t entry = (elf->wide ? 8 : 4) * (addend ? 3 : 2);
    char bytes[24 * 1024];
    if (!address || elf_offset_of(elf, address, &offset, &available) < 0)
        return;
    size = size < available ? size : available;
    uint64_t start = relative < size / entry ? relative * entry : 0;
    for (uint64_t at = start, step = sizeof bytes / entry * entry; at + entry <= size; at += step) {
        size_t entries = (size_t)((size - at < step ? size - at : step) / entry);
        if (elf_read(elf, bytes, offset + at, entries * entry) < 0)
            return;
        for (size_t i = 0; i < entries; i++) {
            uint64_t symbol = relocation_symbol(elf, bytes + i * entry);
            *highest = symbol > *highest ? symbol : *highest;
            if (symbol < count)
                marks[symbol] = true;
        }
    }
}

static void relocations_mark(const struct elf *elf, const struct elf_dynamic *d, bool *marks, size_t count,
                             uint64_t *highest) {
    relocations_scan(elf, d->plt_relocations, d->plt_relocations_size, 0, d->plt_is_rela, marks, count, highest);
    relocations_scan(elf, d->rela, d->rela_size, d->rela_count, true, marks, count, highest);
    relocations_scan(elf, d->rel, d->rel_size, d->rel_count, false, marks, count, highest);
}

const bool *elf_symbols_relocated(const struct elf_symbols *s, struct arena *arena,
                                  const struct elf_dynamic *dynamic) {
    uint64_t highest = 0;
    bool *marks = arena_alloc(arena, s->undefined_end + 1);
    relocations_mark(&s->elf, dynamic, marks, s->undefined_end, &highest);
    return marks;
}

/* The highest symbol that a bucket of DT_GNU_HASH starts with; 0: all are empty. */
static uint32_t highest_bucket(const struct elf_symbols *s) {
    uint32_t highest = 0;
    for (uint32_t i = 0; i < s->bucket_count; i++) {
        uint32_t index = u32_of(s, s->buckets + (size_t)i * 4);
        highest = index > highest ? index : highest;
    }
    return highest;
}

/* Behind the last hashed symbol: the last chain ends there. */
static size_t hashed_end(struct elf_symbols *s, uint32_t last) {
    const char *link;
    for (uint64_t i = last; i >= s->first_hashed; i++) {
        link = table_at(s, &s->chains, (i - s->first_hashed) * 4, 4);
        if (!link || u32_of(s, link) & 1)
            return (size_t)i + 1;
    }
    return s->first_hashed;
}

/* Symbols that are needed from others stand before the hashed ones; in programs also among them, where the address
 * of a function is that of its PLT entry (ld's pointer_equality_needed). */
static size_t undefined_end(struct elf_symbols *s, const struct elf_dynamic *d) {
    uint64_t highest = 0;
    uint32_t last = s->sysv || !s->bucket_count ? 0 : highest_bucket(s);
    if (s->sysv)
        return s->sysv_count;
    if (last)
        return d->interpreter || s->elf.type == ET_EXEC ? hashed_end(s, last) : s->first_hashed;
    if (!d->symbols)
        return 0;
    relocations_mark(&s->elf, d, NULL, 0, &highest); /* linkers write first_hashed 1 where nothing is hashed */
    return (size_t)highest + 1;
}

int elf_symbols_open(struct elf_symbols *ret_symbols, struct arena *arena, const struct elf *elf,
                     const struct elf_dynamic *d, bool own_fd) {
    struct elf_symbols s = {.elf = *elf, .own_fd = own_fd, .name_budget = LIMIT_ELF_TABLE};
    int r = 0;
    if (d->symbols && !(table_open(&s, arena, d, d->symbols, LIMIT_ELF_TABLE, RUN_SHIFT, &s.symbols) &&
                        table_open(&s, arena, d, d->strings, d->strings_size, STRING_SHIFT, &s.strings)))
        r = -EBADMSG;
    if (r == 0 && d->symbols && d->gnu_hash)
        r = gnu_hash_open(&s, arena, d);
    else if (r == 0 && d->symbols && d->sysv_hash)
        r = sysv_hash_open(&s, arena, d);
    if (r < 0) {
        elf_symbols_close(&s);
        return r;
    }
    size_t entry = s.elf.wide ? 24 : 16, room = (size_t)(s.symbols.size / entry);
    s.undefined_end = undefined_end(&s, d);
    s.undefined_end = s.undefined_end < room ? s.undefined_end : room;
    versions_read(&s, arena, d);
    *ret_symbols = s;
    return 0;
}

void elf_symbols_close(struct elf_symbols *symbols) {
    for (size_t i = 0; i < symbols->map_count; i++) {
        if (symbols->maps[i]->torn && !symbols->error)
            symbols->error = -ENODATA;
        map_close(symbols->maps[i]);
    }
    symbols->map_count = 0;
    if (symbols->own_fd && symbols->elf.fd >= 0)
        close(symbols->elf.fd);
    symbols->elf.fd = -1;
}
