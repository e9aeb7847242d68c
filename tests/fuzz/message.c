/* Any bytes as pasted text: the messages found lie in it, and what one pass finds the expression itself finds. */
#include <stdint.h>
#include <stdlib.h>

#include "knowledge/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct knowledge *knowledge;
    static const struct message_set *set;
    if (!knowledge && (knowledge_open(&knowledge, NULL) || knowledge_messages(knowledge, &set)))
        abort();
    struct message_match found[16], again;
    struct span text = span_from(data, size);
    size_t count = message_find(set, text, found, 16);
    for (size_t i = 0; i < count; i++) {
        if (found[i].start > found[i].end || found[i].end > size || (i && found[i].start < found[i - 1].start))
            abort();
        for (int g = 0; g <= MESSAGE_GROUPS; g++)
            if (found[i].group[g].ptr &&
                (found[i].group[g].ptr < (const char *)data ||
                 found[i].group[g].ptr + found[i].group[g].len > (const char *)data + size))
                abort();
    }
    /* The filter may never hide a match. */
    size_t all = 0;
    for (size_t i = 0; i < message_count(set); i++) {
        const struct message_entry *entry = message_at(set, i);
        if (entry == message_by_id(set, entry->id)) /* the first row of its id */
            all += message_next(set, entry->id, text, 0, &again);
    }
    if (all < 16 && all != count)
        abort();
    return 0;
}
