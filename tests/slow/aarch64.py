#!/usr/bin/env python3
"""whycuda libs on aarch64 machines, beside their own loader: Debian's arm64 packages unpacked into roots (bookworm with
glibc 2.36 and its older subdirectories, trixie with a merged /usr and a newer glibc), where the real ld-linux-aarch64.so.1
runs under qemu-user: every program and library of the roots, small libraries made for one rule each, and PyTorch's."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess

import tap
from oracle import loader
from support.cache import CACHE, debian

PROGRAM = str(tap.ROOT / "build/release/whycuda")
LOADER = "/lib/ld-linux-aarch64.so.1"
COMMON = ("libc6 libc-bin coreutils bash perl-base grep tar findutils util-linux procps git openssh-client gpg libgcc-s1 libstdc++6 "
          "libgomp1 libgfortran5 libopenblas0-pthread libblas3 liblapack3 libsqlite3-0 libcurl4 libssl3 libxml2 libx11-6 libgl1 "
          "libglx-mesa0 libqt5core5a libqt5gui5 libnuma1 libhwloc15 libopenmpi3 libavcodec59 libavformat59 libpng16-16 zlib1g "
          "libzstd1 liblzma5 libbz2-1.0 libexpat1 libncursesw6 libreadline8 libpython3.11-stdlib libpython3.11 python3.11-minimal "
          "python3-numpy python3-scipy gdb llvm-14 libllvm14 libclang1-14")
TRIXIE = (COMMON.replace("libcurl4 libssl3", "libcurl4t64 libssl3t64").replace("libavcodec59 libavformat59", "libavcodec61 libavformat61")
          .replace("libpng16-16", "libpng16-16t64").replace("libopenmpi3", "libopenmpi40").replace("libreadline8", "libreadline8t64")
          .replace("libpython3.11-stdlib libpython3.11 python3.11-minimal", "libpython3.13-stdlib libpython3.13 python3.13-minimal")
          .replace("libqt5core5a libqt5gui5", "libqt5core5t64 libqt5gui5t64").replace("llvm-14 libllvm14 libclang1-14", "llvm-19 libllvm19 libclang1-19"))
ROOTS = {"bookworm": COMMON, "trixie": TRIXIE}


def qemu():
    """Debian's static emulator, unpacked and not installed: nothing on this machine changes its ways."""
    return debian("qemu-user", "bookworm", ["qemu-user-static"]) / "usr/bin/qemu-aarch64-static"


def root_of(suite):
    root = debian(f"arm64-{suite}", suite, ROOTS[suite].split(), "arm64")
    for name in ("lib", "bin", "sbin"):
        if not (root / name).exists():  # a merged /usr: base-files would make these links
            os.symlink(f"usr/{name}", root / name)
    shutil.copy(qemu(), root / "qemu")
    (root / ".whycuda").mkdir(exist_ok=True)
    (root / ".whycuda/uname").write_text("machine=aarch64\n")
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/ld.so.cache").unlink(missing_ok=True)
    return root


class Machine:
    def __init__(self, root):
        self.root, self.variables = root, {}

    def set(self, **variables):
        self.variables = variables
        (self.root / ".whycuda/environ").write_text("".join(f"{k}={v}\n" for k, v in ({"PWD": "/"} | variables).items()))

    def run(self, program, *arguments, **more):
        """A program of the root, in the root: what it prints, on both streams."""
        enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "-r", "chroot"]
        set_ = [word for pair in (self.variables | more).items() for word in ("-E", "%s=%s" % pair)]
        done = subprocess.run([*enter, str(self.root), "/qemu", *set_, program, *arguments], capture_output=True, text=True,
                              errors="replace", env={"PATH": os.environ["PATH"]}, cwd="/")
        return done.returncode, done.stdout, done.stderr

    def compare(self, file):
        """(kind, difference); `file` as the root has it."""
        status, out, err = self.run(LOADER, file, LD_TRACE_LOADED_OBJECTS="1")  # as ldd does
        theirs, ours = loader.paths_in(out), loader.ask_whycuda(PROGRAM, file, None, "--root", str(self.root))
        if status and not theirs:
            return "refused", (f"ld.so: {err.strip()}; whycuda: {ours}" if isinstance(ours, dict) and ours else None)
        return "compared", f"whycuda: {ours}" if isinstance(ours, str) else loader.difference_of(theirs, ours)

    def compare_symbols(self, file):
        _, out, err = self.run(LOADER, file, LD_TRACE_LOADED_OBJECTS="1", LD_WARN="yes", LD_BIND_NOW="yes")
        if "=> not found" in out or not loader.paths_in(out):
            return "refused", None  # what is in a missing library nobody knows
        theirs = loader.undefined_in(out + err)
        ours = loader.undefined_by_whycuda(PROGRAM, file, None, "--root", str(self.root))
        return "compared", None if ours == theirs else f"{ours if isinstance(ours, str) else sorted(theirs ^ ours)[:6]}"

    def compare_all(self, label, function, least):
        files = sorted("/" + os.path.relpath(path, os.path.realpath(self.root)) for path in loader.elf_files([str(self.root)]))
        files = [f for f in files if f != "/qemu" and "/made/" not in f and not os.stat(f"{self.root}{f}").st_mode & 0o6000]
        with tap.case(label), concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(zip(files, pool.map(function, files)))
            compared = sum(kind == "compared" for _, (kind, _) in results)
            differences = [f"{file}: (ld.so, whycuda) {difference}" for file, (_, difference) in results if difference]
            print(f"# {compared} files compared, {len(differences)} differ, {len(results) - compared} not comparable")
            assert compared >= least and not differences, "\n".join(differences[:20])


class Maker:
    """Libraries for aarch64 in ROOT/made, by clang and lld."""

    def __init__(self, root):
        self.folder = root / "made"
        shutil.rmtree(self.folder, ignore_errors=True)

    def lib(self, path, *needs, soname=None, code="", flags=()):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W", "_", target.name)
        subprocess.run(["clang", "--target=aarch64-linux-gnu", "-x", "c", "-", "-x", "none", "-nostdlib", "-fuse-ld=lld", "-shared", "-fPIC",
                        "-o", str(target), f"-Wl,-soname,{soname or target.name}", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined",
                        "-Wl,-z,undefs", *[str(self.folder / need) for need in needs], *flags],
                       input=f"int in_{name}(void) {{ return 1; }}\n{code}", text=True, check=True, capture_output=True)


def rules(machine):
    make = Maker(machine.root)
    old, new = ("-Wl,--disable-new-dtags",), ("-Wl,--enable-new-dtags",)
    for place in ("one", "two", "lib", "three/tls", "three/aarch64", "three/atomics", "three/tls/aarch64/atomics", "three",
                  "three/glibc-hwcaps/x86-64-v2", "four/lib/aarch64-linux-gnu", "four/lib64", "four/aarch64"):
        make.lib(f"{place}/libx.so.1")
    make.lib("rpath.so", "one/libx.so.1", flags=(*old, "-Wl,-rpath,/made/one"))
    make.lib("runpath.so", "one/libx.so.1", flags=(*new, "-Wl,-rpath,/made/one"))
    make.lib("origin.so", "one/libx.so.1", flags=(*new, "-Wl,-rpath,$ORIGIN/lib"))
    make.lib("token.so", "one/libx.so.1", flags=(*new, "-Wl,-rpath,/made/four/$LIB"))
    make.lib("platform.so", "one/libx.so.1", flags=(*new, "-Wl,-rpath,/made/four/$PLATFORM"))
    make.lib("plain.so", "one/libx.so.1")
    make.lib("mid.so", "one/libx.so.1", soname="libmid.so")
    make.lib("top.so", "mid.so", flags=(*old, "-Wl,-rpath,/made:/made/two"))
    os.symlink("mid.so", make.folder / "libmid.so")
    make.lib("missing.so", "one/libx.so.1", code="int nobody_has(void); int ask(void) { return nobody_has(); }", flags=("-Wl,-rpath,/made/one",))
    shutil.copy("/lib/x86_64-linux-gnu/libz.so.1" if os.uname().machine == "x86_64" else LOADER, make.folder / "lib/foreign")
    (make.folder / "foreign").mkdir()
    shutil.copy(make.folder / "lib/foreign", make.folder / "foreign/libx.so.1")
    cases = [("DT_RPATH before LD_LIBRARY_PATH", "rpath.so", "/made/two"), ("DT_RUNPATH", "runpath.so", None),
             ("LD_LIBRARY_PATH before DT_RUNPATH", "runpath.so", "/made/two"), ("$ORIGIN", "origin.so", None),
             ("$LIB", "token.so", None), ("$PLATFORM", "platform.so", None), ("DT_RPATH of the one that asked", "top.so", None),
             ("a copy of another machine is passed over", "plain.so", "/made/foreign:/made/two"), ("nothing found", "plain.so", None)]
    for what, file, path in cases:
        with tap.case(f"{machine.root.name}: {what}"):
            machine.set(**({"LD_LIBRARY_PATH": path} if path else {}))
            kind, difference = machine.compare(f"/made/{file}")
            assert kind == "compared" and not difference, f"{kind} {difference}"
    machine.set(LD_LIBRARY_PATH="/made/three")
    for gone in ("nothing", "tls/aarch64", "tls", "atomics", "aarch64"):
        with tap.case(f"{machine.root.name}: subdirectories for the CPU, without {gone}"):
            shutil.rmtree(make.folder / "three" / gone, ignore_errors=True)
            kind, difference = machine.compare("/made/plain.so")
            assert kind == "compared" and not difference, f"{kind} {difference}"
    machine.set()
    with tap.case(f"{machine.root.name}: an undefined symbol"):
        assert ("/made/missing.so", "nobody_has") in loader.undefined_by_whycuda(PROGRAM, "/made/missing.so", None, "--root", str(machine.root))
        kind, difference = machine.compare_symbols("/made/missing.so")
        assert kind == "compared" and not difference, f"{kind} {difference}"


def torch(machine):
    """PyTorch's libraries where the tests of `whycuda arch` have brought them: what they need and what of it is missing."""
    wheel = CACHE / "torch-2.15.0-aarch64/torch/lib"
    if not wheel.is_dir():
        return tap.skip(f"{machine.root.name}: PyTorch's libraries", f"no {wheel}")
    folder = machine.root / "opt/torch/lib"
    folder.mkdir(parents=True, exist_ok=True)
    for library in wheel.glob("libtorch*.so"):
        if not (folder / library.name).exists():
            os.link(library, folder / library.name)
    for name in sorted(os.listdir(folder)):
        with tap.case(f"{machine.root.name}: torch 2.15.0, {name}"):
            kind, difference = machine.compare(f"/opt/torch/lib/{name}")
            assert kind == "compared" and not difference, f"{kind} {difference}"


if not os.path.exists(PROGRAM):
    raise SystemExit("build/release/whycuda is missing: ./dev build")
for SUITE in ROOTS:
    MACHINE = Machine(root_of(SUITE))
    MACHINE.set()
    MACHINE.compare_all(f"{SUITE}: every program and library, no cache", MACHINE.compare, 300)
    (MACHINE.root / "etc/ld.so.conf.d").mkdir(exist_ok=True)
    (MACHINE.root / "etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
    (MACHINE.root / "etc/ld.so.conf.d/blas.conf").write_text("/usr/lib/aarch64-linux-gnu/openblas-pthread\n")
    with tap.case(f"{SUITE}: its own ldconfig writes a cache"):
        STATUS, _, ERROR = MACHINE.run("/sbin/ldconfig")
        assert STATUS == 0 and (MACHINE.root / "etc/ld.so.cache").stat().st_size > 1000, ERROR
    MACHINE.compare_all(f"{SUITE}: every program and library, with a cache", MACHINE.compare, 300)
    MACHINE.set(LD_LIBRARY_PATH="/usr/lib/aarch64-linux-gnu/openblas-pthread:/usr/lib/aarch64-linux-gnu/blas:/nowhere")
    MACHINE.compare_all(f"{SUITE}: every program and library, LD_LIBRARY_PATH", MACHINE.compare, 300)
    MACHINE.set()
    MACHINE.compare_all(f"{SUITE}: undefined symbols of every program and library", MACHINE.compare_symbols, 100)
    if shutil.which("ld.lld"):
        rules(MACHINE)
    else:
        tap.skip(f"{SUITE}: libraries made for the rules", "no lld")
    torch(MACHINE)
tap.finish()
