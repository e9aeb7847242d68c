"""Machines with Pythons and PyTorch in them, made of a few small files: roots for `whycuda --root`."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile

import tap

MACHINES = {"x86_64": 62, "aarch64": 183}
PLAIN = "__version__ = '{version}'\ndebug = False\ncuda: Optional[str] = {cuda!r}\ngit_version = 'abc'\nhip: Optional[str] = {hip!r}\n"


def elf(machine="x86_64", size=64):
    """An ELF header with one PT_LOAD that spans the file; whole as long as nothing is cut off."""
    head = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    head += struct.pack("<HHIQQQIHHHHHH", 3, MACHINES[machine], 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, max(size, 120), max(size, 120), 4096)
    return (head + load).ljust(max(size, 120), b"\0")


class Machine:
    """A directory that looks like a machine. Paths are as inside."""

    def __init__(self, path=None, environ=None):
        self._own = None if path else tempfile.TemporaryDirectory()
        self.path = pathlib.Path(path or self._own.name)
        self.environ = {"HOME": "/home/jo", "PWD": "/home/jo/project", "PATH": "/usr/local/bin:/usr/bin:/bin", **(environ or {})}
        self.directory("/home/jo/project")

    def at(self, path):
        return self.path / path.lstrip("/")

    def directory(self, path):
        self.at(path).mkdir(parents=True, exist_ok=True)
        return path

    def file(self, path, content=b"", mode=0o644):
        target = self.at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        return path

    def link(self, path, target):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).symlink_to(target)
        return path

    def python(self, prefix="/usr", version="3.11.2", machine="x86_64", patchlevel=True, names=("python3", "python")):
        """An installation of Python: PREFIX/bin/python3.11, its library, the header that tells its version."""
        short = ".".join(version.split(".")[:2])
        self.file(f"{prefix}/bin/python{short}", elf(machine), 0o755)
        for name in names:
            if not self.at(f"{prefix}/bin/{name}").is_symlink():
                self.link(f"{prefix}/bin/{name}", f"python{short}")
        self.file(f"{prefix}/lib/python{short}/os.py")
        self.directory(f"{prefix}/lib/python{short}/site-packages")
        if patchlevel:
            self.file(f"{prefix}/include/python{short}/patchlevel.h", f'#define PY_VERSION      "{version}"\n')
        return f"{prefix}/lib/python{short}/site-packages"

    def venv(self, path, base="/usr", version="3.11.2", more="", system=False):
        short = ".".join(version.split(".")[:2])
        self.file(f"{path}/pyvenv.cfg", f"home = {base}/bin\ninclude-system-site-packages = {str(system).lower()}\nversion = {version}\n{more}")
        self.link(f"{path}/bin/python", f"{base}/bin/python{short}")
        self.link(f"{path}/bin/python3", "python")
        return self.directory(f"{path}/lib/python{short}/site-packages")

    def conda(self, prefix, version="3.11.7", packages=()):
        site = self.python(prefix, version)
        self.file(f"{prefix}/conda-meta/history")
        for name, channel in packages:
            self.file(f"{prefix}/conda-meta/{name}.json", json.dumps({"arch": "x86_64", "channel": channel, "files": []}, indent=2))
        return site

    def package(self, site, name, version, requires=(), files=(), installer="pip", record=True, more=""):
        """A dist-info; `files` are (path, size on disk, size in RECORD or None for the same)."""
        info = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
        self.file(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                  + "".join(f"Requires-Dist: {one}\n" for one in requires) + more + "\nText.\n")
        if installer:
            self.file(f"{info}/INSTALLER", installer + "\n")
        lines = []
        for path, size, said in files:
            if size is not None:
                self.file(f"{site}/{path}", elf(size=size) if ".so" in path else b"x" * size, 0o755)
            lines.append(f"{path},sha256=abc,{size if said is None else said}\n")
        if record:
            self.file(f"{info}/RECORD", "".join(lines) + f"{name}-{version}.dist-info/RECORD,,\n")
        return info

    def torch(self, site, version="2.6.0+cu124", cuda="12.4", hip=None, requires=(), libraries=None, text=None, installer="pip", **more):
        if libraries is None:
            libraries = ["libc10.so", "libtorch_cpu.so", "libtorch_python.so"] + (["libtorch_cuda.so", "libc10_cuda.so"] if cuda else [])
        self.file(f"{site}/torch/__init__.py")
        self.file(f"{site}/torch/version.py", text or PLAIN.format(version=version, cuda=cuda, hip=hip))
        files = [(f"torch/lib/{name}", 200, None) for name in libraries]
        return self.package(site, "torch", version.split("+")[0], requires, files, installer, **more)

    def write_environ(self):
        self.file("/.whycuda/environ", "".join(f"{k}={v}\n" for k, v in self.environ.items()))
        self.file("/.whycuda/uname", "release=6.1.0\nmachine=x86_64\n")
        self.file("/.whycuda/id", "uid=1000 gid=1000 groups=1000\n")

    def ask(self, *options, environ=True):
        """The torch facts."""
        if environ:
            self.write_environ()
        done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", "--root", str(self.path), *options],
                              capture_output=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr.decode(errors="replace"))
        return Facts(json.loads(done.stdout)["torch"])

    def envs(self, *options):
        self.write_environ()
        return subprocess.run([str(tap.PROGRAM), "envs", "--root", str(self.path), *options], capture_output=True, timeout=60)


class Facts:
    """A record of facts: values by attribute, None where absent; `why(name)` for unknown ones."""

    def __init__(self, record):
        self._record = record

    def __getattr__(self, name):
        fact = self._record.get(name)
        if fact is None or "value" not in fact:
            return None
        value = fact["value"]
        return [Facts(one) for one in value] if value and isinstance(value, list) and isinstance(value[0], dict) else value

    def state(self, name):
        fact = self._record.get(name)
        if fact is None:
            return "unknown"
        return "known" if "value" in fact else "absent" if fact.get("absent") else "unknown"

    def why(self, name):
        fact = self._record.get(name) or {}
        return fact.get("reason") or fact.get("unknown")

    def source(self, name):
        return (self._record.get(name) or {}).get("source")

    def used(self):
        return next((one for one in self.environments or [] if one.in_use), None)

    def named(self, path):
        return next((one for one in self.environments or [] if one.path == path), None)

    def package(self, name):
        return next((one for one in self.packages or [] if one.name == name), None)
