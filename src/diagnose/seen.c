/* What was printed or answered: messages, codes, lines of the kernel log, commands. */
#include "base/text.h"
#include "diagnose/read.h"

const struct printed_message *printed(const struct judge *judge, const char *id) {
    for (size_t i = 0; i < judge->messages.count; i++)
        if (text_eq(text_of(judge->messages.items[i].id), id))
            return &judge->messages.items[i];
    return NULL;
}

static const struct printed_message *printed_where(const struct judge *judge, const char *id, const char *argument,
                                                   bool part) {
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++) {
        const struct printed_message *message = &messages->items[i];
        const char *has = text_of(message->argument);
        if (text_eq(text_of(message->id), id) && (part ? text_has_nocase(has, argument) : text_eq(has, argument)))
            return message;
    }
    return NULL;
}

const struct printed_message *printed_with(const struct judge *judge, const char *id, const char *argument) {
    return printed_where(judge, id, argument, false);
}

const struct printed_message *printed_about(const struct judge *judge, const char *id, const char *part) {
    return printed_where(judge, id, part, true);
}

const struct printed_message *printed_saying(const struct judge *judge, const char *id, const char *part) {
    for (size_t i = 0; i < judge->messages.count; i++)
        if (text_eq(text_of(judge->messages.items[i].id), id) &&
            text_has_nocase(text_of(judge->messages.items[i].text), part))
            return &judge->messages.items[i];
    return NULL;
}

const struct printed_message *printed_any_list(const struct judge *judge, const char *const *ids) {
    for (const char *const *id = ids; *id; id++)
        if (printed(judge, *id))
            return printed(judge, *id);
    return NULL;
}

void evidence_printed_list(struct judge *judge, struct cause *cause, const char *const *ids) {
    for (const char *const *id = ids; *id; id++)
        evidence_printed(judge, cause, *id);
}

const struct printed_command *typed_list(const struct judge *judge, const char *const *words) {
    const struct printed_command_rows *commands = &judge->facts->printed.commands;
    for (size_t i = 0; i < commands->count; i++) {
        bool all = true;
        for (const char *const *word = words; all && *word; word++)
            all = text_has(text_of(commands->items[i].text), *word);
        if (all)
            return &commands->items[i];
    }
    return NULL;
}

const struct log_line *logged(const struct judge *judge, const char *id) {
    const struct log_line_rows *log = &judge->facts->driver.kernel_log;
    for (size_t i = 0; i < log->count; i++)
        if (text_eq(text_of(log->items[i].id), id))
            return &log->items[i];
    return NULL;
}

/* The spellings of one CUresult: PyTorch's own sentence for it, the runtime's number before CUDA 10.1
 * (driver_types.h of 10.0 against 10.1), the driver's name as devices' errors carry it. */
static const struct code {
    int code, old;
    const char *message, *name;
} codes[] = {
    {2, 0, "out_of_memory", "OUT_OF_MEMORY"},
    {3, 0, "init_failed", "NOT_INITIALIZED"},
    {34, 0, "stub_library", "STUB_LIBRARY"},
    {35, 0, NULL, "INSUFFICIENT_DRIVER"},
    {46, 0, "all_busy", "DEVICE_UNAVAILABLE"},
    {100, 38, NULL, "NO_DEVICE"},
    {101, 10, "invalid_ordinal", "INVALID_DEVICE"},
    {102, 0, NULL, "NOT_LICENSED"},
    {209, 48, "no_kernel_image", "NO_BINARY_FOR_GPU"},
    {214, 39, NULL, "ECC_UNCORRECTABLE"},
    {220, 72, NULL, "NVLINK_UNCORRECTABLE"},
    {222, 0, "unsupported_ptx", "UNSUPPORTED_PTX_VERSION"},
    {303, 41, NULL, "SHARED_OBJECT_INIT_FAILED"},
    {304, 63, NULL, "OPERATING_SYSTEM"},
    {700, 77, "illegal_access", "ILLEGAL_ADDRESS"},
    {710, 59, "device_assert", "CUDA_ERROR_ASSERT"},
    {719, 0, "launch_failure", "LAUNCH_FAILED"},
    {801, 71, NULL, "NOT_SUPPORTED"},
    {802, 79, NULL, "SYSTEM_NOT_READY"},
    {803, 80, NULL, "SYSTEM_DRIVER_MISMATCH"},
    {804, 81, NULL, "COMPAT_NOT_SUPPORTED"},
    {999, 30, "cuda_unknown_error", "CUDA_ERROR_UNKNOWN"},
};

static struct code code_of(int number) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == number)
            return codes[i];
    return (struct code){.code = number};
}

static bool message_says(const struct printed_message *message, const struct code *code) {
    const char *id = text_of(message->id), *argument = text_of(message->argument);
    if (code->message && text_eq(id, code->message))
        return true;
    int64_t number;
    if (!argument || (!text_eq(id, "cuda_error") && !text_eq(id, "unexpected_count_error")))
        return false;
    return span_to_number(span_of(argument), 10, &number) == 0 && number &&
           (number == code->code || number == code->old);
}

/* Calls each place where the code was said; with a cause it becomes evidence. */
static bool find_code(const struct judge *judge, int number, struct judge *writer, struct cause *cause) {
    const struct code code = code_of(number);
    const struct snapshot *facts = judge->facts;
    bool found = false;
    if (known(facts->compute.cuda_init) && facts->compute.cuda_init.value == number) {
        found = true;
        if (cause)
            cause_fact(writer, cause, "compute.cuda_init", &facts->compute.cuda_init);
    }
    for (size_t i = 0; code.name && i < facts->compute.devices.count; i++)
        if (text_has(text_of(facts->compute.devices.items[i].error), code.name)) {
            found = true;
            if (cause)
                cause_fact(writer, cause, "compute.devices.error", &facts->compute.devices.items[i].error);
        }
    for (size_t i = 0; i < judge->messages.count; i++)
        if (message_says(&judge->messages.items[i], &code)) {
            found = true;
            if (cause)
                cause_message(writer, cause, &judge->messages.items[i]);
        }
    return found;
}

bool cuda_said(const struct judge *judge, int code) {
    return find_code(judge, code, NULL, NULL);
}

void evidence_cuda(struct judge *judge, struct cause *cause, int code) {
    find_code(judge, code, judge, cause);
}

static bool nvml_message_says(const struct printed_message *message, int code) {
    const char *id = text_of(message->id);
    if (text_eq(id, "smi_mismatch"))
        return code == 18;
    if (text_eq(id, "smi_no_comm"))
        return code == 9;
    const char *argument = text_of(message->argument);
    int64_t number;
    return text_eq(id, "nvml_error") && argument && span_to_number(span_of(argument), 10, &number) == 0 &&
           number == code;
}

static bool find_nvml(const struct judge *judge, int code, struct judge *writer, struct cause *cause) {
    const struct snapshot *facts = judge->facts;
    bool found = false;
    if (known(facts->compute.nvml_init) && facts->compute.nvml_init.value == code) {
        found = true;
        if (cause)
            cause_fact(writer, cause, "compute.nvml_init", &facts->compute.nvml_init);
    }
    for (size_t i = 0; i < judge->messages.count; i++)
        if (nvml_message_says(&judge->messages.items[i], code)) {
            found = true;
            if (cause)
                cause_message(writer, cause, &judge->messages.items[i]);
        }
    return found;
}

bool nvml_said(const struct judge *judge, int code) {
    return find_nvml(judge, code, NULL, NULL);
}

void evidence_nvml(struct judge *judge, struct cause *cause, int code) {
    find_nvml(judge, code, judge, cause);
}

void evidence_log(struct judge *judge, struct cause *cause, const char *id) {
    enum { SHOWN = 3 }; /* a log repeats itself */
    const struct log_line_rows *log = &judge->facts->driver.kernel_log;
    for (size_t i = 0, shown = 0; i < log->count && shown < SHOWN; i++)
        if (text_eq(text_of(log->items[i].id), id)) {
            const char *source = log->items[i].text.is.source ? log->items[i].text.is.source : log->is.source;
            const char *text = text_of(log->items[i].text);
            cause_evidence(judge, cause, "driver.kernel_log", text ? text : id, source);
            shown++;
        }
}

void evidence_printed(struct judge *judge, struct cause *cause, const char *id) {
    for (size_t i = 0; i < judge->messages.count; i++)
        if (text_eq(text_of(judge->messages.items[i].id), id))
            cause_message(judge, cause, &judge->messages.items[i]);
}

void evidence_typed(struct judge *judge, struct cause *cause, const struct printed_command *command) {
    const char *source = command->text.is.source;
    if (!source && known(command->line))
        source = arena_printf(judge->arena, "line %lld", (long long)command->line.value);
    cause_evidence(judge, cause, "printed", text_of(command->text), source);
}

const struct variable *variable_of(const struct judge *judge, const char *name) {
    const struct variable_rows *variables = &judge->facts->environment.variables;
    for (size_t i = 0; i < variables->count; i++)
        if (text_eq(text_of(variables->items[i].name), name))
            return &variables->items[i];
    return NULL;
}

void evidence_variable(struct judge *judge, struct cause *cause, const char *name) {
    const struct variable *variable = variable_of(judge, name);
    if (!variable)
        return;
    const char *source =
        variable->value.is.source ? variable->value.is.source : judge->facts->environment.variables.is.source;
    const char *value = text_of(variable->value);
    cause_evidence(judge, cause, name, value && *value ? value : "(empty)", source);
}

/* --- what is proven by an answer ----------------------------------------------------------------------------- */

/* Messages that only a process with a working CUDA context, or with a device it enumerated, can print: the
 * warnings of torch/cuda/__init__.py come after cudaGetDeviceProperties, the errors come from launches. */
static const char *const proofs[] = {
    "old_gpu_fixed35", "old_gpu_min",    "old_gpu",           "min_max_cc",          "cc_list",
    "cc_reinstall",    "cc_none",        "sm_not_compatible", "requires_newer_cuda", "no_kernel_image",
    "device_assert",   "illegal_access", "out_of_memory",     "numpy_cuda",          "forked",
    "computed",        "misaligned",     "launch_failure",    "launch_timeout",      "flash_arch",
    "triton_arch",     "cublas_arch"};

bool torch_worked(const struct judge *judge) {
    return is_true(judge->facts->compute.torch_computed);
}

bool cuda_lists_gpus(const struct judge *judge) {
    const struct compute_facts *compute = &judge->facts->compute;
    if (is_true(compute->is_available) || torch_worked(judge))
        return true;
    if (is_false(compute->is_available))
        return false;
    if (known(compute->cuda_init) && compute->cuda_init.value == 0 && number_of(compute->cuda_devices, 0) > 0)
        return true;
    if (known(compute->device_name))
        return true;
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++)
        if (printed(judge, proofs[i]))
            return true;
    return printed_saying(judge, "mixed_devices", "cuda:") != NULL;
}

/* A kernel that touched wrong memory, or whose check failed, did run: driver, access and code are in order. */
bool program_ran(const struct judge *judge) {
    static const char *const ran[] = {"illegal_access", "device_assert", "launch_failure", "launch_timeout",
                                      "misaligned",     "numpy_cuda",    "computed"};
    const struct printed_message *mixed = printed(judge, "mixed_devices");
    if (torch_worked(judge) || printed_saying(judge, "mixed_devices", "cuda:"))
        return true;
    for (size_t i = 0; i < sizeof ran / sizeof *ran; i++)
        if (printed(judge, ran[i]))
            return true;
    return nvml_lists_gpus(judge) && (mixed || printed(judge, "mixed_dtypes"));
}

bool torch_sees_none(const struct judge *judge) {
    const struct compute_facts *compute = &judge->facts->compute;
    return is_false(compute->is_available) || (known(compute->device_count) && compute->device_count.value == 0) ||
           printed_any(judge, "program_no_gpu", "webui_no_gpu", "nccl_no_gpu", "cuda_unavailable_load",
                       "bad_device_string", NULL);
}

bool nvml_lists_gpus(const struct judge *judge) {
    const struct compute_facts *compute = &judge->facts->compute;
    if (known(compute->nvml_init) && compute->nvml_init.value == 0 && number_of(compute->nvml_devices, 0) > 0)
        return true;
    /* a table of nvidia-smi: memory and UUIDs are told by the driver alone. /proc tells UUIDs too, also inside a
       container that was given no GPU */
    for (size_t i = 0; from_text(judge) && i < judge->facts->gpu.devices.count; i++) {
        const struct gpu_device *device = &judge->facts->gpu.devices.items[i];
        bool uuid = known(device->uuid) && !text_starts(device->uuid.is.source, "/proc/");
        if (!known(device->fault) && (known(device->memory_used_mib) || uuid))
            return true;
    }
    return false;
}
