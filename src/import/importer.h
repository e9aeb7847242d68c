/* One row per kind of report. Each importer is shown every line and takes what it knows. */
#pragma once

#include "import/reading.h"

struct importer {
    size_t state_size; /* its memory between lines, zeroed at the start; 0: none */
    /* A printed line or a remark. True: nobody else need look at it. */
    bool (*line)(struct reading *reading, void *state);
    /* A command that was typed: reading->command and ->program. */
    void (*command)(struct reading *reading, void *state);
    /* The command's output is over (the next command, or the end). */
    void (*done)(struct reading *reading, void *state);
};

/* In the order in which they see a line: exact forms first, hints last. */
extern const struct importer import_nvidia_smi, import_nvidia_smi_q, import_pci, import_modules, import_nodes,
    import_loader, import_packages, import_install, import_python, import_traceback, import_environ,
    import_container, import_windows, import_macos, import_jetson, import_toolkit, import_collect_env,
    import_banner, import_mentions;

/* --- shared by several --------------------------------------------------------------------------------------- */

/* "GPU 0: Tesla T4 (UUID: GPU-…)", "GPU 0,1: NVIDIA A100 (arch=8.0)", "  MIG 1g.5gb Device 0: (UUID: …)". */
bool read_gpu_line(struct reading *reading, struct span line);
/* A GPU's name with what tools write behind it: "NVIDIA GeForce RTX 3060, 12288MiB", "Tesla V100 (arch=7.0)". */
void read_gpu_name(struct reading *reading, size_t index, struct span name);
/* A version of torch with its local tag: release, build and CUDA as far as the tag tells. `said` by PyTorch itself
 * (else by a list of packages). */
void read_torch_version(struct reading *reading, struct span version, bool said);
/* torch.version.cuda as printed: "12.1", "None", "N/A", "Could not collect". */
void read_torch_cuda(struct reading *reading, struct span value);
/* A conda build string of pytorch: "py3.10_cuda11.8_cudnn8.7.0_0". */
void read_torch_conda_build(struct reading *reading, struct span build);
/* torch.cuda.is_available() as printed: True, Yes, False, No. False: none of these. */
bool read_available(struct reading *reading, struct span value);
/* "Linux-5.4.0-99-generic-x86_64-with-glibc2.31", "Windows-10-10.0.22000-SP0", "macOS-13.4-arm64-arm-64bit". */
void read_platform(struct reading *reading, struct span value);
/* A kernel release: also WSL and Jetson, as far as it tells. */
void read_kernel(struct reading *reading, struct span release);
/* "0000:01:00.0", "00000000:01:00.0", "01:00.0": with the domain in four digits, as Linux writes it. */
void read_pci_address(struct reading *reading, struct text_fact *fact, struct span address);
/* "Ubuntu 22.04.3 LTS", "Microsoft Windows 11 Enterprise", "macOS 14.1 (arm64)". */
void read_os_name(struct reading *reading, struct span name);
/* The driver's release as nvidia-smi and NVML tell it: the kernel driver's. */
void read_driver_version(struct reading *reading, struct span version);
/* A version of Python: "3.10.12 (main, …)". */
void read_python_version(struct reading *reading, struct span version);
/* One package of the Python in question; `build` and `channel` may be empty. False: none that matters. */
bool read_package(struct reading *reading, struct span name, struct span version, struct span build);
/* NAME and value of a variable; false where it is none that matters. */
bool read_variable(struct reading *reading, struct span name, struct span value);
/* "sm_50 sm_60 compute_90", "['sm_50', 'sm_60']": into compute.arch_list. */
void read_arch_list(struct reading *reading, struct span list);
/* What a path tells of the system, the Python and where its torch is. */
void read_path(struct reading *reading, struct span path);
/* "key: value", "key = value", "key ..... value", "key   value", "| key | value |": the key in lower case into
 * `ret_key` (of `room` bytes). */
bool split_key(struct span line, char *ret_key, size_t room, struct span *ret_value);
