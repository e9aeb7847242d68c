#!/usr/bin/env python3
"""Every fuzz target over a corpus made here, as an ordinary test. With --write DIR the corpora are only written.

A target's corpus comes from tests/fuzz/corpus/NAME/ (text files in git), from the maker of its name below, and, for text,
from the recorded cases. From each seed some damaged copies are made: cut short, a byte changed, a piece doubled.
"""
import glob
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import tap
from support import arch_make

LIMIT = 64 * 1024


def snapshot():
    program = next((p for p in (tap.PROGRAM, tap.ROOT / "build/release/whycuda") if p.exists()), None)
    if program:
        yield subprocess.run([str(program), "snapshot", "--no-live"], capture_output=True, timeout=60).stdout
    yield b'{"schema": "whycuda/snapshot/1", "origin": "x", "gpu": {"devices": {"value": [{"name": {"value": "A"}}]}}}'


def reports():
    for path in sorted(glob.glob(str(tap.SHARED / "cases/*/report.txt"))):
        yield pathlib.Path(path).read_bytes()
    for path in sorted((tap.ROOT / "tests/cases").rglob("*.txt")):
        yield path.read_bytes()


def binaries():
    """Small ELF files that every machine with a compiler has."""
    for pattern in ("/usr/lib/*/crt1.o", "/usr/lib/*/libdl.so.2", "/usr/lib/*/libutil.so.1", "/usr/lib/*/libmenu*.so.*", "/usr/bin/true"):
        for path in sorted(glob.glob(pattern))[:2]:
            yield pathlib.Path(path).read_bytes()


def ldcache():
    if os.path.exists("/etc/ld.so.cache"):
        yield pathlib.Path("/etc/ld.so.cache").read_bytes()


def csv():
    for path in sorted((tap.ROOT / "data").glob("*.csv")):
        yield path.read_bytes()[:8192]


def elf_files():
    yield from binaries()
    yield from (seed for seed in arch_make.samples() if seed.startswith(b"\x7fELF"))


def packages():
    """A header as rpm keeps it."""
    names = b"akmod-nvidia\0" + b"560.35.03\0" + b"1.fc40\0"
    yield struct.pack(">II", 3, len(names)) + b"".join(struct.pack(">IIII", tag, 6, at, 1) for tag, at in ((1000, 0), (1001, 13), (1002, 23))) + names


def notes():
    """The note of a libcuda for forward compatibility."""
    text = b'{"Format": 1, "CUDA Version": "13.1", "Driver": [535, 550], "Device": [1]}'
    yield struct.pack("<III", 19, len(text), 1) + b"NVIDIA Corporation\0\0" + text


def functions():
    """Configuration space of a GPU that answers, and of one that does not."""
    yield struct.pack("<HH", 0x10DE, 0x2684) + bytes(6) + b"\0\3" + bytes(52)
    yield b"\xff" * 64


MAKERS = {"package_db": packages, "cuda_text": notes, "pci": functions, "fatbin": arch_make.samples, "ar": arch_make.archives, "snapshot": snapshot, "import": reports, "message": reports, "elf": elf_files, "elf_dynamic": binaries, "loader": binaries, "ldcache": ldcache, "csv": csv}


def damaged(seed, random_source):
    yield seed[: random_source.randrange(len(seed) + 1)]
    for _ in range(2):
        changed = bytearray(seed)
        if changed:
            changed[random_source.randrange(len(changed))] = random_source.randrange(256)
        yield bytes(changed)
    at = random_source.randrange(len(seed) + 1)
    yield seed[:at] + seed[at // 2:]


def write(name, folder):
    random_source = random.Random(name)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [p.read_bytes() for p in sorted((tap.ROOT / "tests/fuzz/corpus" / name).glob("*")) if p.is_file()]
    seeds += list(MAKERS.get(name, lambda: ())())
    seeds = [seed[:LIMIT] for seed in seeds] or [b"", b"\0" * 64, b"name: value\n"]
    count = 0
    for seed in seeds:
        for content in (seed, *damaged(seed, random_source)):
            (folder / f"{count:05}").write_bytes(content)
            count += 1
    return count


def main():
    names = sorted(p.stem for p in (tap.ROOT / "tests/fuzz").glob("*.c") if p.stem != "replay")
    if sys.argv[1:2] == ["--write"]:
        for name in names:
            write(name, pathlib.Path(sys.argv[2]) / name)
        return
    for name in names:
        program = tap.ROOT / f"build/dev/tests/fuzz_{name}"
        with tap.case(f"fuzz target {name}: no crash, leak or hang over its corpus"), tempfile.TemporaryDirectory() as folder:
            count = write(name, pathlib.Path(folder))
            done = subprocess.run([str(program), folder], capture_output=True, timeout=300)
            assert done.returncode == 0, (done.stderr or done.stdout)[-3000:].decode(errors="replace")
            assert f"{count} inputs".encode() in done.stdout
    tap.finish()


main()
