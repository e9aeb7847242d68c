#include "sys/unpack.h"

#include <errno.h>

#include "base/limits.h"
#include "sys/dl.h"
#include "sys/root.h"

enum { IN_SIZE = 64 * 1024, OUT_SIZE = 256 * 1024, MEMORY_MAX = 16 * 1024 * 1024 };

/* One step: consumes from in, fills out. */
struct step {
    const unsigned char *in;
    size_t in_size, in_used;
    unsigned char *out;
    size_t out_size, out_used;
    bool end; /* the compressed stream is complete */
};

/* A library's state; `run` returns 0 or -errno. */
struct unpacker {
    int (*run)(struct unpacker *unpacker, struct step *step);
    void (*close)(struct unpacker *unpacker);
    void *state;
    void *functions[4];
};

/* --- zlib: zlib.h, ABI of soname libz.so.1 ------------------------------------------------------------------- */

struct z_stream_abi {
    const unsigned char *next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *msg;
    void *state, *zalloc, *zfree, *opaque;
    int data_type;
    unsigned long adler, reserved;
};
enum { Z_GZIP_WINDOW = 15 + 16, Z_STREAM_FINISHED = 1, Z_BUFFER_EMPTY = -5 };

static int zlib_run(struct unpacker *unpacker, struct step *step) {
    struct z_stream_abi *stream = unpacker->state;
    int (*inflate)(struct z_stream_abi *, int) = (int (*)(struct z_stream_abi *, int))unpacker->functions[0];
    stream->next_in = step->in;
    stream->avail_in = (unsigned)step->in_size;
    stream->next_out = step->out;
    stream->avail_out = (unsigned)step->out_size;
    int r = inflate(stream, 0);
    step->in_used = step->in_size - stream->avail_in;
    step->out_used = step->out_size - stream->avail_out;
    step->end = r == Z_STREAM_FINISHED;
    return r < 0 && r != Z_BUFFER_EMPTY ? -EBADMSG : 0;
}

static void zlib_close(struct unpacker *unpacker) {
    ((int (*)(struct z_stream_abi *))unpacker->functions[1])(unpacker->state);
}

static int zlib_open(struct unpacker *unpacker, struct arena *arena, void *library) {
    int (*init)(struct z_stream_abi *, int, const char *, int) =
        (int (*)(struct z_stream_abi *, int, const char *, int))dl_symbol(library, "inflateInit2_");
    unpacker->functions[0] = dl_symbol(library, "inflate");
    unpacker->functions[1] = dl_symbol(library, "inflateEnd");
    if (!init || !unpacker->functions[0] || !unpacker->functions[1])
        return -EOPNOTSUPP;
    unpacker->state = arena_alloc(arena, sizeof(struct z_stream_abi));
    unpacker->run = zlib_run;
    unpacker->close = zlib_close;
    return init(unpacker->state, Z_GZIP_WINDOW, "1.2.11", sizeof(struct z_stream_abi)) == 0 ? 0 : -EOPNOTSUPP;
}

/* --- liblzma: lzma/base.h, ABI of soname liblzma.so.5 -------------------------------------------------------- */

struct lzma_stream_abi {
    const uint8_t *next_in;
    size_t avail_in;
    uint64_t total_in;
    uint8_t *next_out;
    size_t avail_out;
    uint64_t total_out;
    const void *allocator;
    void *internal;
    void *reserved_pointer[4];
    uint64_t seek_pos, reserved_int2;
    size_t reserved_int3, reserved_int4;
    int reserved_enum1, reserved_enum2;
};
enum { LZMA_STREAM_FINISHED = 1, LZMA_MEMORY_LIMIT = 6, LZMA_NO_PROGRESS = 10 };

static int lzma_run(struct unpacker *unpacker, struct step *step) {
    struct lzma_stream_abi *stream = unpacker->state;
    int (*code)(struct lzma_stream_abi *, int) = (int (*)(struct lzma_stream_abi *, int))unpacker->functions[0];
    stream->next_in = step->in;
    stream->avail_in = step->in_size;
    stream->next_out = step->out;
    stream->avail_out = step->out_size;
    int r = code(stream, 0);
    step->in_used = step->in_size - stream->avail_in;
    step->out_used = step->out_size - stream->avail_out;
    step->end = r == LZMA_STREAM_FINISHED;
    return r == LZMA_MEMORY_LIMIT ? -EFBIG : r > LZMA_STREAM_FINISHED && r != LZMA_NO_PROGRESS ? -EBADMSG : 0;
}

static void lzma_close(struct unpacker *unpacker) {
    ((void (*)(struct lzma_stream_abi *))unpacker->functions[1])(unpacker->state);
}

static int lzma_open(struct unpacker *unpacker, struct arena *arena, void *library) {
    int (*init)(struct lzma_stream_abi *, uint64_t, uint32_t) =
        (int (*)(struct lzma_stream_abi *, uint64_t, uint32_t))dl_symbol(library, "lzma_stream_decoder");
    unpacker->functions[0] = dl_symbol(library, "lzma_code");
    unpacker->functions[1] = dl_symbol(library, "lzma_end");
    if (!init || !unpacker->functions[0] || !unpacker->functions[1])
        return -EOPNOTSUPP;
    unpacker->state = arena_alloc(arena, sizeof(struct lzma_stream_abi));
    unpacker->run = lzma_run;
    unpacker->close = lzma_close;
    return init(unpacker->state, MEMORY_MAX, 0) == 0 ? 0 : -EOPNOTSUPP;
}

/* --- libzstd: zstd.h, ABI of soname libzstd.so.1 ------------------------------------------------------------- */

struct zstd_buffer_abi {
    const void *ptr;
    size_t size, pos;
};
enum { ZSTD_WINDOW_LOG_MAX = 100, ZSTD_WINDOW_LOG = 23 };

static int zstd_run(struct unpacker *unpacker, struct step *step) {
    size_t (*decompress)(void *, struct zstd_buffer_abi *, struct zstd_buffer_abi *) =
        (size_t(*)(void *, struct zstd_buffer_abi *, struct zstd_buffer_abi *))unpacker->functions[0];
    unsigned (*is_error)(size_t) = (unsigned (*)(size_t))unpacker->functions[2];
    struct zstd_buffer_abi in = {step->in, step->in_size, 0}, out = {step->out, step->out_size, 0};
    size_t r = decompress(unpacker->state, &out, &in);
    if (is_error(r))
        return -EBADMSG;
    step->in_used = in.pos;
    step->out_used = out.pos;
    step->end = r == 0;
    return 0;
}

static void zstd_close(struct unpacker *unpacker) {
    ((size_t(*)(void *))unpacker->functions[1])(unpacker->state);
}

static int zstd_open(struct unpacker *unpacker, struct arena *arena, void *library) {
    (void)arena;
    void *(*create)(void) = (void *(*)(void))dl_symbol(library, "ZSTD_createDStream");
    size_t (*set)(void *, int, int) = (size_t(*)(void *, int, int))dl_symbol(library, "ZSTD_DCtx_setParameter");
    unpacker->functions[0] = dl_symbol(library, "ZSTD_decompressStream");
    unpacker->functions[1] = dl_symbol(library, "ZSTD_freeDStream");
    unpacker->functions[2] = dl_symbol(library, "ZSTD_isError");
    if (!create || !unpacker->functions[0] || !unpacker->functions[1] || !unpacker->functions[2])
        return -EOPNOTSUPP;
    unpacker->state = create();
    if (!unpacker->state)
        return -ENOMEM;
    if (set) /* since 1.4 */
        set(unpacker->state, ZSTD_WINDOW_LOG_MAX, ZSTD_WINDOW_LOG);
    unpacker->run = zstd_run;
    unpacker->close = zstd_close;
    return 0;
}

/* --- the loop ------------------------------------------------------------------------------------------------ */

static int run(struct unpacker *unpacker, struct arena *arena, int fd, bool (*take)(void *, struct span),
               void *context) {
    unsigned char *in = arena_alloc(arena, IN_SIZE), *out = arena_alloc(arena, OUT_SIZE);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    uint64_t size = st.st_size > 0 ? (uint64_t)st.st_size : 0, offset = 0, total = 0;
    struct step step = {.in = in, .out = out, .out_size = OUT_SIZE};
    for (;;) {
        if (step.in_used == step.in_size && offset < size) {
            size_t len = size - offset < IN_SIZE ? (size_t)(size - offset) : IN_SIZE;
            int r = root_pread(fd, in, len, offset);
            if (r < 0)
                return r;
            offset += len;
            step.in = in;
            step.in_size = len;
        } else {
            step.in += step.in_used;
            step.in_size -= step.in_used;
        }
        step.in_used = step.out_used = 0;
        int r = unpacker->run(unpacker, &step);
        if (r < 0)
            return r;
        total += step.out_used;
        if (step.out_used && !take(context, span_from(out, step.out_used)))
            return 0;
        if (step.end)
            return 0;
        if (total > LIMIT_UNPACKED)
            return -EFBIG;
        if (!step.out_used && !step.in_used && offset >= size)
            return -EBADMSG; /* the file ends before its stream does */
    }
}

int unpack(struct arena *arena, int fd, enum unpack_kind kind, bool (*take)(void *context, struct span bytes),
           void *context) {
    static const struct {
        const char *soname;
        int (*open)(struct unpacker *unpacker, struct arena *arena, void *library);
    } libraries[] = {[UNPACK_GZIP] = {"libz.so.1", zlib_open},
                     [UNPACK_XZ] = {"liblzma.so.5", lzma_open},
                     [UNPACK_ZSTD] = {"libzstd.so.1", zstd_open}};
    const char *error;
    void *library = dl_open(arena, libraries[kind].soname, &error);
    if (!library)
        return -EOPNOTSUPP;
    struct unpacker unpacker = {0};
    int r = libraries[kind].open(&unpacker, arena, library);
    if (r == 0) {
        r = run(&unpacker, arena, fd, take, context);
        unpacker.close(&unpacker);
    }
    return r;
}
