#!/usr/bin/env python3
"""whycuda arch against cuobjdump, entry for entry, and against a scan of every byte: every library of the CUDA toolkit
here, of Debian's CUDA 11.8 and 12.4, and of PyTorch's wheels from CUDA 10.2 to the newest.

Downloads (8 GB) are kept in $WHYCUDA_CACHE, or build/cache."""
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import tap
from support import arch_oracle as oracle
from support.cache import CACHE, debian

TOOLKIT = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
PROGRAM = tap.ROOT / "build/release/whycuda"
DEBIAN = {
    "cuda-11.8": ("bookworm", "nvidia-cuda-toolkit libcudart11.0 libcublas11 libcublaslt11 libnvblas11 libcufft10 libcufftw10 "
                  "libcurand10 libcusolver11 libcusolvermg11 libcusparse11 libnppc11 libnppial11 libnppicc11 libnppidei11 "
                  "libnppif11 libnppig11 libnppim11 libnppist11 libnppisu11 libnppitc11 libnpps11 libnvjpeg11"),
    "cuda-12.4": ("trixie", "nvidia-cuda-toolkit libcudart12 libcublas12 libcublaslt12 libnvblas12 libcufft11 libcufftw11 "
                  "libcurand10 libcusolver11 libcusolvermg11 libcusparse12 libnppc12 libnppial12 libnppicc12 libnppidei12 "
                  "libnppif12 libnppig12 libnppim12 libnppist12 libnppisu12 libnppitc12 libnpps12 libnvjpeg12 libnccl2"),
}
CUOBJDUMP = "13.5.37"  # nvidia-cuda-cuobjdump on PyPI: the first whose lists name the suffix `a`
TORCH = {  # release: (Python of the wheel, the cuobjdump that reads it)
    "1.12.1": ("3.10", "cuda-11.8"),  # cu102
    "2.4.1": ("3.11", "cuda-12.4"),   # cu121
    "2.6.0": ("3.11", "cuda-12.4"),   # cu124
    "2.8.0": ("3.11", "newest"),      # cu128
    "2.15.0": ("3.11", "newest"),     # cu130
}
PLATFORMS = [f"--platform={p}" for p in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
                                         "manylinux1_x86_64", "linux_x86_64")]


def pip_download(requirement, python="3.11", platforms=PLATFORMS, folder="wheels"):
    wheels = CACHE / folder
    wheels.mkdir(parents=True, exist_ok=True)
    name, version = requirement.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(wheels.glob(pattern)):
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *platforms,
                        f"--python-version={python}", requirement, "-d", str(wheels)], check=True, capture_output=True)
    return next(iter(wheels.glob(pattern)))


def unzip(wheel, folder, wanted):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            target = folder / member
            if wanted(member) and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(target, "wb") as out:
                    shutil.copyfileobj(source, out, 1 << 24)


def tools():
    found = {name: debian(name, suite, packages.split()) / "usr/bin/cuobjdump" for name, (suite, packages) in DEBIAN.items()}
    folder = CACHE / "cuobjdump-13.5"
    unzip(pip_download(f"nvidia-cuda-cuobjdump=={CUOBJDUMP}"), folder, lambda member: member.endswith("/cuobjdump"))
    found["newest"] = next(folder.rglob("cuobjdump"))
    found["newest"].chmod(0o755)
    return found


def libraries(folder):
    """Every library once, whatever its symlinks."""
    seen = {}
    for path in sorted(folder.rglob("*")):
        if (".so" in path.name or path.suffix == ".a") and path.is_file():
            seen.setdefault(path.resolve(), path)
    return sorted(seen)


def check_library(path, tool, newest):
    """Entry for entry. `-all` where there are relocatable ones as well, which the list leaves out otherwise."""
    main, _ = oracle.ours(path, program=PROGRAM)
    relocatable = oracle.section_ranges(path, lambda name, _: name == "__nv_relfatbin")
    listed = oracle.cuobjdump(tool, path, *(["-all"] if relocatable else []))
    assert listed is not None, f"{path}: {tool} cannot read it"
    bad = oracle.differences(oracle.fold(main), oracle.fold(listed))
    assert not bad, f"{path}: whycuda and cuobjdump: {bad}"
    if tool == newest:  # names the suffix `a` and leaves `f` out
        bad = oracle.differences(oracle.fold(main, "f"), oracle.fold(listed, "f"))
        assert not bad, f"{path}: whycuda and cuobjdump, suffix a: {bad}"
    return sum(oracle.fold(main).values())


def check_folder(label, folder, tool, newest):
    total = count = 0
    for path in libraries(folder):
        with tap.case(f"{label}: {path.name} as cuobjdump lists it"):
            entries = check_library(path, tool, newest)
            total += entries
            count += entries > 0
        if path.suffix != ".a":
            with tap.case(f"{label}: {path.name} as its bytes say"):
                oracle.check_scan(path, program=PROGRAM)
    print(f"# {label}: {total} entries in {count} files with GPU code")


CUOBJDUMPS = tools()
NEWEST = CUOBJDUMPS["newest"]
if (TOOLKIT / "lib").is_dir():
    check_folder("CUDA toolkit", TOOLKIT / "lib", NEWEST, NEWEST)
else:
    tap.skip("CUDA toolkit", f"no {TOOLKIT}")
for NAME in DEBIAN:
    check_folder(f"Debian's {NAME}", CACHE / NAME / "usr/lib/x86_64-linux-gnu", CUOBJDUMPS[NAME], NEWEST)
for RELEASE, (PYTHON, TOOL) in TORCH.items():
    FOLDER = CACHE / f"torch-{RELEASE}"
    unzip(pip_download(f"torch=={RELEASE}", PYTHON), FOLDER, lambda member: "/lib/libtorch" in member or "/lib/libc10" in member)
    check_folder(f"torch {RELEASE}", FOLDER, CUOBJDUMPS[TOOL], NEWEST)

with tap.case("torch 2.15.0 for aarch64: libtorch_cuda.so as cuobjdump lists it, as its bytes say"):
    FOLDER = CACHE / "torch-2.15.0-aarch64"
    unzip(pip_download("torch==2.15.0", platforms=["--platform=manylinux_2_28_aarch64"], folder="wheels-aarch64"), FOLDER,
          lambda member: "/lib/libtorch_cuda" in member or "/lib/libtorch_python" in member)
    LIBRARY = FOLDER / "torch/lib/libtorch_cuda.so"
    ENTRIES = check_library(LIBRARY, NEWEST, NEWEST)
    oracle.check_scan(LIBRARY, program=PROGRAM)
    print(f"# aarch64: {ENTRIES} entries, {dict(oracle.ours(LIBRARY, program=PROGRAM)[0])}")

# the oldest GPU code that PyPI still has: CUDA 7.5, whose lists no cuobjdump at hand prints (sm_20)
FOLDER = CACHE / "old/mxnet"
unzip(pip_download("mxnet-cu75==1.0.0.post4"), FOLDER, lambda member: member.endswith("libmxnet.so"))
with tap.case("CUDA 7.5: libmxnet.so as its bytes say"):
    ENTRIES = oracle.check_scan(FOLDER / "mxnet/libmxnet.so", program=PROGRAM)
    assert "sm_20" in oracle.ours(FOLDER / "mxnet/libmxnet.so", program=PROGRAM)[0]
    print(f"# CUDA 7.5: {ENTRIES} entries")

# PyTorch's own words, where an environment with the wheel and its libraries is there (made by the loader's tests)
VENVS = [venv for venv in sorted((CACHE / "venvs").glob("torch-*")) if (venv / ".done").exists()]
if not VENVS:
    tap.skip("_cuda_getArchFlags() of an imported PyTorch", f"no environment in {CACHE}/venvs")
for VENV in VENVS:
    with tap.case(f"{VENV.name}: the list in libtorch_python.so is what _cuda_getArchFlags() says"):
        done = subprocess.run([VENV / "bin/python", "-c", "import torch; print(torch._C._cuda_getArchFlags())"],
                              capture_output=True, text=True, check=True)
        library = next(VENV.glob("lib/python3*/site-packages/torch/lib/libtorch_python.so"))
        answer = subprocess.run([PROGRAM, "arch", "--json", library], capture_output=True, text=True, check=True).stdout
        assert oracle.json.loads(answer)[0]["torch_flags"] == done.stdout.split(), (done.stdout, answer)
        print(f"# {VENV.name}: {done.stdout.strip()}")

tap.finish()
