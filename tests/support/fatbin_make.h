/* Fatbin containers made in memory, as nvcc lays them out: 16 bytes of container, 64 and more of each entry. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FAT_BYTES = 32 * 1024 };

struct fat {
    size_t size, container; /* bytes so far; where the open container starts */
    uint8_t bytes[FAT_BYTES];
};

static inline void fat_number(struct fat *fat, size_t at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        fat->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static inline void fat_grow(struct fat *fat, size_t size) {
    if (fat->size + size > FAT_BYTES)
        abort();
    fat->size += size;
}

static inline void fat_container(struct fat *fat) {
    fat->container = fat->size;
    fat_grow(fat, 16);
    fat_number(fat, fat->container, 0xBA55ED50, 4);
    fat_number(fat, fat->container + 4, 1, 2);
    fat_number(fat, fat->container + 6, 16, 2);
}

/* kind 1 PTX, 2 cubin, 8 LTO; flags 0x100000 `a`, 0x200000 `f`; the payload is filled with 0xAA. Offset of the
 * entry. */
static inline size_t fat_entry(struct fat *fat, unsigned kind, unsigned arch, uint64_t flags, size_t header,
                               size_t payload) {
    size_t at = fat->size;
    fat_grow(fat, header + payload);
    fat_number(fat, at, kind, 2);
    fat_number(fat, at + 2, 0x0101, 2);
    fat_number(fat, at + 4, header, 4);
    fat_number(fat, at + 8, payload, 8);
    fat_number(fat, at + 0x18, kind == 1 ? 4 : 7, 2);
    fat_number(fat, at + 0x1a, kind == 1 ? 8 : 1, 2);
    fat_number(fat, at + 0x1c, arch, 4);
    fat_number(fat, at + 0x28, flags | 0x11, 8);
    memset(fat->bytes + at + header, 0xAA, payload);
    fat_number(fat, fat->container + 8, fat->size - fat->container - 16, 8);
    return at;
}

static inline void fat_padding(struct fat *fat, size_t size) {
    fat_grow(fat, size);
}
