#!/usr/bin/env python3
"""Environments made to hurt: huge, endless, cyclic, binary, unreadable. A clear fact, in bounded time, and no crash."""
import json
import os
import random
import resource
import subprocess
import time

import tap
from support.pythons import Facts, Machine, elf

RANDOM = random.Random(7)
SECONDS = 20  # of a sanitizer build on a busy machine; a release build takes a hundredth


def machine(**environ):
    m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv", **environ})
    m.python()
    return m, m.venv("/home/jo/venv")


def ask(m, *options):
    """The torch facts, with the time that it took."""
    m.write_environ()
    start = time.monotonic()
    done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", "--root", str(m.path), *options], capture_output=True, timeout=120)
    seconds = time.monotonic() - start
    assert done.returncode == 0 and b"Sanitizer" not in done.stderr, done.stderr.decode(errors="replace")[-3000:]
    assert seconds < SECONDS, f"{seconds:.1f} s"
    return Facts(json.loads(done.stdout)["torch"])


def sparse(m, path, size=2 << 30):
    m.file(path)
    os.truncate(m.at(path), size)


with tap.case("2 GiB of nothing: METADATA, RECORD, version.py, pyvenv.cfg, a .pth file, INSTALLER, environments.txt"):
    m, site = machine()
    info = m.torch(site, requires=["nvidia-cublas-cu12==12.4.5.8"])
    for name in ("METADATA", "RECORD", "INSTALLER", "WHEEL", "direct_url.json"):
        sparse(m, f"{info}/{name}")
    sparse(m, f"{site}/huge.pth")
    sparse(m, "/home/jo/.conda/environments.txt")
    sparse(m, "/home/jo/.local/share/jupyter/kernels/huge/kernel.json")
    facts = ask(m)
    assert facts.used().torch_version == "2.6.0+cu124"
    assert any("RECORD" in line for line in facts.cut) and any("huge.pth" in line for line in facts.cut), facts.cut
    sparse(m, f"{site}/torch/version.py")
    used = ask(m).used()
    assert used.state("torch_version") == "unknown" and used.why("torch_version")
    sparse(m, "/home/jo/venv/pyvenv.cfg")
    ask(m)

with tap.case("a library of 2 GiB that holds nothing is read no further than its header"):
    m, site = machine()
    m.torch(site)
    sparse(m, f"{site}/torch/lib/libtorch_cuda.so")
    used = ask(m).used()
    assert used.build == "cuda" and used.state("sass") == "unknown"

with tap.case("more dist-infos than are read: what cannot be seen is unknown, not missing"):
    m, site = machine()
    m.torch(site, requires=["nvidia-cublas-cu12==12.4.5.8"])
    m.package(site, "nvidia-cublas-cu12", "12.4.5.8")
    for i in range(20000):
        os.mkdir(m.at(f"{site}/package{i}-1.0.dist-info"))
    facts = ask(m)
    used = facts.used()
    assert used.torch_version == "2.6.0+cu124" and used.build == "cuda", "found by its name all the same"
    assert any("more entries" in line for line in facts.cut), facts.cut
    assert used.missing_packages in (None, []) and (used.missing_packages == [] or used.state("missing_packages") == "unknown")

with tap.case("more environments than are listed, and a working directory with thousands of entries"):
    m = Machine()
    m.python()
    for i in range(400):
        os.makedirs(m.at(f"/home/jo/.virtualenvs/v{i}/bin"))
        m.file(f"/home/jo/.virtualenvs/v{i}/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
        m.link(f"/home/jo/.virtualenvs/v{i}/bin/python", "/usr/bin/python3.11")
    for i in range(3000):
        m.file(f"/home/jo/project/file{i}")
    facts = ask(m)
    assert len(facts.environments) == 256 and len(facts.cut) >= 2, (len(facts.environments), facts.cut)

with tap.case("FIFOs, sockets, directories and loops where files belong"):
    def fifo(path):
        os.makedirs(m.at(path).parent, exist_ok=True)
        if m.at(path).exists():
            m.at(path).unlink()
        os.mkfifo(m.at(path))

    m, site = machine()
    info = m.torch(site)
    for name in ("METADATA", "RECORD", "INSTALLER", "WHEEL", "direct_url.json"):
        fifo(f"{info}/{name}")
    for path in (f"{site}/a.pth", "/home/jo/.conda/environments.txt", "/usr/include/python3.11/patchlevel.h", f"{site}/torch/version.py"):
        fifo(path)
    used = ask(m).used()
    assert used.state("torch_version") == "unknown" and used.state("missing_files") == "unknown", used.why("torch_version")
    fifo("/home/jo/venv/pyvenv.cfg")
    fifo("/home/jo/bin/python")
    m.environ.update({"PATH": "/home/jo/bin:/usr/bin"})
    m.environ.pop("VIRTUAL_ENV")
    assert ask(m).interpreter == "/usr/bin/python"
    m.link("/home/jo/project/.venv", ".venv")
    m.link("/home/jo/.virtualenvs", "/home/jo/.virtualenvs/x")
    m.link("/usr/local/bin", "/usr/local/bin")
    m.environ["PYTHONPATH"] = "/home/jo/project/.venv:/usr/local/bin/x"
    assert ask(m).interpreter == "/usr/bin/python"

with tap.case("binary garbage in every file that is read"):
    for seed in range(12):
        m, site = machine(PATH="/home/jo/.pyenv/shims:/usr/bin")
        info = m.torch(site, requires=["nvidia-cublas-cu12==12.4.5.8"])
        m.conda("/opt/conda", packages=[("pytorch-2.3.0-py3.11_cuda12.1_cudnn8.9.2_0", "x")])
        m.package(site, "xformers", "0.0.29")
        everything = [f"{info}/{name}" for name in ("METADATA", "RECORD", "INSTALLER", "WHEEL", "direct_url.json")]
        everything += [f"{site}/a.pth", f"{site}/torch/version.py", f"{site}/xformers/cpp_lib.json", "/usr/include/python3.11/patchlevel.h",
                       f"{site}/torch/lib/libtorch_cuda.so", f"{site}/torch/lib/libtorch_cpu.so", f"{site}/__editable___torch_finder.py",
                       "/opt/conda/conda-meta/pytorch-2.3.0-py3.11_cuda12.1_cudnn8.9.2_0.json", "/home/jo/.conda/environments.txt",
                       "/home/jo/.local/share/jupyter/kernels/x/kernel.json", "/home/jo/.pyenv/shims/python", "/home/jo/.pyenv/version",
                       "/home/jo/.python-version", "/home/jo/.tool-versions", "/home/jo/mise.toml"]
        for path in everything:
            content = bytes(RANDOM.choice((RANDOM.randrange(256), 10, 0, 44, 39, 47)) for _ in range(RANDOM.choice((0, 1, 50, 5000))))
            if path.endswith((".json", "finder.py")) and seed % 2:
                content = b'{"argv": ["' + content
            m.file(path, content, 0o755)
        ask(m)
        m.file("/home/jo/venv/pyvenv.cfg", content)
        ask(m)

with tap.case("names with newlines, escapes, bytes that are no UTF-8; nothing of it reaches a terminal"):
    m = Machine()
    m.python()
    bad = b"/home/jo/project/\x1b[31mred\xff\n\x07"
    os.makedirs(os.fsencode(m.path) + bad + b"/bin")
    with open(os.fsencode(m.path) + bad + b"/pyvenv.cfg", "wb") as f:
        f.write(b"home = /usr/bin\nprompt = \x1b]0;x\x07\nversion = 3.11.2\n")
    os.symlink("/usr/bin/python3.11", os.fsencode(m.path) + bad + b"/bin/python")
    facts = ask(m)
    assert len(facts.environments) == 2
    done = m.envs("-v")
    assert done.returncode == 0 and b"\x1b" not in done.stdout and b"\x07" not in done.stdout and done.stdout.count(b"red\\xff") >= 1
    done.stdout.decode()

with tap.case("requirements that nest and lists that ask for each other"):
    m, site = machine()
    m.torch(site, requires=["cuda-toolkit[all]==13", "nvidia-x; " + "(" * 5000 + "python_version > '3'" + ")" * 5000])
    m.package(site, "cuda-toolkit", "13", ["cuda-toolkit[all]==13; extra == 'all'", "nvidia-a==1; extra == 'all'"])
    used = ask(m).used()
    assert used.missing_packages == ["nvidia-a"], used.missing_packages

NAME = "a directory that may not be read is unknown, not empty"
m, site = machine()
m.torch(site)
m.write_environ()
m.at(site).chmod(0)
m.path.chmod(0o755)
command = [str(tap.PROGRAM), "snapshot", "--no-redact", "--root", str(m.path)]
if os.geteuid() == 0:
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
try:
    done = subprocess.run(command, capture_output=True)
except FileNotFoundError:
    done = None
m.at(site).chmod(0o755)
if done and done.returncode == 0:
    with tap.case(NAME):
        used = Facts(json.loads(done.stdout)["torch"]).used()
        assert used.state("torch_version") == "unknown" and "Permission" in used.why("torch_version"), used.why("torch_version")
else:
    tap.skip(NAME, "no other user to be here")

m, site = machine()
m.torch(site, requires=["nvidia-cublas-cu12==12.4.5.8"])
m.package(site, "nvidia-cublas-cu12", "12.4.5.8", files=[("nvidia/cublas/lib/libcublas.so.12", 300, None)])
m.package(site, "torchvision", "0.21.0", ["torch==2.6.0"])
m.write_environ()
whole = ask(m).used()
for error in ("EIO", "EACCES", "short"):
    with tap.case(f"the Nth read fails ({error}), for every N: facts become unknown, never other ones"):
        changed, number = [], 0
        for number in range(1, 400):
            done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", "--root", str(m.path)], capture_output=True, timeout=60,
                                  env={**os.environ, "WHYCUDA_FAULT": f"{number}:{error}"})
            assert done.returncode in (0, 66) and b"Sanitizer" not in done.stderr, (number, done.stderr.decode(errors="replace")[-2000:])
            if done.returncode:
                continue
            used = Facts(json.loads(done.stdout)["torch"]).used()
            for name in ("torch_version", "build", "cuda", "cuda_library", "torch_path", "missing_packages", "missing_files", "damaged_files",
                         "shadowed_by", "leftovers", "python"):
                if used and used.state(name) != "unknown" and (used.state(name), getattr(used, name)) != (whole.state(name), getattr(whole, name)):
                    changed.append((number, name, used.state(name), getattr(used, name)))
        assert not changed, changed

with tap.case("memory stays small whatever lies there"):
    m, site = machine()
    m.torch(site)
    for i in range(16384):
        os.mkdir(m.at(f"{site}/p{i}"))
    release = tap.ROOT / "build/release/whycuda"
    if release.exists():
        m.write_environ()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        done = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, stderr=-3); "
                               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", str(release), "--no-live", "--root", str(m.path)],
                              capture_output=True, text=True)
        assert int(done.stdout) < 24 * 1024, f"{done.stdout} KiB"

tap.finish()
