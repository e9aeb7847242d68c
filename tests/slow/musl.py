#!/usr/bin/env python3
"""whycuda libs on machines with musl, beside musl's own loader (`ld-musl-x86_64.so.1 --list`, from Debian's package) in the
same root: a root like Alpine's and one with /etc/ld-musl-x86_64.path, libraries made for one rule each, and the libraries in
the musllinux wheels of numpy, scipy and pillow."""
import os
import re
import shutil
import subprocess
import sys
import zipfile

import tap
from oracle import loader
from support.cache import CACHE, debian

PROGRAM = str(tap.ROOT / "build/release/whycuda")
LOADER = "/lib/ld-musl-x86_64.so.1"
WHEELS = ["numpy==1.26.4", "scipy==1.13.1", "pillow==10.4.0"]
RPATH, RUNPATH = "-Wl,--disable-new-dtags,-rpath,", "-Wl,--enable-new-dtags,-rpath,"


class Machine:
    def __init__(self, name, path_file=None):
        self.root = CACHE / f"musl-{name}"
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("lib", "usr/lib", "usr/local/lib", "etc", ".whycuda", "made", "elsewhere"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(debian("musl", "bookworm", ["musl"]) / "lib/x86_64-linux-musl/libc.so", self.root / LOADER[1:])
        (self.root / ".whycuda/uname").write_text("machine=x86_64\n")
        if path_file:
            (self.root / "etc/ld-musl-x86_64.path").write_text(path_file)
        self.name = name

    def lib(self, path, *needs, soname=None, code="", flags=()):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W", "_", target.name)
        subprocess.run(["cc", "-x", "c", "-", "-x", "none", "-nostdlib", "-shared", "-fPIC", "-O0", "-o", str(target),
                        f"-Wl,-soname,{soname or target.name}", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", *[str(self.root / need) for need in needs],
                        *flags], input=f"int in_{name}(void) {{ return 1; }}\n{code}", text=True, check=True, capture_output=True)

    def compare(self, file, library_path=None):
        (self.root / ".whycuda/environ").write_text("PWD=/\n" + (f"LD_LIBRARY_PATH={library_path}\n" if library_path else ""))
        enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "-r", "chroot"]
        done = subprocess.run([*enter, str(self.root), LOADER, "--list", file], capture_output=True, text=True, cwd="/",
                              env={"PATH": os.environ["PATH"]} | ({"LD_LIBRARY_PATH": library_path} if library_path else {}))
        theirs = loader.paths_in(done.stdout)
        for missing in re.findall(r"^Error loading shared library (\S+):", done.stderr, re.M):
            theirs[missing] = None
        asked = subprocess.run([PROGRAM, "libs", "--json", "--root", str(self.root), file], capture_output=True, text=True)
        assert asked.returncode in (0, 1), asked.stderr
        ours = {}
        # --list names each file once; what is no library for this process it lists all the same, and crashes later
        for entry in loader.json.loads(asked.stdout):
            if ": " in entry.get("error", "") and theirs.get(entry["name"]) == entry["error"].split(": ")[0]:
                theirs[entry["name"]] = None
            if entry["path"] not in ours.values() or not entry["path"]:
                ours[entry["path"] if "/" in entry["name"] else entry["name"]] = entry["path"]
        for answer in (theirs, ours):
            for own in [name for name, path in answer.items() if path == LOADER]:
                del answer[own]
        return loader.difference_of(theirs, ours)


def rules(machine):
    for place in ("one", "two", "three"):
        machine.lib(f"{place}/libx.so.1")
    for folder in ("lib", "usr/local/lib", "usr/lib", "elsewhere"):
        machine.lib(f"{folder}/libin_{folder.replace('/', '_')}.so")
    machine.lib("made/rpath.so", "one/libx.so.1", flags=[RPATH + "/one"])
    machine.lib("made/runpath.so", "one/libx.so.1", flags=[RUNPATH + "/one"])
    machine.lib("made/origin.so", "one/libx.so.1", flags=[RUNPATH + "/nowhere:$ORIGIN/../two"])
    machine.lib("made/braces.so", "one/libx.so.1", flags=[RUNPATH + "${ORIGIN}/../two"])
    machine.lib("made/token.so", "one/libx.so.1", flags=[RUNPATH + "/$LIB/x:/one"])
    machine.lib("made/plain.so", "one/libx.so.1")
    machine.lib("mid/libmid.so", "one/libx.so.1")
    machine.lib("made/chain.so", "mid/libmid.so", flags=[RUNPATH + "/mid:/two"])
    machine.lib("mid2/libmid2.so", "one/libx.so.1", flags=[RUNPATH + "/three"])
    machine.lib("made/own.so", "mid2/libmid2.so", flags=[RPATH + "/two:/mid2"])
    machine.lib("made/defaults.so", *[f"{f}/libin_{f.replace('/', '_')}.so" for f in ("lib", "usr/local/lib", "usr/lib", "elsewhere")])
    machine.lib("soname/libother.so", soname="libx.so.1")
    machine.lib("libother.so", soname="libother.so")
    machine.lib("made/soname.so", "libother.so", "one/libx.so.1", flags=[RUNPATH + "/soname:/one"])
    os.remove(machine.root / "libother.so")
    for own in ("libc.so.6", "libpthread.so.0", "libm.so.6", "libc.musl-x86_64.so.1"):
        machine.lib(f"reserved/{own}")
    machine.lib("made/reserved.so", *[f"reserved/{f}" for f in os.listdir(machine.root / "reserved")], flags=[RUNPATH + "/reserved"])
    machine.lib("ring/liba.so")
    machine.lib("ring/libb.so", "ring/liba.so", flags=[RUNPATH + "$ORIGIN"])
    machine.lib("ring/liba.so", "ring/libb.so", flags=[RUNPATH + "$ORIGIN"])
    for name, at, value in (("narrow", 4, b"\x01"), ("arm", 18, b"\xb7\x00"), ("text", 0, b"oops")):
        data = bytearray((machine.root / "one/libx.so.1").read_bytes())
        data[at:at + len(value)] = value
        (machine.root / name).mkdir()
        (machine.root / name / "libx.so.1").write_bytes(data)
    (machine.root / "folder/libx.so.1").mkdir(parents=True)
    (machine.root / "dangling").mkdir()
    os.symlink("nowhere", machine.root / "dangling/libx.so.1")
    os.symlink("../one/libx.so.1", machine.root / "two/libagain.so")
    machine.lib("again/libagain.so")
    machine.lib("made/again.so", "one/libx.so.1", "again/libagain.so", flags=[RUNPATH + "/one:/two"])
    (machine.root / "dangling2").mkdir()
    for what, file, path in [
            ("DT_RPATH", "rpath.so", None), ("DT_RUNPATH", "runpath.so", None), ("LD_LIBRARY_PATH before DT_RPATH", "rpath.so", "/two"),
            ("LD_LIBRARY_PATH before DT_RUNPATH", "runpath.so", "/two"), ("$ORIGIN", "origin.so", None), ("${ORIGIN}", "braces.so", None),
            ("a token it does not know", "token.so", None), ("not found", "plain.so", None), ("DT_RUNPATH of the one that asked", "chain.so", None),
            ("its own DT_RUNPATH first", "own.so", None), ("the default directories", "defaults.so", None),
            ("names of files count, sonames do not", "soname.so", None), ("names that are its own", "reserved.so", None),
            ("a ring", "../ring/liba.so", None), ("another word size", "plain.so", "/narrow:/two"), ("another machine", "plain.so", "/arm:/two"),
            ("no ELF file", "plain.so", "/text:/two"), ("a directory of that name", "plain.so", "/folder:/two"),
            ("a dangling link", "plain.so", "/dangling:/two"), ("empty elements", "plain.so", "::/two:"), ("a semicolon", "plain.so", "/one;/two"),
            ("one file under two names", "again.so", None)]:
        with tap.case(f"{machine.name}: {what}"):
            difference = machine.compare(f"/made/{file}" if not file.startswith("..") else file[2:], path)
            assert not difference, f"(musl, whycuda) {difference}"


def wheels(machine):
    folder = CACHE / "wheels-musl"
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.whl"))) < len(WHEELS):
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--platform=musllinux_1_2_x86_64",
                        "--platform=musllinux_1_1_x86_64", "--python-version=3.11", *WHEELS, "-d", str(folder)], check=True)
    site = machine.root / "usr/lib/python3.11/site-packages"
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    with tap.case(f"{machine.name}: every library of the musllinux wheels"):
        files = ["/" + os.path.relpath(path, machine.root) for path in loader.elf_files([str(site)])]
        differences = [f"{file}: {difference}" for file in files if (difference := machine.compare(file))]
        print(f"# {len(files)} files compared, {len(differences)} differ")
        assert len(files) > 100 and not differences, "\n".join(differences[:10])


if not os.path.exists(PROGRAM):
    raise SystemExit("build/release/whycuda is missing: ./dev build")
if os.uname().machine != "x86_64":
    tap.skip("musl's loader", "for x86_64")
else:
    ALPINE, OWN = Machine("alpine"), Machine("path-file", "/usr/lib\n/elsewhere\n")
    rules(ALPINE)
    rules(OWN)
    wheels(ALPINE)
tap.finish()
