/* Every rule by its cause id: rule_gpu_absent judges gpu-absent. The rows are in the links' tables (gpu.c,
 * driver.c …); families that do not fit one file are split by what they look at (driver_module.c,
 * access_container.c …). */
#pragma once

#include "diagnose/judge.h"

/* gpu.c */
void rule_gpu_absent(struct judge *judge);
void rule_gpu_fell_off_bus(struct judge *judge);
void rule_gpu_bound_elsewhere(struct judge *judge);
void rule_gpu_faulty(struct judge *judge);
/* gpu_health.c: gpu-faulty, from what NVML tells of a GPU that still answers */
void rule_gpu_health(struct judge *judge);

/* driver_module.c: the kernel's side */
void rule_driver_missing(struct judge *judge);
void rule_driver_not_loaded(struct judge *judge);
void rule_driver_nouveau(struct judge *judge);
void rule_driver_not_built_for_kernel(struct judge *judge);
void rule_driver_secure_boot(struct judge *judge);
void rule_driver_packages(
    struct judge *judge); /* driver-install-broken, driver-missing: a package manager's words */
/* driver_gpu.c: the kernel driver against this GPU */
void rule_driver_does_not_support_gpu(struct judge *judge);
void rule_driver_open_module_required(struct judge *judge);
void rule_driver_install_broken(struct judge *judge);
void rule_driver_init_failed(struct judge *judge);
void rule_driver_unreachable(struct judge *judge); /* driver-not-loaded, from words alone */
void rule_driver_not_found(struct judge *judge);   /* driver-missing, from words alone */
/* driver_option.c: driver-init-failed, where an option of the module leaves the GPU out */
void rule_driver_leaves_out(struct judge *judge);
/* driver_library.c: libcuda and NVML */
void rule_driver_library_mismatch(struct judge *judge);
void rule_driver_libs_missing(struct judge *judge);
void rule_driver_stub_shadows(struct judge *judge);
void rule_driver_compat_shadows(struct judge *judge);

/* access_node.c: device nodes */
void rule_device_nodes_missing(struct judge *judge);
void rule_device_permission(struct judge *judge);
void rule_uvm_broken(struct judge *judge);
/* access_container.c: containers and schedulers */
void rule_container_no_gpu(struct judge *judge);
void rule_container_capability_missing(struct judge *judge);
void rule_container_cgroup_lost(struct judge *judge);
void rule_scheduler_no_gpu(struct judge *judge);
/* access_wsl.c */
void rule_wsl1(struct judge *judge);
void rule_wsl_driver_old_or_missing(struct judge *judge);
void rule_wsl_linux_driver_inside(struct judge *judge);
/* access_visible.c: CUDA_VISIBLE_DEVICES */
void rule_visible_devices_hidden(struct judge *judge);
void rule_visible_devices_invalid(struct judge *judge);
/* access_share.c: who else has the GPU, and what it waits for */
void rule_compute_mode_or_in_use(struct judge *judge);
void rule_gpu_memory_exhausted(struct judge *judge);
void rule_mig_misconfigured(struct judge *judge);
void rule_fabric_manager_down(struct judge *judge);
void rule_no_vgpu_license(struct judge *judge);

/* toolkit_build.c: what a build of extensions needs; toolkit-path-wrong belongs to the link environment */
void rule_toolkit_missing(struct judge *judge);
void rule_toolkit_incomplete(struct judge *judge);
void rule_toolkit_mismatch(struct judge *judge);
void rule_toolkit_host_compiler(struct judge *judge);
void rule_toolkit_path_wrong(struct judge *judge);

/* torch_build.c: is there one, and of which kind */
void rule_torch_missing(struct judge *judge);
void rule_torch_in_other_env(struct judge *judge);
void rule_torch_no_wheel_for_python(struct judge *judge);
void rule_torch_cpu_build(struct judge *judge);
void rule_torch_wrong_accelerator(struct judge *judge);
void rule_torch_platform_without_cuda(struct judge *judge);
/* torch_whole.c: is it whole, and the one that was meant */
void rule_torch_shadowed(struct judge *judge);
void rule_torch_install_broken(struct judge *judge);
void rule_torch_library_shadowed(struct judge *judge);
/* torch_companion.c: what else is in the environment */
void rule_torch_companion_mismatch(struct judge *judge);
void rule_torch_cuda_mismatch(struct judge *judge);

/* match.c */
void rule_driver_too_old_for_cuda(struct judge *judge);
void rule_gpu_too_new(struct judge *judge);
void rule_gpu_too_old(struct judge *judge);

/* program.c */
void rule_fork_after_init(struct judge *judge);
void rule_torch_bug(struct judge *judge);
void rule_program_error(struct judge *judge);
