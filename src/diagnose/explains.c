#include "diagnose/explains.h"

#include <stdbool.h>

const struct explanation_row explanation_rows[] = {
    /* without a GPU the rest of the machine cannot be blamed, and what is wrong with PyTorch comes next */
    {"gpu-absent", "driver-*", EXPLAINS},
    {"gpu-absent", "device-*", EXPLAINS},
    {"gpu-absent", "uvm-broken", EXPLAINS},
    {"gpu-absent", "container-*", EXPLAINS},
    {"gpu-absent", "fabric-manager-down", EXPLAINS},
    {"gpu-absent", "scheduler-no-gpu", EXPLAINS_AS_RISK},
    {"gpu-absent", "visible-devices-*", EXPLAINS_AS_RISK},
    {"gpu-absent", "torch-*", EXPLAINS_AS_RISK},

    /* a GPU that does not answer looks to the driver like one that is not there, or like a driver that fails */
    {"gpu-fell-off-bus", "gpu-absent", EXPLAINS},
    {"gpu-fell-off-bus", "gpu-faulty", EXPLAINS},
    {"gpu-fell-off-bus", "driver-init-failed", EXPLAINS},
    {"gpu-fell-off-bus", "driver-not-loaded", EXPLAINS},
    {"gpu-fell-off-bus", "driver-missing", EXPLAINS},
    {"gpu-fell-off-bus", "device-nodes-missing", EXPLAINS},
    {"gpu-fell-off-bus", "uvm-broken", EXPLAINS},
    {"gpu-fell-off-bus", "container-cgroup-lost", EXPLAINS},
    {"gpu-fell-off-bus", "compute-mode-or-in-use", EXPLAINS},
    {"gpu-bound-elsewhere", "driver-missing", EXPLAINS_AS_RISK},
    {"gpu-bound-elsewhere", "driver-not-loaded", EXPLAINS},
    {"gpu-bound-elsewhere", "driver-init-failed", EXPLAINS},
    {"gpu-bound-elsewhere", "driver-nouveau", EXPLAINS},
    {"gpu-bound-elsewhere", "device-nodes-missing", EXPLAINS},
    {"gpu-bound-elsewhere", "uvm-broken", EXPLAINS},
    {"gpu-faulty", "driver-init-failed", EXPLAINS},
    {"gpu-faulty", "device-nodes-missing", EXPLAINS},
    {"gpu-faulty", "uvm-broken", EXPLAINS},
    {"gpu-faulty", "compute-mode-or-in-use", EXPLAINS},

    /* no kernel module: no nodes, no uvm, nothing to talk to. What keeps the module out explains that it is not
       loaded */
    {"driver-missing", "driver-nouveau", EXPLAINS},
    {"driver-missing", "driver-not-loaded", EXPLAINS},
    {"driver-missing", "driver-libs-missing", EXPLAINS},
    {"driver-missing", "driver-init-failed", EXPLAINS},
    {"driver-missing", "driver-stub-shadows", EXPLAINS_AS_RISK},
    {"driver-missing", "device-nodes-missing", EXPLAINS},
    {"driver-missing", "uvm-broken", EXPLAINS},
    {"driver-nouveau", "driver-not-loaded", EXPLAINS},
    {"driver-nouveau", "driver-init-failed", EXPLAINS},
    {"driver-nouveau", "device-nodes-missing", EXPLAINS},
    {"driver-nouveau", "uvm-broken", EXPLAINS},
    {"driver-not-built-for-kernel", "driver-not-loaded", EXPLAINS},
    {"driver-not-built-for-kernel", "driver-missing", EXPLAINS},
    {"driver-not-built-for-kernel", "driver-init-failed", EXPLAINS},
    {"driver-not-built-for-kernel", "driver-install-broken", EXPLAINS}, /* dpkg stops half-way where DKMS fails */
    {"driver-not-built-for-kernel", "device-nodes-missing", EXPLAINS},
    {"driver-not-built-for-kernel", "uvm-broken", EXPLAINS},
    {"driver-secure-boot", "driver-not-loaded", EXPLAINS},
    {"driver-secure-boot", "driver-init-failed", EXPLAINS},
    {"driver-secure-boot", "driver-nouveau", EXPLAINS}, /* nouveau takes what is left over */
    {"driver-secure-boot", "device-nodes-missing", EXPLAINS},
    {"driver-secure-boot", "uvm-broken", EXPLAINS},
    {"driver-not-loaded", "driver-init-failed", EXPLAINS},
    {"driver-not-loaded", "device-nodes-missing", EXPLAINS},
    {"driver-not-loaded", "uvm-broken", EXPLAINS},

    /* a module that cannot drive the GPU may load, and then makes no node and finds no device */
    {"driver-does-not-support-gpu", "driver-init-failed", EXPLAINS},
    {"driver-does-not-support-gpu", "driver-not-loaded", EXPLAINS},
    {"driver-does-not-support-gpu", "driver-missing", EXPLAINS},
    {"driver-does-not-support-gpu", "driver-nouveau", EXPLAINS},
    {"driver-does-not-support-gpu", "device-nodes-missing", EXPLAINS},
    {"driver-does-not-support-gpu", "uvm-broken", EXPLAINS},
    {"driver-open-module-required", "driver-does-not-support-gpu", EXPLAINS},
    {"driver-open-module-required", "driver-init-failed", EXPLAINS},
    {"driver-open-module-required", "driver-not-loaded", EXPLAINS},
    {"driver-open-module-required", "driver-missing", EXPLAINS},
    {"driver-open-module-required", "gpu-faulty", EXPLAINS}, /* Xid 169 of the closed module */
    {"driver-open-module-required", "device-nodes-missing", EXPLAINS},
    {"driver-open-module-required", "uvm-broken", EXPLAINS},
    {"driver-install-broken", "driver-init-failed", EXPLAINS},
    {"driver-install-broken", "driver-not-loaded", EXPLAINS},
    {"driver-install-broken", "driver-libs-missing", EXPLAINS},
    {"driver-install-broken", "device-nodes-missing", EXPLAINS},
    {"driver-install-broken", "uvm-broken", EXPLAINS},
    {"driver-library-mismatch", "driver-init-failed", EXPLAINS},
    {"driver-library-mismatch", "driver-not-loaded", EXPLAINS},
    {"driver-library-mismatch", "uvm-broken", EXPLAINS},
    {"driver-library-mismatch", "container-cgroup-lost", EXPLAINS},
    {"driver-libs-missing", "driver-init-failed", EXPLAINS},
    {"driver-libs-missing", "driver-stub-shadows", EXPLAINS_AS_RISK},
    {"driver-stub-shadows", "driver-init-failed", EXPLAINS},
    {"driver-stub-shadows", "driver-too-old-for-cuda", EXPLAINS},
    {"driver-compat-shadows", "driver-library-mismatch", EXPLAINS},
    {"driver-compat-shadows", "driver-init-failed", EXPLAINS},
    {"driver-compat-shadows", "driver-too-old-for-cuda", EXPLAINS},
    {"driver-init-failed", "device-nodes-missing", EXPLAINS},
    {"driver-init-failed", "uvm-broken", EXPLAINS},

    /* nodes: what cannot be opened cannot start */
    {"device-nodes-missing", "uvm-broken", EXPLAINS},
    {"device-permission", "uvm-broken", EXPLAINS},

    /* a container without a GPU has nothing of the driver in it, and one without the compute part has no libcuda */
    {"container-no-gpu", "driver-missing", EXPLAINS},
    {"container-no-gpu", "driver-libs-missing", EXPLAINS},
    {"container-no-gpu", "driver-stub-shadows", EXPLAINS},
    {"container-no-gpu", "driver-compat-shadows", EXPLAINS_AS_RISK},
    {"container-no-gpu", "driver-init-failed", EXPLAINS},
    {"container-no-gpu", "driver-too-old-for-cuda", EXPLAINS},
    {"container-no-gpu", "device-nodes-missing", EXPLAINS},
    {"container-no-gpu", "uvm-broken", EXPLAINS},
    {"container-no-gpu", "container-capability-missing", EXPLAINS},
    {"container-no-gpu", "visible-devices-*", EXPLAINS_AS_RISK},
    {"container-capability-missing", "driver-missing", EXPLAINS},
    {"container-capability-missing", "driver-libs-missing", EXPLAINS},
    {"container-capability-missing", "driver-stub-shadows", EXPLAINS},
    {"container-capability-missing", "driver-init-failed", EXPLAINS},
    {"container-capability-missing", "driver-too-old-for-cuda", EXPLAINS},
    {"container-cgroup-lost", "driver-init-failed", EXPLAINS},
    {"container-cgroup-lost", "device-permission", EXPLAINS},
    {"container-cgroup-lost", "uvm-broken", EXPLAINS},
    {"scheduler-no-gpu", "container-*", EXPLAINS},
    {"scheduler-no-gpu", "device-*", EXPLAINS},
    {"scheduler-no-gpu", "visible-devices-*", EXPLAINS},
    {"scheduler-no-gpu", "uvm-broken", EXPLAINS},
    {"scheduler-no-gpu", "driver-missing", EXPLAINS},
    {"scheduler-no-gpu", "driver-libs-missing", EXPLAINS},
    {"scheduler-no-gpu", "driver-init-failed", EXPLAINS},

    /* WSL has its driver from Windows: what a Linux driver would lack or do there does not count */
    {"wsl1", "gpu-absent", EXPLAINS},
    {"wsl1", "driver-*", EXPLAINS},
    {"wsl1", "device-*", EXPLAINS},
    {"wsl1", "uvm-broken", EXPLAINS},
    {"wsl1", "container-*", EXPLAINS},
    {"wsl1", "wsl-*", EXPLAINS},
    {"wsl-driver-old-or-missing", "driver-missing", EXPLAINS},
    {"wsl-driver-old-or-missing", "driver-libs-missing", EXPLAINS},
    {"wsl-driver-old-or-missing", "driver-not-loaded", EXPLAINS},
    {"wsl-driver-old-or-missing", "driver-init-failed", EXPLAINS},
    {"wsl-driver-old-or-missing", "driver-too-old-for-cuda", EXPLAINS},
    {"wsl-driver-old-or-missing", "container-no-gpu", EXPLAINS},
    {"wsl-driver-old-or-missing", "device-*", EXPLAINS},
    {"wsl-linux-driver-inside", "driver-library-mismatch", EXPLAINS},
    {"wsl-linux-driver-inside", "driver-not-loaded", EXPLAINS},
    {"wsl-linux-driver-inside", "driver-init-failed", EXPLAINS},
    {"wsl-linux-driver-inside", "driver-libs-missing", EXPLAINS},
    {"wsl-linux-driver-inside", "driver-install-broken", EXPLAINS},

    /* what makes CUDA answer "no device" or "not ready" */
    {"fabric-manager-down", "driver-init-failed", EXPLAINS},
    {"mig-misconfigured", "driver-init-failed", EXPLAINS},
    {"mig-misconfigured", "visible-devices-*", EXPLAINS},
    {"visible-devices-hidden", "driver-init-failed", EXPLAINS},
    {"visible-devices-invalid", "driver-init-failed", EXPLAINS},
    {"no-vgpu-license", "compute-mode-or-in-use", EXPLAINS},
    {"no-vgpu-license", "driver-init-failed", EXPLAINS},

    /* the wrong torch is found first: what is wrong with it is not what the environment has */
    {"torch-shadowed", "torch-cpu-build", EXPLAINS},
    {"torch-shadowed", "torch-wrong-accelerator", EXPLAINS},
    {"torch-shadowed", "torch-install-broken", EXPLAINS},
    {"torch-shadowed", "torch-library-shadowed", EXPLAINS},
    {"torch-shadowed", "torch-companion-mismatch", EXPLAINS},
    {"torch-in-other-env", "torch-missing", EXPLAINS},
    {"torch-no-wheel-for-python", "torch-missing", EXPLAINS},
    {"torch-platform-without-cuda", "torch-cpu-build", EXPLAINS},
    {"torch-platform-without-cuda", "torch-missing", EXPLAINS},
    {"torch-platform-without-cuda", "torch-no-wheel-for-python", EXPLAINS},
    {"torch-platform-without-cuda", "gpu-too-new", EXPLAINS},
    /* replacing the build brings companions of its kind */
    {"torch-cpu-build", "torch-companion-mismatch", EXPLAINS},
    {"torch-wrong-accelerator", "torch-companion-mismatch", EXPLAINS},
    {"torch-wrong-accelerator", "torch-cpu-build", EXPLAINS},
    {"torch-cuda-mismatch", "torch-library-shadowed", EXPLAINS},
    {"torch-cuda-mismatch", "torch-install-broken", EXPLAINS},
    {"torch-library-shadowed", "torch-install-broken", EXPLAINS},

    {"toolkit-path-wrong", "toolkit-missing", EXPLAINS},
    {"toolkit-missing", "toolkit-incomplete", EXPLAINS},
};
const size_t explanation_row_count = sizeof explanation_rows / sizeof *explanation_rows;

bool explanation_matches(const char *pattern, const char *id) {
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return strncmp(pattern, id, len - 1) == 0;
    return strcmp(pattern, id) == 0;
}

enum explanation explains(const char *by, const char *what) {
    for (size_t i = 0; i < explanation_row_count; i++)
        if (explanation_matches(explanation_rows[i].by, by) && explanation_matches(explanation_rows[i].what, what))
            return explanation_rows[i].how;
    return EXPLAINS_NOT;
}
