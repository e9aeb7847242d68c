/* Any bytes as a kernel log: every hit lies in it, and the search ends. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "format/kernel_log.h"
#include "knowledge/kernel_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool add(void *context, const struct kernel_hit *hit) {
    const struct span *log = context;
    if (hit->start > hit->end || hit->end > log->len || !hit->id)
        abort();
    if (hit->address.len &&
        (hit->address.ptr < log->ptr || hit->address.ptr + hit->address.len > log->ptr + log->len))
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct knowledge *knowledge;
    if (!knowledge && knowledge_open(&knowledge, NULL) < 0)
        abort();
    AUTO_BUFFER messages = BUFFER_INIT(1 << 20);
    kernel_log_collect(span_from(data, size), &messages);
    struct span logs[] = {buffer_span(&messages), span_from(data, size)};
    for (size_t i = 0; i < 2; i++)
        kernel_message_find(knowledge, logs[i], add, &logs[i]);
    return 0;
}
