/* Facts that stand in the words of a message: the GPU that PyTorch warns about, the memory that was missing,
 * versions. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"
#include "import/messages.h"

static struct span argument_of(const struct printed_message *message) {
    return span_of(text_of(message->argument) ? message->argument.value : "");
}

static struct span second_of(const struct printed_message *message) {
    return span_of(text_of(message->second) ? message->second.value : "");
}

/* "120" -> "12.0" */
static const char *capability(struct reading *reading, struct span digits) {
    if (digits.len < 2 || digits.len > 3)
        return NULL;
    return arena_printf(reading->arena, "%.*s.%c", (int)digits.len - 1, digits.ptr, digits.ptr[digits.len - 1]);
}

/* "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible … supports CUDA capabilities sm_50 sm_60"
 */
static void sm_not_compatible(struct reading *reading, const struct printed_message *message, struct span text) {
    struct span name = span_trim(argument_of(message)), list;
    struct gpu_device *device = reading_gpu_named(reading, name);
    const char *number = capability(reading, second_of(message));
    if (device && number)
        note_word(reading, &device->compute_capability, number);
    if (after_key(text, "supports CUDA capabilities ", &list)) {
        size_t end = span_find(list, ".\n");
        if (end == SIZE_MAX)
            end = span_find(list, "\n\n");
        read_arch_list(reading, span_slice(list, 0, end == SIZE_MAX ? list.len : end));
    }
}

/* "Found GPU1 Quadro K620 which is of cuda capability 5.0." */
static void gpu_capability(struct reading *reading, const struct printed_message *message, struct span text) {
    int64_t index;
    struct span value;
    if (span_to_number(argument_of(message), 10, &index) < 0 || index > 64)
        return;
    struct compute_device *device = reading_compute(reading, (size_t)index);
    if (!device)
        return;
    note_text(reading, &device->name, second_of(message));
    struct gpu_device *gpu = reading_gpu_named(reading, second_of(message));
    if (after_key(text, "capability ", &value)) {
        if (span_starts(value, "(CC) "))
            value = span_slice(value, 5, value.len);
        note_text(reading, &device->compute_capability, version_at(value));
        if (gpu)
            note_text(reading, &gpu->compute_capability, version_at(value));
    }
}

/* "(found version 11040)" */
static void driver_too_old(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    int number;
    char version[16];
    if (cuda_version_parse(argument_of(message), &number) == 0)
        note_text(reading, &reading->facts->driver.cuda_version, span_of(cuda_version_text(number, version)));
}

/* --- memory -------------------------------------------------------------------------------------------------- */

/* The amount that stands before `behind`: "4.88 MiB free" */
static int64_t amount_before(struct span text, const char *behind) {
    size_t at = span_find(text, behind);
    if (at == SIZE_MAX)
        return -1;
    size_t start = at;
    for (int words = 0; start && words < 2; words++) {
        while (start && text.ptr[start - 1] == ' ')
            start--;
        while (start && !strchr(" (;\n", text.ptr[start - 1]))
            start--;
    }
    return mebibytes(span_trim(span_slice(text, start, at)));
}

static int64_t amount_after(struct span text, const char *before) {
    struct span value;
    return after_key(text, before, &value) ? mebibytes(value) : -1;
}

/* Both wordings: "(GPU 0; 47.54 GiB total capacity; 194.45 MiB already allocated; 4.88 MiB free; 686.00 MiB
 * reserved in total by PyTorch)" up to 2.0, and "GPU 0 has a total capacity of 79.15 GiB of which 10.69 MiB is
 * free. Process 7 has 78.1 GiB memory in use. Including non-PyTorch memory, this process has 1.02 GiB memory in
 * use." since 2.1 (c10/cuda/CUDACachingAllocator.cpp). */
static void out_of_memory(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    size_t index = 0;
    struct span gpu;
    int64_t number;
    if ((after_key(text, "(GPU ", &gpu) || after_key(text, " GPU ", &gpu)) &&
        span_to_number(version_at(gpu), 10, &number) == 0 && number < 64)
        index = (size_t)number;
    int64_t wanted = amount_after(text, "Tried to allocate ");
    int64_t total = amount_before(text, " total capacity"), free_memory = amount_before(text, " free");
    if (total < 0)
        total = amount_after(text, "total capacity of ");
    if (free_memory < 0)
        free_memory = amount_before(text, " is free");
    int64_t reserved = amount_before(text, " reserved in total");
    if (reserved < 0)
        reserved = amount_after(text, "this process has ");
    if (reserved < 0)
        reserved = amount_before(text, " already allocated");
    if (wanted < 0 && total < 0)
        return;
    struct compute_device *device = reading_compute(reading, index);
    if (!device)
        return;
    if (wanted >= 0)
        note_number(reading, &device->memory_wanted_mib, wanted);
    if (total >= 0)
        note_number(reading, &device->memory_total_mib, total);
    if (free_memory >= 0)
        note_number(reading, &device->memory_free_mib, free_memory);
    if (reserved >= 0)
        note_number(reading, &device->memory_reserved_mib, reserved);
}

/* vLLM: "Free memory on device (0.49/79.32 GiB) on startup" */
static void free_memory_at_start(struct reading *reading, const struct printed_message *message,
                                 struct span text) {
    if (!span_starts(text, "Free memory on device"))
        return;
    struct compute_device *device = reading_compute(reading, 0);
    char words[64];
    struct span amounts[2] = {argument_of(message), second_of(message)};
    for (int i = 0; device && i < 2; i++) {
        if (amounts[i].len + 5 >= sizeof words)
            continue;
        memcpy(words, amounts[i].ptr, amounts[i].len);
        memcpy(words + amounts[i].len, " GiB", 5);
        note_number(reading, i ? &device->memory_total_mib : &device->memory_free_mib, mebibytes(span_of(words)));
    }
    if (device) /* nothing of its own is there yet */
        note_number(reading, &device->memory_reserved_mib, 0);
}

/* --- versions ------------------------------------------------------------------------------------------------ */

static void toolkit_mismatch(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    note_flag(reading, &reading->facts->toolkit.needed, true);
    note_text(reading, &reading->facts->toolkit.build_version, argument_of(message));
    if (second_of(message).len)
        read_torch_cuda(reading, second_of(message));
}

static void module_and_library(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    bool kernel_first = text_eq(message->id.value, "dso_mismatch");
    struct span module = kernel_first ? argument_of(message) : second_of(message);
    struct span library = kernel_first ? second_of(message) : argument_of(message);
    read_driver_version(reading, module);
    note_text(reading, &reading->facts->driver.library_version, version_at(library));
}

static void fabric_version(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    note_text(reading, &reading->facts->access.fabric_manager_version, argument_of(message));
    note_flag(reading, &reading->facts->access.fabric_manager_running, false);
    note_flag(reading, &reading->facts->access.fabric_manager_needed, true);
    read_driver_version(reading, second_of(message));
}

static void container_driver(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    read_driver_version(reading, second_of(message));
    note_word(reading, &reading->facts->system.container, "docker");
}

static void unlicensed(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_word(reading, &reading->facts->access.vgpu_license, "Unlicensed");
    note_flag(reading, &reading->facts->access.vgpu, true);
}

static void no_torch(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    if (!span_eq(argument_of(message), "torch"))
        return;
    note_absent(reading, &reading_python(reading)->torch_version.is);
    if (known(message->text))
        note_text(reading, &reading_python(reading)->import_error, span_of(message->text.value));
}

static void no_smi(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    struct span line = span_trim(page_line(reading->page, reading->line->number - 1));
    if (span_has(line, "OCI runtime") || span_has(line, "container process") || span_has(line, "crun: "))
        note_word(reading, &reading->facts->system.container, "docker"); /* the engine says it, no shell */
    (void)text;
    note_flag(reading, &reading->facts->driver.smi_present, false);
}

static void no_module(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    if (!span_eq(argument_of(message), "nvidia"))
        return;
    note_flag(reading, &reading->facts->driver.module_loaded, false);
    struct span kernel;
    if (after_key(second_of(message), "/lib/modules/", &kernel))
        read_kernel(reading, kernel);
}

static void build_needed(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_flag(reading, &reading->facts->toolkit.needed, true);
}

/* A shell's answer to a typed "nvcc --version" tells that it is not on PATH, and not that anything is built. */
static void no_nvcc(struct reading *reading, const struct printed_message *message, struct span text) {
    size_t number = reading->line->number;
    struct line before;
    if (number >= 2) {
        line_classify(page_line(reading->page, number - 2), number - 1, &before);
        if (before.kind == LINE_SHELL && (span_starts(before.text, "nvcc") || span_starts(before.text, "which ")))
            return;
    }
    build_needed(reading, message, text);
}

static void not_available(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_flag(reading, &reading->facts->compute.is_available, false);
}

/* A kernel that fails has been launched: driver, device and context work. */
static void computed(struct reading *reading, const struct printed_message *message, struct span text) {
    bool kernel = !text_eq(message->id.value, "mixed_devices") || text_eq(message->id.value, "numpy_cuda") ||
                  span_has(span_slice(text, 0, 400), "cuda:");
    if (kernel) {
        note_flag(reading, &reading->facts->compute.is_available, true);
        note_flag(reading, &reading->facts->compute.torch_computed, true);
    }
}

static void node_error(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    struct device_node *node = READING_PUSH(reading, &reading->facts->access.nodes);
    if (!node)
        return;
    note_text(reading, &node->path, argument_of(message));
    const char *id = message->id.value;
    note_word(reading, &node->open_error,
              text_eq(id, "node_eperm") ? "EPERM"
              : text_eq(id, "node_eio") ? "EIO"
                                        : "EACCES");
}

static void torch_absent(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_absent(reading, &reading_python(reading)->torch_version.is);
}

/* "libtorch_cuda.so: file too short", "/usr/lib/i386-linux-gnu/libcuda.so.535.54.03: wrong ELF class: ELFCLASS32":
 * the latter is a driver's library for other programs, not a damaged one */
static void damaged_file(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    struct span path = argument_of(message);
    if (!span_has(path, "libcuda.so") && !span_has(path, "libnvidia-")) {
        note_listed(reading, &reading_python(reading)->damaged_files, path);
        return;
    }
    struct driver_library *library = READING_PUSH(reading, &reading->facts->driver.libraries);
    if (!library)
        return;
    note_word(reading, &library->soname, span_has(path, "libcuda.so") ? "libcuda.so.1" : "libnvidia-ml.so.1");
    note_text(reading, &library->path, path);
    struct span words = span_slice(text, 0, 300), line;
    size_t end = span_find(words, "\n");
    line = span_slice(words, 0, end == SIZE_MAX ? words.len : end);
    if (span_has(line, "wrong ELF class")) {
        note_number(reading, &library->bits, span_has(line, "ELFCLASS32") ? 32 : 64);
        return;
    }
    note_flag(reading, &library->whole, false);
    note_flag(reading, &library->wins, true);
}

static void module_absent(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_flag(reading, &reading->facts->driver.module_loaded, false);
}

static void nouveau(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)message;
    (void)text;
    note_flag(reading, &reading->facts->driver.nouveau_loaded, true);
}

static void no_headers(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    note_flag(reading, &reading->facts->driver.headers_present, false);
    if (argument_of(message).len)
        read_kernel(reading, argument_of(message));
}

static void required_python(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    read_python_version(reading, argument_of(message));
}

static void gpu_fault(struct reading *reading, const struct printed_message *message, struct span text) {
    (void)text;
    struct gpu_device *device = reading_gpu(reading, 0);
    if (device)
        note_word(reading, &device->fault,
                  text_eq(message->id.value, "smi_lost")    ? "GPU is lost"
                  : text_eq(message->id.value, "smi_reset") ? "GPU requires reset"
                                                            : "infoROM is corrupted");
}

/* "Found NVIDIA GeForce GTX 1070 which is too old to be supported by the triton GPU compiler … capability 6.1" */
static void triton_gpu(struct reading *reading, const struct printed_message *message, struct span text) {
    struct span value;
    if (!argument_of(message).len)
        return;
    struct gpu_device *device = reading_gpu_named(reading, argument_of(message));
    if (device && after_key(span_slice(text, 0, 600), "cuda capability ", &value))
        note_text(reading, &device->compute_capability, version_at(value));
    else if (device && after_key(span_slice(text, 0, 600), "CUDA capability ", &value))
        note_text(reading, &device->compute_capability, version_at(value));
}

static const struct {
    const char *id;
    void (*read)(struct reading *reading, const struct printed_message *message, struct span text);
} readers[] = {{"sm_not_compatible", sm_not_compatible},
               {"gpu_capability", gpu_capability},
               {"driver_too_old", driver_too_old},
               {"driver_too_old", not_available},
               {"driver_missing_throw", not_available},
               {"init_failed", not_available},
               {"cuda_unknown_error", not_available},
               {"unexpected_count_error", not_available},
               {"no_gpus", not_available},
               {"not_compiled", not_available},
               {"cuda_unavailable_load", not_available},
               {"nccl_no_gpu", not_available},
               {"webui_no_gpu", not_available},
               {"no_hip", not_available},
               {"out_of_memory", out_of_memory},
               {"out_of_memory", free_memory_at_start},
               {"ext_cuda_mismatch", toolkit_mismatch},
               {"kernel_api_mismatch", module_and_library},
               {"dso_mismatch", module_and_library},
               {"fm_version_mismatch", fabric_version},
               {"container_driver_old", container_driver},
               {"vgpu_unlicensed", unlicensed},
               {"no_module", no_torch},
               {"illegal_access", computed},
               {"device_assert", computed},
               {"mixed_devices", computed},
               {"numpy_cuda", computed},
               {"torch_not_found", torch_absent},
               {"file_short", damaged_file},
               {"installer_nouveau", nouveau},
               {"kernel_driver_absent", module_absent},
               {"dkms_headers", no_headers},
               {"uv_python", required_python},
               {"smi_lost", gpu_fault},
               {"smi_reset", gpu_fault},
               {"smi_inforom", gpu_fault},
               {"triton_arch", triton_gpu},
               {"node_permission", node_error},
               {"node_eperm", node_error},
               {"node_eio", node_error},
               {"smi_not_found", no_smi},
               {"modprobe_not_found", no_module},
               {"ext_no_cuda_home", build_needed},
               {"nvcc_not_found", no_nvcc},
               {"gcc_too_old", build_needed},
               {"old_torch_source", build_needed},
               {"toolkit_parts", build_needed},
               {"header_missing", build_needed},
               {"gcc_unsupported", build_needed},
               {"msvc_unsupported", build_needed},
               {"compiler_missing", build_needed},
               {"python_h_missing", build_needed},
               {"link_missing", build_needed},
               {"nvcc_unsupported_arch", build_needed}};

void message_facts(struct reading *reading, const struct printed_message *message, struct span text) {
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (text_eq(message->id.value, readers[i].id))
            readers[i].read(reading, message, text);
}
