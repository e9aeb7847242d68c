/* torch.utils.collect_env of every release since 1.0, and its relatives, which print the same things under other
 * names: vLLM's, mmcv's, detectron2's, transformers-cli and accelerate env, diffusers, ds_report, xformers.info,
 * ultralytics checks, ComfyUI, numba -s, conda info, nvidia-smi -q, systeminfo. All of them are lines of a key and
 * a value; one table of keys reads them all. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

struct collect_env {
    bool seen;        /* a header or a first line of a report was in this block */
    bool gpu_names;   /* lines with names of GPUs may follow */
    char section[40]; /* of nvidia-smi -q and lshw: the last key without value */
    size_t gpu;       /* of nvidia-smi -q */
};

typedef void reader(struct reading *reading, struct span value, struct collect_env *state);

/* --- PyTorch ------------------------------------------------------------------------------------------------- */

static void torch_version(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "N/A") || span_eq_nocase(value, "none") || span_has(value, "not installed") ||
        span_has(value, "not found")) {
        note_absent(reading, &reading_python(reading)->torch_version.is);
        return;
    }
    while (value.len && !isdigit((unsigned char)value.ptr[0]) && value.ptr[0] != '(') /* "✅ 2.2.0", "v2.0" */
        value = span_slice(value, 1, value.len);
    read_torch_version(reading, release_at(value), true);
    size_t available = span_find(value, " (True)"), not_available = span_find(value, " (False)");
    if (available != SIZE_MAX ||
        not_available != SIZE_MAX) /* transformers-cli env: "(GPU?): 2.0.1+cu117 (True)" */
        note_flag(reading, &reading->facts->compute.is_available, available != SIZE_MAX);
    struct span path;
    if (after_key(value, " @", &path))
        read_path(reading, path);
}

static void torch_cuda(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    read_torch_cuda(reading, value);
}

static void torch_hip(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct python_environment *python = reading_python(reading);
    if (!value.len || !isdigit((unsigned char)value.ptr[0])) {
        /* no HIP and no CUDA: what the build has is nothing */
        if (absent(python->cuda) && span_eq(value, "N/A"))
            note_word(reading, &python->build, "cpu");
        return;
    }
    note_text(reading, &python->hip, release_at(value));
    set_text(&python->build, "rocm", reading_source(reading));
}

static void available(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    read_available(reading, value);
}

static void device_count(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    int64_t count;
    if (span_to_number(version_at(value), 10, &count) == 0 && count < 1024)
        note_number(reading, &reading->facts->compute.device_count, count);
}

static void arch_flags(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct span code;
    if (!span_has(value, "code=")) {
        read_arch_list(reading, value);
        return;
    }
    for (struct span rest = value; after_key(rest, "code=", &code);
         rest = code) { /* "arch=compute_80,code=sm_80" */
        size_t end = 0;
        while (end < code.len && !strchr(";, ", code.ptr[end]))
            end++;
        read_arch_list(reading, span_slice(code, 0, end));
    }
}

static void torch_device(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct span name;
    if (span_starts(value, "cuda:0 ") && after_key(value, "cuda:0 ", &name)) { /* ComfyUI */
        size_t end = span_find(name, " : ");
        note_text(reading, &reading->facts->compute.device_name,
                  span_slice(name, 0, end == SIZE_MAX ? name.len : end));
        note_flag(reading, &reading->facts->compute.is_available, true);
        read_gpu_name(reading, 0, span_slice(name, 0, end == SIZE_MAX ? name.len : end));
    }
}

/* --- the driver ---------------------------------------------------------------------------------------------- */

static void driver_version(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "Could not collect")) /* nvidia-smi was asked, and is not there or gave no version */
        note_absent(reading, &reading->facts->driver.nvml_version.is);
    read_driver_version(reading, value);
    struct span cuda; /* "535.54.03 CUDA Version: 12.2" on one line, "12.0 (Driver 528.49)" elsewhere */
    if (after_key(value, "CUDA Version:", &cuda) && version_at(cuda).len)
        note_text(reading, &reading->facts->driver.cuda_version, version_at(cuda));
}

static void driver_cuda(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct span driver;
    if (span_starts(value, "N/A") || span_starts(value, "ERR"))
        note_absent(reading, &reading->facts->driver.cuda_version.is);
    else if (version_at(value).len && value.ptr[version_at(value).len ? version_at(value).len - 1 : 0] != '.')
        note_text(reading, &reading->facts->driver.cuda_version, version_at(value));
    if (after_key(value, "Driver ", &driver))
        read_driver_version(reading, driver);
}

/* --- GPUs ---------------------------------------------------------------------------------------------------- */

static void gpu_models(struct reading *reading, struct span value, struct collect_env *state) {
    state->gpu_names = true;
    if (span_starts(value, "No CUDA")) {
        note_flag(reading, &reading->facts->compute.is_available, false);
        return;
    }
    if (!value.len || span_starts(value, "Could not collect") || read_gpu_line(reading, value))
        return;
    /* the issue form: "Quadro K620, Tesla K80" */
    struct span rest = value, name;
    for (size_t i = 0; i < 16 && span_next_field(&rest, ',', &name); i++)
        if (span_trim(name).len > 3)
            read_gpu_name(reading, i, span_trim(name));
}

static void gpu_name(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct span last = value;
    size_t count = span_find(value, " x "); /* "8 x NVIDIA A100" */
    if (count != SIZE_MAX && count < 4)
        last = span_slice(value, count + 3, value.len);
    if (isalpha((unsigned char)(last.len ? last.ptr[0] : '0')) && !span_eq_nocase(last, "none") &&
        !span_starts_nocase(last, "no") && !span_starts_nocase(last, "true") &&
        !span_starts_nocase(last, "false") && !span_starts_nocase(last, "yes") &&
        !span_starts_nocase(last, "cuda") && last.len < 100)
        read_gpu_name(reading, 0, last);
    else if (span_starts_nocase(last, "none"))
        return;
}

static void gpu_capability(struct reading *reading, struct span value, struct collect_env *state) {
    struct gpu_device *device = reading_gpu(reading, state->gpu);
    if (device && version_at(value).len)
        note_text(reading, &device->compute_capability, version_at(value));
}

/* --- the system ---------------------------------------------------------------------------------------------- */

static void os_name(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "Linux-") || span_starts(value, "Windows-") || span_starts(value, "macOS-") ||
        span_eq(value, "linux") || span_eq(value, "win32") || span_eq(value, "darwin"))
        read_platform(reading, value);
    else
        read_os_name(reading, value);
}

static void platform(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    read_platform(reading, value);
}

static void conda_platform(struct reading *reading, struct span value, struct collect_env *state) {
    struct system_facts *system = &reading->facts->system;
    if (span_starts(value, "linux-"))
        note_word(reading, &system->os, "linux");
    else if (span_starts(value, "win-"))
        note_word(reading, &system->os, "windows");
    else if (span_starts(value, "osx-"))
        note_word(reading, &system->os, "macos");
    else
        os_name(reading, value, state);
    if (span_eq(value, "linux-aarch64"))
        note_word(reading, &system->machine, "aarch64");
    if (span_eq(value, "linux-64") || span_eq(value, "win-64"))
        note_word(reading, &system->machine, "x86_64");
}

static void libc(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "glibc-"))
        note_word(reading, &reading->facts->system.libc,
                  arena_printf(reading->arena, "glibc %.*s", (int)(value.len - 6 < 16 ? value.len - 6 : 16),
                               value.ptr + 6));
}

static void python_version(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    read_python_version(reading, value);
    if (span_has(value, "MSC v."))
        note_word(reading, &reading->facts->system.os, "windows");
}

static void conda_prefix(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct python_environment *python = reading_python(reading);
    if (!value.len || span_eq(value, "None"))
        return;
    note_text(reading, &python->path, value);
    note_word(reading, &python->kind, "conda");
    read_path(reading, value);
}

static void machine(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_eq(value, "x86_64") || span_eq(value, "aarch64"))
        note_text(reading, &reading->facts->system.machine, value);
}

static void container(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_eq(value, "Docker"))
        note_word(reading, &reading->facts->system.container, "docker");
}

static void kernel(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "Linux "))
        value = span_slice(value, 6, value.len);
    struct span word;
    if (span_next_word(&value, &word))
        read_kernel(reading, word);
}

/* --- the toolkit --------------------------------------------------------------------------------------------- */

static void nvcc_version(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_starts(value, "No CUDA")) {
        note_flag(reading, &reading->facts->compute.is_available, false);
        return;
    }
    struct span release;
    if (after_key(value, "release ", &release) || after_key(value, "cuda_", &release))
        value = release;
    if (version_at(value).len > 2)
        note_text(reading, &reading->facts->toolkit.nvcc_version, version_at(value));
    else if (span_starts(value, "not available") || span_starts(value, "Not Available") ||
             span_has(value, "not found"))
        note_absent(reading, &reading->facts->toolkit.nvcc_version.is);
}

static void cuda_home(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (!value.len || span_eq(value, "None"))
        return;
    if (span_starts(value, "/") || memchr(value.ptr, '\\', value.len)) {
        note_text(reading, &reading->facts->toolkit.build_home, value);
        note_word(reading, &reading->facts->toolkit.build_home_by, "CUDA_HOME");
    }
}

static void gcc(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    struct span version = value;
    size_t close = span_find(value, ") ");
    if (close != SIZE_MAX)
        version = span_slice(value, close + 2, value.len);
    version = version_at(version);
    if (!version.len || reading->facts->toolkit.compilers.count)
        return;
    struct host_compiler *compiler = READING_PUSH(reading, &reading->facts->toolkit.compilers);
    if (!compiler)
        return;
    note_word(reading, &compiler->name, "gcc");
    note_text(reading, &compiler->version, version);
}

/* --- nvidia-smi -q ------------------------------------------------------------------------------------------- */

static void product_name(struct reading *reading, struct span value, struct collect_env *state) {
    if (!strstr(state->section, "vgpu software")) /* there it is the licence's product */
        read_gpu_name(reading, state->gpu, value);
}

static void attached(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    int64_t count;
    reading_kind(reading, "nvidia-smi");
    if (span_to_number(value, 10, &count) == 0) {
        note_number(reading, &reading->facts->compute.nvml_init, 0);
        note_number(reading, &reading->facts->compute.nvml_devices, count);
    }
}

static void license_status(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    note_text(reading, &reading->facts->access.vgpu_license, value);
    note_flag(reading, &reading->facts->access.vgpu, true);
}

static void virtualization(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    if (span_eq(value, "VGPU"))
        note_flag(reading, &reading->facts->access.vgpu, true);
    else if (span_eq(value, "Pass-Through"))
        note_word(reading, &reading->facts->system.virtual_machine, "pass-through");
}

static void compute_mode(struct reading *reading, struct span value, struct collect_env *state) {
    (void)state;
    note_text(reading, &reading->facts->access.compute_mode, value);
}

static void gpu_uuid(struct reading *reading, struct span value, struct collect_env *state) {
    struct gpu_device *device = reading_gpu(reading, state->gpu);
    if (device)
        note_text(reading, &device->uuid, value);
}

static void current(struct reading *reading, struct span value, struct collect_env *state) {
    if (strstr(state->section, "mig mode") && !span_eq(value, "N/A"))
        put_flag(reading, &reading->facts->access.mig_enabled,
                 span_eq(value, "Enabled") || is_true(reading->facts->access.mig_enabled));
    if (strstr(state->section, "driver model") && !span_eq(value, "N/A")) {
        struct gpu_device *device = reading_gpu(reading, state->gpu);
        if (device)
            note_text(reading, &device->driver_model, value);
    }
}

static void total_memory(struct reading *reading, struct span value, struct collect_env *state) {
    struct gpu_device *device = strstr(state->section, "fb memory") ? reading_gpu(reading, state->gpu) : NULL;
    if (device && mebibytes(value) >= 0)
        note_number(reading, &device->memory_total_mib, mebibytes(value));
}

static void used_memory(struct reading *reading, struct span value, struct collect_env *state) {
    struct gpu_device *device = strstr(state->section, "fb memory") ? reading_gpu(reading, state->gpu) : NULL;
    if (device && mebibytes(value) >= 0)
        note_number(reading, &device->memory_used_mib, mebibytes(value));
}

static void ignored(struct reading *reading, struct span value, struct collect_env *state) {
    (void)reading;
    (void)value;
    (void)state;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

enum key_kind { KEY_HINT, KEY_REPORT }; /* a hint alone makes no report: any program may print it */

static const struct key {
    const char *name;
    reader *read;
    enum key_kind kind;
} keys[] = {
    {"pytorch version", torch_version, KEY_REPORT},
    {"pytorch version (gpu?)", torch_version, KEY_REPORT},
    {"pytorch", torch_version, KEY_REPORT},
    {"torch", torch_version, KEY_REPORT},
    {"torch version", torch_version, KEY_REPORT},
    {"torch.__version__", torch_version, KEY_REPORT},
    {"pytorch.version", torch_version, KEY_REPORT},
    {"installed torch version", torch_version, KEY_REPORT},
    {"using torch", torch_version, KEY_REPORT},
    {"using pytorch", torch_version, KEY_REPORT},
    {"using pytorch version", torch_version, KEY_REPORT},
    {"pytorch version installed", torch_version, KEY_REPORT},
    {"cuda used to build pytorch", torch_cuda, KEY_REPORT},
    {"torch cuda version", torch_cuda, KEY_REPORT},
    {"torch cuda", torch_cuda, KEY_REPORT},
    {"pytorch cuda version", torch_cuda, KEY_REPORT},
    {"pytorch cuda", torch_cuda, KEY_REPORT},
    {"torch.version.cuda", torch_cuda, KEY_REPORT},
    {"torch built with cuda", torch_cuda, KEY_REPORT},
    {"cuda version (torch)", torch_cuda, KEY_REPORT},
    {"cuda version (pytorch)", torch_cuda, KEY_REPORT},
    {"cuda version used by pytorch", torch_cuda, KEY_REPORT},
    {"- cuda runtime", torch_cuda, KEY_REPORT},
    {"rocm used to build pytorch", torch_hip, KEY_REPORT},
    {"rocm sdk used to build pytorch", torch_hip, KEY_REPORT}, /* since 2.15 */
    {"hip used to build pytorch", torch_hip, KEY_REPORT},
    {"torch hip version", torch_hip, KEY_REPORT},
    {"torch.version.hip", torch_hip, KEY_REPORT},
    {"is cuda available", available, KEY_REPORT},
    {"is cuda available?", available, KEY_REPORT},
    {"cuda available", available, KEY_REPORT},
    {"cuda available?", available, KEY_REPORT},
    {"cuda is available", available, KEY_REPORT},
    {"cuda availability", available, KEY_REPORT},
    {"torch cuda available", available, KEY_REPORT},
    {"torch cuda is available", available, KEY_REPORT},
    {"torch.cuda.is_available()", available, KEY_REPORT},
    {"torch.cuda.is_available", available, KEY_REPORT},
    {"torch.cuda available", available, KEY_REPORT},
    {"torch cuda availability", available, KEY_REPORT},
    {"pytorch cuda available", available, KEY_REPORT},
    {"pytorch.cuda", available, KEY_REPORT},
    {"gpu available", available, KEY_HINT},
    {"gpu available?", available, KEY_HINT},
    {"is gpu available", available, KEY_HINT},
    {"cuda device initialized", available, KEY_REPORT},
    {"cuda_available", available, KEY_HINT},
    {"gpu available: true, used", available, KEY_HINT},
    {"device count", device_count, KEY_HINT},
    {"cuda device count", device_count, KEY_HINT},
    {"torch.cuda.device_count()", device_count, KEY_REPORT},
    {"number of gpus", device_count, KEY_HINT},
    {"gpu count", device_count, KEY_HINT},
    {"number of cuda devices", device_count, KEY_HINT},
    {"nvcc architecture flags", arch_flags, KEY_REPORT},
    {"torch arch list", arch_flags, KEY_REPORT},
    {"torch.cuda.get_arch_list()", arch_flags, KEY_REPORT},
    {"torch_cuda_arch_list", arch_flags, KEY_HINT},
    {"device", torch_device, KEY_HINT},
    {"nvidia driver version", driver_version, KEY_REPORT},
    {"nvidia driver", driver_version, KEY_HINT},
    {"nvidia gpu driver", driver_version, KEY_HINT},
    {"nvidia gpu driver version", driver_version, KEY_HINT},
    {"nvidia drivers", driver_version, KEY_HINT},
    {"nvidia-driver", driver_version, KEY_HINT},
    {"driver version", driver_version, KEY_HINT},
    {"gpu driver", driver_version, KEY_HINT},
    {"gpu driver version", driver_version, KEY_HINT},
    {"driver", driver_version, KEY_HINT},
    {"kmd version", driver_version, KEY_HINT},
    {"cuda driver version", driver_cuda, KEY_HINT},
    {"cuda driver", driver_cuda, KEY_HINT},
    {"cuda umd version", driver_cuda, KEY_HINT},
    {"cuda (nvidia-smi)", driver_cuda, KEY_HINT},
    {"cuda version (nvidia-smi)", driver_cuda, KEY_HINT},
    {"cuda version (from nvidia-smi)", driver_cuda, KEY_HINT},
    {"gpu models and configuration", gpu_models, KEY_REPORT},
    {"gpu", gpu_name, KEY_HINT},
    {"gpu name", gpu_name, KEY_HINT},
    {"gpu model", gpu_name, KEY_HINT},
    {"gpu type", gpu_name, KEY_HINT},
    {"gpu.name", gpu_name, KEY_REPORT},
    {"gpus", gpu_name, KEY_HINT},
    {"graphics card", gpu_name, KEY_HINT},
    {"video card", gpu_name, KEY_HINT},
    {"device name", gpu_name, KEY_HINT},
    {"cuda device name", gpu_name, KEY_HINT},
    {"gpu.compute_capability", gpu_capability, KEY_REPORT},
    {"compute capability", gpu_capability, KEY_HINT},
    {"cuda capability", gpu_capability, KEY_HINT},
    {"highest compute capability", gpu_capability, KEY_HINT},
    {"os", os_name, KEY_HINT},
    {"os name", os_name, KEY_HINT},
    {"operating system", os_name, KEY_HINT},
    {"os version", os_name, KEY_HINT},
    {"system", os_name, KEY_HINT},
    {"distribution", os_name, KEY_HINT},
    {"distro", os_name, KEY_HINT},
    {"pretty_name", os_name, KEY_HINT},
    {"description", os_name, KEY_HINT},
    {"python platform", platform, KEY_REPORT},
    {"platform", conda_platform, KEY_HINT},
    {"sys.platform", platform, KEY_REPORT},
    {"libc version", libc, KEY_REPORT},
    {"python version", python_version, KEY_HINT},
    {"python", python_version, KEY_HINT},
    {"active env location", conda_prefix, KEY_HINT},
    {"base environment", ignored, KEY_HINT},
    {"architecture", machine, KEY_HINT},
    {"environment", container, KEY_HINT},
    {"kernel", kernel, KEY_HINT},
    {"kernel version", kernel, KEY_HINT},
    {"cuda runtime version", nvcc_version, KEY_REPORT},
    {"nvcc", nvcc_version, KEY_HINT},
    {"nvcc version", nvcc_version, KEY_HINT},
    {"cuda (nvcc)", nvcc_version, KEY_HINT},
    {"cuda version (nvcc)", nvcc_version, KEY_HINT},
    {"cuda compiler", nvcc_version, KEY_REPORT},
    {"cuda toolkit", nvcc_version, KEY_HINT},
    {"cuda_home", cuda_home, KEY_HINT},
    {"gcc version", gcc, KEY_HINT},
    {"gcc", gcc, KEY_HINT},
    {"compiler", gcc, KEY_HINT},
    {"product name", product_name, KEY_HINT},
    {"attached gpus", attached, KEY_REPORT},
    {"license status", license_status, KEY_HINT},
    {"virtualization mode", virtualization, KEY_HINT},
    {"compute mode", compute_mode, KEY_HINT},
    {"gpu uuid", gpu_uuid, KEY_HINT},
    {"current", current, KEY_HINT},
    {"total", total_memory, KEY_HINT},
    {"used", used_memory, KEY_HINT},
};

static const struct key *find_key(const char *name) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].name[0] == name[0] && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static void begin(struct reading *reading, struct collect_env *state) {
    /* facts of a report that contradict what came before shall not mix with it */
    reading_open_block(reading);
    reading_kind(reading, "collect_env");
    *state = (struct collect_env){.seen = true};
}

/* conda info's virtual packages: "__cuda=12.2=0", "__glibc=2.35=0", "__archspec=1=aarch64". */
static bool virtual_package(struct reading *reading, struct span line) {
    struct span value;
    if (!span_has(line, "__"))
        return false;
    if (after_key(line, "__cuda=", &value))
        note_text(reading, &reading->facts->driver.cuda_version, version_at(value));
    else if (after_key(line, "__linux=", &value))
        read_kernel(reading, version_at(value));
    else if (after_key(line, "__archspec=1=", &value)) {
        if (span_starts(value, "aarch64") || span_starts(value, "x86_64"))
            note_word(reading, &reading->facts->system.machine,
                      span_starts(value, "aarch64") ? "aarch64" : "x86_64");
    } else if (after_key(line, "__glibc=", &value))
        note_word(reading, &reading->facts->system.libc,
                  arena_printf(reading->arena, "glibc %.*s", (int)version_at(value).len, value.ptr));
    else
        return false;
    reading_kind(reading, "conda info");
    return true;
}

/* Headings of nvidia-smi -q: "    MIG Mode", "GPU 00000000:01:00.0". */
static void heading(struct reading *reading, struct span text, struct collect_env *state) {
    if (text.len >= sizeof state->section || !text.len || !isalpha((unsigned char)text.ptr[0]))
        return;
    if (span_starts(text, "GPU 0000")) {
        struct gpu_device_rows *devices = &reading->facts->gpu.devices;
        state->gpu = devices->count && (known(devices->items[state->gpu].address) || known(devices->items[0].uuid))
                         ? devices->count
                         : 0;
        struct gpu_device *device = reading_gpu(reading, state->gpu);
        if (device)
            read_pci_address(reading, &device->address, span_slice(text, 4, text.len));
    }
    for (size_t i = 0; i < text.len; i++)
        state->section[i] = (char)tolower((unsigned char)text.ptr[i]);
    state->section[text.len] = '\0';
}

static bool read_line(struct reading *reading, void *memory) {
    struct collect_env *state = memory;
    struct span text = reading->line->text, value;
    char name[64];
    if (span_starts(text, "Collecting environment information") ||
        span_starts(text, "Collecting system information")) {
        begin(reading, state);
        return true;
    }
    if (state->gpu_names && read_gpu_line(reading, text))
        return true;
    if (virtual_package(reading, text))
        return true;
    /* mmcv's "  - CUDA Runtime 11.0", "- PyTorch built with:" */
    if (after_key(text, "- CUDA Runtime ", &value) && !span_has(text, ":")) {
        read_torch_cuda(reading, value);
        return true;
    }
    if (!split_key(text, name, sizeof name, &value)) {
        heading(reading, text, state);
        return false;
    }
    const struct key *key = find_key(name);
    if (!key)
        return false;
    if (key->read == torch_version && state->seen && known(reading_python(reading)->torch_version) &&
        strcmp(name, "pytorch version") == 0)
        begin(reading, state);
    key->read(reading, value, state);
    if (key->kind == KEY_REPORT) {
        state->seen = true;
        reading_kind(reading, key->read == attached ? "nvidia-smi" : "collect_env");
    }
    return key->kind == KEY_REPORT;
}

const struct importer import_collect_env = {sizeof(struct collect_env), read_line, NULL, NULL};
