#!/usr/bin/env python3
"""whycuda libs as its users meet it: exit statuses, JSON, tree, --root without a way out, musl, damaged files."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import tap
from oracle.loader_rules import Bench, clean_env, rpath, runpath

KEYS = {"name", "path", "by", "needed_by", "shadows", "undefined"}
RULES = {"preload", "loaded", "rpath", "ld_library_path", "runpath", "cache", "default", "dlopen", "none"}


def libs(*arguments, env=None, **options):
    return subprocess.run([str(tap.PROGRAM), "libs", *map(str, arguments)], capture_output=True, text=True,
                          env=env or clean_env(), stdin=subprocess.DEVNULL, timeout=60, **options)


def listed(*arguments, **options):
    done = libs("--json", *arguments, **options)
    assert done.returncode in (0, 1), f"{done.returncode} {done.stderr}"
    return done.returncode, json.loads(done.stdout)


def statuses(bench):
    work = bench.folder
    with tap.case("65 for what is no program or library, 66 for what cannot be opened, each with one line"):
        (work / "text.so").write_text("INPUT(libreal.so)\n")
        (work / "short.so").write_bytes(b"\x7fELF\x02\x01\x01")
        (work / "empty.so").write_bytes(b"")
        subprocess.run(["cc", "-c", "-x", "c", "/dev/null", "-o", str(work / "object.o")], check=True)
        for path, status in (("text.so", 65), ("short.so", 65), ("empty.so", 65), ("object.o", 65), ("missing.so", 66), (".", 66)):
            done = libs(work / path)
            assert done.returncode == status and not done.stdout, f"{path}: {done.returncode} {done.stdout}"
            assert done.stderr.startswith("whycuda: ") and done.stderr.count("\n") == 1, f"{path}: {done.stderr!r}"
        assert libs("--no-such-option").returncode == 64
        assert libs("a", "b").returncode == 64
    with tap.case("a static program needs nothing; a missing library is 1"):
        subprocess.run(["cc", "-static", "-x", "c", "-", "-o", str(work / "static")], input="int main(void) {return 0;}", text=True,
                       check=True, capture_output=True)
        status, entries = listed(work / "static")
        assert status == 0 and entries == [], entries
        bench.lib("gone/libgone.so.1")
        bench.lib("needs.so", "gone/libgone.so.1")
        done = libs(work / "needs.so")
        assert done.returncode == 1 and "libgone.so.1 => not found" in done.stdout and "needed by" in done.stdout, done.stdout
        status, entries = listed(work / "needs.so")
        entry = {e["name"]: e for e in entries}["libgone.so.1"]
        assert status == 1 and entry["path"] is None and entry["by"] == "none" and entry["needed_by"] == [str(work / "needs.so")]


def shapes(bench):
    with tap.case("every entry of the JSON has the keys and words of the design"):
        for path in ("/bin/sh", str(tap.PROGRAM), "/usr/bin/python3"):
            status, entries = listed(path)
            assert status == 0 and entries
            for entry in entries:
                assert set(entry) == KEYS, entry
                assert entry["by"] in RULES and entry["path"].startswith("/") and not entry["undefined"], entry
                assert all(isinstance(text, str) for key in ("needed_by", "shadows", "undefined") for text in entry[key])
    with tap.case("symbols of a FILE are looked at on request only"):
        bench.lib("extension.so", source="int PyModule_Create2(void);\nint PyInit_x(void) {return PyModule_Create2();}\n")
        status, entries = listed(bench.folder / "extension.so")
        assert status == 0 and not any(e["undefined"] for e in entries)
        status, entries = listed("--symbols", bench.folder / "extension.so")
        assert status == 1 and entries[0]["undefined"] == ["PyModule_Create2"] and entries[0]["path"].endswith("extension.so")
        done = libs("--symbols", bench.folder / "extension.so")
        assert done.returncode == 1 and "undefined symbol: PyModule_Create2" in done.stdout, done.stdout
    with tap.case("--tree shows who needs whom, each once"):
        bench.lib("tree/libleaf.so")
        bench.lib("tree/libleft.so", "tree/libleaf.so", flags=rpath("$ORIGIN"))
        bench.lib("tree/libright.so", "tree/libleaf.so", flags=rpath("$ORIGIN"))
        bench.lib("tree/libtop.so", "tree/libleft.so", "tree/libright.so", flags=rpath("$ORIGIN"))
        done = libs("--tree", bench.folder / "tree/libtop.so")
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and lines[0].endswith("libtop.so"), done.stdout
        assert lines[1].startswith("  libleft.so => ") and lines[2].startswith("    libleaf.so => "), done.stdout
        right = next(i for i, line in enumerate(lines) if line.startswith("  libright.so"))
        assert lines[right + 1].startswith("    libleaf.so => "), done.stdout


def roots(bench):
    host = bench.folder / "host"
    root = bench.folder / "root"
    bench.lib("host/libx.so.1")
    program = bench.lib("root/opt/program.so", "host/libx.so.1", flags=runpath(f"{host}:$ORIGIN/../../../host:/inside"))
    for folder in ("lib64", "etc", "inside", "lib/x86_64-linux-gnu", ".whycuda", "link"):
        (root / folder).mkdir(parents=True)
    for name in ("libc.so.6", "ld-linux-x86-64.so.2"):
        source = next(p for p in (pathlib.Path("/lib64") / name, pathlib.Path("/lib/x86_64-linux-gnu") / name) if p.exists())
        shutil.copy(source, root / "lib64" / name)

    def ask(**files):
        for name, text in files.items():
            (root / ".whycuda" / name).write_text(text)
        return listed("--root", root, "/opt/program.so", env=clean_env(LD_LIBRARY_PATH=str(host)))

    with tap.case("--root: neither paths nor symlinks nor the host's variables lead outside"):
        status, entries = ask(uname="machine=x86_64\n")
        entry = {e["name"]: e for e in entries}["libx.so.1"]
        assert status == 1 and entry["path"] is None, entry
        os.symlink(f"{host}/libx.so.1", root / "inside/libx.so.1")  # absolute: below the root there is no such file
        assert ask()[1][0]["path"] is None
        os.unlink(root / "inside/libx.so.1")
        os.symlink("../../../../../../../../.." + f"{host}/libx.so.1", root / "inside/libx.so.1")
        assert ask()[1][0]["path"] is None
        os.symlink("/../../../" + str(host).lstrip("/"), root / "link/out")
        assert ask(environ=f"LD_LIBRARY_PATH=/link/out:{host}\n")[1][0]["path"] is None
    with tap.case("--root: what is inside is found, links count from the root"):
        shutil.copy(host / "libx.so.1", root / "lib/x86_64-linux-gnu/libreal.so")
        os.unlink(root / "inside/libx.so.1")
        os.symlink("/lib/x86_64-linux-gnu/libreal.so", root / "inside/libx.so.1")
        entry = ask(environ="")[1][0]
        assert entry["path"] == "/inside/libx.so.1" and entry["by"] == "runpath", entry
        (root / "front").mkdir()
        shutil.copy(host / "libx.so.1", root / "front/libx.so.1")
        entry = ask(environ="LD_LIBRARY_PATH=/front\n")[1][0]
        assert entry["path"] == "/front/libx.so.1" and entry["by"] == "ld_library_path", entry
        assert entry["shadows"] == ["/inside/libx.so.1"], entry
    with tap.case("a setuid program of somebody else does not see LD_LIBRARY_PATH"):
        os.chmod(root / "opt/program.so", 0o4755)
        entry = ask(environ="LD_LIBRARY_PATH=/front\n", id="uid=1000 gid=1000 groups=1000\n")[1][0]
        assert entry["path"] == "/inside/libx.so.1", entry
        os.chmod(root / "opt/program.so", 0o755)
    with tap.case("a cache whose entries point outside itself is told, and not followed"):
        header = b"glibc-ld.so.cache1.1" + struct.pack("<IIB3xI12x", 2, 0, 2, 0)
        strings = b"libx.so.1\0/front/libx.so.1\0"
        at = 48 + 2 * 24
        bad = struct.pack("<iIIIQ", 0x303, 0xfffffff0, 0xfffffff1, 0, 0)
        good = struct.pack("<iIIIQ", 0x303, at, at + 10, 0, 0)
        os.unlink(root / "inside/libx.so.1")
        (root / ".whycuda/environ").write_text("")
        (root / "etc/ld.so.cache").write_bytes(header + good + bad + strings)
        done = libs("--root", root, "/opt/program.so")
        assert "1 of its 2 entries point outside the file" in done.stdout, done.stdout
        (root / "etc/ld.so.cache").write_bytes(header.replace(struct.pack("<I", 2), struct.pack("<I", 0x7fffffff), 1))
        done = libs("--root", root, "/opt/program.so")
        assert done.returncode == 1 and "damaged" in done.stdout, done.stdout
        (root / "etc/ld.so.cache").write_bytes(b"not a cache")
        assert "not a cache" in libs("--root", root, "/opt/program.so").stdout


def musl(bench):
    with tap.case("musl is recognised, said, and followed by its own rules"):
        root = bench.folder / "alpine"
        bench.lib("alpine/first/libx.so.1", flags=("-nostdlib",))
        bench.lib("alpine/usr/local/lib/libx.so.1", flags=("-nostdlib",))
        bench.lib("alpine/lib/ld-musl-x86_64.so.1", soname="libc.musl-x86_64.so.1", flags=("-nostdlib",))
        (root / ".whycuda").mkdir()
        (root / ".whycuda/uname").write_text("machine=x86_64\n")
        subprocess.run(["cc", "-x", "c", "-", "-x", "none", "-nostdlib", "-o", str(root / "program"), "-Wl,--no-as-needed",
                        "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1", str(root / "first/libx.so.1"),
                        str(root / "lib/ld-musl-x86_64.so.1"), "-Wl,--enable-new-dtags,-rpath,/first"],
                       input="void _start(void) {}", text=True, check=True, capture_output=True)
        entry = {e["name"]: e for e in listed("--root", root, "/program")[1]}
        assert entry["libx.so.1"]["path"] == "/first/libx.so.1" and entry["libx.so.1"]["by"] == "rpath", entry
        assert entry["libc.musl-x86_64.so.1"]["by"] == "loaded", entry
        shutil.rmtree(root / "first")
        entry = {e["name"]: e for e in listed("--root", root, "/program")[1]}
        assert entry["libx.so.1"]["path"] == "/usr/local/lib/libx.so.1" and entry["libx.so.1"]["by"] == "default", entry
        assert "musl" in libs("--root", root, "/program").stdout


def damage(bench):
    good = bench.lib("good/libgood.so", flags=("-Wl,--hash-style=both", "-Wl,--no-as-needed", "-lm")).read_bytes()
    target = bench.folder / "damaged.so"

    def run(data, what):
        target.write_bytes(data)
        for arguments in (("--symbols",), ("--json", "--symbols")):
            done = libs(*arguments, target)
            assert done.returncode in (0, 1, 65, 66), f"{what}: {done.returncode} {done.stderr[-2000:]}"
            assert done.returncode < 65 or (done.stderr.startswith("whycuda: ") and done.stderr.count("\n") == 1), done.stderr

    with tap.case("headers, segments and dynamic entries with one field changed: a clean answer"):
        e_phoff, e_phnum = struct.unpack_from("<Q", good, 32)[0], struct.unpack_from("<H", good, 56)[0]
        places = [(at, 2) for at in (16, 18, 52, 54, 56, 58, 60, 62)] + [(32, 8), (40, 8)]
        dynamic = None
        for i in range(e_phnum):
            at = e_phoff + i * 56
            places += [(at, 4), (at + 8, 8), (at + 16, 8), (at + 32, 8), (at + 40, 8)]
            if struct.unpack_from("<I", good, at)[0] == 2:
                dynamic = struct.unpack_from("<QQQQ", good, at + 8)
        for at in range(dynamic[0], dynamic[0] + dynamic[3], 16):
            places += [(at + 8, 8)]
            if struct.unpack_from("<q", good, at)[0] == 0:
                break
        for at, width in places:
            for value in (0, (1 << (8 * width)) - 1, 1 << (8 * width - 2)):
                run(good[:at] + value.to_bytes(width, "little") + good[at + width:], f"{width} bytes at {at}: {value:#x}")
    with tap.case("a library cut at every kilobyte"):
        for size in range(0, len(good), 1024):
            run(good[:size], f"cut at {size}")


with tempfile.TemporaryDirectory() as folder:
    everything = Bench(folder)
    statuses(everything)
    shapes(everything)
    roots(everything)
    musl(everything)
    damage(everything)
tap.finish()
