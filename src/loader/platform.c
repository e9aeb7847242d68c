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

/* Only Intel's CPUs have a platform name of their own (sysdeps/x86/cpu-features.c). */
static void x86_platform(struct loader_platform *p, struct cpu cpu) {
    static const char *const HASWELL[] = {"avx2", "bmi1", "bmi2", "movbe"};
    if (cpu.intel && cpu.flags && has_flags(cpu.flags, HASWELL, 4)) {
        p->platform = "haswell";
        p->legacy_platform = 1ull << 48;
    }
}

/* glibc before 2.37 also looks into tls/, haswell/, x86_64/ … in every combination (elf/dl-hwcaps.c). */
static void legacy_capabilities(struct loader_platform *p, struct arena *arena, struct cpu cpu) {
    static const char *const AVX512_1[] = {"avx512cd", "avx512bw", "avx512dq", "avx512vl"};
    texts_add(arena, &p->legacy, "tls");
    texts_add(arena, &p->legacy, p->platform);
    if (p->machine == EM_AARCH64) {
        texts_add(arena, &p->legacy, "atomics");
    } else if (p->machine == EM_X86_64) {
        p->legacy_hwcap = 1 << 1; /* HWCAP_X86_64 */
        if (cpu.intel && cpu.flags && has_flags(cpu.flags, AVX512_1, 4)) {
            texts_add(arena, &p->legacy, "avx512_1");
            p->legacy_hwcap |= 1 << 2;
        }
        texts_add(arena, &p->legacy, "x86_64");
    }
}

/* --- what is compiled into the loader ---------------------------------------------------------------------- */

/* The string that holds the byte at `at`. */
static struct span word_around(struct span bytes, size_t at) {
    size_t start = at, end = at;
    while (start > 0 && bytes.ptr[start - 1])
        start--;
    while (end < bytes.len && bytes.ptr[end])
        end++;
    return span_slice(bytes, start, end);
}

/* A directory as ld.so writes its own: "/usr/lib64/". */
static bool is_directory_text(struct span word) {
    return word.len > 4 && word.len < 256 && word.ptr[0] == '/' && span_ends(word, "/");
}

/* The default directories are strings one behind the other: the longest such run. */
static void directories_find(struct loader_platform *p, struct arena *arena, struct span bytes) {
    struct texts run = {0};
    struct span word;
    const char *behind = NULL; /* where the last one ended */
    const char *end = bytes.ptr + bytes.len;
    for (const char *at = bytes.ptr; at < end && (at = memchr(at, '/', (size_t)(end - at))); at++) {
        if (end - at < 5 || memcmp(at, "/lib", 4) != 0)
            continue;
        word = word_around(bytes, (size_t)(at - bytes.ptr));
        at = word.ptr + word.len;
        if (!is_directory_text(word))
            continue;
        if (word.ptr != behind)
            run = (struct texts){0};
        behind = word.ptr + word.len + 1;
        texts_add(arena, &run, arena_copy_span(arena, span_slice(word, 0, word.len - 1)));
        if (run.count > p->directories.count)
            p->directories = run;
    }
}

/* The number at the start, 0 where there is none. */
static int digits_at(struct span text) {
    int number = 0;
    for (size_t i = 0; i < text.len && i < 4 && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        number = number * 10 + (text.ptr[i] - '0');
    return number;
}

static void words_find(struct loader_platform *p, struct arena *arena, struct span bytes) {
    static const char release[] = "stable release version 2.";
    size_t hit = span_find(bytes, release), cache = span_find(bytes, "/ld.so.cache");
    struct span word = {0};
    if (cache != SIZE_MAX)
        word = word_around(bytes, cache);
    directories_find(p, arena, bytes);
    if (word.len && word.len < 256 && word.ptr[0] == '/' && span_ends(word, "/ld.so.cache"))
        p->cache_path = arena_copy_span(arena, word);
    if (hit != SIZE_MAX)
        p->glibc_minor = digits_at(span_slice(bytes, hit + sizeof release - 1, bytes.len));
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
    static const char *const x86_names[] = {"tls", "haswell", "xeon_phi", "avx512_1", "x86_64"};
    static const char *const arm_names[] = {"tls", "aarch64", "atomics"};
    bool legacy = p.kind == LOADER_GLIBC && p.glibc_minor && p.glibc_minor < 37;
    for (size_t i = 0; legacy && machine == EM_X86_64 && i < 5; i++)
        texts_add(arena, &p.legacy_names, x86_names[i]);
    for (size_t i = 0; legacy && machine == EM_AARCH64 && i < 3; i++)
        texts_add(arena, &p.legacy_names, arm_names[i]);
    *ret_platform = p;
    return 0;
}

void platform_cpu(struct loader_platform *p, struct arena *arena, const struct root *root) {
    if (p->cpu_known)
        return;
    p->cpu_known = true;
    struct cpu cpu = {0};
    if (p->kind == LOADER_GLIBC && p->machine == EM_X86_64) {
        cpu = cpu_read(arena, root);
        x86_capabilities(p, arena, cpu);
        x86_platform(p, cpu);
    }
    if (p->legacy_names.count)
        legacy_capabilities(p, arena, cpu);
}
