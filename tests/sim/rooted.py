"""The same from end to end through files: a machine as a directory (tests/roots), the simulated driver's answers as its live.json, and
what `whycuda --root` says of both."""
import json
import pathlib
import subprocess
import sys

import simlib
import tap

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "roots"))
from machine import Machine, desktop

RTX = """gpu
 name NVIDIA GeForce RTX 4090
 uuid 3b4c5d6e-1111-2222-3333-444455556666
 pci 0000:01:00.0
 capability 8.9
 ecc -1
 mig -1
"""
FROM_NVML = "NVML"


def answers(scenario, **extra):
    """What a live run on the simulated driver would have recorded."""
    snapshot = json.loads(simlib.whycuda(scenario, "snapshot", "--no-redact", "--timeout", "1", **extra).stdout)
    access = {name: fact for name, fact in snapshot.get("access", {}).items() if fact.get("source") == FROM_NVML}
    return {"compute": snapshot["compute"], "access": access}


def expect(name, scenario, roots, verdict="broken", words=(), change=lambda machine: None, **extra):
    with tap.case(f"root and simulated driver: {name}"):
        machine = Machine(simlib.SCRATCH / ("root-" + "".join(c if c.isalnum() else "-" for c in name)))
        machine.path.mkdir(parents=True)
        desktop(machine)
        change(machine)
        machine.environment.update(extra)
        machine.file("/.whycuda/live.json", json.dumps(answers(scenario, **extra)))
        machine.finish()
        done = [subprocess.run([str(tap.PROGRAM), "--root", str(machine.path), *options], capture_output=True, text=True)
                for options in (["--json"], [])]
        diagnosis = json.loads(done[0].stdout)
        found = [cause["id"] for cause in diagnosis["causes"] if cause["role"] == "root"]
        assert found == roots and diagnosis["verdict"] == verdict, (found, diagnosis["verdict"], done[1].stdout)
        for word in words:
            assert word in " ".join(done[1].stdout.split()), (word, done[1].stdout)
        assert done[0].returncode == {"healthy": 0, "degraded": 0, "broken": 1, "unknown": 2}[verdict]


def newer_libraries(machine):
    machine.loaded("525.147.05")


def closed_node(machine):
    machine.node("/dev/nvidia0", 195, 0, mode=0o660, gid=44, error="EACCES")
    machine.node("/dev/nvidiactl", 195, 255, mode=0o660, gid=44, error="EACCES")


def lost_cgroup(machine):
    machine.file("/.dockerenv")
    machine.file("/proc/1/cgroup", "0::/\n")
    for name, minor in (("nvidiactl", 255), ("nvidia0", 0)):
        machine.node(f"/dev/{name}", 195, minor, error="EPERM")
    machine.node("/dev/nvidia-uvm", 508, 0, error="EPERM")


def run():
    expect("all in order", RTX, [], "healthy", words=["RTX 4090"])
    expect("libraries newer than the module", "fault cuInit error 803\nfault nvmlInit_v2 error 18\n" + RTX, ["driver-library-mismatch"],
           words=["525.147.05", "535.261.03"], change=newer_libraries)
    expect("a node that may not be opened", "fault cuInit error 100\nfault nvmlInit_v2 error 4\n" + RTX, ["device-permission"],
           change=closed_node)
    expect("a container that lost its devices", "fault cuInit error 999\nfault nvmlInit_v2 error 999\n" + RTX, ["container-cgroup-lost"],
           change=lost_cgroup)
    expect("hidden by CUDA_VISIBLE_DEVICES", RTX, ["visible-devices-hidden"], CUDA_VISIBLE_DEVICES="-1")
    expect("a driver that hangs", "fault cuInit hang\nfault nvmlInit_v2 hang\n" + RTX, ["driver-init-failed"], words=["timeout"])
    expect("a driver that crashes", "fault cuInit crash\n" + RTX, ["driver-init-failed"], words=["signal 11"])
    expect("999 after suspend", "fault cuInit error 999\n" + RTX, ["uvm-broken"])
