/* Link 3: whether this process may use the GPU. */
#pragma once
#include "facts/fact.h"

#define DEVICE_NODE_FIELDS(T, N, F, L, R)                                                                         \
    T(path, PLAIN, "/dev/nvidia0 …")                                                                              \
    N(major, PLAIN, "major number")                                                                               \
    N(minor, PLAIN, "minor number")                                                                               \
    T(mode, PLAIN, "four octal digits")                                                                           \
    N(uid, PLAIN, "owner")                                                                                        \
    N(gid, PLAIN, "group")                                                                                        \
    T(group, PLAIN, "name of the group, where a listing tells it")                                                \
    T(open_error, PLAIN, "why opening fails: EACCES, EPERM …; absent: it opens")

RECORD(device_node, DEVICE_NODE_FIELDS)

/* How the reason begins where opening a node did not end within its time: open_error is unknown then. */
#define NODE_NO_ANSWER "did not answer within"

#define CDI_SPEC_FIELDS(T, N, F, L, R)                                                                            \
    T(path, PLAIN, "/etc/cdi/nvidia.yaml …")                                                                      \
    T(driver_version, PLAIN, "driver version its library mounts name")                                            \
    N(devices, PLAIN, "devices it lists")                                                                         \
    L(missing, PLAIN, "host files it wants to mount that are not there")                                          \
    L(nodes, PLAIN, "device nodes it passes to every container: /dev/nvidiactl …")

RECORD(cdi_spec, CDI_SPEC_FIELDS)

#define GPU_PROCESS_FIELDS(T, N, F, L, R)                                                                         \
    N(pid, PLAIN, "process id")                                                                                   \
    T(name, PATH, "program")                                                                                      \
    N(memory_mib, PLAIN, "GPU memory it holds, MiB")                                                              \
    N(gpu, PLAIN, "index of the GPU")

RECORD(gpu_process, GPU_PROCESS_FIELDS)

#define ACCESS_FIELDS(T, N, F, L, R)                                                                              \
    R(nodes, device_node, "device nodes that exist: /dev/nvidia*, /dev/dxg, /dev/nvhost*")                        \
    F(modprobe_setuid, PLAIN, "a setuid nvidia-modprobe would make missing nodes at first use")                   \
    L(groups, PLAIN, "groups of the user")                                                                        \
    T(nvidia_visible_devices, UUID, "NVIDIA_VISIBLE_DEVICES: what the container runtime was asked for")           \
    T(nvidia_driver_capabilities, PLAIN, "NVIDIA_DRIVER_CAPABILITIES")                                            \
    T(image, PLAIN, "container image: nvidia/cuda:12.4.1-runtime-ubuntu22.04")                                    \
    T(gpu_passed_by, PLAIN, "how the container got the GPU: mounts, cdi, devices; absent: not at all")            \
    R(cdi_specs, cdi_spec, "CDI specifications for NVIDIA")                                                       \
    F(dev_char_links, PLAIN, "/dev/char has the links that a systemd cgroup driver needs")                        \
    F(cgroup_denied, PLAIN, "a node that exists and may be opened by mode is refused with EPERM")                 \
    T(scheduler, PLAIN, "slurm, kubernetes, pbs, lsf; absent: none")                                              \
    F(scheduler_granted, PLAIN, "the job was given a GPU")                                                        \
    F(scheduler_outside, PLAIN,                                                                                   \
      "a scheduler's configuration is here, but this is none of its jobs: a login node")                          \
    T(scheduler_devices, PLAIN, "what the scheduler says it gave")                                                \
    F(mig_enabled, PLAIN, "MIG mode is on")                                                                       \
    N(mig_instances, PLAIN, "MIG compute instances that exist")                                                   \
    L(mig_nodes_denied, PLAIN, "/dev/nvidia-caps nodes of MIG instances that are missing or do not open")         \
    F(fabric_manager_needed, PLAIN, "NVSwitches are present")                                                     \
    F(fabric_manager_running, PLAIN, "nvidia-fabricmanager runs")                                                 \
    T(fabric_manager_version, PLAIN, "its version")                                                               \
    T(mps, PLAIN, "MPS pipe directory in use")                                                                    \
    F(mps_running, PLAIN, "an MPS control daemon runs")                                                           \
    F(vgpu, PLAIN, "the GPU is a vGPU")                                                                           \
    F(gridd_running, PLAIN, "nvidia-gridd runs")                                                                  \
    T(vgpu_license, PLAIN, "licence state of the vGPU")                                                           \
    F(persistence, PLAIN, "persistence mode or daemon")                                                           \
    T(compute_mode, PLAIN, "Default, Exclusive_Process, Prohibited")                                              \
    R(processes, gpu_process, "processes that hold GPU memory")                                                   \
    N(shm_mib, PLAIN, "size of /dev/shm, MiB")

RECORD(access_facts, ACCESS_FIELDS)
