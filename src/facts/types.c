/* The field lists as data: three lines a record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "facts/snapshot.h"

#define ROW_T(field, m, text) {#field, FIELD_TEXT, offsetof(struct THIS, field), MARK_##m, text, NULL},
#define ROW_N(field, m, text) {#field, FIELD_NUMBER, offsetof(struct THIS, field), MARK_##m, text, NULL},
#define ROW_F(field, m, text) {#field, FIELD_FLAG, offsetof(struct THIS, field), MARK_##m, text, NULL},
#define ROW_L(field, m, text) {#field, FIELD_TEXTS, offsetof(struct THIS, field), MARK_##m, text, NULL},
#define ROW_R(field, record, text)                                                                                \
    {#field, FIELD_ROWS, offsetof(struct THIS, field), MARK_PLAIN, text, &record##_type},
#define RECORD_TYPE(record, FIELDS, text)                                                                         \
    static const struct field record##_fields[] = {FIELDS(ROW_T, ROW_N, ROW_F, ROW_L, ROW_R)};                    \
    const struct record_type record##_type = {#record, text, sizeof(struct record), record##_fields,              \
                                              sizeof record##_fields / sizeof(struct field)};

#define THIS system_facts
RECORD_TYPE(system_facts, SYSTEM_FIELDS, "the machine")
#undef THIS
#define THIS gpu_device
RECORD_TYPE(gpu_device, GPU_DEVICE_FIELDS, "one NVIDIA function on the PCI bus")
#undef THIS
#define THIS other_gpu
RECORD_TYPE(other_gpu, OTHER_GPU_FIELDS, "a GPU of another vendor")
#undef THIS
#define THIS gpu_facts
RECORD_TYPE(gpu_facts, GPU_FIELDS, "link gpu")
#undef THIS
#define THIS kernel_module
RECORD_TYPE(kernel_module, KERNEL_MODULE_FIELDS, "a kernel module on disk")
#undef THIS
#define THIS dkms_module
RECORD_TYPE(dkms_module, DKMS_MODULE_FIELDS, "a module under DKMS")
#undef THIS
#define THIS log_line
RECORD_TYPE(log_line, LOG_LINE_FIELDS, "a line of the kernel log")
#undef THIS
#define THIS driver_package
RECORD_TYPE(driver_package, DRIVER_PACKAGE_FIELDS, "a package with driver pieces")
#undef THIS
#define THIS driver_library
RECORD_TYPE(driver_library, DRIVER_LIBRARY_FIELDS, "a copy of a driver library")
#undef THIS
#define THIS driver_facts
RECORD_TYPE(driver_facts, DRIVER_FIELDS, "link driver")
#undef THIS
#define THIS device_node
RECORD_TYPE(device_node, DEVICE_NODE_FIELDS, "a device node")
#undef THIS
#define THIS cdi_spec
RECORD_TYPE(cdi_spec, CDI_SPEC_FIELDS, "a CDI specification")
#undef THIS
#define THIS gpu_process
RECORD_TYPE(gpu_process, GPU_PROCESS_FIELDS, "a process on a GPU")
#undef THIS
#define THIS access_facts
RECORD_TYPE(access_facts, ACCESS_FIELDS, "link access")
#undef THIS
#define THIS cuda_toolkit
RECORD_TYPE(cuda_toolkit, CUDA_TOOLKIT_FIELDS, "a CUDA toolkit")
#undef THIS
#define THIS host_compiler
RECORD_TYPE(host_compiler, HOST_COMPILER_FIELDS, "a host compiler")
#undef THIS
#define THIS toolkit_facts
RECORD_TYPE(toolkit_facts, TOOLKIT_FIELDS, "link toolkit")
#undef THIS
#define THIS variable
RECORD_TYPE(variable, VARIABLE_FIELDS, "a variable")
#undef THIS
#define THIS path_entry
RECORD_TYPE(path_entry, PATH_ENTRY_FIELDS, "an entry of a path variable")
#undef THIS
#define THIS environment_facts
RECORD_TYPE(environment_facts, ENVIRONMENT_FIELDS, "link environment")
#undef THIS
#define THIS python_package
RECORD_TYPE(python_package, PYTHON_PACKAGE_FIELDS, "a Python package")
#undef THIS
#define THIS torch_library
RECORD_TYPE(torch_library, TORCH_LIBRARY_FIELDS, "a library torch would load")
#undef THIS
#define THIS python_environment
RECORD_TYPE(python_environment, PYTHON_ENVIRONMENT_FIELDS, "a Python environment")
#undef THIS
#define THIS torch_facts
RECORD_TYPE(torch_facts, TORCH_FIELDS, "link torch")
#undef THIS
#define THIS compute_device
RECORD_TYPE(compute_device, COMPUTE_DEVICE_FIELDS, "a GPU as CUDA sees it")
#undef THIS
#define THIS nvml_gpu
RECORD_TYPE(nvml_gpu, NVML_GPU_FIELDS, "a GPU as NVML sees it")
#undef THIS
#define THIS refused_call
RECORD_TYPE(refused_call, REFUSED_CALL_FIELDS, "a call that gave no answer")
#undef THIS
#define THIS torch_error
RECORD_TYPE(torch_error, TORCH_ERROR_FIELDS, "an exception PyTorch raised")
#undef THIS
#define THIS compute_facts
RECORD_TYPE(compute_facts, COMPUTE_FIELDS, "link compute")
#undef THIS
#define THIS printed_message
RECORD_TYPE(printed_message, PRINTED_MESSAGE_FIELDS, "a recognised message")
#undef THIS
#define THIS printed_command
RECORD_TYPE(printed_command, PRINTED_COMMAND_FIELDS, "a command that was typed")
#undef THIS
#define THIS printed_report
RECORD_TYPE(printed_report, PRINTED_REPORT_FIELDS, "a report that was not judged")
#undef THIS
#define THIS printed_facts
RECORD_TYPE(printed_facts, PRINTED_FIELDS, "printed messages")
#undef THIS

const struct snapshot_part snapshot_parts[] = {
#define PART(member, record, text) {#member, &record##_type, offsetof(struct snapshot, member), text},
    SNAPSHOT_RECORDS(PART)
#undef PART
};
const size_t snapshot_part_count = sizeof snapshot_parts / sizeof *snapshot_parts;

struct fact fact_of_error(int error, const char *source) {
    if (error == -ENOENT || error == -ENOTDIR)
        return (struct fact){.state = FACT_ABSENT, .source = source};
    const char *reason = error == -ENODATA ? "not recorded" : strerror(-error);
    return (struct fact){.state = FACT_UNKNOWN, .source = source, .reason = reason};
}
