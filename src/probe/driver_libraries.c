/* Every libcuda.so.1 and libnvidia-ml.so.1: those the loader's rules reach, the winner first, and those that lie
 * at usual places without being reached. Only headers are read. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/compat_note.h"
#include "format/elf_dynamic.h"
#include "format/inf.h"
#include "format/version.h"
#include "loader/loader.h"
#include "probe/driver.h"
#include "probe/look.h"

static const char *const sonames[] = {"libcuda.so.1", "libnvidia-ml.so.1"};

/* --- one file ------------------------------------------------------------------------------------------------ */

/* "libcuda.so.550.54.14" -> 550.54.14. The numbers of WSL's and Tegra's "libcuda.so.1.1" are no driver's. */
static bool version_of_name(const char *path, struct driver_version *ret_version) {
    const char *suffix = strstr(text_basename(path), ".so.");
    struct driver_version version;
    if (!suffix || driver_version_parse(span_of(suffix + 4), &version) < 0 || version.count < 2 ||
        version.part[0] < 60)
        return false;
    *ret_version = version;
    return true;
}

/* Longer than anything its headers point to. A file cut in its middle still opens: the loader maps what is there,
 * and the program dies at the first page that is not. */
static bool is_whole(const struct elf *elf) {
    if (elf->section_error == -ENODATA || elf->segment_error == -ENODATA)
        return false;
    for (size_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].file_size &&
            elf_check_range(elf, elf->segments[i].offset, elf->segments[i].file_size) < 0)
            return false;
    for (size_t i = 0; i < elf->section_count; i++)
        if (elf->sections[i].type != SHT_NOBITS && elf->sections[i].type != SHT_NULL &&
            elf_check_range(elf, elf->sections[i].offset, elf->sections[i].size) < 0)
            return false;
    return true;
}

static const char *machine_text(struct arena *arena, uint16_t machine) {
    switch (machine) {
    case EM_X86_64:
        return "x86_64";
    case EM_AARCH64:
        return "aarch64";
    case EM_386:
        return "i386";
    case EM_ARM:
        return "arm";
    case EM_PPC64:
        return "ppc64";
    default:
        return arena_printf(arena, "machine %u", machine);
    }
}

static void read_note(struct probe *probe, struct driver_library *library, struct arena *scratch,
                      const struct elf *elf) {
    const struct elf_section *section = elf_find_section(elf, COMPAT_NOTE_SECTION, NULL);
    struct compat_note note;
    struct span bytes;
    if (!section)
        return;
    int r = elf_read_span(elf, scratch, section->offset, section->size, LIMIT_SMALL_FILE, &bytes);
    if (r == 0)
        r = compat_note_parse(bytes, elf->big, probe->arena, &note);
    if (r < 0) {
        set_unknown(&library->compat_branches, "its note cannot be read", COMPAT_NOTE_SECTION);
        if (!known(library->compat_cuda))
            set_unknown(&library->compat_cuda, "its note cannot be read", COMPAT_NOTE_SECTION);
        return;
    }
    if (note.cuda)
        set_text(&library->compat_cuda, note.cuda, COMPAT_NOTE_SECTION);
    set_listed(&library->compat_branches, COMPAT_NOTE_SECTION);
    for (size_t i = 0; i < note.branches.count; i++)
        texts_push(probe->arena, &library->compat_branches,
                   arena_printf(probe->arena, "%d", note.branches.items[i]));
}

/* Packages before the note was invented are known by their directory, /usr/local/cuda-11.8/compat. */
static void set_compat_by_directory(struct probe *probe, struct driver_library *library, const char *real_path) {
    const char *cuda = strstr(real_path, "/cuda-");
    int number;
    char text[16];
    if (!text_has(real_path, "/compat/") && !text_has(real_path, "/cuda-compat/")) {
        set_absent(&library->compat_cuda, COMPAT_NOTE_SECTION);
        return;
    }
    size_t digits = cuda ? strspn(cuda + 6, "0123456789.") : 0;
    if (digits && cuda_version_parse(span_from(cuda + 6, digits), &number) == 0)
        set_text(&library->compat_cuda, arena_copy(probe->arena, cuda_version_text(number, text)), "directory");
    else
        set_text(&library->compat_cuda, "unknown", "directory");
}

/* WSL's libraries have no number in their names; Windows' driver store, which it shows beside them, tells it where
 * it holds one NVIDIA driver only. */
static bool version_of_windows(struct probe *probe, struct arena *scratch, struct driver_version *ret_version) {
    static const char store[] = "/usr/lib/wsl/drivers";
    struct texts names;
    struct driver_version found = {0};
    int r = root_list(probe->root, scratch, store, &names);
    for (size_t i = 0; (r == 0 || r == -EFBIG) && i < names.count; i++) {
        const char *name = names.items[i], *end = strstr(name, ".inf_");
        struct driver_version version;
        struct span bytes;
        if (!text_starts(name, "nv") || !end)
            continue;
        const char *path = arena_printf(scratch, "%s/%s/%.*s.inf", store, name, (int)(end - name), name);
        r = root_read(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
        if ((r < 0 && r != -EFBIG) || inf_driver_version(bytes, &version) < 0 || version.part[0] < 60)
            continue;
        if (found.count && driver_version_order(&found, &version) != 0)
            return false;
        found = version;
    }
    *ret_version = found;
    return found.count > 0;
}

/* The toolkit's stub, there to link against: it needs no other library, which no real driver library does without,
 * nor WSL's small ones. */
static bool is_stub(const struct elf_dynamic *dynamic, const char *path, const char *real_path) {
    struct driver_version version;
    if (text_has(path, "/stubs/") || text_has(real_path, "/stubs/"))
        return true;
    return dynamic->present && !dynamic->needed.count && !version_of_name(real_path, &version);
}

static void describe(struct probe *probe, struct driver_library *library, const char *path,
                     const char *real_path) {
    AUTO_ARENA scratch = {0};
    AUTO_FD fd = root_open_file(probe->root, path);
    struct elf elf;
    struct elf_dynamic dynamic = {0};
    struct driver_version version;
    bool wsl = text_starts(real_path, "/usr/lib/wsl/");
    set_flag(&library->wsl, wsl, NULL);
    if (version_of_name(real_path, &version))
        set_text(&library->version, arena_copy(probe->arena, version.text), "file name");
    else if (wsl && version_of_windows(probe, &scratch, &version))
        set_text(&library->version, arena_copy(probe->arena, version.text), "/usr/lib/wsl/drivers");
    else
        set_unknown(&library->version, "its file name has none", NULL);
    set_compat_by_directory(probe, library, real_path);
    int r = fd < 0 ? fd : elf_open_file(&elf, &scratch, fd);
    if (r == -ENOEXEC || r == -ENODATA || r == -EBADMSG) { /* empty, zeroes, a text file */
        set_flag(&library->whole, false, NULL);
        return;
    }
    if (r < 0) {
        set_unknown(&library->whole, strerror(-r), NULL);
        return;
    }
    set_flag(&library->whole, is_whole(&elf), NULL);
    set_number(&library->bits, elf.wide ? 64 : 32, NULL);
    set_text(&library->machine, machine_text(probe->arena, elf.machine), NULL);
    if (elf_dynamic_read(&dynamic, &scratch, &elf) == 0)
        set_flag(&library->stub, !wsl && is_stub(&dynamic, path, real_path), NULL);
    read_note(probe, library, &scratch, &elf);
}

/* --- which copies there are ---------------------------------------------------------------------------------- */

/* NULL where this file is in the list already, under whatever name, or cannot be followed. */
static struct driver_library *add(struct probe *probe, struct driver_library_rows *list, const char *soname,
                                  const char *path) {
    const char *real_path;
    struct driver_facts *driver = &probe->out->driver;
    if (list->count >= LIMIT_ROWS)
        return NULL;
    if (root_realpath(probe->root, probe->arena, path, &real_path) < 0)
        return NULL;
    const struct driver_library_rows *lists[] = {&driver->libraries, &driver->unreached};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            if (text_eq(text_of(lists[i]->items[j].real_path), real_path) &&
                text_eq(text_of(lists[i]->items[j].soname), soname))
                return NULL;
    struct driver_library *library = &LIST_PUSH(probe->arena, list);
    set_text(&library->soname, soname, NULL);
    set_text(&library->path, keep(probe, path), NULL);
    set_text(&library->real_path, keep(probe, real_path), NULL);
    set_flag(&library->wins, false, NULL);
    set_absent(&library->found_by, NULL);
    describe(probe, library, path, real_path);
    return library;
}

static void add_reached(struct probe *probe, struct loader *loader, const char *soname,
                        struct text_fact *winner_version) {
    AUTO_ARENA scratch = {0};
    struct loader_copies copies;
    loader_candidates(loader, &scratch, NULL, soname, &copies);
    bool decided = false, won = false;
    const char *trouble = NULL;
    int64_t bits = loader_platform(loader)->wide ? 64 : 32;
    for (size_t i = 0; i < copies.count; i++) {
        const struct loader_copy *copy = &copies.items[i];
        struct driver_library *library = add(probe, &probe->out->driver.libraries, soname, copy->path);
        bool first = !decided;
        decided = true;
        if (!library)
            continue;
        set_text(&library->found_by, loader_rule_name(copy->by), NULL);
        /* copies of another word size are passed over and come last; at a file that is no library ld.so gives up:
           what a program gets then is that error */
        /* passed over, though it is none of these: it could not be read just then */
        if (copy->error && !is_false(library->whole) && number_of(library->bits, bits) == bits)
            trouble = keep(probe, copy->error);
        if (!first || (copy->error && !is_false(library->whole)))
            continue;
        won = true;
        set_flag(&library->wins, true, NULL);
        *winner_version = library->version;
        winner_version->is.source = text_of(library->path);
    }
    if (won)
        return;
    if (trouble) {
        if (text_eq(soname, sonames[0]))
            forget_list(&probe->out->driver.libraries, trouble, soname);
        set_unknown(winner_version, trouble, soname);
    } else {
        set_absent(winner_version, soname);
    }
}

/* The same file under another name: a hard link, a mount. */
static bool is_reached(const struct probe *probe, const char *path) {
    const struct driver_library_rows *libraries = &probe->out->driver.libraries;
    struct stat st, other;
    if (root_stat(probe->root, path, &st) < 0)
        return false;
    for (size_t i = 0; i < libraries->count; i++)
        if (root_stat(probe->root, text_of(libraries->items[i].path), &other) == 0 && st.st_dev == other.st_dev &&
            st.st_ino == other.st_ino)
            return true;
    return false;
}

static void add_unreached(struct probe *probe) {
    static const char *const places[] = {
        "/usr/lib/wsl/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu/nvidia/current",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu/nvidia",
        "/usr/lib/aarch64-linux-gnu/nvidia/current",
        "/usr/lib/aarch64-linux-gnu/tegra",
        "/usr/lib64",
        "/usr/lib64/nvidia",
        "/usr/lib",
        "/usr/local/nvidia/lib64",
        "/usr/local/nvidia/lib",
        "/usr/local/cuda/compat",
        "/run/opengl-driver/lib",
        "/opt/nvidia/lib64",
        "/.singularity.d/libs",
        "/home/kubernetes/bin/nvidia/lib64",
        "/var/lib/nvidia/lib64",
    };
    set_listed(&probe->out->driver.unreached, "usual places");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t j = 0; j < sizeof sonames / sizeof *sonames; j++) {
            AUTO_ARENA scratch = {0};
            const char *path = text_path(&scratch, places[i], sonames[j]);
            if (!is_reached(probe, path))
                add(probe, &probe->out->driver.unreached, sonames[j], path);
        }
}

/* Whether the loader looks into the directory of that path: one of its own, or one of LD_LIBRARY_PATH. */
static bool is_searched(const struct probe *probe, const struct loader *loader, const char *soname,
                        const char *path) {
    const struct texts *directories = &loader_platform(loader)->directories;
    const char *variable = look_env_filled(probe, "LD_LIBRARY_PATH");
    AUTO_ARENA scratch = {0};
    for (size_t i = 0; i < directories->count; i++)
        if (text_eq(text_path(&scratch, directories->items[i], soname), path))
            return true;
    struct span rest = span_of(variable), entry;
    while (variable && span_next_field(&rest, ':', &entry))
        if (entry.len && text_eq(text_path(&scratch, arena_copy_span(&scratch, entry), soname), path))
            return true;
    return false;
}

/* A copy in a directory of the loader's that the rules did not come by: some read failed on the way, which is not
 * the same as "not there". */
static void doubt(struct probe *probe, const struct loader *loader, const char *soname,
                  struct text_fact *winner_version) {
    struct driver_facts *driver = &probe->out->driver;
    int64_t bits = loader_platform(loader)->wide ? 64 : 32;
    for (size_t i = 0; i < driver->unreached.count; i++) {
        const struct driver_library *library = &driver->unreached.items[i];
        const char *path = text_of(library->path);
        if (!text_eq(text_of(library->soname), soname) || number_of(library->bits, bits) != bits)
            continue;
        if (!is_searched(probe, loader, soname, path))
            continue;
        static const char reason[] = "a copy is there, but could not be read when the rules were followed";
        bool undecided = absent(*winner_version);
        if (undecided)
            set_unknown(winner_version, reason, path);
        if (undecided && text_eq(soname, sonames[0])) {
            forget_list(&driver->libraries, reason, path);
            return;
        }
        struct driver_library *moved = &LIST_PUSH(probe->arena, &driver->libraries);
        *moved = *library;
        set_unknown(&moved->found_by, reason, NULL);
        if (undecided)
            set_unknown(&moved->wins, reason, NULL);
        driver->unreached.items[i] = driver->unreached.items[--driver->unreached.count];
        return;
    }
    bool environment_known;
    root_env(probe->root, "LD_LIBRARY_PATH", &environment_known);
    if (absent(*winner_version) && !environment_known) {
        static const char reason[] = "LD_LIBRARY_PATH is not known, and nothing else leads to one";
        forget_list(&driver->libraries, reason, soname);
        set_unknown(winner_version, reason, soname);
    }
}

static void loader_close_pointer(struct loader **loader) {
    if (*loader)
        loader_close(*loader);
}

void driver_libraries_read(struct probe *probe) {
    struct driver_facts *driver = &probe->out->driver;
    __attribute__((cleanup(loader_close_pointer))) struct loader *loader = NULL;
    static const char source[] = "the loader's rules";
    int r = loader_open(&loader, probe->root, (struct loader_options){.skip_shadows = true});
    if (r == 0)
        r = loader_start_bare(loader);
    if (r < 0) {
        const char *reason = r == -ENOTSUP ? "the loader's rules for this machine are not known" : strerror(-r);
        set_unknown(&driver->libraries, reason, source);
        set_unknown(&driver->library_version, reason, source);
        set_unknown(&driver->nvml_version, reason, source);
    } else {
        set_listed(&driver->libraries, source);
        add_reached(probe, loader, sonames[0], &driver->library_version);
        add_reached(probe, loader, sonames[1], &driver->nvml_version);
    }
    add_unreached(probe);
    if (r == 0) {
        doubt(probe, loader, sonames[0], &driver->library_version);
        doubt(probe, loader, sonames[1], &driver->nvml_version);
        if (!known(driver->libraries))
            driver->libraries.count = 0;
    }
}
