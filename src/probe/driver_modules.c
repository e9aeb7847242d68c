/* Modules on disk for every kernel, DKMS, kernel headers, GSP firmware. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/elf.h"
#include "format/modinfo.h"
#include "format/nvrm.h"
#include "probe/driver.h"
#include "probe/look.h"
#include "sys/unpack.h"

/* A failed look that may have hidden something; that a thing is not there, or is no directory, is an answer. */
static bool is_trouble(int r) {
    return r < 0 && r != -EFBIG && r != -ENOENT && r != -ENOTDIR;
}

static const char no_kernel[] = "the running kernel is not known";

static const char *modules_directory(const struct probe *probe) {
    static const char *const places[] = {"/lib/modules", "/usr/lib/modules",
                                         "/run/current-system/kernel-modules/lib/modules"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (root_is_directory(probe->root, places[i]))
            return places[i];
    return NULL;
}

/* --- one module's file --------------------------------------------------------------------------------------- */

static void set_modinfo(struct probe *probe, struct kernel_module *module, struct span section) {
    static const char source[] = ".modinfo";
    struct span version = modinfo_get(section, "version"), magic = modinfo_get(section, "vermagic");
    enum nvrm_flavour flavour = nvrm_flavour_of_license(modinfo_get(section, "license"));
    if (version.ptr)
        set_text(&module->version, text_clean(probe->arena, version), source);
    else
        set_absent(&module->version, source);
    if (magic.ptr)
        set_text(&module->vermagic, text_clean(probe->arena, magic), source);
    if (flavour)
        set_text(&module->flavour, nvrm_flavour_text(flavour), source);
}

static int read_plain(struct probe *probe, struct kernel_module *module, struct arena *scratch, const char *path) {
    AUTO_FD fd = root_open_file(probe->root, path);
    struct elf elf;
    struct span section;
    if (fd < 0)
        return fd;
    int r = elf_open_file(&elf, scratch, fd);
    if (r < 0)
        return r;
    const struct elf_section *modinfo = elf_find_section(&elf, ".modinfo", NULL);
    if (!modinfo)
        return -ENODATA;
    r = elf_read_span(&elf, scratch, modinfo->offset, modinfo->size, LIMIT_SMALL_FILE, &section);
    if (r < 0)
        return r;
    set_modinfo(probe, module, section);
    char tail[MODULE_SIGNATURE_MARK];
    if (elf.size >= sizeof tail && root_pread(fd, tail, sizeof tail, elf.size - sizeof tail) == 0)
        set_flag(&module->is_signed, module_signed(span_from(tail, sizeof tail)), NULL);
    return 0;
}

static bool take_piece(void *stream, struct span bytes) {
    modinfo_stream_take(stream, bytes);
    return true;
}

/* Unpacking a module takes up to a second: done only for the one that matters, nvidia for the running kernel where
 * none is loaded. */
static int read_compressed(struct probe *probe, struct kernel_module *module, struct arena *scratch,
                           const char *path, enum module_compression compression) {
    static const enum unpack_kind kinds[] = {
        [MODULE_GZIP] = UNPACK_GZIP, [MODULE_XZ] = UNPACK_XZ, [MODULE_ZSTD] = UNPACK_ZSTD};
    static const char source[] = ".modinfo";
    const struct snapshot *facts = probe->out;
    if (!text_eq(text_of(module->name), "nvidia") || !is_false(facts->driver.module_loaded) ||
        !text_eq(text_of(module->kernel), text_of(facts->system.kernel)))
        return -ECANCELED;
    AUTO_FD fd = root_open_file(probe->root, path);
    if (fd < 0)
        return fd;
    struct modinfo_stream stream = {0};
    int r = unpack(scratch, fd, kinds[compression], take_piece, &stream);
    if (r < 0)
        return r;
    enum nvrm_flavour flavour = nvrm_flavour_of_license(span_of(stream.license));
    if (*stream.version)
        set_text(&module->version, keep(probe, stream.version), source);
    else
        set_absent(&module->version, source);
    if (*stream.vermagic)
        set_text(&module->vermagic, keep(probe, stream.vermagic), source);
    if (flavour)
        set_text(&module->flavour, nvrm_flavour_text(flavour), source);
    set_flag(&module->is_signed, modinfo_stream_signed(&stream), NULL);
    return 0;
}

static void add_module(struct probe *probe, const char *kernel, const char *path, bool indexed, const char *name,
                       enum module_compression compression) {
    AUTO_ARENA scratch = {0};
    struct driver_facts *driver = &probe->out->driver;
    for (size_t i = 0; i < driver->modules.count; i++)
        if (text_eq(text_of(driver->modules.items[i].path), path))
            return;
    if (driver->modules.count >= LIMIT_ROWS)
        return;
    struct kernel_module *module = &LIST_PUSH(probe->arena, &driver->modules);
    set_text(&module->path, keep(probe, path), NULL);
    set_text(&module->name, name, NULL);
    set_text(&module->kernel, keep(probe, kernel), NULL);
    set_flag(&module->indexed, indexed, NULL);
    if (compression)
        set_text(&module->compression, module_compression_text(compression), NULL);
    else
        set_absent(&module->compression, NULL);
    if (!text_starts(name, "nvidia")) /* nouveau comes with its kernel: nothing to learn from it */
        return;
    int r = compression == MODULE_PLAIN ? read_plain(probe, module, &scratch, path)
                                        : read_compressed(probe, module, &scratch, path, compression);
    if (r == 0)
        return;
    const char *reason = r == -ECANCELED    ? "compressed, and not unpacked where it does not matter"
                         : r == -EOPNOTSUPP ? "compressed, and the library to unpack it is not here"
                         : r == -ENOEXEC    ? "not an ELF file"
                         : r == -EBADMSG    ? "damaged"
                                            : strerror(-r);
    if (r == -ENOENT)
        reason = "modules.dep lists it, the file is not there";
    set_unknown(&module->version, reason, NULL);
    set_unknown(&module->vermagic, reason, NULL);
}

/* --- which modules there are --------------------------------------------------------------------------------- */

static void add_named(struct probe *probe, const char *kernel, const char *path, bool indexed) {
    char name[64];
    enum module_compression compression;
    if (!module_file_name(span_of(path), name, sizeof name, &compression))
        return;
    const char *shown = module_of_interest(name);
    if (shown)
        add_module(probe, kernel, path, indexed, shown, compression);
}

/* modules.dep is a line per module, "updates/dkms/nvidia-uvm.ko: updates/dkms/nvidia.ko", some thousands of them:
 * only those are cut out that hold one of the names. */
static void read_index(struct probe *probe, struct arena *scratch, const char *directory, const char *kernel,
                       struct span index) {
    static const char *const words[] = {"nvidia", "nouveau", "nvgpu"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct span rest = index;
        for (size_t at; (at = span_find(rest, words[i])) != SIZE_MAX;) {
            size_t start = at;
            while (start > 0 && rest.ptr[start - 1] != '\n')
                start--;
            struct span line, file, needs;
            rest = span_slice(rest, start, rest.len);
            span_next_line(&rest, &line);
            if (!span_cut(line, ':', &file, &needs) || !span_has(file, words[i]))
                continue;
            const char *relative = arena_copy_span(scratch, file);
            add_named(probe, kernel, relative[0] == '/' ? relative : text_path(scratch, directory, relative),
                      true);
        }
    }
}

/* Where the installers put modules, for those that depmod has not listed yet. */
static int read_places(struct probe *probe, struct arena *scratch, const char *directory, const char *kernel) {
    static const char *const places[] = {"updates/dkms",
                                         "updates",
                                         "extra",
                                         "extra/nvidia",
                                         "weak-updates/nvidia",
                                         "kernel/drivers/video",
                                         "kernel/drivers/video/nvidia",
                                         "misc"};
    int error = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *place = text_path(scratch, directory, places[i]);
        struct texts names;
        int r = root_list(probe->root, scratch, place, &names);
        if (is_trouble(r))
            error = r;
        for (size_t j = 0; (r == 0 || r == -EFBIG) && j < names.count; j++)
            add_named(probe, kernel, text_path(scratch, place, names.items[j]), false);
    }
    return error;
}

static void read_kernels(struct probe *probe) {
    struct driver_facts *driver = &probe->out->driver;
    AUTO_ARENA arena = {0};
    const char *directory = modules_directory(probe);
    struct texts kernels;
    if (!directory) {
        set_absent(&driver->modules, "/lib/modules");
        return;
    }
    int r = root_list(probe->root, &arena, directory, &kernels);
    if (r < 0 && r != -EFBIG) {
        set_missing(&driver->modules, r, directory);
        return;
    }
    set_listed(&driver->modules, directory);
    int error = 0;
    for (size_t i = 0; i < kernels.count && i < LIMIT_KERNELS; i++) {
        AUTO_ARENA scratch = {0};
        struct span index;
        const char *kernel = text_path(&scratch, directory, kernels.items[i]);
        r = root_read(probe->root, &scratch, text_path(&scratch, kernel, "modules.dep"), LIMIT_FILE, &index);
        if (r == 0 || r == -EFBIG)
            read_index(probe, &scratch, kernel, kernels.items[i], index);
        if (is_trouble(r))
            error = r;
        r = r == -ENOTDIR ? 0 : read_places(probe, &scratch, kernel, kernels.items[i]);
        if (is_trouble(r))
            error = r;
    }
    if (error) /* a list with a gap would say that what is missing is not there */
        forget_list(&driver->modules, strerror(-error), directory);
}

/* --- headers ------------------------------------------------------------------------------------------------- */

/* `build` leads to the headers; in a package's absence it dangles. */
static void read_headers(struct probe *probe) {
    struct flag_fact *fact = &probe->out->driver.headers_present;
    const char *kernel = text_of(probe->out->system.kernel), *directory = modules_directory(probe);
    if (!kernel) {
        set_unknown(fact, no_kernel, "uname");
        return;
    }
    AUTO_ARENA scratch = {0};
    const char *build =
        text_path(&scratch, text_path(&scratch, directory ? directory : "/lib/modules", kernel), "build");
    bool found =
        root_exists(probe->root, text_path(&scratch, build, "Makefile")) ||
        root_exists(probe->root, text_path(&scratch, text_path(&scratch, "/usr/src/kernels", kernel), "Makefile"));
    set_flag(fact, found, keep(probe, build));
}

/* --- DKMS ---------------------------------------------------------------------------------------------------- */

static const char dkms[] = "/var/lib/dkms";

/* The first line that reads like an error, or the last one. */
static const char *first_error(struct probe *probe, struct arena *scratch, const char *path) {
    struct span bytes, line, last = {0};
    int r = root_read(probe->root, scratch, path, LIMIT_FILE, &bytes);
    if (r < 0 && r != -EFBIG)
        return NULL;
    while (span_next_line(&bytes, &line)) {
        line = span_trim(line);
        if (span_has(line, "error:") || span_has(line, "Error ") || span_has(line, "ERROR:") ||
            span_has(line, "*** "))
            return text_clean(probe->arena, span_slice(line, 0, 400));
        if (line.len)
            last = line;
    }
    return last.len ? text_clean(probe->arena, span_slice(last, 0, 400)) : NULL;
}

static struct dkms_module *add_dkms(struct probe *probe, const char *name, const char *version,
                                    const char *state) {
    if (probe->out->driver.dkms.count >= LIMIT_ROWS)
        return NULL;
    struct dkms_module *module = &LIST_PUSH(probe->arena, &probe->out->driver.dkms);
    set_text(&module->name, keep(probe, name), NULL);
    set_text(&module->version, keep(probe, version), NULL);
    set_text(&module->state, state, NULL);
    set_absent(&module->kernel, NULL);
    set_absent(&module->log, NULL);
    return module;
}

/* One kernel's directory: NAME/VERSION/KERNEL/ARCHITECTURE/module with what was built.
 * NAME/kernel-KERNEL-ARCHITECTURE points at it once it is installed (dkms(8)). */
static int read_dkms_kernel(struct probe *probe, struct arena *scratch, const char *name, const char *version,
                            const char *kernel) {
    const char *tree = text_path(scratch, dkms, name);
    const char *directory = text_path(scratch, text_path(scratch, tree, version), kernel);
    struct texts architectures;
    int r = root_list(probe->root, scratch, directory, &architectures);
    for (size_t i = 0; r == 0 && i < architectures.count; i++) {
        const char *built = text_path(scratch, text_path(scratch, directory, architectures.items[i]), "module");
        const char *link = arena_printf(scratch, "%s/kernel-%s-%s", tree, kernel, architectures.items[i]);
        if (!root_is_directory(probe->root, built))
            continue;
        const char *target;
        bool installed = root_readlink(probe->root, scratch, link, &target) == 0 && text_starts(target, version);
        struct dkms_module *module = add_dkms(probe, name, version, installed ? "installed" : "built");
        if (module)
            set_text(&module->kernel, keep(probe, kernel), NULL);
    }
    return r;
}

static int read_dkms_version(struct probe *probe, struct arena *scratch, const char *name, const char *version) {
    const char *directory = text_path(scratch, text_path(scratch, dkms, name), version);
    struct texts entries;
    struct stat st;
    int r = root_list(probe->root, scratch, directory, &entries);
    if (r < 0 && r != -EFBIG)
        return r;
    size_t before = probe->out->driver.dkms.count;
    for (size_t i = 0; i < entries.count; i++)
        if (!text_eq(entries.items[i], "source") && !text_eq(entries.items[i], "build") &&
            is_trouble(read_dkms_kernel(probe, scratch, name, version, entries.items[i])))
            r = -EIO;
    const char *source = text_path(scratch, directory, "source");
    const char *log = first_error(probe, scratch, text_path(scratch, directory, "build/make.log"));
    if (probe->out->driver.dkms.count > before && !log)
        return r;
    /* a build directory is left where a build failed; a source that leads nowhere can never be built */
    const char *state = log ? "failed" : "added";
    if (root_lstat(probe->root, source, &st) == 0 && !root_exists(probe->root, source))
        state = "broken";
    struct dkms_module *module = add_dkms(probe, name, version, state);
    if (module && log)
        set_text(&module->log, log, NULL);
    return r;
}

static void read_dkms(struct probe *probe) {
    struct driver_facts *driver = &probe->out->driver;
    AUTO_ARENA scratch = {0};
    struct texts names, versions;
    int r = root_list(probe->root, &scratch, dkms, &names);
    if (r < 0 && r != -EFBIG) {
        set_missing(&driver->dkms, r, dkms);
        return;
    }
    set_listed(&driver->dkms, dkms);
    int error = 0;
    for (size_t i = 0; i < names.count; i++) {
        if (!text_has(names.items[i], "nvidia"))
            continue;
        r = root_list(probe->root, &scratch, text_path(&scratch, dkms, names.items[i]), &versions);
        if (is_trouble(r))
            error = r;
        for (size_t j = 0; r == 0 && j < versions.count; j++)
            if (!text_starts(versions.items[j], "kernel-") && !text_starts(versions.items[j], "original_module") &&
                is_trouble(read_dkms_version(probe, &scratch, names.items[i], versions.items[j])))
                error = -EIO;
    }
    if (error)
        forget_list(&driver->dkms, strerror(-error), dkms);
}

/* --- GSP firmware -------------------------------------------------------------------------------------------- */

/* /lib/firmware/nvidia/550.54.14/gsp_ga10x.bin; nouveau's own firmware lies beside it under names of chips. */
static void read_firmware(struct probe *probe) {
    struct texts_fact *fact = &probe->out->driver.gsp_firmware;
    static const char *const places[] = {"/lib/firmware/nvidia", "/usr/lib/firmware/nvidia",
                                         "/run/current-system/firmware/nvidia"};
    AUTO_ARENA scratch = {0};
    struct texts names, files;
    int error = 0;
    set_absent(fact, places[0]);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int r = root_list(probe->root, &scratch, places[i], &names);
        if (r < 0 && r != -EFBIG) {
            if (r != -ENOENT && r != -ENOTDIR && absent(*fact))
                set_missing(fact, r, places[i]);
            continue;
        }
        if (!known(*fact))
            set_listed(fact, places[i]);
        for (size_t j = 0; j < names.count; j++) {
            struct driver_version version;
            if (driver_version_parse(span_of(names.items[j]), &version) < 0 || version.count < 2)
                continue;
            r = root_list(probe->root, &scratch, text_path(&scratch, places[i], names.items[j]), &files);
            if (is_trouble(r))
                error = r;
            for (size_t k = 0; r == 0 && k < files.count; k++)
                if (text_starts(files.items[k], "gsp")) {
                    const struct texts have = {fact->items, fact->count};
                    if (!texts_have(&have, version.text))
                        texts_push(probe->arena, fact, arena_copy(probe->arena, version.text));
                    break;
                }
        }
    }
    if (error)
        forget_list(fact, strerror(-error), places[0]);
}

void driver_modules_read(struct probe *probe) {
    read_kernels(probe);
    read_headers(probe);
    read_dkms(probe);
    read_firmware(probe);
}
