#include "loader/platform.h"

#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/elf_dynamic.h"

struct machine_row {
    uint16_t machine;
    bool wide;
    uint32_t cache_flags;
    const char *uname;
    const char *interpreter, *musl, *triplet,
        *plain; /* plain: where distributions without multiarch put libraries */
};

/* Interpreters: the psABI of each machine; triplets: Debian's multiarch tuples. */
static const struct machine_row MACHINES[] = {
    {EM_X86_64, true, LDCACHE_X86_64, "x86_64", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1",
     "x86_64-linux-gnu", "lib64"},
    {EM_AARCH64, true, LDCACHE_AARCH64, "aarch64", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1",
     "aarch64-linux-gnu", "lib64"},
    {EM_386, false, LDCACHE_I386, "i686", "/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1", "i386-linux-gnu", "lib"},
};

uint16_t platform_machine(const struct root *root) {
    const char *name = root_uname(root)->machine;
    for (size_t i = 0; name && i < sizeof MACHINES / sizeof *MACHINES; i++)
        if (text_eq(name, MACHINES[i].uname))
            return MACHINES[i].machine;
    return EM_NONE;
}

/* --- what the CPU can do ----------------------------------------------------------------------------------- */

/* Levels of the x86-64 psABI, each with flags of /proc/cpuinfo that stand for it. */
static const struct {
    const char *name, *flags[4];
} X86_LEVELS[] = {
    {"x86-64-v4", {"avx512f", "avx512bw", "avx512dq", "avx512vl"}},
    {"x86-64-v3", {"avx2", "bmi2", "fma", "movbe"}},
    {"x86-64-v2", {"sse4_2", "popcnt", "ssse3", "cx16"}},
};

struct cpu {
    const char *flags; /* of the first processor, with a blank before and behind each; NULL: not known */
    bool intel;
};

static struct cpu cpu_read(struct arena *arena, const struct root *root) {
    struct span rest, line, key, value;
    struct cpu cpu = {0};
    int r = root_read(root, arena, "/proc/cpuinfo", 16 * 1024, &rest);
    if (r < 0 && r != -EFBIG)
        return cpu;
    cpu.intel = span_has(rest, "GenuineIntel");
    while (!cpu.flags && span_next_line(&rest, &line))
        if (span_starts(line, "flags") && span_cut(line, ':', &key, &value))
            cpu.flags = arena_printf(arena, " %.*s ", (int)value.len, value.ptr);
    return cpu;
}

static bool has_flags(const char *flags, const char *const *wanted, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char word[32];
        snprintf(word, sizeof word, " %s ", wanted[i]);
        if (!strstr(flags, word))
            return false;
    }
    return true;
}

/* Where the CPU is not known x86-64-v3 is assumed: every machine that takes a supported GPU has had it for years,
 * and the copies differ in nothing but speed. */
static void x86_capabilities(struct loader_platform *p, struct arena *arena, struct cpu cpu) {
    for (size_t i = 0; i < sizeof X86_LEVELS / sizeof *X86_LEVELS; i++) {
        if (cpu.flags ? !has_flags(cpu.flags, X86_LEVELS[i].flags, 4) : i == 0)
            continue;
        texts_add(arena, &p->capabilities, X86_LEVELS[i].name);
        texts_add(arena, &p->subdirectories, arena_printf(arena, "glibc-hwcaps/%s", X86_LEVELS[i].name));
    }
}

/* glibc before 2.37 also looks into tls/, haswell/, x86_64/ … in every combination (elf/dl-hwcaps.c; x86: only
 * Intel's CPUs have a platform name of their own, sysdeps/x86/cpu-features.c). */
static void legacy_capabilities(struct loader_platform *p, struct arena *arena, struct cpu cpu) {
    texts_add(arena, &p->legacy, "tls");
    if (p->machine == EM_X86_64) {
        const char *flags = cpu.intel ? cpu.flags : NULL;
        static const char *const AVX512_1[] = {"avx512cd", "avx512bw", "avx512dq", "avx512vl"};
        static const char *const HASWELL[] = {"avx2", "bmi1", "bmi2", "movbe"};
        p->legacy_hwcap = 1 << 1; /* HWCAP_X86_64 */
        if (flags && has_flags(flags, HASWELL, 4)) {
            texts_add(arena, &p->legacy, "haswell");
            p->legacy_platform = 1ull << 48;
        } else {
            texts_add(arena, &p->legacy, "x86_64");
        }
        if (flags && has_flags(flags, AVX512_1, 4)) {
            texts_add(arena, &p->legacy, "avx512_1");
            p->legacy_hwcap |= 1 << 2;
        }
        if (p->legacy_platform)
            texts_add(arena, &p->legacy, "x86_64");
    } else if (p->machine == EM_AARCH64) {
        texts_add(arena, &p->legacy, "aarch64");
        texts_add(arena, &p->legacy, "atomics");
    }
}

/* --- what is compiled into the loader ---------------------------------------------------------------------- */

/* A directory as ld.so writes its own: "/usr/lib64/". */
static bool is_directory_text(const char *text, size_t len) {
    return len > 4 && len < 256 && text[0] == '/' && text[len - 1] == '/' && memmem(text, len, "/lib", 4);
}

/* The number at the start, 0 where there is none. */
static int digits_at(struct span text) {
    int number = 0;
    for (size_t i = 0; i < text.len && i < 4 && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        number = number * 10 + (text.ptr[i] - '0');
    return number;
}

/* The longest run of such strings, one behind the other, and the other words worth knowing. */
static void words_find(struct loader_platform *p, struct arena *arena, struct span bytes) {
    struct texts run = {0};
    static const char release[] = "stable release version 2.";
    for (size_t at = 0; at < bytes.len;) {
        const char *text = bytes.ptr + at, *end = memchr(text, '\0', bytes.len - at);
        size_t len = end ? (size_t)(end - text) : bytes.len - at;
        at += len + 1;
        if (is_directory_text(text, len)) {
            texts_add(arena, &run, arena_copy_span(arena, span_from(text, len - 1)));
            if (run.count > p->directories.count)
                p->directories = run;
            continue;
        }
        run = (struct texts){0};
        struct span word = span_from(text, len);
        if (len && text[0] == '/' && span_ends(word, "/ld.so.cache") && len < 256)
            p->cache_path = arena_copy_span(arena, word);
        size_t hit = len > sizeof release ? span_find(word, release) : SIZE_MAX;
        if (hit != SIZE_MAX)
            p->glibc_minor = digits_at(span_slice(word, hit + sizeof release - 1, len));
    }
}

/* Reads the read-only data of the interpreter; the code in between is of no interest. */
static void interpreter_read(struct loader_platform *p, struct arena *arena, const struct root *root) {
    AUTO_FD fd = root_open_file(root, p->interpreter);
    struct elf elf;
    struct stat st;
    p->interpreter_found = fd >= 0;
    if (fd < 0 || fstat(fd, &st) < 0 || elf_open_image(&elf, arena, fd, (uint64_t)st.st_size) < 0)
        return;
    for (size_t i = 0; p->kind == LOADER_GLIBC && i < elf.segment_count; i++) {
        const struct elf_segment *s = &elf.segments[i];
        struct span bytes;
        if (s->type != PT_LOAD || s->flags & PF_W || (s->flags & PF_X && i))
            continue;
        if (elf_read_span(&elf, arena, s->offset, s->file_size, LIMIT_FILE, &bytes) == 0)
            words_find(p, arena, bytes);
    }
}

/* For a root whose loader is missing: multiarch where the directory is there, else the plain one. */
static void directories_guess(struct loader_platform *p, struct arena *arena, const struct root *root,
                              const struct machine_row *row) {
    const char *multiarch = arena_printf(arena, "/usr/lib/%s", row->triplet);
    if (root_is_directory(root, multiarch)) {
        texts_add(arena, &p->directories, arena_printf(arena, "/lib/%s", row->triplet));
        texts_add(arena, &p->directories, multiarch);
        texts_add(arena, &p->directories, "/lib");
        texts_add(arena, &p->directories, "/usr/lib");
    } else {
        texts_add(arena, &p->directories, arena_printf(arena, "/%s", row->plain));
        texts_add(arena, &p->directories, arena_printf(arena, "/usr/%s", row->plain));
    }
}

int platform_read(struct loader_platform *ret_platform, struct arena *arena, const struct root *root,
                  uint16_t machine, bool wide, const char *interpreter) {
    const struct machine_row *row = NULL;
    for (size_t i = 0; i < sizeof MACHINES / sizeof *MACHINES; i++)
        if (MACHINES[i].machine == machine && MACHINES[i].wide == wide)
            row = &MACHINES[i];
    if (!row)
        return -ENOTSUP;
    struct loader_platform p = {.machine = machine,
                                .wide = wide,
                                .cache_flags = row->cache_flags,
                                .cache_path = "/etc/ld.so.cache",
                                .platform = row->uname};
    if (!interpreter)
        interpreter =
            !root_exists(root, row->interpreter) && root_exists(root, row->musl) ? row->musl : row->interpreter;
    p.interpreter = interpreter;
    p.soname = text_basename(interpreter);
    p.kind = text_starts(p.soname, "ld-musl-") ? LOADER_MUSL : LOADER_GLIBC;
    interpreter_read(&p, arena, root);
    if (!p.directories.count)
        directories_guess(&p, arena, root, row);
    const char *first = p.directories.items[0];
    p.lib = text_starts(first, "/lib/") ? first + 1 : text_basename(first);
    struct cpu cpu = {0};
    if (p.kind == LOADER_GLIBC && machine == EM_X86_64) {
        cpu = cpu_read(arena, root);
        x86_capabilities(&p, arena, cpu);
    }
    if (p.kind == LOADER_GLIBC && p.glibc_minor && p.glibc_minor < 37)
        legacy_capabilities(&p, arena, cpu);
    if (p.legacy_platform)
        p.platform = "haswell";
    *ret_platform = p;
    return 0;
}
