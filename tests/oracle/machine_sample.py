#!/usr/bin/env python3
"""What the probes say of this machine, and of machines made by other tools, beside what those tools say themselves."""
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import tap
from support import cache


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, **more).stdout.strip()


def snapshot(*arguments, env=None):
    done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", "--no-live", *map(str, arguments)], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def value(facts, path):
    for name in path.split("."):
        facts = facts[name]
    return facts.get("value")


HERE = snapshot()

with tap.case("kernel, machine, host, user and groups are uname's, hostname's and id's"):
    assert value(HERE, "system.kernel") == said("uname", "-r")
    assert value(HERE, "system.machine") == said("uname", "-m")
    assert value(HERE, "system.host") == said("uname", "-n")
    assert value(HERE, "system.user") == said("id", "-un")
    assert sorted(value(HERE, "access.groups")) == sorted(said("id", "-Gn").split())

if shutil.which("getconf"):
    with tap.case("glibc's version is getconf's"):
        assert value(HERE, "system.libc") == said("getconf", "GNU_LIBC_VERSION")
else:
    tap.skip("glibc's version is getconf's", "no getconf")

if os.path.ismount("/dev/shm"):
    with tap.case("/dev/shm is as large as df says, to a page"):
        size = int(said("df", "--output=size", "-k", "/dev/shm").split()[-1])
        assert abs(value(HERE, "access.shm_mib") - size // 1024) <= 1, (value(HERE, "access.shm_mib"), size)
else:
    tap.skip("/dev/shm is as large as df says", "no /dev/shm")

if shutil.which("lspci") and os.path.isdir("/sys/bus/pci/devices"):
    with tap.case("display functions are lspci's"):
        lines = [line.split() for line in said("lspci", "-Dn").splitlines()]
        shown = {words[0]: words[2] for words in lines if words[1].startswith("03")}
        found = {row["address"]["value"]: row["device_id"]["value"]
                 for part in ("devices", "others") for row in HERE["gpu"][part].get("value") or []}
        assert found == shown, (found, shown)
else:
    tap.skip("display functions are lspci's", "no lspci")

nvcc = shutil.which("nvcc")
if nvcc:
    with tap.case("nvcc's version without running it is the one it prints"):
        release = re.search(r"release (\d+\.\d+)", said(nvcc, "--version")).group(1)
        assert value(HERE, "toolkit.nvcc_path") == nvcc
        assert value(HERE, "toolkit.nvcc_version").split(".")[:2] == release.split("."), release
else:
    tap.skip("nvcc's version without running it is the one it prints", "no nvcc")

compilers = HERE["toolkit"]["compilers"].get("value") or []
if compilers:
    with tap.case("compilers' versions are the ones they print"):
        for row in compilers:
            if "value" in row["version"]:
                major = said(row["path"]["value"], "-dumpversion").split(".")[0]
                assert row["version"]["value"].split(".")[0] == major, (row, major)
    if shutil.which("g++") and not os.environ.get("CXX") and not os.environ.get("CC"):
        with tap.case("the default compiler is g++"):
            default = [row for row in compilers if row["is_default"]["value"]]
            assert [os.path.realpath(row["path"]["value"]) for row in default] == [os.path.realpath(shutil.which("g++"))]
else:
    tap.skip("compilers' versions are the ones they print", "no compiler")

# --- PyTorch's own search for a toolkit ------------------------------------------------------------------------------------------------

torch_file = next((cache.CACHE / "venvs").glob("torch-*/lib/python*/site-packages/torch/utils/cpp_extension.py"), None)
if torch_file:
    source = torch_file.read_text()
    start = source.index("def _find_cuda_home")
    function = source[start:source.index("\ndef ", start + 10)]
    # only the search: what follows it asks torch whether there is a GPU
    program = ("import os, shutil, subprocess, glob, sys\nfrom typing import Optional\nIS_WINDOWS = False\nSUBPROCESS_DECODE_ARGS = ()\n"
               "class torch:\n    class cuda:\n        is_available = staticmethod(lambda: True)\n"
               "import logging\nlogger = logging.getLogger('x')\n" + function + "\nprint(_find_cuda_home() or '')\n")
    path = os.environ["PATH"]
    plain = ":".join(part for part in path.split(":") if not os.path.exists(f"{part}/nvcc"))
    for name, change in (("as it is", {}), ("CUDA_HOME", {"CUDA_HOME": "/opt/x"}), ("CUDA_PATH", {"CUDA_PATH": "/opt/y"}),
                         ("empty CUDA_HOME", {"CUDA_HOME": ""}), ("nothing", {"PATH": plain})):
        with tap.case(f"the toolkit a build takes is _find_cuda_home's: {name}"):
            env = {key: text for key, text in os.environ.items() if key not in ("CUDA_HOME", "CUDA_PATH")}
            env.update(change)
            wanted = said("/usr/bin/python3", "-c", program, env=env)
            found = value(snapshot(env=env), "toolkit.build_home") or ""
            assert found == wanted, (found, wanted)
else:
    tap.skip("the toolkit a build takes is _find_cuda_home's", "no PyTorch in the cache (see ./dev slow)")

# --- packages ------------------------------------------------------------------------------------------------------------------------

if shutil.which("rpm") and shutil.which("rpmbuild"):
    with tap.case("packages in a database that rpm itself wrote"), tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "root"
        names = ["akmod-nvidia", "bash", "cuda-compat-12-4", "nvidia-cuda-toolkit", "nvidia-driver-cuda-libs"]
        (pathlib.Path(folder) / "SPECS").mkdir()
        for name in names:
            spec = pathlib.Path(folder) / f"SPECS/{name}.spec"
            spec.write_text(f"Name: {name}\nVersion: 560.35.03\nRelease: 1.fc40\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n")
            said("rpmbuild", "-bb", "--define", f"_topdir {folder}", str(spec))
        options = ["--root", str(root), "--dbpath", "/usr/lib/sysimage/rpm", "--define", "_db_backend sqlite"]
        root.mkdir()
        said("rpm", *options, "--initdb")
        said("rpm", *options, "-i", "--nodeps", *map(str, pathlib.Path(folder).rglob("*.rpm")))
        rows = snapshot("--root", root)["driver"]["packages"]["value"]
        found = {row["name"]["value"]: row["version"]["value"] for row in rows}
        listed = dict(line.split() for line in said("rpm", *options, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\n").splitlines())
        assert found == {name: version for name, version in listed.items() if name not in ("bash", "nvidia-cuda-toolkit")}, (found, listed)
else:
    tap.skip("packages in a database that rpm itself wrote", "no rpm, no rpmbuild")

# --- kernel modules --------------------------------------------------------------------------------------------------------------------

NOUVEAU = "kernel/drivers/gpu/drm/nouveau/nouveau.ko*"
modules = [*pathlib.Path("/lib/modules").glob(f"*/{NOUVEAU}"), *cache.CACHE.glob(f"linux-image-*/usr/lib/modules/*/{NOUVEAU}")]
if modules and shutil.which("modinfo"):
    with tap.case("a real module's kernel and signature, packed and unpacked, are modinfo's"), tempfile.TemporaryDirectory() as folder:
        real = modules[0]
        kernel = next(part for before, part in zip(real.parts, real.parts[1:]) if before == "modules")
        content = real.read_bytes()
        versions = [(real.name.removeprefix("nouveau"), content)]
        if real.name.endswith(".xz"):
            versions.append((".ko", lzma.decompress(content)))
        for ending, content in versions:
            root = pathlib.Path(folder) / f"root{ending}"
            target = root / f"lib/modules/{kernel}/updates/dkms/nvidia{ending}"
            target.parent.mkdir(parents=True)
            target.write_bytes(content)
            (root / ".whycuda").mkdir()
            (root / ".whycuda/uname").write_text(f"release={kernel}\nmachine=x86_64\n")
            (root / "sys/module").mkdir(parents=True)
            row = snapshot("--root", root)["driver"]["modules"]["value"][0]
            assert row["vermagic"]["value"].strip() == said("modinfo", "-F", "vermagic", str(target)).strip()
            assert row["is_signed"]["value"] == bool(said("modinfo", "-F", "sig_id", str(target)))
else:
    tap.skip("a real module's kernel and signature are modinfo's", "no kernel module or no modinfo")

tap.finish()
