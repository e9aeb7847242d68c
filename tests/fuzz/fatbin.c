/* Any bytes as a file with GPU code, at every reach: the numbers agree with each other, an error has its words and
 * its place, looking further finds no less, and the lists of names hold what was counted. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/fatbin_file.h"
#include "format/torch_flags.h"
#include "support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *arena, const struct fatbin_code *code, size_t size) {
    uint64_t entries = 0, modules = 0;
    for (size_t i = 0; i < code->targets.count; i++) {
        const struct fatbin_target *target = &code->targets.items[i];
        if (!target->arch || !target->kind || !fatbin_target_name(arena, target)[0])
            abort();
        entries += target->entries;
    }
    for (size_t i = 0; i < code->mixes.count; i++) {
        modules += code->mixes.items[i].modules;
        if (code->mixes.items[i].first >= code->modules)
            abort();
    }
    if (!code->full && (entries != code->entries || modules != code->modules))
        abort();
    if ((code->error < 0) != (code->problem != NULL) || (code->error && code->error_offset > size))
        abort();
    struct texts sass, ptx;
    fatbin_names(arena, code, &sass, &ptx);
    if (sass.count + ptx.count > code->targets.count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct root *root;
    if (!root && root_open(&root, NULL) < 0)
        abort();
    AUTO_FD fd = memory_file(data, size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    uint64_t found = 0;
    for (int reach = FATBIN_SECTIONS; reach <= FATBIN_ALL; reach++) {
        AUTO_ARENA arena = {0};
        struct fatbin_file file;
        int r = fatbin_file_read(root, &arena, path, (enum fatbin_reach)reach, &file);
        if (r < 0) {
            if (r != -ENOEXEC && r != -ENODATA && r != -EBADMSG)
                abort();
            continue;
        }
        check(&arena, &file.code, size);
        check(&arena, &file.elsewhere, size);
        if (reach == FATBIN_LARGE && file.code.entries + file.elsewhere.entries < found)
            abort();
        found = file.code.entries + file.elsewhere.entries;
        if (file.bytes_read > size * 4 + (1 << 20))
            abort();
    }
    AUTO_ARENA arena = {0};
    struct texts list;
    if (torch_flags_read(root, &arena, path, &list) == 0 && !list.count)
        abort();
    return 0;
}
