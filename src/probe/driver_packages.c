/* Packages that own pieces of the driver, as dpkg, rpm, pacman and Portage keep them, and NVIDIA's own installer. */
#include <errno.h>

#include "base/limits.h"
#include "format/package_db.h"
#include "format/version.h"
#include "probe/driver.h"
#include "probe/look.h"
#include "sys/database.h"

/* --- which packages matter ----------------------------------------------------------------------------------- */

static bool has_any(struct span name, const char *const *parts, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_has(name, parts[i]))
            return true;
    return false;
}
#define HAS_ANY(name, parts) has_any((name), (parts), sizeof(parts) / sizeof *(parts))

/* By name, over all distributions; "other" for the graphics side of the driver. */
static const char *piece_of(struct span name) {
    static const char *const container[] = {"container", "nvidia-docker"};
    static const char *const module[] = {"-dkms",
                                         "dkms-",
                                         "kmod",
                                         "kernel",
                                         "nvidia-open",
                                         "linux-modules-nvidia",
                                         "linux-objects-nvidia",
                                         "linux-signatures-nvidia",
                                         "-kmp"};
    static const char *const library[] = {"libcuda1",         "libnvidia-ml",        "libnvidia-compute",
                                          "nvidia-utils",     "nvidia-driver",       "nvidia-compute",
                                          "x11-video-nvidia", "xorg-x11-drv-nvidia", "-cuda1",
                                          "nvidia-drivers",   "nvidia-tesla-driver", "nvidia-l4t-cuda"};
    static const char *const tools[] = {"smi", "modprobe", "persistenced", "nvidia-settings",
                                        "nvidia-fabricmanager"};
    if (HAS_ANY(name, container))
        return "container";
    if (span_has(name, "cuda-compat"))
        return "compat";
    if (span_has(name, "firmware") || span_has(name, "-gsp"))
        return "firmware";
    if (HAS_ANY(name, module) || span_eq(name, "nvidia") || span_eq(name, "nvidia-lts"))
        return "module";
    if (HAS_ANY(name, library))
        return "library";
    return HAS_ANY(name, tools) ? "tools" : "other";
}

/* Packages of the driver; not of the toolkit, whose names hold the same words. */
static bool is_wanted(struct span name) {
    static const char *const words[] = {"nvidia", "libcuda1", "cuda-drivers", "cuda-compat"};
    static const char *const others[] = {"nvidia-cuda-", "nvidia-profiler",  "nvidia-visual", "nvidia-opencl-dev",
                                         "python",       "libnvidia-ml-dev", "nvidia-cudnn",  "nvidia-cg",
                                         "-doc",         "nvidia-nsight",    "nvidia-gds",    "nvidia-openjdk",
                                         "libkrb"};
    return HAS_ANY(name, words) && !HAS_ANY(name, others);
}

static struct driver_package *add(struct probe *probe, struct span name, const char *version, const char *state,
                                  const char *manager) {
    if (probe->out->driver.packages.count >= LIMIT_PACKAGES)
        return NULL;
    struct driver_package *package = &LIST_PUSH(probe->arena, &probe->out->driver.packages);
    set_text(&package->name, text_clean(probe->arena, name), NULL);
    set_text(&package->version, version, NULL);
    set_text(&package->state, state, NULL);
    set_text(&package->manager, manager, NULL);
    set_text(&package->piece, piece_of(name), NULL);
    return package;
}

/* --- one manager each: 0, or why its database could not be read; -ENOENT: this system does not use it -------- */

static int read_dpkg(struct probe *probe) {
    AUTO_ARENA scratch = {0};
    struct span bytes, word;
    struct package package;
    int r = root_read(probe->root, &scratch, "/var/lib/dpkg/status", LIMIT_FILE, &bytes);
    if (r < 0 && r != -EFBIG)
        return r;
    while (dpkg_next(&bytes, is_wanted, &package)) {
        struct span status = package.status, next; /* "install ok half-configured" */
        word = (struct span){0};
        while (span_next_word(&status, &next))
            word = next;
        const char *state = span_eq(word, "config-files") || span_eq(word, "not-installed")
                                ? "removed"
                                : text_clean(probe->arena, word);
        add(probe, package.name, text_clean(probe->arena, package.version), state, "dpkg");
    }
    return 0;
}

/* Distroless and some Ubuntu images keep a file per package. */
static int read_dpkg_parts(struct probe *probe) {
    static const char directory[] = "/var/lib/dpkg/status.d";
    AUTO_ARENA scratch = {0};
    struct texts names;
    int r = root_list(probe->root, &scratch, directory, &names);
    if (r < 0 && r != -EFBIG)
        return r;
    for (size_t i = 0; i < names.count; i++) {
        AUTO_ARENA one = {0};
        struct span bytes;
        struct package package;
        if (!is_wanted(span_of(names.items[i])) ||
            root_read(probe->root, &one, text_path(&one, directory, names.items[i]), LIMIT_SMALL_FILE, &bytes) < 0)
            continue;
        if (dpkg_next(&bytes, is_wanted, &package))
            add(probe, package.name, text_clean(probe->arena, package.version), "installed", "dpkg");
    }
    return 0;
}

static void add_rpm(void *context, struct span header) {
    struct probe *probe = context;
    struct span release;
    struct package package;
    if (!header.len || !rpm_header(header, &package, &release) || !is_wanted(package.name))
        return;
    const char *version = text_clean(probe->arena, package.version);
    if (release.len)
        version = arena_printf(probe->arena, "%s-%s", version, text_clean(probe->arena, release));
    add(probe, package.name, version, "installed", "rpm");
}

/* The index by name leads to the few headers that matter; a header's names stand near its start. */
static int read_rpm_file(struct probe *probe, const char *path) {
    static const char query[] =
        "SELECT DISTINCT substr(p.blob, 1, 65536) FROM Name n JOIN Packages p ON p.hnum = n.hnum "
        "WHERE n.key LIKE '%nvidia%' OR n.key LIKE 'cuda-drivers%' OR n.key LIKE 'cuda-compat%'";
    AUTO_DATABASE database = {.fd = -1};
    int r = database_open(&database, probe->root, path);
    return r < 0 ? r : database_query(&database, query, add_rpm, probe);
}

static int read_rpm(struct probe *probe) {
    static const char *const files[] = {"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
                                        "/usr/share/rpm/rpmdb.sqlite"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int r = read_rpm_file(probe, files[i]);
        if (r != -ENOENT && r != -ENOTDIR)
            return r;
    }
    /* Berkeley DB until RHEL 8, SUSE's own ndb: not read */
    static const char *const others[] = {"/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/Packages.db",
                                         "/var/lib/rpm/Packages.db"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (root_exists(probe->root, others[i]))
            return -EOPNOTSUPP;
    return -ENOENT;
}

static int read_pacman(struct probe *probe) {
    static const char directory[] = "/var/lib/pacman/local";
    AUTO_ARENA scratch = {0};
    struct texts names;
    int r = root_list(probe->root, &scratch, directory, &names);
    if (r < 0 && r != -EFBIG)
        return r;
    for (size_t i = 0; i < names.count; i++) {
        AUTO_ARENA one = {0};
        struct span bytes;
        struct package package;
        if (!is_wanted(span_of(names.items[i])))
            continue;
        const char *path = text_path(&one, text_path(&one, directory, names.items[i]), "desc");
        r = root_read(probe->root, &one, path, LIMIT_SMALL_FILE, &bytes);
        if ((r == 0 || r == -EFBIG) && pacman_desc(bytes, &package) && is_wanted(package.name))
            add(probe, package.name, text_clean(probe->arena, package.version), "installed", "pacman");
    }
    return 0;
}

static int read_portage(struct probe *probe) {
    static const char directory[] = "/var/db/pkg/x11-drivers", prefix[] = "nvidia-drivers-";
    AUTO_ARENA scratch = {0};
    struct texts names;
    int r = root_list(probe->root, &scratch, directory, &names);
    for (size_t i = 0; r == 0 && i < names.count; i++)
        if (text_starts(names.items[i], prefix))
            add(probe, span_of("nvidia-drivers"), keep(probe, names.items[i] + strlen(prefix)), "installed",
                "portage");
    return r;
}

/* NVIDIA's .run installer keeps a list of what it put where; its first line is the version. */
static int read_runfile(struct probe *probe) {
    static const char path[] = "/var/lib/nvidia/log";
    AUTO_ARENA scratch = {0};
    struct span bytes, line;
    struct driver_version version;
    int r = root_read(probe->root, &scratch, path, 4096, &bytes);
    if (r < 0 && r != -EFBIG)
        return r;
    if (span_next_line(&bytes, &line) && driver_version_parse(line, &version) == 0) {
        struct driver_package *package = add(probe, span_of("NVIDIA-Linux .run installer"),
                                             arena_copy(probe->arena, version.text), "installed", "runfile");
        if (package)
            set_text(&package->piece, "library", NULL);
    }
    return 0;
}

void driver_packages_read(struct probe *probe) {
    static const struct {
        int (*read)(struct probe *probe);
        const char *source;
    } managers[] = {{read_dpkg, "/var/lib/dpkg/status"}, {read_dpkg_parts, "/var/lib/dpkg/status.d"},
                    {read_rpm, "rpm database"},          {read_pacman, "/var/lib/pacman/local"},
                    {read_portage, "/var/db/pkg"},       {read_runfile, "/var/lib/nvidia/log"}};
    struct driver_package_rows *packages = &probe->out->driver.packages;
    const char *reason = NULL, *source = NULL;
    set_absent(packages, "dpkg, rpm, pacman");
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++) {
        int r = managers[i].read(probe);
        if (r == 0) {
            if (!known(*packages))
                set_listed(packages, managers[i].source);
        } else if (r != -ENOENT && r != -ENOTDIR && !reason) {
            reason = r == -EOPNOTSUPP ? "an rpm database of a kind that is not read here" : strerror(-r);
            source = managers[i].source;
        }
    }
    if (reason && !packages->count) /* one that could not be read may hold what the others do not */
        set_unknown(packages, reason, source);
}
