/* What kind of machine this is: WSL, virtual, a container, a Jetson. One question may have several answers at a
 * time (a container in WSL), so each is a fact of its own. */
#include <errno.h>

#include "base/limits.h"
#include "format/mountinfo.h"
#include "probe/look.h"
#include "probe/system.h"

/* --- WSL ----------------------------------------------------------------------------------------------------- */

/* The kernels of WSL call themselves "4.4.0-19041-Microsoft" (WSL 1, not a Linux kernel at all) and
 * "5.15.90.1-microsoft-standard-WSL2". A kernel the user built may have any name, hence the other signs; /dev/dxg
 * alone is none, since any Linux guest of Hyper-V with GPU-P has it. */
static void read_wsl(struct probe *probe, struct arena *scratch) {
    struct number_fact *wsl = &probe->out->system.wsl;
    const char *release = text_of(probe->out->system.kernel);
    const char *version = look_line(probe, scratch, "/proc/version");
    if (text_ends(release ? release : "", "-Microsoft") || text_has(version, "-Microsoft (")) {
        set_number(wsl, 1, "kernel release");
        return;
    }
    if (text_has_nocase(release, "microsoft") || text_has_nocase(version, "microsoft-standard")) {
        set_number(wsl, 2, "kernel release");
        return;
    }
    static const char *const signs[] = {"/run/WSL", "/proc/sys/fs/binfmt_misc/WSLInterop",
                                        "/proc/sys/fs/binfmt_misc/WSLInterop-late", "/usr/lib/wsl/lib"};
    struct root_node node;
    bool dxg = root_node(probe->root, scratch, "/dev/dxg", &node) == 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if ((dxg || !text_eq(signs[i], "/usr/lib/wsl/lib")) && root_exists(probe->root, signs[i])) {
            set_number(wsl, 2, signs[i]);
            return;
        }
    if (!release && !version)
        set_unknown(wsl, "the kernel is not known", "/proc/version");
    else
        set_absent(wsl, release ? "kernel release" : "/proc/version");
}

/* --- virtual machine ----------------------------------------------------------------------------------------- */

static const char dmi[] = "/sys/class/dmi/id";

/* Parts of DMI's vendor and product names that only virtual machines have (systemd's virt.c lists the same
 * vendors). Clouds sell bare metal under the same vendor's name; their product names say so. */
static bool dmi_is_virtual(const char *vendor, const char *product) {
    static const char *const vendors[] = {"QEMU",
                                          "KVM",
                                          "VMware",
                                          "innotek",
                                          "Xen",
                                          "Bochs",
                                          "BHYVE",
                                          "Parallels",
                                          "OpenStack",
                                          "Alibaba",
                                          "Tencent",
                                          "DigitalOcean",
                                          "Hetzner",
                                          "Amazon EC2",
                                          "Red Hat",
                                          "Scaleway",
                                          "Vultr",
                                          "Akamai",
                                          "Nutanix",
                                          "RunPod",
                                          "Apple Virtualization",
                                          "Cloud Hypervisor",
                                          "Google"};
    static const char *const products[] = {"KVM",
                                           "VirtualBox",
                                           "Virtual Machine",
                                           "VMware",
                                           "HVM domU",
                                           "BHYVE",
                                           "Standard PC (",
                                           "OpenStack",
                                           "RHEV",
                                           "RHV",
                                           "AHV",
                                           "OracleCloud",
                                           "Google Compute Engine",
                                           "vServer",
                                           "Droplet"};
    if (text_has(product, ".metal") || text_has_nocase(product, "bare metal") || text_has(product, "BareMetal"))
        return false;
    /* Google also makes Chromebooks */
    if (text_has(vendor, "Google") && !text_has(product, "Compute Engine"))
        return false;
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (text_has(vendor, vendors[i]))
            return true;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (text_has(product, products[i]))
            return true;
    return false;
}

static void read_virtual_machine(struct probe *probe, struct arena *scratch) {
    struct text_fact *machine = &probe->out->system.virtual_machine;
    const char *vendor = look_line(probe, scratch, text_path(scratch, dmi, "sys_vendor"));
    const char *product = look_line(probe, scratch, text_path(scratch, dmi, "product_name"));
    if (dmi_is_virtual(vendor, product)) {
        set_text(machine,
                 arena_printf(probe->arena, "%s%s%s", vendor ? vendor : "", vendor && product ? " " : "",
                              product ? product : ""),
                 dmi);
        return;
    }
    const char *hypervisor = look_line(probe, scratch, "/sys/hypervisor/type");
    if (hypervisor && *hypervisor) {
        set_text(machine, keep(probe, hypervisor), "/sys/hypervisor/type");
        return;
    }
    static const char cpuinfo[] = "/proc/cpuinfo";
    struct span bytes, line;
    /* processors are alike: the first one's flags are within the first block */
    int r = root_read(probe->root, scratch, cpuinfo, 16 * 1024, &bytes);
    while ((r == 0 || r == -EFBIG) && span_next_line(&bytes, &line))
        if (span_starts(line, "flags")) {
            if (span_has(line, " hypervisor")) {
                bool wsl = known(probe->out->system.wsl);
                set_text(machine, wsl ? "Hyper-V (WSL)" : "hypervisor of unknown make", cpuinfo);
            } else {
                set_absent(machine, cpuinfo);
            }
            return;
        }
    if (vendor || product)
        set_absent(machine, dmi);
    else
        set_unknown(machine, "no DMI, no CPU flags", dmi);
}

/* --- container ----------------------------------------------------------------------------------------------- */

/* Marks that only the inside of a container has, the most telling first. */
static const char *container_by_files(const struct probe *probe, struct arena *scratch, const char **ret_source) {
    static const struct {
        const char *path, *kind;
    } marks[] = {
        {"/.singularity.d", "apptainer"},
        {"/run/.toolboxenv", "toolbox"},
        {"/var/run/secrets/kubernetes.io", "kubernetes"},
        {"/run/.containerenv", "podman"},
        {"/.dockerenv", "docker"},
        {"/.flatpak-info", "flatpak"},
        {"/dev/lxd", "lxc"},
    };
    const char *manager = look_line(probe, scratch, "/run/systemd/container");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (root_exists(probe->root, marks[i].path)) {
            *ret_source = marks[i].path;
            return marks[i].kind;
        }
    if (manager && *manager) {
        *ret_source = "/run/systemd/container";
        return manager;
    }
    return NULL;
}

static const char *container_by_cgroup(const struct probe *probe, struct arena *scratch) {
    static const struct {
        const char *part, *kind;
    } parts[] = {{"kubepods", "kubernetes"},
                 {"libpod-", "podman"},
                 {"/docker/", "docker"},
                 {"docker-", "docker"},
                 {"/lxc/", "lxc"},
                 {"lxc.payload", "lxc"},
                 {"/machine.slice/machine-", "systemd-nspawn"}};
    struct span bytes;
    int r = root_read(probe->root, scratch, "/proc/self/cgroup", LIMIT_SMALL_FILE, &bytes);
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof *parts; i++)
        if (span_has(bytes, parts[i].part))
            return parts[i].kind;
    return NULL;
}

/* A virtual machine made from a container's image keeps /.dockerenv. There the kernel's own threads are visible
 * and the root is no overlay. */
static bool is_leftover(const struct probe *probe, struct arena *scratch) {
    struct span bytes;
    struct mount mount;
    if (!text_eq(look_line(probe, scratch, "/proc/2/comm"), "kthreadd") ||
        root_read(probe->root, scratch, "/proc/self/mountinfo", LIMIT_SMALL_FILE, &bytes) < 0)
        return false;
    while (mountinfo_next(&bytes, &mount))
        if (span_eq(mount.point, "/"))
            return !span_eq(mount.type, "overlay") && !span_eq(mount.type, "fuse.fuse-overlayfs");
    return false;
}

static void read_container(struct probe *probe, struct arena *scratch) {
    struct text_fact *container = &probe->out->system.container;
    const char *source = NULL, *kind = NULL;
    static const struct {
        const char *variable, *kind;
    } variables[] = {{"APPTAINER_CONTAINER", "apptainer"},
                     {"SINGULARITY_CONTAINER", "apptainer"},
                     {"ENROOT_ROOTFS", "enroot"},
                     {"KUBERNETES_SERVICE_HOST", "kubernetes"}};
    for (size_t i = 0; i < sizeof variables / sizeof *variables && !kind; i++)
        if (look_env_filled(probe, variables[i].variable)) {
            kind = variables[i].kind;
            source = variables[i].variable;
        }
    if (!kind)
        kind = container_by_files(probe, scratch, &source);
    if (kind && text_eq(kind, "docker") && is_leftover(probe, scratch))
        kind = NULL;
    const char *by_manager = look_env_filled(probe, "container"); /* podman, lxc and systemd-nspawn set it */
    if (!kind && by_manager) {
        kind = keep(probe, by_manager);
        source = "container";
    }
    if (!kind) {
        kind = container_by_cgroup(probe, scratch);
        source = "/proc/self/cgroup";
    }
    if (kind)
        set_text(container, keep(probe, kind), source);
    else
        set_absent(container, "/.dockerenv, /run/.containerenv, /proc/self/cgroup");
}

/* --- Jetson -------------------------------------------------------------------------------------------------- */

/* "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, …" */
static void read_jetson(struct probe *probe, struct arena *scratch) {
    struct text_fact *jetson = &probe->out->system.jetson;
    static const char path[] = "/etc/nv_tegra_release";
    const char *line;
    int r = root_read_line(probe->root, scratch, path, &line);
    if (r < 0) {
        set_missing(jetson, r, path);
        return;
    }
    const char *major = strstr(line, "R"), *minor = strstr(line, "REVISION:");
    size_t digits = major ? strspn(major + 1, "0123456789") : 0;
    if (!digits) {
        set_unknown(jetson, "not in the usual form", path);
        return;
    }
    minor = minor ? minor + strlen("REVISION:") + strspn(minor + strlen("REVISION:"), " ") : "";
    int tail = (int)strspn(minor, "0123456789.");
    set_text(jetson,
             arena_printf(probe->arena, "%.*s%s%.*s", (int)digits + 1, major, tail ? "." : "", tail, minor), path);
}

void system_kind_read(struct probe *probe, struct arena *scratch) {
    read_wsl(probe, scratch);
    read_virtual_machine(probe, scratch);
    read_container(probe, scratch);
    read_jetson(probe, scratch);
}
