#include "format/visible_devices.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* As strtoul stops: digits, one sign before them. False without a digit. */
static bool read_index(struct span entry, long *ret_index) {
    size_t at = 0;
    bool negative = false;
    if (entry.len && (entry.ptr[0] == '-' || entry.ptr[0] == '+'))
        negative = entry.ptr[at++] == '-';
    if (at >= entry.len || !is_digit(entry.ptr[at]))
        return false;
    long value = 0;
    for (; at < entry.len && is_digit(entry.ptr[at]); at++)
        if (value < 1000000) /* enough for every machine; more digits change nothing */
            value = value * 10 + (entry.ptr[at] - '0');
    *ret_index = negative ? -value - 1 : value; /* "-0" is wrong as well */
    return true;
}

static bool same_prefix(struct span prefix, const char *uuid) {
    struct span whole = span_of(uuid);
    return prefix.len <= whole.len && memcmp(prefix.ptr, whole.ptr, prefix.len) == 0;
}

static enum visible_end find_uuid(struct span entry, struct visible_machine machine, int *ret_index) {
    *ret_index = -1;
    if (machine.count < 0 || !machine.uuids)
        return VISIBLE_END_NONE;
    bool all_known = true;
    int found = 0;
    for (int i = 0; i < machine.count; i++) {
        if (!machine.uuids[i]) {
            all_known = false;
        } else if (same_prefix(entry, machine.uuids[i])) {
            *ret_index = i;
            found++;
        }
    }
    if (found > 1)
        return VISIBLE_END_AMBIGUOUS;
    return found || !all_known ? VISIBLE_END_NONE : VISIBLE_END_UNKNOWN;
}

enum entry_kind { KIND_INDEX, KIND_UUID, KIND_MIG };

static enum entry_kind kind_of(struct span entry) {
    return span_starts(entry, "MIG-") ? KIND_MIG : span_starts(entry, "GPU-") ? KIND_UUID : KIND_INDEX;
}

static enum visible_end read_entry(struct span entry, enum entry_kind kind, struct visible_machine machine,
                                   int *ret_index) {
    *ret_index = -1;
    if (kind == KIND_UUID)
        return find_uuid(entry, machine, ret_index);
    if (kind == KIND_MIG)
        return VISIBLE_END_NONE;
    long index;
    if (!read_index(entry, &index))
        return VISIBLE_END_WORD;
    if (index < 0)
        return VISIBLE_END_NEGATIVE;
    if (machine.count >= 0 && index >= machine.count)
        return VISIBLE_END_RANGE;
    *ret_index = (int)index;
    return VISIBLE_END_NONE;
}

static bool repeated(const struct visible_devices *visible, struct span entry, int index) {
    for (size_t i = 0; i < visible->count; i++) {
        const struct visible_entry *before = &visible->entries[i];
        bool same_text = before->text.len == entry.len && memcmp(before->text.ptr, entry.ptr, entry.len) == 0;
        if (index >= 0 && before->index >= 0 ? before->index == index : same_text)
            return true;
    }
    return false;
}

void visible_devices_parse(struct span value, struct visible_machine machine,
                           struct visible_devices *ret_visible) {
    struct visible_devices visible = {.checked = machine.count >= 0};
    struct span entry;
    enum entry_kind kind = kind_of(span_trim(value));
    if (!span_trim(value).len)
        visible.end = VISIBLE_END_EMPTY;
    while (visible.end == VISIBLE_END_NONE && visible.count < VISIBLE_MAX &&
           span_next_field(&value, ',', &entry)) {
        entry = span_trim(entry);
        if (!entry.len && !value.len && visible.count)
            break; /* a comma at the end harms nothing */
        int index = -1;
        if (kind_of(entry) != kind)
            visible.end = VISIBLE_END_KIND;
        else if (kind == KIND_MIG && visible.count)
            visible.end = VISIBLE_END_MIG;
        else
            visible.end = read_entry(entry, kind, machine, &index);
        if (visible.end == VISIBLE_END_NONE && repeated(&visible, entry, index)) {
            visible.end = VISIBLE_END_REPEATED;
            visible.count = 0;
        }
        if (visible.end != VISIBLE_END_NONE)
            visible.wrong = entry;
        else
            visible.entries[visible.count++] = (struct visible_entry){index, entry};
    }
    visible.mig = kind == KIND_MIG;
    *ret_visible = visible;
}

const char *visible_end_words(enum visible_end end) {
    static const char *const words[] = {
        [VISIBLE_END_NONE] = "every entry counts",
        [VISIBLE_END_EMPTY] = "it is empty",
        [VISIBLE_END_NEGATIVE] = "a negative number ends the list",
        [VISIBLE_END_WORD] = "it is neither the number of a GPU nor a UUID",
        [VISIBLE_END_RANGE] = "there are not so many GPUs",
        [VISIBLE_END_REPEATED] = "an entry comes twice, which makes the whole list empty",
        [VISIBLE_END_UNKNOWN] = "no GPU has this UUID",
        [VISIBLE_END_AMBIGUOUS] = "several GPUs' UUIDs begin so",
        [VISIBLE_END_KIND] = "numbers and UUIDs cannot be mixed",
        [VISIBLE_END_MIG] = "only the first MIG instance counts",
    };
    return words[end];
}
