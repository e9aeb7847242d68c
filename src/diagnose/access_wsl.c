/* Link 3 under WSL: the driver is Windows', and reaches Linux through /dev/dxg and /usr/lib/wsl/lib. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/fix_fill.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

/* Windows 10 21H2, the first with GPUs in WSL 2 for all; the kernel that goes with it; the first Windows with WSL
 * 2 at all (1903 by a later update). Source: NVIDIA's CUDA on WSL user guide, Microsoft's WSL documentation. */
enum { BUILD_WITH_GPU = 19044, BUILD_WITH_WSL2 = 18362 };
static const unsigned kernel_with_gpu[] = {5, 10, 43};

static void see_wsl(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://docs.nvidia.com/cuda/wsl-user-guide/");
}

static void evidence_wsl(struct judge *judge, struct cause *cause) {
    const struct system_facts *system = &judge->facts->system;
    cause_fact(judge, cause, "system.wsl", &system->wsl);
    cause_fact(judge, cause, "system.windows_build", &system->windows_build);
    cause_fact(judge, cause, "system.kernel", &system->kernel);
}

static bool is_wsl1(const struct judge *judge) {
    const struct system_facts *system = &judge->facts->system;
    if (number_of(system->wsl, 0) == 1)
        return true;
    return on_wsl(judge) && number_of(system->windows_build, BUILD_WITH_WSL2) < BUILD_WITH_WSL2;
}

void rule_wsl1(struct judge *judge) {
    const struct system_facts *system = &judge->facts->system;
    if (!is_wsl1(judge) || cuda_lists_gpus(judge))
        return;
    bool by_build = number_of(system->wsl, 0) != 1;
    struct cause *cause = judge_find(judge, "wsl1", CERTAIN, "This is WSL 1, which cannot reach a GPU%s.",
                                     by_build ? ": this build of Windows has no WSL 2" : "; WSL 2 can");
    if (by_build) /* a kernel's name may say WSL 2 all the same */
        cause_fact(judge, cause, "system.windows_build", &system->windows_build);
    else
        evidence_wsl(judge, cause);
    if (by_build)
        cause_fix(judge, cause, "Update Windows to 10 21H2 or 11, then its NVIDIA driver", NULL)->reboot = true;
    cause_fix(judge, cause,
              by_build ? "Then turn the distribution into WSL 2 (in Windows' PowerShell)"
                       : "Turn the distribution into WSL 2 (in Windows' PowerShell)",
              "wsl.exe --list --verbose", "wsl.exe --set-version NAME 2", NULL);
    see_wsl(judge, cause);
}

static bool kernel_older(const char *release, const unsigned *than) {
    struct span rest = span_of(release), part;
    for (int i = 0; i < 3; i++) {
        int64_t number = 0;
        if (!span_next_field(&rest, '.', &part))
            return false;
        size_t digits = 0;
        while (digits < part.len && part.ptr[digits] >= '0' && part.ptr[digits] <= '9')
            digits++;
        if (span_to_number(span_slice(part, 0, digits), 10, &number) < 0)
            return false;
        if (number != (int64_t)than[i])
            return number < (int64_t)than[i];
    }
    return false;
}

static const struct driver_library *wsl_library(const struct judge *judge) {
    const struct driver_library_rows *libraries = &judge->facts->driver.libraries;
    for (size_t i = 0; i < libraries->count; i++)
        if (is_true(libraries->items[i].wsl) && text_eq(text_of(libraries->items[i].soname), "libcuda.so.1"))
            return &libraries->items[i];
    return NULL;
}

static bool has_dxg(const struct judge *judge) {
    const struct device_node_rows *nodes = &judge->facts->access.nodes;
    for (size_t i = 0; i < nodes->count; i++)
        if (text_eq(text_of(nodes->items[i].path), "/dev/dxg"))
            return true;
    return false;
}

/* A build or kernel from before GPUs in WSL; no /dev/dxg; nothing of the driver in /usr/lib/wsl/lib. */
static struct cause *wsl_by_facts(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    const char *kernel = text_of(facts->system.kernel);
    int64_t build = number_of(facts->system.windows_build, BUILD_WITH_GPU);
    if (build < BUILD_WITH_GPU)
        return judge_find(judge, "wsl-driver-old-or-missing", CERTAIN,
                          "Windows build %lld has no GPU in WSL: that came with Windows 10 21H2 (build %d).",
                          (long long)build, BUILD_WITH_GPU);
    if (kernel && text_has_nocase(kernel, "microsoft") && kernel_older(kernel, kernel_with_gpu))
        return judge_find(judge, "wsl-driver-old-or-missing", CERTAIN,
                          "The WSL kernel %s is from before GPUs in WSL, which need 5.10.43 or newer.", kernel);
    if (in_container(judge))
        return NULL;
    if (!unknown(facts->access.nodes) && !has_dxg(judge))
        return judge_find(judge, "wsl-driver-old-or-missing", CERTAIN,
                          "WSL shows no GPU device (/dev/dxg): Windows, or its GPU driver, does not offer one.");
    if (!unknown(facts->driver.libraries) && !wsl_library(judge))
        return judge_find(judge, "wsl-driver-old-or-missing", CERTAIN,
                          "Windows brings no NVIDIA driver into WSL: /usr/lib/wsl/lib has no libcuda.so.1.");
    return NULL;
}

static struct cause *wsl_by_words(struct judge *judge) {
    const struct snapshot *facts = judge->facts;
    if (printed_about(judge, "ctk_mount_missing", "/usr/lib/wsl/lib/"))
        return judge_find(
            judge, "wsl-driver-old-or-missing", LIKELY,
            "The NVIDIA driver that Windows brings into WSL is not whole: a library of it is missing.");
    if (printed_about(judge, "file_missing", "/dev/dxg"))
        return judge_find(judge, "wsl-driver-old-or-missing", CERTAIN,
                          "WSL shows no GPU device (/dev/dxg): Windows, or its GPU driver, does not offer one.");
    if (printed(judge, "ctk_wsl_no_adapters"))
        return judge_find(judge, "wsl-driver-old-or-missing", LIKELY, "WSL offers no GPU adapter to this Linux.");
    bool tcc = false;
    for (size_t i = 0; i < facts->gpu.devices.count; i++)
        tcc |= text_eq(text_of(facts->gpu.devices.items[i].driver_model), "TCC");
    bool container = in_container(judge) || judge_found(judge, "container-no-gpu");
    if (tcc || container || judge_found(judge, "wsl-linux-driver-inside"))
        return NULL;
    bool no_driver =
        printed(judge, "driver_missing_throw") || cuda_said(judge, 35) || cuda_said(judge, 100) ||
        nvml_said(judge, 9) || nvml_said(judge, 17) || nvml_said(judge, 12) || nvml_said(judge, 999) ||
        printed(judge, "smi_no_devices") || is_false(facts->driver.smi_present) || printed(judge, "segfault") ||
        ((absent(facts->driver.cuda_version) || absent(facts->driver.nvml_version)) && torch_sees_none(judge));
    if (!no_driver)
        return NULL;
    return judge_find(judge, "wsl-driver-old-or-missing", POSSIBLE,
                      "WSL finds no usable NVIDIA driver: it must come from Windows, new enough for WSL.");
}

void rule_wsl_driver_old_or_missing(struct judge *judge) {
    bool hook =
        printed(judge, "ctk_wsl_no_adapters") || printed_about(judge, "ctk_mount_missing", "/usr/lib/wsl/lib/");
    bool half = nvml_lists_gpus(judge) && !absent(judge->facts->driver.cuda_version);
    if ((!on_wsl(judge) && !hook) || is_wsl1(judge) || cuda_lists_gpus(judge) || half)
        return;
    struct cause *cause = wsl_by_facts(judge);
    if (!cause)
        cause = wsl_by_words(judge);
    if (!cause)
        return;
    evidence_wsl(judge, cause);
    evidence_printed_all(judge, cause, "ctk_wsl_no_adapters", "ctk_mount_missing", "driver_missing_throw",
                         "segfault", "file_missing", NULL);
    if (absent(judge->facts->driver.cuda_version) && from_text(judge))
        cause_fact(judge, cause, "driver.cuda_version", &judge->facts->driver.cuda_version);
    evidence_cuda(judge, cause, 35);
    evidence_nvml(judge, cause, 9);
    evidence_nvml(judge, cause, 17);
    if (!unknown(judge->facts->access.nodes) && !has_dxg(judge))
        cause_evidence(judge, cause, "access.nodes", "no /dev/dxg", judge->facts->access.nodes.is.source);
    bool old_windows = number_of(judge->facts->system.windows_build, BUILD_WITH_GPU) < BUILD_WITH_GPU;
    const char *kernel = text_of(judge->facts->system.kernel);
    if (old_windows)
        cause_fix(judge, cause, "Update Windows to 10 21H2 or 11", NULL)->reboot = true;
    else if (kernel && text_has_nocase(kernel, "microsoft") && kernel_older(kernel, kernel_with_gpu))
        fix_table_of(judge, cause, "wsl", "update-wsl"); /* its kernel comes with it */
    cause_fix(judge, cause,
              old_windows ? "Then install the newest NVIDIA driver in Windows (never a Linux driver inside WSL)"
                          : "Install the newest NVIDIA driver in Windows (never a Linux driver inside WSL)",
              NULL)
        ->reboot = true;
    fix_table_of(judge, cause, "wsl", "update-wsl");
    cause_see(judge, cause, "https://www.nvidia.com/drivers");
    see_wsl(judge, cause);
}

static bool is_linux_driver_package(const char *name) {
    static const char *const starts[] = {"nvidia-driver",       "nvidia-utils", "nvidia-dkms",     "nvidia-kernel",
                                         "libnvidia-compute",   "libcuda1",     "nvidia-headless", "cuda-drivers",
                                         "xorg-x11-drv-nvidia", "nvidia-open",  "akmod-nvidia"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_starts(name, starts[i]))
            return true;
    return false;
}

static bool has_system(struct judge *judge, const char *name) {
    struct texts systems = fix_systems(judge);
    return texts_have(&systems, name);
}

/* A Linux driver inside WSL: its libcuda hides the one Windows mounts. A package that does not win harms nothing. */
void rule_wsl_linux_driver_inside(struct judge *judge) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (!on_wsl(judge) || cuda_lists_gpus(judge))
        return;
    const struct driver_library *winner = library_in_use(judge, "libcuda.so.1");
    bool shadows = winner && is_false(winner->wsl) && !is_true(winner->stub) && !known(winner->compat_cuda) &&
                   !in_container(judge);
    const struct driver_package *package = NULL;
    for (size_t i = 0; i < driver->packages.count; i++)
        if (is_linux_driver_package(text_of(driver->packages.items[i].name)))
            package = &driver->packages.items[i];
    bool windows_wins = winner && is_true(winner->wsl);
    if (!shadows && !(package && !windows_wins))
        return;
    struct cause *cause = judge_find(
        judge, "wsl-linux-driver-inside", shadows ? CERTAIN : LIKELY,
        "A Linux NVIDIA driver is installed inside WSL%s%s; WSL takes its driver from Windows.",
        shadows ? " and hides Windows' one: " : "", shadows && text_of(winner->path) ? text_of(winner->path) : "");
    evidence_wsl(judge, cause);
    if (shadows)
        cause_fact(judge, cause, "driver.libraries.path", &winner->path);
    for (size_t i = 0, shown = 0; i < driver->packages.count && shown < 4; i++)
        if (is_linux_driver_package(text_of(driver->packages.items[i].name))) {
            const char *source = driver->packages.items[i].name.is.source;
            cause_evidence(judge, cause, "driver.packages", text_of(driver->packages.items[i].name),
                           source ? source : driver->packages.is.source);
            shown++;
        }
    bool packaged = package || unknown(driver->packages);
    bool apt =
        has_system(judge, "debian") || has_system(judge, "ubuntu") || !known(judge->facts->system.distribution);
    const char *remove =
        !packaged ? "sudo nvidia-uninstall"
        : apt     ? "sudo apt purge '^nvidia-(driver|utils|dkms|kernel|headless).*' '^libnvidia-compute.*' "
                    "'^libcuda1$' '^cuda-drivers.*'"
        : has_system(judge, "fedora") || has_system(judge, "rhel")
            ? "sudo dnf remove 'xorg-x11-drv-nvidia*' 'akmod-nvidia*' 'nvidia-driver*' 'cuda-drivers*'"
        : has_system(judge, "arch")     ? "sudo pacman -Rns nvidia-utils"
        : has_system(judge, "opensuse") ? "sudo zypper remove 'nvidia-compute*' 'nvidia-driver*' 'nvidia-open*'"
                                        : NULL;
    struct fix *fix = cause_fix(
        judge, cause,
        packaged ? "Remove the Linux driver from WSL, restart WSL (this shell ends) and see that nvidia-smi "
                   "works"
                 : "Remove the Linux driver from WSL (no package owns it: one from NVIDIA's "
                   ".run file), restart WSL (this shell ends) and see that nvidia-smi works",
        NULL);
    static const char *const after[] = {"sudo ldconfig", "wsl.exe --shutdown", "nvidia-smi"};
    if (remove)
        texts_add(judge->arena, &fix->commands, remove);
    for (size_t i = 0; i < sizeof after / sizeof *after; i++)
        texts_add(judge->arena, &fix->commands, after[i]);
    fix->needs_root = true;
    see_wsl(judge, cause);
}
