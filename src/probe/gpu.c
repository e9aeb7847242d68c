/* Link 1: display and 3D functions on the PCI bus, from sysfs; Tegra's own GPU from the device tree. */
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "format/key_value.h"
#include "format/pci.h"
#include "knowledge/gpu.h"
#include "probe/look.h"

enum { VENDOR_NVIDIA = 0x10de, CLASS_DISPLAY = 0x03, CLASS_BRIDGE_OTHER = 0x0680 };

static const char bus[] = "/sys/bus/pci/devices";

/* What is known of one function before it is known whose it is. */
struct function {
    const char *address, *directory;
    struct pci_config config;
    bool config_known;
    unsigned vendor, device, subsystem_vendor, subsystem_device, class;
    bool vendor_known, class_known, subsystem_known, asleep;
};

/* `digits`: how many such a file has after 0x; one that was cut short must not pass for another number. */
static bool read_hex(const struct probe *probe, struct arena *scratch, const struct function *function,
                     const char *name, size_t digits, unsigned *ret_number) {
    int64_t number;
    const char *line = look_line(probe, scratch, text_path(scratch, function->directory, name));
    if (!line || strlen(line) != digits + 2 || span_to_number(span_of(line), 16, &number) < 0 || number < 0)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

/* Whether a file of sysfs says one of these words, or is not there (older kernels). */
static bool says_one(const struct probe *probe, struct arena *scratch, const struct function *function,
                     const char *name, const char *const *words, size_t count) {
    const char *line;
    int r = root_read_line(probe->root, scratch, text_path(scratch, function->directory, name), &line);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (text_eq(line, words[i]))
            return true;
    return r == -ENOENT;
}

/* Reading the configuration of a sleeping function would wake it, or give ff where it has no power (a laptop's
 * second GPU): that is not a fault, so it is read only where it is surely awake. */
static void read_config(const struct probe *probe, struct arena *scratch, struct function *function) {
    static const char *const powered[] = {"D0", "unknown", "error"}, *const running[] = {"active", "unsupported",
                                                                                         "error"};
    struct span bytes;
    const char *path = text_path(scratch, function->directory, "config");
    function->asleep = !says_one(probe, scratch, function, "power_state", powered, 3) ||
                       !says_one(probe, scratch, function, "power/runtime_status", running, 3);
    if (function->asleep)
        return;
    int r = root_read(probe->root, scratch, path, 64, &bytes);
    function->config_known = (r == 0 || r == -EFBIG) && pci_config_parse(bytes, &function->config) == 0;
}

/* The kernel's own files keep what it read at start-up; `config` asks the device now. False: not a display
 * function or an NVSwitch, or not to be told. */
static bool identify(const struct probe *probe, struct arena *scratch, struct function *function) {
    function->class_known = read_hex(probe, scratch, function, "class", 6, &function->class);
    if (function->class_known && function->class >> 16 != CLASS_DISPLAY &&
        function->class >> 8 != CLASS_BRIDGE_OTHER)
        return false;
    function->vendor_known = read_hex(probe, scratch, function, "vendor", 4, &function->vendor) &&
                             read_hex(probe, scratch, function, "device", 4, &function->device);
    function->subsystem_known =
        read_hex(probe, scratch, function, "subsystem_vendor", 4, &function->subsystem_vendor) &&
        read_hex(probe, scratch, function, "subsystem_device", 4, &function->subsystem_device);
    if (!function->class_known || (function->vendor_known && function->vendor == VENDOR_NVIDIA))
        read_config(probe, scratch, function);
    const struct pci_config *config = &function->config;
    if (function->config_known && !config->dead) {
        if (!function->class_known)
            function->class = config->class;
        if (!function->vendor_known) {
            function->vendor = config->vendor;
            function->device = config->device;
        }
        if (!function->subsystem_known) {
            function->subsystem_vendor = config->subsystem_vendor;
            function->subsystem_device = config->subsystem_device;
        }
        function->class_known = function->vendor_known = function->subsystem_known = true;
    }
    /* dead, and nothing else remembers what it was: NVIDIA's driver does, for its own */
    if (!function->vendor_known &&
        root_exists(probe->root, text_path(scratch, "/proc/driver/nvidia/gpus", function->address))) {
        function->vendor = VENDOR_NVIDIA;
        function->class = CLASS_DISPLAY << 16;
        return true;
    }
    return function->class_known && function->vendor_known;
}

static void set_driver(struct probe *probe, struct arena *scratch, const struct function *function,
                       struct text_fact *fact) {
    const char *target;
    int r = root_readlink(probe->root, scratch, text_path(scratch, function->directory, "driver"), &target);
    if (r < 0)
        set_missing(fact, r, NULL);
    else
        set_text(fact, keep(probe, text_basename(target)), NULL);
}

/* The list of names that distributions carry (package pci.ids or hwdata), for what the tables lack. */
static const char *listed_name(const struct probe *probe, unsigned vendor, unsigned device) {
    static const char *const paths[] = {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids",
                                        "/usr/share/pci.ids"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        AUTO_ARENA scratch = {0};
        struct span bytes;
        if (root_read(probe->root, &scratch, paths[i], LIMIT_FILE, &bytes) == 0)
            return pci_ids_name(probe->arena, bytes, vendor, device);
    }
    return NULL;
}

static void set_model(struct probe *probe, struct gpu_device *gpu, unsigned device) {
    static const char source[] = "tables of GPUs";
    struct gpu_model model;
    char text[8];
    if (!probe->options.knowledge || knowledge_gpu_by_id(probe->options.knowledge, device, &model) < 0) {
        const char *name = listed_name(probe, VENDOR_NVIDIA, device);
        if (name)
            set_text(&gpu->name, name, "pci.ids");
        else
            set_unknown(&gpu->name, "an id that the tables lack", source);
        set_unknown(&gpu->compute_capability, "an id that the tables lack", source);
        return;
    }
    set_text(&gpu->name, keep(probe, model.name), source);
    if (model.chip)
        set_text(&gpu->chip, keep(probe, model.chip), source);
    if (model.capability && model.confirmed)
        set_text(&gpu->compute_capability, arena_copy(probe->arena, capability_text(model.capability, text)),
                 source);
    else
        set_unknown(&gpu->compute_capability, "not confirmed for this id", source);
}

/* /proc/driver/nvidia/gpus/ADDRESS/information, "Model: \t\t NVIDIA A100", only where the driver has the GPU. */
static void read_information(struct probe *probe, struct arena *scratch, const struct function *function,
                             struct gpu_device *gpu) {
    const char *path = arena_printf(probe->arena, "/proc/driver/nvidia/gpus/%s/information", function->address);
    struct span bytes, line, key, value;
    /* one lock of the driver is behind all of these files: where one hung the others would */
    for (size_t i = 0; i < probe->out->gpu.devices.count; i++)
        if (unknown(probe->out->gpu.devices.items[i].minor) &&
            text_starts(probe->out->gpu.devices.items[i].minor.is.reason, NODE_NO_ANSWER))
            return;
    int r = root_read_slow(probe->root, scratch, path, LIMIT_SMALL_FILE, &bytes);
    if (r == -ETIMEDOUT)
        set_unknown(&gpu->minor, arena_printf(probe->arena, NODE_NO_ANSWER " %d s", ROOT_READ_DEADLINE / 1000),
                    path);
    if (r < 0)
        return;
    while (span_next_line(&bytes, &line)) {
        int64_t number;
        if (!span_cut(line, ':', &key, &value))
            continue;
        value = span_trim(value);
        if (span_eq(key, "Model") && value.len && !span_eq(value, "Unknown"))
            set_text(&gpu->name, text_clean(probe->arena, value), path);
        else if (span_eq(key, "GPU UUID") && span_starts(value, "GPU-") && !span_has(value, "?"))
            set_text(&gpu->uuid, text_clean(probe->arena, value), path);
        else if (span_eq(key, "Device Minor") && span_to_number(value, 10, &number) == 0)
            set_number(&gpu->minor, number, path);
        else if (span_eq(span_trim(key), "GPU Excluded"))
            set_flag(&gpu->excluded, span_eq(value, "Yes"), path);
    }
}

static void set_power(struct probe *probe, struct arena *scratch, const struct function *function,
                      struct gpu_device *gpu) {
    const char *path = text_path(scratch, function->directory, "power_state"), *line;
    int r = root_read_line(probe->root, scratch, path, &line); /* since Linux 5.10 */
    if (r == 0)
        set_text(&gpu->power_state, keep(probe, line), NULL);
    else
        set_unknown(&gpu->power_state, r == -ENOENT ? "the kernel does not tell" : strerror(-r), NULL);
    path = text_path(scratch, function->directory, "enable");
    r = root_read_line(probe->root, scratch, path, &line);
    if (r == 0)
        set_flag(&gpu->enabled, !text_eq(line, "0"), NULL);
    else
        set_unknown(&gpu->enabled, strerror(-r), NULL);
}

static void set_bars(const struct probe *probe, struct arena *scratch, const struct function *function,
                     struct gpu_device *gpu) {
    struct span bytes;
    int r = root_read(probe->root, scratch, text_path(scratch, function->directory, "resource"), LIMIT_SMALL_FILE,
                      &bytes);
    enum pci_bars bars = r == 0 ? pci_bars_parse(bytes) : PCI_BARS_UNKNOWN;
    if (bars == PCI_BARS_UNKNOWN)
        set_unknown(&gpu->bars_assigned, r < 0 ? strerror(-r) : "no memory regions listed", NULL);
    else
        set_flag(&gpu->bars_assigned, bars == PCI_BARS_ASSIGNED, NULL);
}

static void add_nvidia(struct probe *probe, struct arena *scratch, const struct function *function) {
    struct arena *arena = probe->arena;
    struct gpu_device *gpu = &LIST_PUSH(arena, &probe->out->gpu.devices);
    set_text(&gpu->address, keep(probe, function->address), keep(probe, function->directory));
    if (function->vendor_known) {
        set_text(&gpu->device_id, arena_printf(arena, "%04x:%04x", function->vendor, function->device), NULL);
        set_text(&gpu->class, arena_printf(arena, "%04x", function->class >> 8), NULL);
        set_model(probe, gpu, function->device);
    } else {
        set_unknown(&gpu->device_id, "its configuration space does not answer", NULL);
    }
    if (function->subsystem_known)
        set_text(&gpu->subsystem_id,
                 arena_printf(arena, "%04x:%04x", function->subsystem_vendor, function->subsystem_device), NULL);
    if (function->config_known)
        set_flag(&gpu->config_dead, function->config.dead, NULL);
    else
        set_unknown(&gpu->config_dead,
                    function->asleep ? "not surely awake, and not woken for this" : "cannot be read", NULL);
    set_driver(probe, scratch, function, &gpu->kernel_driver);
    set_power(probe, scratch, function, gpu);
    set_bars(probe, scratch, function, gpu);
    read_information(probe, scratch, function, gpu);
}

static void add_other(struct probe *probe, struct arena *scratch, const struct function *function) {
    static const struct {
        unsigned id;
        const char *name;
    } vendors[] = {{0x1002, "AMD"},     {0x8086, "Intel"},   {0x1a03, "ASPEED"},     {0x102b, "Matrox"},
                   {0x1234, "QEMU"},    {0x1b36, "QEMU"},    {0x1af4, "virtio"},     {0x15ad, "VMware"},
                   {0x1414, "Hyper-V"}, {0x1013, "Cirrus"},  {0x80ee, "VirtualBox"}, {0x1ed5, "Moore Threads"},
                   {0x19e5, "Huawei"},  {0x1d17, "Zhaoxin"}, {0x1d0f, "Amazon"},     {0x1ae0, "Google"}};
    struct arena *arena = probe->arena;
    struct other_gpu *gpu = &LIST_PUSH(arena, &probe->out->gpu.others);
    set_text(&gpu->address, keep(probe, function->address), keep(probe, function->directory));
    set_text(&gpu->device_id, arena_printf(arena, "%04x:%04x", function->vendor, function->device), NULL);
    set_text(&gpu->vendor, arena_printf(arena, "vendor %04x", function->vendor), NULL);
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (vendors[i].id == function->vendor)
            set_text(&gpu->vendor, vendors[i].name, NULL);
    const char *name = listed_name(probe, function->vendor, function->device);
    if (name)
        set_text(&gpu->name, name, "pci.ids");
    else
        set_unknown(&gpu->name, "no list of names here has it", "pci.ids");
    set_driver(probe, scratch, function, &gpu->kernel_driver);
}

static void read_bus(struct probe *probe) {
    struct gpu_facts *gpu = &probe->out->gpu;
    AUTO_ARENA names = {0};
    struct texts functions;
    int r = root_list(probe->root, &names, bus, &functions);
    if (r < 0 && r != -EFBIG) {
        const char *reason = r == -ENOENT ? "there is no PCI bus in sysfs here" : strerror(-r);
        set_unknown(&gpu->bus_readable, reason, bus);
        set_unknown(&gpu->devices, reason, bus);
        return;
    }
    set_flag(&gpu->bus_readable, true, bus);
    set_listed(&gpu->devices, bus);
    set_listed(&gpu->others, bus);
    int64_t switches = 0, unreadable = 0;
    for (size_t i = 0; i < functions.count; i++) {
        AUTO_ARENA scratch = {0};
        if (!pci_address_valid(span_of(functions.items[i])) ||
            gpu->devices.count + gpu->others.count >= LIMIT_ROWS)
            continue;
        struct function function = {.address = functions.items[i],
                                    .directory = text_path(&scratch, bus, functions.items[i])};
        if (!identify(probe, &scratch, &function)) {
            unreadable +=
                !function.class_known || (!function.vendor_known && function.class >> 16 == CLASS_DISPLAY);
            continue;
        }
        bool display = function.class >> 16 == CLASS_DISPLAY;
        /* NVIDIA's chipsets of old have bridges of that class too, with lower ids */
        if (!display)
            switches += function.class >> 8 == CLASS_BRIDGE_OTHER && function.vendor == VENDOR_NVIDIA &&
                        function.device >= 0x1a00;
        else if (function.vendor == VENDOR_NVIDIA)
            add_nvidia(probe, &scratch, &function);
        else
            add_other(probe, &scratch, &function);
    }
    set_number(&gpu->nvswitches, switches, bus);
    /* what cannot be read may be the GPU: an empty list must not say that there is none */
    if (unreadable && !gpu->devices.count)
        set_unknown(&gpu->devices, "not every function on the bus could be read", bus);
}

/* The device tree names the board and the chip; Tegra's GPU is no PCI function before Thor. */
static void read_tegra(struct probe *probe) {
    struct gpu_facts *gpu = &probe->out->gpu;
    static const char *const trees[] = {"/proc/device-tree", "/sys/firmware/devicetree/base"};
    static const struct {
        const char *chip, *capability;
    } chips[] = {{"tegra124", "3.2"}, {"tegra210", "5.3"}, {"tegra186", "6.2"},
                 {"tegra194", "7.2"}, {"tegra234", "8.7"}, {"tegra264", "11.0"}};
    AUTO_ARENA scratch = {0};
    struct span bytes = {0}, part;
    int r = -ENOENT;
    size_t tree = 0;
    for (size_t i = 0; i < 2 && r < 0; i++) {
        r = root_read(probe->root, &scratch, text_path(&scratch, trees[i], "compatible"), LIMIT_SMALL_FILE,
                      &bytes);
        tree = i;
    }
    static const char source[] = "/proc/device-tree";
    if (r < 0) {
        set_missing(&gpu->tegra, r, source);
        return;
    }
    bool found = false;
    while (span_next_field(&bytes, '\0', &part)) {
        static const char prefix[] = "nvidia,tegra";
        if (!span_starts(part, prefix))
            continue;
        found = true;
        const char *chip = text_clean(probe->arena, span_slice(part, strlen("nvidia,"), part.len));
        set_text(&gpu->tegra_chip, chip, source);
        for (size_t i = 0; i < sizeof chips / sizeof *chips; i++)
            if (text_eq(chip, chips[i].chip))
                set_text(&gpu->tegra_capability, chips[i].capability, source);
    }
    if (!found) {
        set_absent(&gpu->tegra, source);
        return;
    }
    r = root_read(probe->root, &scratch, text_path(&scratch, trees[tree], "model"), LIMIT_SMALL_FILE, &bytes);
    size_t len = r == 0 && bytes.len ? strnlen(bytes.ptr, bytes.len) : 0;
    set_text(&gpu->tegra, len ? text_clean(probe->arena, span_slice(bytes, 0, len)) : text_of(gpu->tegra_chip),
             source);
}

void probe_gpu(struct probe *probe) {
    read_bus(probe);
    read_tegra(probe);
}
