#!/usr/bin/env python3
"""Real PyTorch as far as small files go: version.py, METADATA, RECORD and WHEEL of PyPI's wheels of many releases (their libraries stand in
as holes of the recorded size), and Debian's CPU build whole. Python itself and pip's own parser say what is right.

The files come from PyPI and Debian once and are kept in $WHYCUDA_CACHE, or build/cache; without a network the cases are skipped."""
import csv
import os
import subprocess
import sys
import types

import tap
from support import cache, wheels
from support.pythons import Machine

try:
    from pip._vendor.packaging.requirements import Requirement
except ImportError:
    from packaging.requirements import Requirement

CASES = {  # wheel: Python, machine, build
    r"torch-1\.13\.1-cp310-cp310-manylinux1_x86_64\.whl": ("3.10.13", "x86_64", "cuda"),
    r"torch-2\.1\.2-cp311-cp311-manylinux1_x86_64\.whl": ("3.11.7", "x86_64", "cuda"),
    r"torch-2\.4\.1-cp311-cp311-manylinux1_x86_64\.whl": ("3.11.7", "x86_64", "cuda"),
    r"torch-2\.6\.0-cp312-cp312-manylinux1_x86_64\.whl": ("3.12.1", "x86_64", "cuda"),
    r"torch-2\.8\.0-cp312-cp312-manylinux_2_28_x86_64\.whl": ("3.12.1", "x86_64", "cuda"),
    r"torch-2\.15\.0-cp312-cp312-manylinux_2_28_x86_64\.whl": ("3.12.1", "x86_64", "cuda"),
    r"torch-2\.6\.0-cp312-cp312-manylinux_2_28_aarch64\.whl": ("3.12.1", "aarch64", "cpu"),
    r"torch-2\.15\.0-cp312-cp312-manylinux_2_28_aarch64\.whl": ("3.12.1", "aarch64", "cuda"),
    r"torch-2\.6\.0-cp312-cp312-win_amd64\.whl": ("3.12.1", "windows", "cpu"),
}
LIBRARIES = (".so", ".dll", ".pyd")


def install(m, site, files):
    """A wheel's files where pip would put them; libraries are holes."""
    for path, content in files.items():
        m.file(f"{site}/{path}", content)
        if path.endswith("/RECORD"):
            for name, _, size in csv.reader(content.decode().splitlines()):
                if size and (name.endswith(LIBRARIES) or ".so." in name) and not m.at(f"{site}/{name}").exists():
                    m.file(f"{site}/{name}")
                    os.truncate(m.at(f"{site}/{name}"), int(size))
    info = next(path for path in files if path.endswith("/METADATA"))[:-len("/METADATA")]
    m.file(f"{site}/{info}/INSTALLER", "pip\n")


def required(metadata, python, machine, extras=("",)):
    """What pip would install besides: {normalised name: requirement}."""
    windows = machine == "windows"
    environment = {"platform_system": "Windows" if windows else "Linux", "sys_platform": "win32" if windows else "linux",
                   "platform_machine": "AMD64" if windows else machine, "os_name": "nt" if windows else "posix",
                   "python_version": ".".join(python.split(".")[:2]), "python_full_version": python}
    found = {}
    for line in metadata.decode().split("\n\n")[0].splitlines():
        if line.startswith("Requires-Dist:"):
            one = Requirement(line.partition(":")[2].strip())
            if not one.marker or any(one.marker.evaluate({**environment, "extra": extra}) for extra in extras):
                found[one.name.lower().replace("_", "-")] = one
    return found


for pattern, (python, machine, build) in CASES.items():
    name = pattern.replace("\\", "").removesuffix(".whl")
    files = wheels.small_files("torch", pattern)
    if not files:
        tap.skip(name, "not to be had from PyPI")
        continue
    with tap.case(name):
        m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv"})
        if machine == "windows":
            m.file("/home/jo/venv/pyvenv.cfg", f"home = C:\\Python312\nversion = {python}\n")
            m.file("/home/jo/venv/Scripts/python.exe", b"MZ")
            site = m.directory("/home/jo/venv/Lib/site-packages")
        else:
            m.python("/usr/local", python, machine)
            site = m.venv("/home/jo/venv", "/usr/local", python)
        install(m, site, files)
        truth = types.SimpleNamespace()
        exec(files["torch/version.py"].decode(), truth.__dict__)
        used = m.ask().used()
        told = (used.torch_version, used.cuda, used.git_version)
        assert told == (truth.__version__, truth.cuda, truth.git_version), told
        assert used.build == build and used.cuda_library is (build == "cuda"), used.build
        wheel = next(content for path, content in files.items() if path.endswith("/WHEEL")).decode()
        assert used.hip is None and used.wheel == wheel.partition("Tag: ")[2].splitlines()[0], used.wheel
        assert used.missing_files == used.damaged_files == used.changed_files == used.leftovers == []
        assert used.installer == "pip" and used.metadata_version == name.split("-")[1]

        # what it requires, as pip reads it; then with all of that installed
        metadata = next(content for path, content in files.items() if path.endswith("/METADATA"))
        wanted = {key: one for key, one in required(metadata, python, machine).items() if key.startswith(("nvidia-", "cuda-"))}
        assert sorted(used.missing_packages) == sorted(wanted), (used.missing_packages, sorted(wanted))
        assert bool(wanted) == (build == "cuda" and machine != "windows")
        for key, one in wanted.items():
            version = next((part.version for part in one.specifier if part.operator == "=="), "13.1.0")
            m.package(site, key, version)
        used = m.ask().used()
        assert used.missing_packages == []
        assert all(used.package(key).fits for key in wanted), [key for key in wanted if not used.package(key).fits]

        # one library gone, one cut
        library = next(path for path in ("torch/lib/libtorch_cpu.so", "torch/lib/torch_cpu.dll") if m.at(f"{site}/{path}").exists())
        other = "torch/lib/c10.dll" if machine == "windows" else "torch/lib/libc10.so"
        m.at(f"{site}/{library}").unlink()
        os.truncate(m.at(f"{site}/{other}"), 1000)
        used = m.ask().used()
        assert used.missing_files == [f"{site}/{library}"] and used.damaged_files == [f"{site}/{other}"]
        assert b"broken" in m.envs().stdout

with tap.case("cuda-toolkit's own metadata, with the extras that torch 2.15 asks for"):
    torch = wheels.small_files("torch", r"torch-2\.15\.0-cp312-cp312-manylinux_2_28_x86_64\.whl")
    toolkit = torch and wheels.small_files("cuda-toolkit", r"cuda_toolkit-13\.2\.2-.*\.whl")
    if toolkit:
        m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv"})
        m.python("/usr/local", "3.12.1")
        site = m.venv("/home/jo/venv", "/usr/local", "3.12.1")
        install(m, site, torch)
        install(m, site, toolkit)
        read = lambda files: next(content for path, content in files.items() if path.endswith("/METADATA"))
        direct = required(read(torch), "3.12.1", "x86_64")
        wanted = set(key for key in direct if key.startswith(("nvidia-", "cuda-"))) - {"cuda-toolkit"}
        wanted |= set(required(read(toolkit), "3.12.1", "x86_64", direct["cuda-toolkit"].extras))
        assert len(wanted) > 12
        assert set(m.ask().used().missing_packages) == wanted, set(m.ask().used().missing_packages) ^ wanted

try:
    debian = cache.debian("python3-torch", "bookworm", ["python3-torch", "libtorch1.13"])
except (OSError, subprocess.CalledProcessError):
    debian = None
if debian:
    with tap.case("Debian's python3-torch: a CPU build, by dpkg"):
        m = Machine()
        m.python(patchlevel=False)
        subprocess.run(["cp", "-al", f"{debian}/usr/lib/python3", f"{debian}/usr/lib/x86_64-linux-gnu", f"{m.path}/usr/lib/"], check=True)
        used = m.ask().used()
        assert (used.torch_version, used.build, used.cuda, used.cuda_library) == ("1.13.0a0", "cpu", None, False)
        assert used.installer == "dpkg" and used.torch_path == "/usr/lib/python3/dist-packages/torch" and used.state("shadowed_by") == "absent"
        assert used.missing_packages == [] and b"cpu build" in m.envs().stdout
else:
    tap.skip("Debian's python3-torch", "not to be had")

tap.finish()
