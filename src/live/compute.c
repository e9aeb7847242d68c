#include "live/compute.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "live/cuda.h"
#include "live/embedded.h"
#include "live/matrix.h"

enum {
    COPY_BYTES = 64 << 20,
    PATTERN_ELEMENTS = 1000003, /* a prime: the last block is not full */
    PATTERN_SEED = 12345,
    THREADS = 256,
    REPEAT_MILLISECONDS = 100, /* the product is repeated for so long, and the best time told */
    REPEATS_MAX = 50,
};

struct gpu {
    struct ask *ask;
    const struct cuda_api *api;
    int ordinal, device;
    size_t size, padded;
    float *a, *b, *c;         /* on the host */
    uint64_t da, db, dc, dr;  /* on the device: the factors, the product, a second product */
    uint64_t buffer, counter; /* for copies; wrong words counted */
    void *matmul, *pattern, *compare;
    void *start, *stop; /* events */
};

/* Within a function that returns false at the first call that fails. */
#define TRY(step, function, ...)                                                                                  \
    do {                                                                                                          \
        if (!ask_worked(gpu->ask, step, #function, ASK(gpu->ask, gpu->api, function, __VA_ARGS__)))               \
            return false;                                                                                         \
    } while (0)

static int64_t microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static json_int_t megabytes_per_second(size_t bytes, double us) {
    return us > 0 ? (json_int_t)((double)bytes / us) : 0;
}

/* --- memory and copies ------------------------------------------------------------------------------------- */

static bool tell_memory(struct gpu *gpu, const char *when) {
    size_t free_bytes = 0, total = 0;
    TRY("memory", cuMemGetInfo_v2, &free_bytes, &total);
    child_set(gpu->ask->reply,
              json_pack("{s:{s:I, s:I}}", "memory", "total", (json_int_t)total, when, (json_int_t)free_bytes));
    return true;
}

static bool open_device(struct gpu *gpu) {
    void *context = NULL;
    TRY("handle", cuDeviceGet, &gpu->device, gpu->ordinal);
    live_cuda_describe(gpu->ask, gpu->api, gpu->device);
    child_set(gpu->ask->reply, json_pack("{s:O}", "device", gpu->ask->facts));
    TRY("context", cuDevicePrimaryCtxRetain, &context, gpu->device);
    TRY("context", cuCtxSetCurrent, context);
    return true;
}

static bool allocate(struct gpu *gpu, size_t *ret_copy_bytes) {
    size_t bytes = gpu->padded * gpu->padded * sizeof(float), free_bytes = 0, total = 0;
    TRY("memory", cuMemAlloc_v2, &gpu->da, bytes);
    TRY("memory", cuMemAlloc_v2, &gpu->db, bytes);
    TRY("memory", cuMemAlloc_v2, &gpu->dc, bytes);
    TRY("memory", cuMemAlloc_v2, &gpu->dr, bytes);
    TRY("memory", cuMemAlloc_v2, &gpu->counter, sizeof(uint32_t));
    TRY("memory", cuMemGetInfo_v2, &free_bytes, &total);
    size_t copy = COPY_BYTES;
    while (copy > 1 << 20 && copy * 4 > free_bytes)
        copy /= 2;
    TRY("memory", cuMemAlloc_v2, &gpu->buffer,
        copy * 2); /* two halves: copies on the device go from one to the other */
    *ret_copy_bytes = copy;
    return tell_memory(gpu, "free_during");
}

/* Copies there, within and back, twice: the first time warms up. */
static bool copy_times(struct gpu *gpu, char *host, char *back, size_t bytes, double ret_us[3]) {
    for (int round = 0; round < 2; round++) {
        int64_t t0 = microseconds();
        TRY("copy", cuMemcpyHtoD_v2, gpu->buffer, host, bytes);
        TRY("copy", cuCtxSynchronize);
        int64_t t1 = microseconds();
        TRY("copy", cuEventRecord, gpu->start, NULL);
        TRY("copy", cuMemcpyDtoD_v2, gpu->buffer + bytes, gpu->buffer, bytes);
        TRY("copy", cuEventRecord, gpu->stop, NULL);
        TRY("copy", cuEventSynchronize, gpu->stop);
        float milliseconds = 0;
        TRY("copy", cuEventElapsedTime, &milliseconds, gpu->start, gpu->stop);
        int64_t t2 = microseconds();
        TRY("copy", cuMemcpyDtoH_v2, back, gpu->buffer + bytes, bytes);
        ret_us[0] = (double)(t1 - t0);
        ret_us[1] = (double)milliseconds * 1000;
        ret_us[2] = (double)(microseconds() - t2);
    }
    return true;
}

/* The memory's clock times its width, at two transfers a clock. */
static json_int_t memory_maximum(const struct gpu *gpu) {
    json_int_t clock = json_integer_value(json_object_get(gpu->ask->facts, "memory_clock_khz"));
    json_int_t bits = json_integer_value(json_object_get(gpu->ask->facts, "memory_bus_bits"));
    return clock > 0 && bits > 0 ? 2 * clock * (bits / 8) / 1000 : 0;
}

static bool copies_with(struct gpu *gpu, char *host, size_t bytes) {
    char *back = malloc(bytes);
    if (!back)
        return true; /* this machine's memory is not what is tested */
    for (size_t i = 0; i < bytes; i++)
        host[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
    double us[3];
    memset(back, 0, bytes);
    bool fine = copy_times(gpu, host, back, bytes, us);
    if (fine) {
        size_t wrong = 0;
        for (size_t i = 0; i < bytes; i++)
            wrong += host[i] != back[i];
        json_t *copy = json_pack("{s:I, s:I, s:I, s:I, s:I}", "bytes", (json_int_t)bytes, "wrong",
                                 (json_int_t)wrong, "to_device_mb_s", megabytes_per_second(bytes, us[0]),
                                 "on_device_mb_s", megabytes_per_second(2 * bytes, us[1]), "from_device_mb_s",
                                 megabytes_per_second(bytes, us[2]));
        if (memory_maximum(gpu))
            json_object_set_new(copy, "on_device_max_mb_s", json_integer(memory_maximum(gpu)));
        child_set(gpu->ask->reply, json_pack("{s:o}", "copy", copy));
    }
    free(back);
    return fine;
}

static bool copies(struct gpu *gpu, size_t bytes) {
    void *pinned = NULL;
    if (ASK(gpu->ask, gpu->api, cuMemAllocHost_v2, &pinned, bytes) == 0 && pinned) {
        bool fine = copies_with(gpu, pinned, bytes);
        TRY("copy", cuMemFreeHost, pinned);
        return fine;
    }
    char *pageable = malloc(bytes); /* slower, and all that a container with a small memlock limit allows */
    bool fine = !pageable || copies_with(gpu, pageable, bytes);
    free(pageable);
    return fine;
}

/* --- kernels ----------------------------------------------------------------------------------------------- */

static bool load_kernel(struct gpu *gpu, const char *text, const char *name, void **ret_function) {
    char log[8192] = "";
    int names[] = {CUDA_JIT_ERROR_LOG, CUDA_JIT_ERROR_LOG_SIZE};
    void *values[] = {log, (void *)(uintptr_t)(sizeof log - 1)};
    void *module = NULL;
    int code = ASK(gpu->ask, gpu->api, cuModuleLoadDataEx, &module, text, 2, names, values);
    log[sizeof log - 1] = '\0';
    if (code != 0 && log[0])
        child_set(gpu->ask->reply, json_pack("{s:s}", "jit_log", text_lines(gpu->ask->arena, span_of(log))));
    if (!ask_worked(gpu->ask, "module", "cuModuleLoadDataEx", code))
        return false;
    TRY("module", cuModuleGetFunction, ret_function, module, name);
    return true;
}

static bool pattern(struct gpu *gpu) {
    uint32_t n = PATTERN_ELEMENTS, seed = PATTERN_SEED;
    size_t bytes = sizeof(uint32_t) * n;
    uint64_t out = 0;
    TRY("pattern", cuMemAlloc_v2, &out, bytes);
    TRY("pattern", cuMemsetD8_v2, out, 0xee, bytes);
    void *parameters[] = {&out, &n, &seed};
    TRY("pattern", cuLaunchKernel, gpu->pattern, (n + THREADS - 1) / THREADS, 1, 1, THREADS, 1, 1, 0, NULL,
        parameters, NULL);
    TRY("pattern", cuCtxSynchronize);
    uint32_t *back = calloc(n, sizeof *back);
    if (!back)
        return true;
    int code = ASK(gpu->ask, gpu->api, cuMemcpyDtoH_v2, back, out, bytes);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < n; i++)
        wrong += back[i] != (i + seed) * 2654435761u;
    free(back);
    if (!ask_worked(gpu->ask, "pattern", "cuMemcpyDtoH_v2", code))
        return false;
    child_set(gpu->ask->reply,
              json_pack("{s:{s:I, s:I}}", "pattern", "elements", (json_int_t)n, "wrong", (json_int_t)wrong));
    TRY("pattern", cuMemFree_v2, out);
    return true;
}

/* --- the product ------------------------------------------------------------------------------------------- */

static bool multiply(struct gpu *gpu, uint64_t to, const char *step, double *ret_us) {
    uint32_t n = (uint32_t)gpu->padded;
    void *parameters[] = {&gpu->da, &gpu->db, &to, &n};
    unsigned tiles = n / MATRIX_TILE;
    float milliseconds = 0;
    TRY(step, cuEventRecord, gpu->start, NULL);
    TRY(step, cuLaunchKernel, gpu->matmul, tiles, tiles, 1, 16, 16, 1, 0, NULL, parameters, NULL);
    TRY(step, cuEventRecord, gpu->stop, NULL);
    TRY(step, cuEventSynchronize, gpu->stop);
    TRY(step, cuEventElapsedTime, &milliseconds, gpu->start, gpu->stop);
    *ret_us = (double)milliseconds * 1000;
    return true;
}

/* Single-precision fused multiply-adds a multiprocessor starts each clock ("CUDA C++ Programming Guide",
 * throughput of arithmetic instructions), 0 where that is not known. */
static int lanes_of(const char *capability) {
    static const struct {
        const char *capability;
        int lanes;
    } rows[] = {{"3.", 192}, {"5.", 128}, {"6.0", 64},  {"6.", 128},  {"7.", 64},  {"8.0", 64},
                {"8.", 128}, {"9.", 128}, {"10.", 128}, {"11.", 128}, {"12.", 128}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_starts(capability, rows[i].capability))
            return rows[i].lanes;
    return 0;
}

static json_int_t compute_maximum(const struct gpu *gpu) {
    const json_t *facts = gpu->ask->facts;
    json_int_t clock = json_integer_value(json_object_get(facts, "clock_khz"));
    json_int_t processors = json_integer_value(json_object_get(facts, "multiprocessors"));
    int lanes = lanes_of(json_string_value(json_object_get(facts, "capability")));
    return clock > 0 && processors > 0 && clock < 100000000 && processors < 100000
               ? 2 * clock * processors * lanes / 1000000
               : 0;
}

static json_t *product_facts(struct arena *arena, size_t size, const struct matrix_verdict *verdict, double us) {
    double n = (double)size;
    json_t *product =
        json_pack("{s:I, s:I, s:I, s:I}", "size", (json_int_t)size, "wrong", (json_int_t)verdict->wrong,
                  "wrong_rows", (json_int_t)verdict->wrong_rows, "microseconds", (json_int_t)us);
    if (verdict->wrong)
        json_object_set_new(
            product, "first_wrong",
            json_string(arena_printf(arena, "row %zu, column %zu: %.9g instead of %.9g", verdict->row,
                                     verdict->column, verdict->got, verdict->expected)));
    if (us > 0)
        json_object_set_new(product, "gflops", json_integer((json_int_t)(2 * n * n * n / us / 1000)));
    return product;
}

static bool product(struct gpu *gpu) {
    size_t bytes = gpu->padded * gpu->padded * sizeof(float);
    double best = 0, us = 0;
    TRY("product", cuMemcpyHtoD_v2, gpu->da, gpu->a, bytes);
    TRY("product", cuMemcpyHtoD_v2, gpu->db, gpu->b, bytes);
    TRY("product", cuMemsetD8_v2, gpu->dc, 0xff, bytes); /* NaN: an element never written shows */
    if (!multiply(gpu, gpu->dc, "product", &best))
        return false;
    TRY("product", cuMemcpyDtoH_v2, gpu->c, gpu->dc, bytes);
    struct matrix_verdict verdict;
    child_at(gpu->ask->reply, "verification", gpu->ordinal);
    if (matrix_check(gpu->a, gpu->b, gpu->c, gpu->size, &verdict) < 0)
        return true;
    child_set(gpu->ask->reply,
              json_pack("{s:o}", "product", product_facts(gpu->ask->arena, gpu->size, &verdict, best)));
    double spent = best;
    for (int i = 0; i < REPEATS_MAX && spent < REPEAT_MILLISECONDS * 1000.0; i++, spent += us) {
        if (!multiply(gpu, gpu->dr, "product", &us))
            return false;
        best = us > 0 && us < best ? us : best;
        if (us <= 0) /* a clock that does not move */
            break;
    }
    json_t *facts = product_facts(gpu->ask->arena, gpu->size, &verdict, best);
    if (compute_maximum(gpu))
        json_object_set_new(facts, "gflops_max", json_integer(compute_maximum(gpu)));
    child_set(gpu->ask->reply, json_pack("{s:o}", "product", facts));
    return verdict.wrong_rows == 0;
}

/* The same product again and again; each is compared on the device with the first, which was verified. */
static bool burn(struct gpu *gpu, unsigned seconds) {
    uint32_t words = (uint32_t)(gpu->padded * gpu->padded), counted = 0;
    int64_t started = microseconds(), said = started, end = started + (int64_t)seconds * 1000000;
    json_int_t products = 0, wrong = 0, bad = 0;
    for (int64_t now = started; now < end; now = microseconds()) {
        double us = 0;
        TRY("burn", cuMemsetD8_v2, gpu->dr, 0xff, (size_t)words * 4);
        if (!multiply(gpu, gpu->dr, "burn", &us))
            return false;
        void *parameters[] = {&gpu->dc, &gpu->dr, &gpu->counter, &words};
        TRY("burn", cuMemsetD8_v2, gpu->counter, 0, sizeof counted);
        TRY("burn", cuLaunchKernel, gpu->compare, (words + THREADS - 1) / THREADS, 1, 1, THREADS, 1, 1, 0, NULL,
            parameters, NULL);
        TRY("burn", cuMemcpyDtoH_v2, &counted, gpu->counter, sizeof counted);
        products++;
        wrong += counted;
        bad += counted != 0;
        if (now - said >= 1000000 || counted) {
            said = now;
            child_set(gpu->ask->reply, json_pack("{s:{s:I, s:I, s:I, s:I}}", "burn", "seconds",
                                                 (json_int_t)((now - started) / 1000000), "products", products,
                                                 "wrong", wrong, "bad_products", bad));
        }
    }
    child_set(gpu->ask->reply, json_pack("{s:{s:I, s:I, s:I, s:I}}", "burn", "seconds", (json_int_t)seconds,
                                         "products", products, "wrong", wrong, "bad_products", bad));
    return true;
}

/* --- all of it --------------------------------------------------------------------------------------------- */

static bool release(struct gpu *gpu) {
    const uint64_t memory[] = {gpu->da, gpu->db, gpu->dc, gpu->dr, gpu->counter, gpu->buffer};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        TRY("memory", cuMemFree_v2, memory[i]);
    TRY("memory", cuEventDestroy_v2, gpu->start);
    TRY("memory", cuEventDestroy_v2, gpu->stop);
    if (!tell_memory(gpu, "free_after"))
        return false;
    TRY("context", cuDevicePrimaryCtxRelease_v2, gpu->device);
    return true;
}

static bool use(struct gpu *gpu, unsigned seconds) {
    size_t copy_bytes = 0;
    if (!open_device(gpu) || !tell_memory(gpu, "free_before"))
        return false;
    TRY("context", cuEventCreate, &gpu->start, 0);
    TRY("context", cuEventCreate, &gpu->stop, 0);
    if (!allocate(gpu, &copy_bytes) || !copies(gpu, copy_bytes))
        return false;
    if (!load_kernel(gpu, live_pattern_ptx, "whycuda_pattern", &gpu->pattern) ||
        !load_kernel(gpu, live_matmul_ptx, "whycuda_matmul", &gpu->matmul) ||
        !load_kernel(gpu, live_compare_ptx, "whycuda_compare", &gpu->compare))
        return false;
    if (!pattern(gpu) || !product(gpu) || (seconds && !burn(gpu, seconds)))
        return false;
    return release(gpu);
}

static bool host_matrices(struct gpu *gpu, size_t size) {
    gpu->size = size;
    gpu->padded = matrix_padded(size);
    size_t bytes = gpu->padded * gpu->padded * sizeof(float);
    gpu->a = malloc(bytes);
    gpu->b = malloc(bytes);
    gpu->c = malloc(bytes);
    if (!gpu->a || !gpu->b || !gpu->c)
        return false;
    matrix_fill(gpu->a, size, 0);
    matrix_fill(gpu->b, size, 1);
    return true;
}

void live_compute(struct child_reply *reply, const void *argument) {
    const struct live_compute_question *question = argument;
    AUTO_ARENA arena = {0};
    struct cuda_api api = {0};
    struct ask ask = {.reply = reply,
                      .arena = &arena,
                      .device = question->device,
                      .facts = json_object(),
                      .error_name = live_cuda_error_name,
                      .api = &api};
    struct gpu gpu = {.ask = &ask, .api = &api, .ordinal = question->device};
    if (ask_open(&ask, question->path, "libcuda.so.1")) {
        live_cuda_bind(ask.handle, &api);
        if (live_cuda_init(&ask, &api) && host_matrices(&gpu, question->size))
            use(&gpu, question->seconds);
    }
    free(gpu.a);
    free(gpu.b);
    free(gpu.c);
    json_decref(ask.facts);
}

void live_cpu(struct child_reply *reply, const void *argument) {
    const struct live_compute_question *question = argument;
    AUTO_ARENA arena = {0};
    struct gpu gpu = {0};
    struct matrix_verdict verdict;
    child_at(reply, "product", -1);
    if (host_matrices(&gpu, question->size)) {
        int64_t started = microseconds();
        matrix_multiply(gpu.a, gpu.b, gpu.c, gpu.size);
        int64_t us = microseconds() - started;
        if (matrix_check(gpu.a, gpu.b, gpu.c, gpu.size, &verdict) == 0)
            child_set(reply, json_pack("{s:o}", "product", product_facts(&arena, gpu.size, &verdict, (double)us)));
    }
    free(gpu.a);
    free(gpu.b);
    free(gpu.c);
}
