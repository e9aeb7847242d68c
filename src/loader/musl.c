/* musl's loader (ldso/dynlink.c): LD_LIBRARY_PATH first, then DT_RUNPATH or DT_RPATH of the object and of those it
 * came by, then /etc/ld-musl-MACHINE.path or /lib, /usr/local/lib, /usr/lib. No cache, no glibc-hwcaps, and its
 * own libraries are all one file. The first file of the name is taken, whatever it is: what glibc passes over
 * (another class or machine) ends the search here. PyTorch has no builds for it. */
#include "base/limits.h"
#include "base/text.h"
#include "loader/internal.h"

const char *musl_path_file(const struct loader *loader, struct arena *arena) {
    static const char usual[] = "/lib:/usr/local/lib:/usr/lib";
    const char *name = loader->platform.soname; /* ld-musl-x86_64.so.1 */
    const char *end = strstr(name, ".so");
    struct span bytes;
    const char *path = arena_printf(arena, "/etc/%.*s.path", (int)(end ? end - name : 0), name);
    if (root_read(loader->root, arena, path, LIMIT_SMALL_FILE, &bytes) < 0)
        return usual;
    return arena_copy_span(arena, span_trim(bytes));
}

/* fixup_rpath: one token that is not $ORIGIN makes all of it void. */
bool musl_rejects(const char *rpath) {
    for (const char *at = rpath; (at = strchr(at, '$')); at++)
        if (!text_starts(at, "$ORIGIN") && !text_starts(at, "${ORIGIN}"))
            return true;
    return false;
}

bool musl_has(const char *name) {
    static const char *const own[] = {"libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (text_starts(name, own[i]))
            return true;
    return false;
}
