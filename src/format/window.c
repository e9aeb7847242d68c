#include "format/window.h"

#include <errno.h>

#include "sys/root.h"

enum { PAGE = 4096, FAR = 64, NEAR_READS = 3 };

void window_init(struct window *window, struct arena *arena, int fd, uint64_t size) {
    *window = (struct window){.fd = fd, .size = size, .bytes = arena_bytes(arena, WINDOW_BYTES)};
    window->budget = size > UINT64_MAX / 8 ? UINT64_MAX : size * 4 + (1 << 20);
    root_expect_scattered(fd);
}

/* How much to read for `len` bytes at `offset`. */
static size_t read_ahead(struct window *window, uint64_t offset, size_t len) {
    window->near = offset >= window->at && offset - window->at < PAGE ? window->near + 1 : 0;
    uint64_t page_left = PAGE - offset % PAGE;
    uint64_t want = window->near < NEAR_READS && page_left > FAR ? FAR : page_left;
    want = want < len ? len : want;
    return (size_t)(want < window->size - offset ? want : window->size - offset);
}

int window_get(struct window *window, uint64_t offset, size_t len, const char **ret_bytes) {
    uint64_t end;
    if (len > WINDOW_BYTES)
        return -EINVAL;
    if (__builtin_add_overflow(offset, len, &end))
        return -EBADMSG;
    if (end > window->size)
        return -ENODATA;
    if (offset < window->at || end > window->at + window->have) {
        size_t want = read_ahead(window, offset, len);
        if (want > window->budget)
            return -EFBIG;
        window->have = 0;
        int r = root_pread(window->fd, window->bytes, want, offset);
        if (r < 0)
            return r;
        window->at = offset;
        window->have = want;
        window->budget -= want;
        window->reads++;
        window->bytes_read += want;
    }
    *ret_bytes = window->bytes + (offset - window->at);
    return 0;
}
