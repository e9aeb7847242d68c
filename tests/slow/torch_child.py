#!/usr/bin/env python3
"""Real PyTorch builds, asked by whycuda's child on a machine without a GPU: Debian's CPU build, and builds for CUDA from PyPI,
without a driver and with NVIDIA's own libcuda of several branches. Environments go to $WHYCUDA_CACHE, or build/cache."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sim"))
import simlib
import tap
from support import cache
from support.real_driver_list import DRIVERS

BUILDS = {  # release: Python, CUDA of the build
    "1.13.1": ("3.10", "11.7"),
    "2.1.2": ("3.11", "12.1"),
    "2.6.0": ("3.12", "12.4"),
    "2.15.0": ("3.12", "13.2"),
}
WITHOUT_MKNOD = ["setpriv", "--bounding-set", "-mknod,-sys_module", "--inh-caps", "-mknod,-sys_module"] if os.geteuid() == 0 else []


def interpreter(release, python):
    folder = cache.CACHE / "venvs" / f"torch-{release}-py{python}"
    if not (folder / ".done").exists():
        found = sorted(pathlib.Path.home().glob(f".pyenv/versions/{python}.*/bin/python")) or [f"python{python}"]
        subprocess.run([str(found[0]), "-m", "venv", str(folder)], check=True, capture_output=True)
        subprocess.run([str(folder / "bin/pip"), "install", "-q", "--no-cache-dir", f"torch=={release}"], check=True, capture_output=True)
        (folder / ".done").touch()
    return folder / "bin/python"


def run(python, library=None):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    if library:
        env["LD_LIBRARY_PATH"] = str(library)
    done = subprocess.run([*WITHOUT_MKNOD, str(simlib.ASK), "-t", "180000", "torch", str(python), "1000"], env=env,
                          capture_output=True, timeout=300)
    return json.loads(done.stdout)


def right_on_cpu(answer):
    return answer["cpu_product"]["result_device"] == "cpu" and answer["cpu_product"]["wrong"] == 0 and answer["cpu_product"]["size"] == 1000


with tap.case("Debian's PyTorch, built without CUDA"):
    result = run("/usr/bin/python3")
    answer = result["answer"]
    assert result["end"] == "ok" and answer["version_cuda"] is None and answer["is_available"] is False, result
    assert right_on_cpu(answer) and "errors" not in answer and result["strays"] == 0

for release, (python, cuda) in BUILDS.items():
    program = interpreter(release, python)
    with tap.case(f"torch {release} for CUDA {cuda}, without a driver"):
        result = run(program)
        answer = result["answer"]
        assert result["end"] == "ok" and answer["version"].startswith(release) and answer["version_cuda"] == cuda, result
        assert answer["is_available"] is False and answer["device_count"] == 0 and right_on_cpu(answer)
        assert "Found no NVIDIA driver" in answer["errors"][0]["message"], answer["errors"]
        assert answer["arch_flags"] and any("libtorch_cuda" in path for path in answer["libraries"])
    for branch, (suite, packages, _) in DRIVERS.items():
        folder = cache.debian(f"nvidia-{branch}", suite, packages)
        with tap.case(f"torch {release} with the libcuda of {branch}, no device"):
            result = run(program, next(folder.rglob("libcuda.so.1")).parent)
            answer = result["answer"]
            assert result["end"] == "ok" and answer["is_available"] is False and right_on_cpu(answer), result
            words = answer["errors"][0]["message"]
            # torch answers NO_DEVICE in these words, but for a driver too old for the build
            old = cuda.startswith("13") or (branch == 470 and cuda.startswith("12"))
            assert ("too old" if old else "No CUDA GPUs are available") in words, words
            assert any(f"libcuda.so.{branch}." in path for path in answer["libraries"]), answer["libraries"]
tap.finish()
