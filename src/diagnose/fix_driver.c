/* An NVIDIA driver that serves these GPUs, by this distribution's means. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/fix_fill.h"
#include "diagnose/read.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"

struct branches {
    unsigned last;        /* newest branch that serves all GPUs; 0: the current one */
    unsigned first;       /* oldest one that does; 0: not known */
    bool open_only;       /* one of them needs the open modules */
    const char *limiting; /* the GPU that sets `last` */
};

static struct branches branches_of(struct judge *judge) {
    struct gpu_views views = gpus(judge);
    struct branches all = {0};
    for (size_t i = 0; i < views.count; i++) {
        struct gpu_model model;
        if (!gpu_model_of(judge, &views.items[i], &model) || !model.confirmed)
            continue;
        if (model.last_known && model.last_branch && (!all.last || model.last_branch < all.last)) {
            all.last = model.last_branch;
            all.limiting = views.items[i].name;
        }
        if (model.first_branch > all.first)
            all.first = model.first_branch;
        all.open_only |= model.module == MODULE_OPEN_ONLY;
    }
    return all;
}

static unsigned branch_of(const char *release) {
    struct driver_version version;
    return release && driver_version_parse(span_of(release), &version) == 0 ? version.part[0] : 0;
}

/* The distribution's own package of a legacy branch. */
static bool legacy_driver(struct judge *judge, struct cause *cause, unsigned last) {
    const char *action = arena_printf(judge->arena, "install-driver-%u", last);
    const char *branch = arena_printf(judge->arena, "%u", last);
    struct texts systems = fix_systems(judge);
    struct fix_values values = {.branch = branch};
    for (size_t i = 0; i < systems.count; i++)
        if (fix_rows(judge, cause, systems.items[i], action, &values) ||
            fix_rows(judge, cause, systems.items[i], "install-driver-branch", &values))
            return true;
    return false;
}

void fix_driver_branch(struct judge *judge, struct cause *cause, unsigned branch) {
    const char *number = arena_printf(judge->arena, "%u", branch);
    struct fix_values values = {.branch = number};
    if (!in_container(judge) && legacy_driver(judge, cause, branch))
        return;
    size_t added = 0;
    if (!in_container(judge) && !known(judge->facts->system.distribution))
        added = fix_families_with(judge, cause, arena_printf(judge->arena, "install-driver-%u", branch), &values) +
                fix_families_with(judge, cause, "install-driver-branch", &values);
    if (!added)
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "%snstall driver branch %u, with the closed kernel modules",
                               in_container(judge) ? "On the container's host: i" : "I", branch),
                  NULL)
            ->reboot = true;
}

static void elsewhere(struct judge *judge, struct cause *cause, const char *floor) {
    bool windows = on_windows(judge) || on_wsl(judge);
    const char *what =
        floor ? arena_printf(judge->arena, "driver %s or newer", floor) : "the newest driver for the GPU";
    if (windows)
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Install NVIDIA's %s in Windows%s", what + (floor ? 0 : 4),
                               on_wsl(judge) ? " (never a Linux driver inside WSL)" : ""),
                  NULL)
            ->reboot = true;
    else
        cause_fix(judge, cause, arena_printf(judge->arena, "On the container's host: install %s", what), NULL)
            ->reboot = true;
    if (windows)
        cause_see(judge, cause, "https://www.nvidia.com/drivers");
}

/* Debian's own packages are of one branch for each release; newer ones come from NVIDIA's repository. */
static bool package_is_older(struct judge *judge, unsigned floor) {
    const char *id = text_of(judge->facts->system.distribution),
               *version = text_of(judge->facts->system.distribution_version);
    if (!text_eq(id, "debian") || !version)
        return false;
    unsigned own = text_starts(version, "11")   ? 470
                   : text_starts(version, "12") ? 535
                   : text_starts(version, "13") ? 550
                                                : 0;
    return own && own < floor;
}

void fix_driver(struct judge *judge, struct cause *cause, const char *floor) {
    struct branches branches = branches_of(judge);
    unsigned wanted = branch_of(floor) > branches.first ? branch_of(floor) : branches.first;
    if (on_jetson(judge))
        cause_fix(judge, cause, "On a Jetson the driver is part of JetPack: repair or update that",
                  "sudo apt install --reinstall nvidia-l4t-core nvidia-l4t-cuda", NULL);
    if (on_macos(judge) || on_jetson(judge))
        return;
    if (on_windows(judge) || on_wsl(judge) || in_container(judge)) {
        elsewhere(judge, cause, floor);
        return;
    }
    if (branches.last && wanted > branches.last) {
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "No newer driver helps: branch %u is the last one for %s",
                               branches.last, branches.limiting),
                  NULL);
        return;
    }
    if (branches.last && branches.last < 580 && legacy_driver(judge, cause, branches.last))
        return;
    if (branches.last) {
        if (!legacy_driver(judge, cause, branches.last))
            cause_fix(judge, cause,
                      arena_printf(judge->arena,
                                   "Install driver branch %u, the last one for %s, with the closed kernel modules",
                                   branches.last, branches.limiting),
                      NULL)
                ->reboot = true;
        return;
    }
    if (package_is_older(judge, wanted)) {
        if (!fix_table(judge, cause, "install-driver-nvidia-repository"))
            cause_fix(
                judge, cause,
                arena_printf(judge->arena,
                             "Install driver %u or newer from NVIDIA's repository: Debian's own package is older",
                             wanted),
                NULL)
                ->reboot = true;
        return;
    }
    struct driver_version release;
    bool old = driver_release(judge, &release, NULL, NULL) && release.part[0] < branches.first;
    size_t added = branches.open_only && !old ? fix_table(judge, cause, "install-open-modules") : 0;
    if (!added)
        added = fix_table(judge, cause, "install-driver");
    bool known_system = known(judge->facts->system.distribution);
    if (!added && !known_system && text_eq(cause->id, "driver-missing")) /* elsewhere there is one to update */
        added = fix_families(judge, cause, "install-driver");
    if (!added && known_system) {
        cause_fix(judge, cause, "Install the package of NVIDIA's driver, where the distribution has one", NULL)
            ->reboot = true;
        added = 1 + fix_table(judge, cause, "install-driver-runfile");
    }
    if (!added)
        cause_fix(judge, cause,
                  floor
                      ? arena_printf(
                            judge->arena,
                            "Install NVIDIA's driver %s or newer with the distribution's package manager, reboot",
                            floor)
                  : text_eq(cause->id, "driver-too-old-for-cuda")
                      ? "Install a newer NVIDIA driver with the distribution's package manager, reboot"
                      : "Install NVIDIA's driver with the distribution's package manager, reboot",
                  NULL)
            ->reboot = true;
}
