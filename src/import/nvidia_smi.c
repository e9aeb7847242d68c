/* nvidia-smi: the table of all releases (up to 396 without a CUDA version, with the driver model on Windows, from
 * 610 on with KMD and CUDA UMD versions), its processes, -L, and --query-gpu with --format=csv. What -q prints is
 * read with the keys of collect_env.c, its error lines are messages (data/messages.csv). */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

enum { COLUMNS = 24 };

struct nvidia_smi {
    bool table;                                 /* inside of one */
    bool processes;                             /* its second part */
    bool mig;                                   /* "MIG devices:" */
    bool rows;                                  /* a row of GPUs was seen */
    size_t gpu;                                 /* the one whose rows are read */
    const struct query_field *columns[COLUMNS]; /* of --query-gpu; NULL where the field is of no use */
    size_t column_count;
    size_t row; /* rows of the CSV so far */
    bool no_units;
};

/* --- the banner ---------------------------------------------------------------------------------------------- */

static void table_begins(struct reading *reading, struct nvidia_smi *state) {
    *state = (struct nvidia_smi){.table = true};
    reading_kind(reading, "nvidia-smi");
    note_flag(reading, &reading->facts->driver.smi_present, true);
    note_flag(reading, &reading->facts->driver.module_loaded, true);
    note_number(reading, &reading->facts->compute.nvml_init, 0);
}

static bool banner(struct reading *reading, struct span text, struct nvidia_smi *state) {
    struct span value;
    if (!span_has(text, "NVIDIA-SMI ") ||
        !(after_key(text, "Driver Version:", &value) || after_key(text, "KMD Version:", &value)))
        return false;
    table_begins(reading, state);
    read_driver_version(reading, value);
    if (after_key(text, "CUDA Version:", &value) || after_key(text, "CUDA UMD Version:", &value)) {
        if (version_at(value).len)
            note_text(reading, &reading->facts->driver.cuda_version, version_at(value));
        else if (span_starts(value, "N/A") || span_starts(value, "ERR!"))
            note_absent(reading, &reading->facts->driver.cuda_version.is);
    }
    return true;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

/* Cell `number` of a row, between bars. */
static struct span cell(struct span row, size_t number) {
    struct span rest = span_trim(row), field = {0};
    if (rest.len && rest.ptr[0] == '|')
        rest = span_slice(rest, 1, rest.len);
    for (size_t i = 0; i <= number; i++)
        if (!span_next_field(&rest, '|', &field))
            return (struct span){"", 0};
    return span_trim(field);
}

/* The last column of a GPU's first cell: persistence mode on Linux, driver model on Windows. */
static bool is_mode(struct span word) {
    static const char *const modes[] = {"On",  "Off",  "WDDM",    "TCC",      "MCDM",   "WDM",
                                        "N/A", "ERR!", "Default", "Disabled", "Enabled"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (span_eq(word, modes[i]))
            return true;
    return false;
}

/* "0  NVIDIA GeForce RTX 4060 Ti     Off" */
static bool gpu_row(struct reading *reading, struct span text, struct nvidia_smi *state) {
    struct span first = cell(text, 0), rest = first, word, index_word;
    int64_t index;
    if (!span_next_word(&rest, &index_word) || span_to_number(index_word, 10, &index) < 0 || index < 0 ||
        index >= LIMIT_REPORT_ROWS)
        return false;
    struct span name = span_trim(rest), model = {0};
    size_t blank = name.len;
    while (blank && name.ptr[blank - 1] != ' ')
        blank--;
    word = span_slice(name, blank, name.len);
    if (is_mode(word)) {
        model = word;
        name = span_trim(span_slice(name, 0, blank));
    }
    if (name.len < 2 || !isalpha((unsigned char)name.ptr[0]))
        return false;
    state->gpu = (size_t)index;
    state->rows = true;
    struct gpu_device *device = reading_gpu(reading, state->gpu);
    if (!device)
        return true;
    note_text(reading, &device->name, name);
    if (span_eq(model, "TCC") || span_eq(model, "WDDM") || span_eq(model, "MCDM")) {
        note_text(reading, &device->driver_model, model);
        note_word(reading, &reading->facts->system.os, "windows");
    } else if (span_eq(model, "On") || span_eq(model, "Off")) {
        note_flag(reading, &reading->facts->access.persistence, span_eq(model, "On"));
    }
    struct span bus = cell(text, 1), address;
    if (span_next_word(&bus, &address) && memchr(address.ptr, ':', address.len))
        read_pci_address(reading, &device->address, address);
    struct span ecc = cell(text, 2);
    int64_t errors;
    if (span_to_number(ecc, 10, &errors) == 0 && errors > 0)
        note_text(reading, &device->fault, span_of("uncorrected ECC errors"));
    if (span_has(text, "ERR!"))
        note_text(reading, &device->fault, span_of("ERR!"));
    note_number(reading, &reading->facts->compute.nvml_devices, 0);
    struct number_fact *devices = &reading->facts->compute.nvml_devices;
    if (devices->value <= index)
        devices->value = index + 1;
    return true;
}

/* "N/A   30C    P0    58W / 400W |   1404MiB / 40537MiB |      0%      Default" and below "| | | Disabled" */
static void gpu_more(struct reading *reading, struct span text, struct nvidia_smi *state) {
    struct gpu_device *device = state->rows ? reading_gpu(reading, state->gpu) : NULL;
    if (!device)
        return;
    struct span used, total, memory = cell(text, 1), last = cell(text, 2);
    if (span_cut(memory, '/', &used, &total) && mebibytes(span_trim(total)) > 0) {
        note_number(reading, &device->memory_total_mib, mebibytes(span_trim(total)));
        if (mebibytes(span_trim(used)) >= 0)
            note_number(reading, &device->memory_used_mib, mebibytes(span_trim(used)));
    }
    if (span_has(text, "ERR!"))
        note_text(reading, &device->fault, span_of("ERR!"));
    static const struct {
        const char *end, *mode;
    } modes[] = {{"Default", "Default"},
                 {"E. Process", "Exclusive_Process"},
                 {"E. Thread", "Exclusive_Thread"},
                 {"Prohibited", "Prohibited"}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (span_ends(last, modes[i].end)) {
            struct text_fact *mode = &reading->facts->access.compute_mode;
            if (text_eq(text_of(*mode), "Default")) /* one GPU that keeps others out is what matters */
                mode->is.state = FACT_UNKNOWN;
            note_word(reading, mode, modes[i].mode);
        }
    struct flag_fact *mig = &reading->facts->access.mig_enabled;
    if (span_eq(last, "Enabled") || span_eq(last, "Enabled*"))
        put_flag(reading, mig, true);
    else if (span_eq(last, "Disabled"))
        note_flag(reading, mig, false);
}

/* "|    0   N/A  N/A      1234      C   python                 1234MiB |" */
static void process_row(struct reading *reading, struct span text) {
    struct span rest = cell(text, 0), word, words[16];
    size_t count = 0;
    while (count < 16 && span_next_word(&rest, &word))
        words[count++] = word;
    struct gpu_process_rows *processes = &reading->facts->access.processes;
    if (span_has(text, "No running processes found")) {
        set_listed(processes, reading_source(reading));
        return;
    }
    int64_t gpu, pid = -1;
    size_t at = 1;
    if (count < 4 || span_to_number(words[0], 10, &gpu) < 0)
        return;
    while (at < count && span_to_number(words[at], 10, &pid) < 0)
        at++;
    struct gpu_process *process = at + 2 < count ? READING_PUSH(reading, processes) : NULL;
    if (!process)
        return;
    note_number(reading, &process->gpu, gpu);
    note_number(reading, &process->pid, pid);
    note_text(reading, &process->name, words[at + 2]);
    int64_t memory = mebibytes(words[count - 1]);
    if (memory >= 0 && span_has(words[count - 1], "iB"))
        note_number(reading, &process->memory_mib, memory);
}

static bool table_line(struct reading *reading, struct span text, struct nvidia_smi *state) {
    if (span_starts(text, "+--") || span_starts(text, "|--") || span_starts(text, "|==") ||
        span_starts(text, "+==")) {
        return true;
    }
    if (text.ptr[0] != '|') {
        state->table = false;
        return false;
    }
    if (span_has(text, "Processes:")) {
        state->processes = true;
    } else if (span_has(text, "MIG devices:")) {
        state->mig = true;
        state->rows = false;
    } else if (state->mig && !state->processes) {
        struct span rest = cell(text, 0), word;
        int64_t number;
        struct number_fact *instances = &reading->facts->access.mig_instances;
        if (span_has(text, "No MIG devices found"))
            note_number(reading, instances, 0);
        else if (span_next_word(&rest, &word) && span_to_number(word, 10, &number) == 0)
            set_number(instances, number_of(*instances, 0) + 1, reading_source(reading));
    } else if (state->processes) {
        process_row(reading, text);
    } else if (!gpu_row(reading, text, state)) {
        gpu_more(reading, text, state);
    }
    return true;
}

/* --- --query-gpu --------------------------------------------------------------------------------------------- */

struct query_field {
    const char *name;
    void (*read)(struct reading *reading, struct gpu_device *device, struct span value);
};

static void query_name(struct reading *reading, struct gpu_device *device, struct span value) {
    note_text(reading, &device->name, value);
}

static void query_driver(struct reading *reading, struct gpu_device *device, struct span value) {
    (void)device;
    read_driver_version(reading, value);
}

static void query_total(struct reading *reading, struct gpu_device *device, struct span value) {
    int64_t memory = span_has(value, "B") ? mebibytes(value) : -1;
    if (memory < 0)
        span_to_number(value, 10, &memory); /* nounits: MiB */
    if (memory > 0)
        note_number(reading, &device->memory_total_mib, memory);
}

static void query_used(struct reading *reading, struct gpu_device *device, struct span value) {
    int64_t memory = span_has(value, "B") ? mebibytes(value) : -1;
    if (memory < 0)
        span_to_number(value, 10, &memory);
    if (memory >= 0)
        note_number(reading, &device->memory_used_mib, memory);
}

static void query_mode(struct reading *reading, struct gpu_device *device, struct span value) {
    (void)device;
    note_text(reading, &reading->facts->access.compute_mode, value);
}

static void query_capability(struct reading *reading, struct gpu_device *device, struct span value) {
    if (version_at(value).len)
        note_text(reading, &device->compute_capability, version_at(value));
}

static void query_mig(struct reading *reading, struct gpu_device *device, struct span value) {
    (void)device;
    if (span_eq(value, "Enabled"))
        put_flag(reading, &reading->facts->access.mig_enabled, true);
    else if (span_eq(value, "Disabled"))
        note_flag(reading, &reading->facts->access.mig_enabled, false);
}

static void query_uuid(struct reading *reading, struct gpu_device *device, struct span value) {
    note_text(reading, &device->uuid, value);
}

static void query_address(struct reading *reading, struct gpu_device *device, struct span value) {
    read_pci_address(reading, &device->address, value);
}

static void query_model(struct reading *reading, struct gpu_device *device, struct span value) {
    if (!span_has(value, "N/A"))
        note_text(reading, &device->driver_model, value);
}

static const struct query_field query_fields[] = {{"name", query_name},
                                                  {"gpu_name", query_name},
                                                  {"driver_version", query_driver},
                                                  {"memory.total", query_total},
                                                  {"memory.used", query_used},
                                                  {"compute_mode", query_mode},
                                                  {"compute_cap", query_capability},
                                                  {"mig.mode.current", query_mig},
                                                  {"uuid", query_uuid},
                                                  {"gpu_uuid", query_uuid},
                                                  {"pci.bus_id", query_address},
                                                  {"gpu_bus_id", query_address},
                                                  {"driver_model.current", query_model}};

static const struct query_field *find_field(struct span name) {
    name = span_trim(name);
    size_t unit = span_find(name, " ["); /* "memory.total [MiB]" */
    if (unit != SIZE_MAX)
        name = span_slice(name, 0, unit);
    for (size_t i = 0; i < sizeof query_fields / sizeof *query_fields; i++)
        if (span_eq(name, query_fields[i].name))
            return &query_fields[i];
    return NULL;
}

static void read_columns(struct nvidia_smi *state, struct span list) {
    state->column_count = 0;
    state->row = 0;
    struct span name;
    while (state->column_count < COLUMNS && span_next_field(&list, ',', &name))
        state->columns[state->column_count++] = find_field(name);
}

/* "name, mig.mode.current": the header line of the CSV, where the command is not in the text. */
static bool is_header(struct span text) {
    struct span rest = text, name;
    size_t known = 0, all = 0;
    while (all < COLUMNS && span_next_field(&rest, ',', &name)) {
        known += find_field(name) && (memchr(name.ptr, '.', name.len) || memchr(name.ptr, '_', name.len) ||
                                      span_eq(span_trim(name), "name") || span_eq(span_trim(name), "uuid"));
        all++;
    }
    return known && known * 2 >= all && (all > 1 || span_has(text, "_") || span_has(text, "."));
}

static bool query_row(struct reading *reading, struct span text, struct nvidia_smi *state) {
    if (is_header(text)) {
        read_columns(state, text);
        reading_kind(reading, "nvidia-smi");
        return true;
    }
    if (!state->column_count)
        return false;
    struct span rest = text, value;
    size_t commas = 0;
    for (size_t i = 0; i < text.len; i++)
        commas += text.ptr[i] == ',';
    if (commas + 1 != state->column_count || text.len > 400 || span_has(text, "NVIDIA-SMI") ||
        span_has(text, "Failed")) {
        state->column_count = 0;
        return false;
    }
    struct gpu_device *device = reading_gpu(reading, state->row);
    for (size_t i = 0; device && span_next_field(&rest, ',', &value); i++)
        if (state->columns[i] && !span_has(value, "[N/A]") && !span_has(value, "Not Supported"))
            state->columns[i]->read(reading, device, span_trim(value));
    state->row++;
    reading_kind(reading, "nvidia-smi");
    note_flag(reading, &reading->facts->driver.module_loaded, true);
    note_number(reading, &reading->facts->compute.nvml_init, 0);
    set_number(&reading->facts->compute.nvml_devices, (int64_t)state->row, reading_source(reading));
    return true;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool read_line(struct reading *reading, void *memory) {
    struct nvidia_smi *state = memory;
    struct span text = reading->line->text;
    if (banner(reading, text, state))
        return true;
    if (state->table && table_line(reading, text, state))
        return true;
    /* "| NVIDIA-SMI 387.12" cut apart by a narrow terminal, or quoted alone */
    if (text.ptr[0] == '|' && gpu_row(reading, text, state)) {
        table_begins(reading, state);
        state->rows = true;
        return true;
    }
    struct span version;
    if (span_starts(reading->program, "nvidia-smi") && after_key(text, "Driver Version:", &version) &&
        text.ptr[0] != '|') {
        table_begins(reading, state); /* one line of the table, quoted alone */
        state->table = false;
        return false;
    }
    if (read_gpu_line(reading, text)) {
        if (span_has(text, "UUID: ")) { /* -L lists what NVML has */
            reading_kind(reading, "nvidia-smi");
            note_number(reading, &reading->facts->compute.nvml_init, 0);
            set_number(&reading->facts->compute.nvml_devices, (int64_t)reading->facts->gpu.devices.count,
                       reading_source(reading));
        }
        return true;
    }
    if (span_eq(text, "No devices were found") || span_starts(text, "No devices found")) {
        note_number(reading, &reading->facts->compute.nvml_init, 0);
        note_number(reading, &reading->facts->compute.nvml_devices, 0);
        return false; /* also a message */
    }
    return query_row(reading, text, state);
}

static void read_command(struct reading *reading, void *memory) {
    struct nvidia_smi *state = memory;
    struct span fields;
    *state = (struct nvidia_smi){0};
    size_t at = span_find(reading->command, "--query-gpu");
    if (at == SIZE_MAX)
        return;
    fields = span_slice(reading->command, at + 11, reading->command.len);
    while (fields.len && (fields.ptr[0] == '=' || fields.ptr[0] == ' ' || fields.ptr[0] == '"'))
        fields = span_slice(fields, 1, fields.len);
    size_t end = 0;
    while (end < fields.len && fields.ptr[end] != ' ' && fields.ptr[end] != '"')
        end++;
    read_columns(state, span_slice(fields, 0, end));
}

const struct importer import_nvidia_smi = {sizeof(struct nvidia_smi), read_line, read_command, NULL};
