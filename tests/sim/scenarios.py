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
        "environment": {"variables": known([]), "entries": known([]), "visible_devices": absent("CUDA_VISIBLE_DEVICES")},
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
        at = at[int(step) if isinstance(at, list) else step]
        if isinstance(at, dict) and isinstance(at.get("value"), list):
            at = at["value"]
    at[last] = value


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
    # what live/record_nvml.c adds to the GPUs of a real bus (tests/unit/live_test.c)
    uuids = {row["address"]["value"]: row["uuid"] for row in facts["compute"].get("gpus", {}).get("value", []) if "value" in row["address"]}
    for device in facts["gpu"]["devices"]["value"]:
        device.update(uuid=uuids[device["address"]["value"]]) if device["address"]["value"] in uuids else None
    seen = [row["address"]["value"] for row in facts["compute"].get("gpus", {}).get("value", []) if "value" in row["address"]]
    for device in facts["gpu"]["devices"]["value"]:
        if seen and device["address"]["value"] not in seen:
            device["fault"] = known("is lost", "NVML")
    path = simlib.SCRATCH / "snapshot.json"
    path.write_text(json.dumps(facts))
    both = [subprocess.run([str(tap.PROGRAM), "explain", *options, str(path)], capture_output=True, text=True) for options in
            (["--json"], [])]
    assert both[0].stdout, both[0].stderr
    return json.loads(both[0].stdout), both[1].stdout


def roots(diagnosis):
    return [cause["id"] for cause in diagnosis["causes"] if cause["role"] == "root"]


def expect(name, facts, scenario, causes, verdict="broken", words=(), **extra):
    """One scenario: the roots it must have, and words a user must read."""
    with tap.case(f"scenario: {name}"):
        diagnosis, text = diagnose(facts, scenario, **extra)
        assert roots(diagnosis) == causes and diagnosis["verdict"] == verdict, (roots(diagnosis), diagnosis["verdict"], text)
        for word in words:
            assert word in " ".join(text.split()), (word, text)  # wherever the lines break


def variable(facts, name, value):
    facts["environment"]["variables"]["value"].append({"name": known(name), "value": known(value)})
    if name == "CUDA_VISIBLE_DEVICES":
        facts["environment"]["visible_devices"] = known(value, name)
    return facts


EIGHT = "gpu\n" * 8


def run():
    import double
    torch = simlib.SCRATCH / "torch-double"
    test = ("test", "--json", "--no-redact", "--size", "64", "--python", torch)

    expect("a healthy GPU", machine(), "gpu\n", [], "healthy")
    expect("eight healthy GPUs", machine(8), EIGHT, [], "healthy")
    expect("eight GPUs, one lost", machine(8), "fault nvmlDeviceGetHandleByIndex_v2#3 error 15\nfault cuInit error 999\n" + EIGHT,
           ["gpu-fell-off-bus"])
    expect("eight GPUs, the memory of one worn out", machine(8), "gpu\n" * 3 + "gpu\n remap_failed 1\n recovery 1\n" + "gpu\n" * 4,
           ["gpu-faulty"], words=["0000:04:00.0"])
    double.write(torch, devices=[double.device(i) for i in range(8)], device_count=8)
    expect("eight GPUs, one computes wrongly", machine(8), "fault cuMemcpyDtoH_v2#5 garbage\n" + EIGHT, ["gpu-faulty"],
           words=["GPU 5"], verb=test)
    double.write(torch, devices=[double.device(0)])
    expect("everything used, and right", machine(), "gpu\n", [], "healthy", verb=test)
    expect("802: no fabric manager", dict_with(machine(8), "access.fabric_manager_needed", known(True),
                                               "access.fabric_manager_running", known(False)),
           "fault cuInit error 802\n" + "gpu\n fabric 1\n" * 8, ["fabric-manager-down"])
    expect("803: the libraries are newer than the module", dict_with(machine(), "driver.module_version", known("535.183.01")),
           "fault cuInit error 803\nfault nvmlInit_v2 error 18\ngpu\n", ["driver-library-mismatch"], words=["535.183.01", "550.163.01"])
    expect("NVML 18, and the files say nothing", machine(), "fault cuInit error 803\nfault nvmlInit_v2 error 18\ngpu\n",
           ["driver-library-mismatch"])
    expect("804: a compatibility library where it may not be",
           dict_with(machine(), "driver.libraries.0.compat_cuda", known("12.8"), "driver.libraries.0.path",
                     known("/usr/local/cuda-12.8/compat/libcuda.so.1")), "fault cuInit error 804\ngpu\n", ["driver-compat-shadows"])
    expect("999 after suspend", machine(), "fault cuInit error 999\ngpu\n", ["uvm-broken"])
    expect("46: another process has the GPU to itself", machine(), "gpu\n compute_mode 3\n process 4711 1048576\n",
           ["compute-mode-or-in-use"], words=["Exclusive_Process"],
           verb=test)
    double.write(torch, is_available=True, device_count=1,
                 errors=[double.error("matrix product on cuda:0", "RuntimeError", "CUDA error: no kernel image is available for execution on the device")])
    expect("no memory for a context", machine(), "fault cuDevicePrimaryCtxRetain error 2\ngpu\n used 49000000\n process 4711 49000000\n",
           ["gpu-memory-exhausted"], verb=test)
    expect("MIG mode without an instance", machine(), "gpu\n mig 1\n", ["mig-misconfigured"])
    expect("MIG mode with one", machine(), "gpu\n mig 1\n instance b0000000-1111-2222-3333-444444444444\n", [], "healthy")
    expect("nodes that may not be opened", dict_with(machine(), "access.nodes.2.open_error", known("EACCES"),
                                                     "access.nodes.2.mode", known("0660")), "fault cuInit error 100\ngpu\n",
           ["device-permission"])
    expect("a driver that hangs in cuInit", machine(), "fault cuInit hang\nfault nvmlInit_v2 hang\ngpu\n", ["driver-init-failed"],
           verb=("snapshot", "--no-redact", "--timeout", "1"), words=["timeout"])
    expect("a driver that crashes in cuInit", machine(), "fault cuInit crash\ngpu\n", ["driver-init-failed"], words=["signal 11"])

    expect("a GPU that asks for a reset", machine(), "gpu\n recovery 1\n", ["gpu-faulty"], words=["must be reset", "the driver asks for it"])
    expect("worth knowing, and no fault", machine(), "gpu\n pcie_width 4\n throttle 0x40\n remap_pending 1\n nvlinks 4\n"
           " nvlinks_active 3\n", [], "healthy", words=["4 of 16 PCIe lanes", "hw-thermal", "reset", "3 of 4 NVLinks"])
    expect("uncorrectable errors, and a row to be replaced", machine(), "gpu\n ecc_errors 2\n remap_pending 1\n", ["gpu-faulty"],
           words=["errors it could not correct"])
    no_image = "CUDA error: no kernel image is available for execution on the device"
    double.write(torch, device_count=1, errors=[double.error("matrix product on cuda:0", "RuntimeError", no_image)], arch_list=["sm_90"],
                 arch_flags=["sm_90"])
    expect("no kernel image for this GPU", dict_with(machine(), "torch.environments.0.sass", known(["sm_90"])), "gpu\n", ["gpu-too-old"],
           verb=test)
    double.write(torch, is_available=False, device_count=0)
    expect("PyTorch answers False where all is well: what it says counts", machine(), "gpu\n", [], "unknown",
           words=["a fault of whycuda", "nothing that was looked at explains it"], verb=test)
    double.write(torch, devices=[double.device(0)])
    expect("PyTorch works where a node should not open: what it does counts", dict_with(
        machine(), "access.nodes.2.open_error", known("EACCES"), "access.nodes.2.mode", known("0660")), "gpu\n", [], "healthy", verb=test)
    expect("PyTorch works with libraries that do not fit: no root, but a risk", dict_with(
        machine(), "driver.module_version", known("535.183.01")), "fault nvmlInit_v2 error 18\ngpu\n", [], "degraded",
           words=["finished work on the GPU"], verb=test)

    for value, causes, verdict in (("", ["visible-devices-hidden"], "broken"), ("-1", ["visible-devices-hidden"], "broken"),
                                   ("0", [], "healthy"), ("7", ["visible-devices-invalid"], "broken"),
                                   ("GPU-ffffffff", ["visible-devices-invalid"], "broken"), ("GPU-a0000000", [], "healthy"),
                                   ("abc", ["visible-devices-invalid"], "broken")):
        expect(f"CUDA_VISIBLE_DEVICES={value!r}", variable(machine(), "CUDA_VISIBLE_DEVICES", value), "gpu\n", causes, verdict,
               CUDA_VISIBLE_DEVICES=value)


def dict_with(facts, *pairs):
    for path, value in zip(pairs[::2], pairs[1::2]):
        put(facts, path, value)
    return facts
