/* The bus as lspci (-n, -nn, -k, -v), lshw -c video, inxi -G and ubuntu-drivers show it. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

struct pci {
    struct gpu_device *device; /* the one whose further lines are read; NULL: none of NVIDIA's */
    struct other_gpu *other;
    struct span product; /* lshw's, before its vendor */
    bool lshw;           /* inside "*-display" */
    bool unclaimed;
    bool inxi;   /* a line of inxi came before */
    bool models; /* ubuntu-drivers: "vendor : NVIDIA Corporation" was seen */
    bool others; /* functions that are no displays were in the list */
};

/* --- names --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *name;
    bool virtual;
} vendors[] = {{"Intel", "Intel", false},
               {"8086:", "Intel", false},
               {"Advanced Micro Devices", "AMD", false},
               {"AMD/ATI", "AMD", false},
               {"ATI ", "AMD", false},
               {"1002:", "AMD", false},
               {"ASPEED", "ASPEED", false},
               {"1a03:", "ASPEED", false},
               {"Matrox", "Matrox", false},
               {"VMware", "VMware", true},
               {"15ad:", "VMware", true},
               {"Red Hat", "Red Hat", true},
               {"1af4:", "Red Hat", true},
               {"Cirrus", "Cirrus", true},
               {"QXL", "Red Hat", true},
               {"VirtualBox", "VirtualBox", true},
               {"InnoTek", "VirtualBox", true},
               {"Hyper-V", "Microsoft", true},
               {"Bochs", "QEMU", true},
               {"1234:1111", "QEMU", true},
               {"Amazon", "Amazon", true},
               {"Microsoft", "Microsoft", true}};

/* "GP104GL [Tesla P4] [10de:1bb3] (rev a1)", "Device 2684 (rev a1)": what stands behind the vendor. */
static void describe(struct reading *reading, struct gpu_device *device, struct span text) {
    struct span rest = text, word;
    size_t id = span_find(text, "[10de:");
    if (id == SIZE_MAX)
        id = span_find(text, "10de:");
    if (id != SIZE_MAX) {
        size_t start = text.ptr[id] == '[' ? id + 1 : id;
        note_text(reading, &device->device_id, span_slice(text, start, start + 9));
    }
    if (span_next_word(&rest, &word) && span_eq(word, "Device") && span_next_word(&rest, &word) && word.len == 4)
        note_word(reading, &device->device_id, arena_printf(reading->arena, "10de:%.4s", word.ptr));
    size_t open = span_find(text, "[");
    size_t close = open == SIZE_MAX ? SIZE_MAX : span_find(text, "]");
    struct span name = open != SIZE_MAX && close != SIZE_MAX && close > open ? span_slice(text, open + 1, close)
                                                                             : (struct span){"", 0};
    if (name.len && !span_starts(name, "10de:") && !span_starts(name, "03"))
        note_text(reading, &device->name, name);
    /* "GP104GL": G, two letters of the generation, digits */
    if (span_starts(text, "G") || span_starts(text, "TU") || span_starts(text, "AD")) {
        size_t end = 0, digits = 0;
        while (end < text.len &&
               (isupper((unsigned char)text.ptr[end]) || isdigit((unsigned char)text.ptr[end]))) {
            digits += isdigit((unsigned char)text.ptr[end]) != 0;
            end++;
        }
        size_t chip = end;
        while (chip && !isdigit((unsigned char)text.ptr[chip - 1]))
            chip--;
        if (digits >= 2 && chip >= 4 && chip <= 6)
            note_text(reading, &device->chip, span_slice(text, 0, chip));
    }
    if (span_has(text, "(rev ff)"))
        note_flag(reading, &device->config_dead, true);
}

static struct gpu_device *add_device(struct reading *reading, struct span address) {
    struct gpu_device_rows *devices = &reading->facts->gpu.devices;
    for (size_t i = 0; address.len && i < devices->count; i++)
        if (known(devices->items[i].address) &&
            text_ends(devices->items[i].address.value, arena_copy_span(reading->arena, address)))
            return &devices->items[i];
    struct gpu_device *device = READING_PUSH(reading, devices);
    if (device && address.len)
        read_pci_address(reading, &device->address, address);
    return device;
}

static void add_other(struct reading *reading, struct pci *state, struct span address, struct span text) {
    state->other = READING_PUSH(reading, &reading->facts->gpu.others);
    if (!state->other)
        return;
    if (address.len)
        read_pci_address(reading, &state->other->address, address);
    note_text(reading, &state->other->name, text);
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (span_has(text, vendors[i].word)) {
            note_word(reading, &state->other->vendor, vendors[i].name);
            if (vendors[i].virtual)
                note_word(reading, &reading->facts->system.virtual_machine, vendors[i].name);
            break;
        }
}

/* The bus was listed: what is not in the list is not there. A list that was filtered for "VGA" hides the GPUs that
 * call themselves 3D controllers, but those of virtual machines are no such case. */
static void listed(struct reading *reading, struct pci *state) {
    bool only_vga = span_has(reading->command, "VGA") && !span_has(reading->command, "3D") &&
                    find_word(reading->command, "nvidia") == SIZE_MAX &&
                    find_word(reading->command, "NVIDIA") == SIZE_MAX;
    if (!reading->command.len) /* what the list was filtered for is not told: a list of displays alone was */
        only_vga = !state->others;
    if (only_vga && !known(reading->facts->system.virtual_machine) && !reading->facts->gpu.devices.count)
        return;
    note_flag(reading, &reading->facts->gpu.bus_readable, true);
    if (!known(reading->facts->gpu.devices))
        set_listed(&reading->facts->gpu.devices, reading_source(reading));
}

/* --- lspci --------------------------------------------------------------------------------------------------- */

/* "01:00.0 ", "0000:01:00.0 ": its length with the blank, or 0. */
static size_t address_length(struct span text) {
    size_t at = 0;
    while (at < text.len && at < 16 &&
           (isxdigit((unsigned char)text.ptr[at]) || text.ptr[at] == ':' || text.ptr[at] == '.'))
        at++;
    bool fits =
        at >= 7 && at < text.len && text.ptr[at] == ' ' && text.ptr[at - 2] == '.' && text.ptr[at - 5] == ':';
    return fits ? at + 1 : 0;
}

static const struct {
    const char *word, *class;
} classes[] = {{"VGA compatible controller", "0300"},
               {"3D controller", "0302"},
               {"Display controller", "0380"},
               {"VGA compatible", "0300"},
               {"0300:", "0300"},
               {"0302:", "0302"},
               {"0380:", "0380"},
               {"Class 0300", "0300"},
               {"Class 0302", "0302"}};

static bool lspci_line(struct reading *reading, struct span text, struct pci *state) {
    size_t address = address_length(text);
    struct span rest = span_slice(text, address, text.len), at = span_trim(span_slice(text, 0, address));
    const char *class = NULL;
    for (size_t i = 0; i < sizeof classes / sizeof *classes && !class; i++)
        if (span_starts(rest, classes[i].word))
            class = classes[i].class;
    if (!address && (!class || !memchr(rest.ptr, ':', rest.len)))
        return false;
    reading_kind(reading, "lspci");
    state->device = NULL;
    state->other = NULL;
    state->others |= class == NULL;
    struct span name;
    size_t colon = span_find(rest, ": ");
    name = colon == SIZE_MAX ? rest : span_trim(span_slice(rest, colon + 2, rest.len));
    bool nvidia = span_has(rest, "NVIDIA") || span_has(rest, "nVidia") || span_has(rest, "10de:");
    if (class && nvidia) {
        state->device = add_device(reading, at);
        if (state->device) {
            note_word(reading, &state->device->class, class);
            if (after_key(name, "Corporation ", &rest))
                name = rest;
            describe(reading, state->device, name);
        }
    } else if (class) {
        add_other(reading, state, at, name);
    } else if (nvidia && span_has(rest, "NVSwitch")) {
        struct number_fact *switches = &reading->facts->gpu.nvswitches;
        set_number(switches, number_of(*switches, 0) + 1, reading_source(reading));
        note_flag(reading, &reading->facts->access.fabric_manager_needed, true);
    }
    listed(reading, state);
    return true;
}

static bool lspci_more(struct reading *reading, struct span text, struct pci *state) {
    struct span value;
    if (after_key(text, "Kernel driver in use:", &value)) {
        if (state->device)
            note_text(reading, &state->device->kernel_driver, value);
        else if (state->other)
            note_text(reading, &state->other->kernel_driver, value);
        return true;
    }
    if (span_starts(text, "Kernel modules:")) {
        /* lspci prints the driver in use before the modules: without that line there is none */
        if (state->device)
            note_absent(reading, &state->device->kernel_driver.is);
        return true;
    }
    if (span_has(text, "Unknown header type 7f") && state->device) {
        note_flag(reading, &state->device->config_dead, true);
        return true;
    }
    return false;
}

/* --- lshw, inxi, ubuntu-drivers ------------------------------------------------------------------------------ */

static bool lshw_line(struct reading *reading, struct span text, struct pci *state) {
    struct span value;
    if (span_starts(text, "*-display")) {
        state->lshw = true;
        state->unclaimed = span_has(text, "UNCLAIMED");
        state->device = NULL;
        state->other = NULL;
        reading_kind(reading, "lshw");
        note_flag(reading, &reading->facts->gpu.bus_readable, true);
        if (!known(reading->facts->gpu.devices))
            set_listed(&reading->facts->gpu.devices, reading_source(reading));
        return true;
    }
    if (span_starts(text, "*-")) {
        state->lshw = false;
        return false;
    }
    if (!state->lshw)
        return false;
    if (span_starts(text, "product:")) {
        state->device = add_device(reading, (struct span){"", 0});
        state->product = span_trim(span_slice(text, 8, text.len));
        if (state->device)
            describe(reading, state->device, state->product);
        if (state->device && state->unclaimed)
            note_absent(reading, &state->device->kernel_driver.is);
        return true;
    }
    if (after_key(text, "vendor:", &value)) {
        struct gpu_device_rows *devices = &reading->facts->gpu.devices;
        if (!(span_find_nocase(value, "nvidia") != SIZE_MAX) && state->device && devices->count) {
            devices->count--; /* it is another vendor's */
            state->device = NULL;
            add_other(reading, state, (struct span){"", 0},
                      span_of(arena_printf(reading->arena, "%.*s %.*s", (int)(value.len < 60 ? value.len : 60),
                                           value.ptr, (int)state->product.len, state->product.ptr)));
        }
        return true;
    }
    if (after_key(text, "bus info: pci@", &value) && state->device) {
        read_pci_address(reading, &state->device->address, value);
        return true;
    }
    if (span_starts(text, "configuration:")) {
        struct text_fact *driver = state->device  ? &state->device->kernel_driver
                                   : state->other ? &state->other->kernel_driver
                                                  : NULL;
        if (driver && after_key(text, "driver=", &value)) {
            struct span word;
            span_next_word(&value, &word);
            note_text(reading, driver, word);
        } else if (driver) {
            note_absent(reading, &driver->is);
        }
        return true;
    }
    return false;
}

/* "nvidia v: 525.89.02 arch: Ampere", "N/A" */
static void inxi_driver(struct reading *reading, struct gpu_device *device, struct span driver) {
    struct span word, rest = driver, version;
    span_next_word(&rest, &word);
    if (span_eq(word, "N/A"))
        note_absent(reading, &device->kernel_driver.is);
    else
        note_text(reading, &device->kernel_driver, word);
    if (span_eq(word, "nvidia") && after_key(driver, "v: ", &version))
        read_driver_version(reading, version);
}

/* "Device-1: NVIDIA GA104 [GeForce RTX 3070] driver: nvidia v: 525.89.02" */
static bool inxi_line(struct reading *reading, struct span text, struct pci *state) {
    struct span more;
    if (state->inxi && state->device && span_starts(text, "driver: ") && after_key(text, "driver: ", &more)) {
        inxi_driver(reading, state->device, more);
        state->inxi = false;
        return true;
    }
    size_t at = span_find(text, "Device-");
    if (at == SIZE_MAX)
        at = span_find(text, "Card-");
    struct span value, rest = at == SIZE_MAX ? text : span_slice(text, at, text.len);
    if (at == SIZE_MAX || at > 24 || !after_key(rest, ": ", &value))
        return false;
    if (!(span_find_nocase(value, "nvidia") != SIZE_MAX))
        return false;
    reading_kind(reading, "inxi");
    state->device = add_device(reading, (struct span){"", 0});
    if (!state->device)
        return true;
    state->inxi = true;
    struct span name = value, driver;
    if (span_starts_nocase(name, "NVIDIA "))
        name = span_slice(name, 7, name.len);
    describe(reading, state->device, name);
    if (after_key(value, "driver: ", &driver))
        inxi_driver(reading, state->device, driver);
    return true;
}

static bool drivers_line(struct reading *reading, struct span text, struct pci *state) {
    struct span value;
    if (span_starts(text, "vendor ") && after_key(text, ": ", &value)) {
        state->models = span_starts_nocase(value, "NVIDIA");
        return state->models;
    }
    if (state->models && span_starts(text, "model ") && after_key(text, ": ", &value)) {
        struct gpu_device *device = add_device(reading, (struct span){"", 0});
        if (device)
            describe(reading, device, value);
        return true;
    }
    return false;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool read_line(struct reading *reading, void *memory) {
    struct pci *state = memory;
    struct span text = reading->line->text;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    return lspci_line(reading, text, state) || lspci_more(reading, text, state) ||
           lshw_line(reading, text, state) || inxi_line(reading, text, state) ||
           drivers_line(reading, text, state);
}

static void read_command(struct reading *reading, void *memory) {
    (void)reading;
    *(struct pci *)memory = (struct pci){0};
}

/* `lspci | grep -i nvidia` that printed nothing: there is none. */
static void command_done(struct reading *reading, void *memory) {
    (void)memory;
    if (!span_eq(reading->program, "lspci") || reading->output_lines)
        return;
    if (span_find_nocase(reading->command, "nvidia") == SIZE_MAX || !span_has(reading->command, "grep"))
        return;
    reading_kind(reading, "lspci");
    note_flag(reading, &reading->facts->gpu.bus_readable, true);
    if (!known(reading->facts->gpu.devices))
        set_listed(&reading->facts->gpu.devices, reading_source(reading));
}

const struct importer import_pci = {sizeof(struct pci), read_line, read_command, command_done};
