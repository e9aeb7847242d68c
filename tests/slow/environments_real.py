#!/usr/bin/env python3
"""Real PyTorch environments under --root: builds of PyPI of four releases, whole wheels for aarch64 and Windows, Debian's CPU build; with a
package removed, a library cut, a copy in the user's site-packages. Facts against what the wheel itself says when it is imported, and the
diagnosis on a machine whose GPU and driver are in order: nothing at all where the environment is whole."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "roots"), str(pathlib.Path(__file__).resolve().parent.parent)]
import tap
from machine import Machine, desktop
from support import cache
from support.pythons import Facts

BUILDS = {"1.13.1": "3.10", "2.1.2": "3.11", "2.6.0": "3.12", "2.15.0": "3.12"}
WORK = tempfile.TemporaryDirectory(dir=cache.CACHE.mkdir(parents=True, exist_ok=True) or cache.CACHE)
ASK = ("import json, torch; print(json.dumps([torch.__version__, torch.version.cuda, torch._C._cuda_getArchFlags().split(), "
       "torch.version.git_version, torch.__path__[0]]))")


def venv_of(release, python):
    folder = (cache.CACHE / "venvs" / f"torch-{release}-py{python}").resolve()
    if not (folder / ".done").exists():
        found = sorted(pathlib.Path.home().glob(f".pyenv/versions/{python}.*/bin/python")) or [f"python{python}"]
        subprocess.run([str(found[0]), "-m", "venv", str(folder)], check=True, capture_output=True)
        subprocess.run([str(folder / "bin/pip"), "install", "-q", "--no-cache-dir", f"torch=={release}"], check=True, capture_output=True)
        (folder / ".done").touch()
    return folder


def graft(m, folder, where=None):
    """A real directory at the same place (or another) inside; linked, not copied, where the disk allows."""
    target = m.inside(where or folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["cp", "-al", folder, target], capture_output=True).returncode:
        subprocess.run(["rm", "-rf", target], check=True)
        subprocess.run(["cp", "-a", folder, target], check=True)


def system_libraries(m, program):
    """What ldd names, and what PyTorch asks the system for."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    names = {line.split("=>")[-1].split()[0] for line in listed.splitlines() if "/" in line}
    for name in ("libstdc++.so.6", "libgcc_s.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libm.so.6", "libffi.so.8", "libutil.so.1",
                 "libz.so.1", "libgomp.so.1"):
        path = pathlib.Path("/lib/x86_64-linux-gnu") / name
        if path.exists():
            names.add(str(path))
    for name in names:
        m.take(f"/usr/lib/x86_64-linux-gnu/{pathlib.Path(name).name}", name)
    m.take("/usr/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2")
    for name in ("lib", "lib64"):
        if not m.inside(f"/{name}").exists():
            m.link(f"/{name}", f"usr/{name}")


def machine(name, venv, driver="580.95.05"):
    """A desktop whose GPU and driver are in order, with this venv in use."""
    m = Machine(pathlib.Path(WORK.name) / name)
    m.path.mkdir(parents=True)
    desktop(m, driver)
    base = pathlib.Path(os.path.realpath(venv / "bin/python")).parent.parent
    graft(m, base)
    graft(m, venv)
    system_libraries(m, os.path.realpath(venv / "bin/python"))
    m.environment["VIRTUAL_ENV"] = str(venv)
    m.environment.pop("CONDA_PREFIX", None)
    return m


def facts(m):
    m.finish()
    done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", "--root", str(m.path)], capture_output=True, check=True)
    return Facts(json.loads(done.stdout)["torch"])


def diagnosis(m):
    m.finish()
    done = subprocess.run([str(tap.PROGRAM), "--json", "--no-redact", "--root", str(m.path)], capture_output=True)
    assert not done.stderr, done.stderr
    answer = json.loads(done.stdout)
    return answer["verdict"], {c["id"]: c for c in answer["causes"]}, answer


def drop(m):
    subprocess.run(["rm", "-rf", m.path], check=True)


for release, python in BUILDS.items():
    venv = venv_of(release, python)
    site = next(venv.glob("lib/python3*/site-packages"))
    m = machine(f"whole-{release}", venv)
    with tap.case(f"torch {release}: what its import says, from its files"):
        version, cuda, flags, git, path = json.loads(subprocess.run([venv / "bin/python", "-c", ASK], check=True, capture_output=True).stdout)
        used = facts(m).used()
        assert (used.torch_version, used.cuda, used.git_version, used.torch_path) == (version, cuda, git, path)
        assert used.build == "cuda" and used.cuda_library is True and used.installer == "pip"
        assert [f for f in flags if f.startswith("sm_")] == used.sass, (flags, used.sass)
        assert [f for f in flags if f.startswith("compute_")] == used.ptx, (flags, used.ptx)
        assert used.missing_files == used.damaged_files == used.changed_files == used.leftovers == used.missing_packages == []
        assert used.state("shadowed_by") == "absent" and all(p.fits is not False for p in used.packages)
        m.environment["WORKON_HOME"] = m.environment.pop("VIRTUAL_ENV").rpartition("/")[0]
        other = facts(m).named(str(venv))
        assert not other.in_use and (other.sass, other.ptx, other.torch_version) == (used.sass, used.ptx, version), other.sass
        m.environment["VIRTUAL_ENV"] = str(venv)
    with tap.case(f"torch {release}: its libraries are all found, in the environment"):
        libraries = used.libraries
        assert len(libraries) >= 20 and used.state("import_stops") == "absent", used.import_stops
        for library in libraries:
            assert library.path and library.path.startswith(str(venv)) and library.foreign is False, (library.name, library.path)
    with tap.case(f"torch {release}: no root, no risk, no warning"):
        verdict, causes, answer = diagnosis(m)
        assert verdict == "healthy" and not causes, (verdict, list(causes))
        assert not [link for link in answer["links"] if link["state"] in ("warning", "broken")], answer["links"]
        assert answer["pytorch"]["is_available"] is True and answer["pytorch"]["version"] == version
    with tap.case(f"torch {release} without its cuDNN"):
        for path in [*site.glob("nvidia_cudnn_*.dist-info"), site / "nvidia/cudnn"]:
            m.remove(path)
        used = facts(m).used()
        assert [name.startswith("nvidia-cudnn") for name in used.missing_packages] == [True], used.missing_packages
        missing = [library.name for library in used.libraries if library.state("path") == "absent"]
        assert missing and all(name.startswith("libcudnn") for name in missing), missing
        verdict, causes, _ = diagnosis(m)
        assert verdict == "broken" and causes["torch-install-broken"]["role"] == "root" and len(causes) == 1, list(causes)
        done = subprocess.run([str(tap.PROGRAM), "envs", "--root", str(m.path)], capture_output=True, text=True)
        assert "broken" in next(line for line in done.stdout.splitlines() if line.startswith("*"))
    drop(m)

venv = venv_of("2.6.0", "3.12")
site = next(venv.glob("lib/python3*/site-packages"))
with tap.case("libtorch_cuda.so cut short by a full disk"):
    m = machine("cut", venv)
    path = m.inside(site / "torch/lib/libtorch_cuda.so")
    with open(path, "rb") as whole:
        head = whole.read(1 << 20)
    path.unlink()
    path.write_bytes(head)
    used = facts(m).used()
    assert used.damaged_files == [f"{site}/torch/lib/libtorch_cuda.so"] and used.state("sass") == "unknown", (used.damaged_files, used.sass)
    verdict, causes, _ = diagnosis(m)
    assert verdict == "broken" and [i for i, c in causes.items() if c["role"] == "root"] == ["torch-install-broken"], list(causes)
    drop(m)

with tap.case("a copy in the user's site-packages hides the one that was installed"):
    m = machine("user-site", venv)
    base = pathlib.Path(os.path.realpath(venv / "bin/python")).parent.parent
    own = base / "lib" / site.parent.name / "site-packages"
    subprocess.run(["rm", "-rf", m.inside(own)], check=True)
    graft(m, site, own)
    user = f"/home/ada/.local/lib/{site.parent.name}/site-packages"
    debian = cache.debian("python3-torch", "bookworm", ["python3-torch", "libtorch1.13"])
    graft(m, debian / "usr/lib/python3/dist-packages", user)
    m.environment.pop("VIRTUAL_ENV")
    m.environment["PATH"] = f"{base}/bin:/usr/bin:/bin"
    used = facts(m).used()
    assert (used.torch_version, used.found_in, used.shadowed_by, used.shadowed_version) == \
        ("1.13.0a0", "user site", f"{user}/torch", "2.6.0+cu124"), (used.torch_version, used.found_in, used.shadowed_by)
    verdict, causes, _ = diagnosis(m)
    assert verdict == "broken" and causes["torch-shadowed"]["role"] == "root", list(causes)
    m.environment["PYTHONNOUSERSITE"] = "1"
    verdict, causes, _ = diagnosis(m)
    assert verdict == "healthy" and not causes, (verdict, list(causes))
    drop(m)

WHEELS = {  # wheel to read, never to run: what pip is asked for, machine, build, CUDA
    "torch-2.15.0 aarch64": (["torch==2.15.0", "--platform", "manylinux_2_28_aarch64"], "aarch64", "cuda", "13.2"),
    "torch-2.6.0 aarch64": (["torch==2.6.0", "--platform", "manylinux_2_28_aarch64"], "aarch64", "cpu", None),
    "torch-2.6.0 Windows": (["torch==2.6.0", "--platform", "win_amd64"], "windows", "cpu", None),
}
for name, (asked, kind, build, cuda) in WHEELS.items():
    folder = cache.CACHE / "wheels" / name.replace(" ", "-")
    if not list(folder.glob("*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "-d",
                               str(folder), *asked], capture_output=True)
        if done.returncode:
            tap.skip(name, "not to be had from PyPI")
            continue
    with tap.case(f"{name}: {build}, from its files"):
        m = Machine(pathlib.Path(WORK.name) / "wheel")
        m.path.mkdir(parents=True)
        desktop(m)
        if kind == "windows":
            m.file("/home/ada/win/pyvenv.cfg", "home = C:\\Python312\nversion = 3.12.1\n")
            m.file("/home/ada/win/Scripts/python.exe", "MZ")
            site, m.environment["VIRTUAL_ENV"] = "/home/ada/win/Lib/site-packages", "/home/ada/win"
        else:
            m.bytes("/opt/py/bin/python3.12", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(44), 0o755)
            m.link("/opt/py/bin/python", "python3.12")
            m.file("/opt/py/lib/python3.12/os.py")
            site = "/opt/py/lib/python3.12/site-packages"
            m.environment["PATH"] = "/opt/py/bin"
            m.environment.pop("VIRTUAL_ENV", None)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
            archive.extractall(m.inside(site), [n for n in archive.namelist() if ".dist-info/" in n or n.startswith("torch/lib/")
                                                or n in ("torch/__init__.py", "torch/version.py")])
        used = facts(m).used()
        assert (used.build, used.cuda, used.cuda_library) == (build, cuda, build == "cuda"), (used.build, used.cuda)
        if kind == "aarch64":
            assert used.machine == "aarch64"
        if build == "cuda":
            assert {"sm_80", "sm_90", "sm_100", "sm_120"} <= set(used.sass), used.sass
        assert used.damaged_files == []
        verdict, causes, _ = diagnosis(m)
        if build == "cpu":
            assert verdict == "broken" and {"torch-cpu-build", "torch-platform-without-cuda"} & set(causes), list(causes)
        drop(m)

tap.finish()
