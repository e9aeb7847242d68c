"""Machines end to end: the facts of a sound machine, what the simulated driver answers in their place, and the diagnosis of both.

The base is what the probes find on a machine with A100s, driver 550 and PyTorch 2.6 for CUDA 12.4 (tests/roots has such machines as
files). Live answers come from whycuda itself, run on the simulated driver."""
import copy
import json
import subprocess

import simlib
import tap


def known(value, source="recorded"):
    return {"value": value, "source": source}


def absent(source="recorded"):
    return {"absent": True, "source": source}


def node(path, major, minor, **more):
    return {"path": known(path), "major": known(major), "minor": known(minor), "mode": known("0666"), "uid": known(0), "gid": known(0),
            "open_error": absent(), **more}


def bus(count):
    return known([{"address": known(f"0000:{i + 1:02x}:00.0"), "device_id": known("10de:20b0"), "class": known("0302"),
                   "name": known("NVIDIA A100-SXM4-40GB"), "chip": known("GA100"), "compute_capability": known("8.0"),
                   "kernel_driver": known("nvidia"), "enabled": known(True), "power_state": known("D0"),
                   "bars_assigned": known(True), "config_dead": known(False)} for i in range(count)])


LIBRARY = "/usr/lib/x86_64-linux-gnu"
TORCH = "/home/user/venv/lib/python3.11/site-packages/torch"


def machine(gpus=1):
    libraries = [{"soname": known(name), "path": known(f"{LIBRARY}/{name}"), "real_path": known(f"{LIBRARY}/{name[:-2]}.550.163.01"),
                  "version": known("550.163.01"), "bits": known(64), "machine": known("x86_64"), "whole": known(True), "stub": known(False),
                  "compat_cuda": absent(), "wsl": known(False), "wins": known(True), "found_by": known("cache")}
                 for name in ("libcuda.so.1", "libnvidia-ml.so.1")]
    return {
        "schema": "whycuda/snapshot/1", "origin": "live",
        "system": {"os": known("linux"), "distribution": known("ubuntu"), "distribution_version": known("22.04"),
                   "kernel": known("5.15.0-91-generic"), "machine": known("x86_64"), "wsl": absent(), "virtual_machine": absent(),
                   "container": absent(), "jetson": absent(), "libc": known("glibc 2.35"), "user": known("user"), "uid": known(1000),
                   "home": known("/home/user"), "host": known("host"), "sudo": known(False)},
        "gpu": {"bus_readable": known(True), "devices": bus(gpus), "others": known([]), "tegra": absent(), "nvswitches": known(0)},
        "driver": {"module_loaded": known(True), "module_version": known("550.163.01"), "module_flavour": known("proprietary"),
                   "uvm_loaded": known(True), "nouveau_loaded": known(False), "modules": known([]), "dkms": known([]),
                   "blacklists": known([]), "secure_boot": known(False), "lockdown": known(False), "kernel_log": known([]),
                   "packages": known([]), "libraries": known(libraries), "library_version": known("550.163.01"),
                   "nvml_version": known("550.163.01"), "smi_present": known(True)},
        "access": {"nodes": known([node("/dev/nvidiactl", 195, 255), node("/dev/nvidia-uvm", 508, 0)] +
                                  [node(f"/dev/nvidia{i}", 195, i) for i in range(gpus)]),
                   "scheduler": absent(), "gpu_passed_by": absent(), "fabric_manager_needed": known(False),
                   "cgroup_denied": known(False), "modprobe_setuid": known(False), "mps": absent()},
        "toolkit": {"toolkits": known([]), "needed": known(False)},
        "environment": {"variables": known([])},
        "torch": {"interpreter": known("/home/user/venv/bin/python"), "chosen_by": known("VIRTUAL_ENV"), "environments": known([{
            "path": known("/home/user/venv"), "kind": known("venv"), "in_use": known(True), "interpreter": known("/home/user/venv/bin/python"),
            "python": known("3.11.7"), "machine": known("x86_64"), "torch_version": known("2.6.0+cu124"), "torch_path": known(TORCH),
            "installer": known("pip"), "build": known("cuda"), "cuda": known("12.4"), "hip": absent(), "cuda_library": known(True),
            "sass": known(["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]), "ptx": known([]), "packages": known([]),
            "missing_files": known([]), "damaged_files": known([]), "missing_packages": known([]), "shadowed_by": absent(),
            "libraries": known([])}])},
    }


def put(facts, path, value):
    """put(facts, "access.nodes.0.open_error", known("EPERM"))"""
    at = facts
    *way, last = path.split(".")
    for step in way:
        at = at[step]
        if isinstance(at, dict) and isinstance(at.get("value"), list):
            at = at["value"]
        if isinstance(at, list):
            continue
    for_list = isinstance(at, list)
    at[int(last) if for_list else last] = value


# what of other links only the driver tells
FROM_NVML = ["mig_enabled", "mig_instances", "persistence", "compute_mode", "processes", "vgpu", "vgpu_license"]


def live(scenario, verb=("snapshot", "--no-redact"), **extra):
    done = simlib.whycuda(scenario, *verb, **extra)
    return json.loads(done.stdout)


def diagnose(facts, scenario, verb=("snapshot", "--no-redact"), **extra):
    """The base with the live answers in it, explained: the diagnosis, and the text a user reads."""
    answers = live(scenario, verb, **extra)
    facts = copy.deepcopy(facts)
    facts["compute"] = answers["compute"]
    for name in FROM_NVML:
        if name in answers.get("access", {}):
            facts["access"][name] = answers["access"][name]
    path = simlib.SCRATCH / "snapshot.json"
    path.write_text(json.dumps(facts))
    both = [subprocess.run([str(tap.PROGRAM), "explain", *options, str(path)], capture_output=True, text=True) for options in
            (["--json"], [])]
    assert both[0].stdout, both[0].stderr
    return json.loads(both[0].stdout), both[1].stdout


def roots(diagnosis):
    return [cause["id"] for cause in diagnosis["causes"] if cause["role"] == "root"]
