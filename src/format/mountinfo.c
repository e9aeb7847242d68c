#include "format/mountinfo.h"

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
bool mountinfo_next(struct span *rest, struct mount *ret_mount) {
    struct span line, word, fields[6];
    while (span_next_line(rest, &line)) {
        size_t count = 0;
        while (count < 6 && span_next_word(&line, &fields[count]))
            count++;
        if (count < 6)
            continue;
        bool found = false;
        while (!found && span_next_word(&line, &word))
            found = span_eq(word, "-");
        struct mount mount = {.root = fields[3], .point = fields[4]};
        if (!found || !span_next_word(&line, &mount.type) || !span_next_word(&line, &mount.source))
            continue;
        span_next_word(&line, &mount.options);
        *ret_mount = mount;
        return true;
    }
    return false;
}

int64_t mount_size_kib(struct span options) {
    struct span option, key, value;
    while (span_next_field(&options, ',', &option)) {
        int64_t number;
        if (!span_cut(option, '=', &key, &value) || !span_eq(key, "size") || !value.len)
            continue;
        char unit = value.ptr[value.len - 1];
        bool plain = unit >= '0' && unit <= '9';
        if (span_to_number(span_slice(value, 0, value.len - (plain ? 0 : 1)), 10, &number) < 0 || number < 0)
            return -1;
        switch (unit) {
        case 'k':
            return number;
        case 'm':
            return number > INT64_MAX / 1024 ? -1 : number * 1024;
        case 'g':
            return number > INT64_MAX / 1024 / 1024 ? -1 : number * 1024 * 1024;
        default:
            return plain ? number / 1024 : -1;
        }
    }
    return -1;
}
