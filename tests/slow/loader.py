#!/usr/bin/env python3
"""whycuda libs beside ldd on every program and library of this machine, beside /proc/self/maps after a real import of
PyTorch (Debian's CPU build where it is installed, CUDA builds from 1.13 to the newest), and failures of real wheels
that the loader confirms.

Virtual environments (4 x 5 GB) are kept in $WHYCUDA_CACHE/venvs, or build/cache/venvs."""
import os
import pathlib
import re
import shutil
import subprocess
import zipfile

import tap
from oracle import loader, loader_failures, loader_import
from oracle.loader_rules import clean_env, entries
from support.cache import CACHE

PROGRAM = str(tap.ROOT / "build/release/whycuda")
tap.PROGRAM = pathlib.Path(PROGRAM)
BUILDS = [("1.13.1", "3.10", ["numpy<2"]), ("2.1.2", "3.11", ["numpy<2"]), ("2.6.0", "3.12", []), ("2.15.0", "3.12", [])]


def python_of(version):
    """An interpreter of that version: on PATH, or one of pyenv's."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    return shutil.which(f"python{version}") or next((str(p) for p in sorted(pyenv.glob(f"{version}.*/bin/python"))), None)


def environment(torch, python, more):
    """The venv's python with that torch; None where there is no such Python."""
    folder = CACHE / "venvs" / f"torch-{torch}-py{python}"
    if not (folder / ".done").exists():
        base = python_of(python)
        if not base:
            return None
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "-q", "--no-cache-dir", "--no-compile", f"torch=={torch}", *more],
                       check=True)
        (folder / ".done").touch()
    return str(folder / "bin/python")


def site(python):
    return next(pathlib.Path(python).parent.parent.glob("lib/python3*/site-packages"))


def wheel(python, requirement):
    """A wheel's files, unpacked beside the others."""
    wheels, (name, version) = CACHE / "wheels", requirement.split("==")
    target = wheels / f"{name}-{version}-{pathlib.Path(python).parent.parent.name}"
    if not target.exists():
        found = list(wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
        if not found:
            subprocess.run([str(pathlib.Path(python).parent / "pip"), "download", "-q", "--no-deps", "-d", str(wheels),
                            requirement], check=True)
            found = list(wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
        with zipfile.ZipFile(found[0]) as archive:
            archive.extractall(target)
    return target


def machine():
    for symbols, library_path in ((False, None), (False, "/usr/local/cuda/lib64:/usr/lib32:/nowhere"), (False, "::.:lib"),
                                  (True, None)):
        what = "undefined symbols of ldd -r" if symbols else f"paths of ldd, LD_LIBRARY_PATH {library_path or 'unset'}"
        with tap.case(f"every program and library of this machine: {what}"):
            compared, differences, refused = loader.run(PROGRAM, loader.DIRECTORIES, library_path=library_path, symbols=symbols)
            print(f"# {compared} files compared, {len(differences)} differ, {refused} that ldd refuses")
            assert compared > 1000 and not differences, "\n".join(differences[:20])


def imports(python, foreign):
    label = pathlib.Path(python).parent.parent.name if "/venvs/" in python else python
    for path in ["", *foreign]:
        with tap.case(f"import torch in {label}, LD_LIBRARY_PATH {path[:60] or 'unset'}: the files of /proc/self/maps"):
            agree, differences = loader_import.compare(PROGRAM, python, clean_env(LD_LIBRARY_PATH=path, PYTHONNOUSERSITE="1"))
            print(f"# {agree} files agree")
            assert agree > 10 and not differences, "\n".join(differences)


def symbols_of_wheels(python):
    with tap.case(f"{site(python).parents[2].name}: undefined symbols of ldd -r in every library of the wheels"):
        compared, differences, _ = loader.run(PROGRAM, [str(site(python))], symbols=True)
        print(f"# {compared} files compared")
        assert compared and not differences, "\n".join(differences[:20])


def import_error(python, code, env):
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=env)
    found = re.search(r"(\S+): undefined symbol: ([^,\s]+)", done.stderr)
    assert done.returncode and found, f"{done.returncode} {done.stderr[-500:]}"
    return os.path.realpath(found[1]), found[2]


def foretells(arguments, env, said):
    status, list_ = entries(arguments, env, None)
    missing = {(os.path.realpath(e["path"]), symbol) for e in list_ for symbol in e["undefined"]}
    print(f"# the loader: {said[1]} wanted by {os.path.basename(said[0])}; whycuda: {len(missing)} symbols")
    assert status == 1 and said in missing, f"{said} is not among {sorted(missing)[:10]}"


def real_failures(pythons):
    old, new = pythons.get("2.1.2"), pythons.get("2.6.0")
    if not old or not new:
        tap.skip("failures of real wheels", "no Python 3.11 and 3.12")
        return
    with tap.case("cuSPARSE of CUDA 12.4 with the nvJitLink of CUDA 12.0 in LD_LIBRARY_PATH"):
        folder = wheel(old, "nvidia-nvjitlink-cu12==12.0.140") / "nvidia/nvjitlink/lib"
        cusparse = next((site(new) / "nvidia/cusparse/lib").glob("libcusparse.so.*"))
        env = clean_env(LD_LIBRARY_PATH=str(folder))
        said = loader_failures.message(cusparse, env, None)
        assert "__nvJitLink" in said, said
        found = re.search(r"(\S+): undefined symbol: ([^,\s]+)", said)
        foretells(["--symbols", cusparse], env, (os.path.realpath(found[1]), found[2]))
    with tap.case("PyTorch 2.1.2 with the nvJitLink of CUDA 12.0 in LD_LIBRARY_PATH: import torch"):
        said = import_error(old, "import torch", env)
        assert "__nvJitLink" in said[1], said
        foretells(["--python", old], env, said)
    with tap.case("PyTorch 2.6.0 with NCCL 2.18 preloaded: ncclCommRegister and the like"):
        env = clean_env(LD_PRELOAD=str(site(old) / "nvidia/nccl/lib/libnccl.so.2"))
        said = import_error(new, "import torch", env)
        assert said[1].startswith("nccl"), said
        foretells(["--python", new], env, said)
    with tap.case("PyTorch 2.6.0 with the cublasLt of CUDA 12.1 preloaded: works, and nothing is foretold"):
        env = clean_env(LD_PRELOAD=str(site(old) / "nvidia/cublas/lib/libcublasLt.so.12"))
        done = subprocess.run([new, "-W", "ignore", "-c", "import torch"], capture_output=True, text=True, env=env)
        missing = [symbol for e in entries(["--python", new], env, None)[1] for symbol in e["undefined"]]
        assert done.returncode == 0 and not missing, f"{done.stderr[-300:]} {missing}"
    with tap.case("cuBLAS of CUDA 12.9 with the cublasLt of CUDA 12.1 in LD_LIBRARY_PATH"):
        cublas = wheel(new, "nvidia-cublas-cu12==12.9.1.4") / "nvidia/cublas/lib/libcublas.so.12"
        env = clean_env(LD_LIBRARY_PATH=str(site(old) / "nvidia/cublas/lib"))
        found = re.search(r"(\S+): undefined symbol: ([^,\s]+)", loader_failures.message(cublas, env, None))
        assert found and found[2].startswith("cublasLt"), found
        foretells(["--symbols", cublas], env, (os.path.realpath(found[1]), found[2]))
    with tap.case("torchvision for PyTorch 2.5 in PyTorch 2.6: its _C is foretold to fail, and fails"):
        extension = wheel(new, "torchvision==0.20.1") / "torchvision/_C.so"
        env = clean_env()
        done = subprocess.run([new, "-c", f"import torch; torch.ops.load_library({str(extension)!r})"], capture_output=True,
                              text=True, env=env)
        status, list_ = entries(["--python", new, extension], env, None)
        missing = {symbol for e in list_ for symbol in e["undefined"]}
        found = re.search(r"undefined symbol: ([^,\s]+)", done.stderr)
        assert bool(found) == bool(missing), f"{done.stderr[-300:]!r} {missing}"
        assert not found or found[1] in missing, f"{found[1]} is not among {missing}"
        print(f"# the loader: {found[1] if found else 'loads it'}; whycuda: {len(missing)} symbols missing")
    with tap.case("torchvision for PyTorch 2.1 in PyTorch 2.6, and where it belongs"):
        extension = wheel(old, "torchvision==0.16.1") / "torchvision/_C.so"
        for python, fits in ((old, True), (new, False)):
            code = f"import torch; torch.ops.load_library({str(extension)!r})"
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=clean_env())
            found = re.search(r"undefined symbol: ([^,\s]+)", done.stderr)
            status, list_ = entries(["--python", python, extension], clean_env(), None)
            missing = {symbol for e in list_ for symbol in e["undefined"]}
            assert bool(found) != fits and status == (0 if fits else 1), f"{python}: {done.stderr[-300:]!r} {status} {missing}"
            assert fits or found[1] in missing, f"{found[1]} is not among {missing}"


if not os.path.exists(PROGRAM):
    raise SystemExit("build/release/whycuda is missing: ./dev build")
machine()
pythons = {torch: environment(torch, python, more) for torch, python, more in BUILDS}
for torch, python in pythons.items():
    if not python:
        tap.skip(f"import torch {torch}", "no Python of that version")
        continue
    others = [str(site(p)) for t, p in pythons.items() if p and t != torch]
    foreign = ["/usr/local/cuda/lib64"] + [":".join(map(str, sorted(pathlib.Path(o).glob("nvidia/*/lib")))) for o in others]
    imports(python, foreign)
    symbols_of_wheels(python)
if subprocess.run(["/usr/bin/python3", "-c", "import torch"], capture_output=True).returncode == 0:
    imports("/usr/bin/python3", [])
else:
    tap.skip("Debian's CPU build", "python3-torch is not installed")
real_failures(pythons)
tap.finish()
