/* Any bytes as the small text files of /proc, /sys, /etc and /lib/modules: what is handed out lies in the input,
 * and every reader gets on. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "format/kernel_log.h"
#include "format/key_value.h"
#include "format/modinfo.h"
#include "format/modprobe_conf.h"
#include "format/mountinfo.h"
#include "format/nvrm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span all) {
    if (part.len && (part.ptr < all.ptr || part.ptr + part.len > all.ptr + all.len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct span all = span_from(data, size);
    struct span rest = all, key, value, line;
    while (key_value_next(&rest, &key, &value)) {
        inside(key, all);
        inside(value, all);
    }
    struct mount mount;
    for (rest = all; mountinfo_next(&rest, &mount); mount_size_kib(mount.options)) {
        inside(mount.point, all);
        inside(mount.options, all);
    }
    struct nvrm nvrm;
    if (nvrm_parse(all, &nvrm) == 0)
        nvrm_flavour_text(nvrm.flavour);
    inside(modinfo_get(all, "version"), all);
    nvrm_flavour_of_license(all);
    module_signed(all);
    struct modinfo_stream stream = {0};
    for (size_t at = 0, piece = size ? data[0] % 64u + 1 : 1; at < size; at += piece)
        modinfo_stream_take(&stream, span_slice(all, at, at + piece));
    if (strlen(stream.version) >= sizeof stream.version || strlen(stream.vermagic) >= sizeof stream.vermagic)
        abort();
    char name[64];
    enum module_compression compression;
    for (rest = all; span_next_line(&rest, &line);) {
        if (modprobe_line(line, &value) != MODPROBE_NONE)
            inside(value, all);
        if (module_file_name(line, name, sizeof name, &compression))
            module_of_interest(name);
        inside(kernel_log_message(line), all);
    }
    for (rest = all; command_line_blacklist(&rest, &key, &value);)
        inside(value, all);
    bool seen;
    AUTO_BUFFER buffer = BUFFER_INIT(1 << 20);
    struct span boot = kernel_log_current_boot(all, &seen);
    inside(boot, all);
    kernel_log_collect(boot, &buffer);
    return 0;
}
