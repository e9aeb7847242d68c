#!/usr/bin/env python3
"""whycuda arch on what nvcc, ptxas and fatbinary make: every architecture and suffix of the toolkit, each compression,
bare files, objects, archives, relocatable device code, link-time code, stripped libraries. Expected is what was asked for."""
import collections
import os
import pathlib
import re
import subprocess
import tempfile

import tap
from support import arch_oracle as oracle

BIN = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "bin"
PTX = ".version {isa}\n.target {target}\n.address_size 64\n.visible .entry k() {{ ret; }}\n"
CU = "__global__ void k(float *a) { a[threadIdx.x] *= 2; }\n"
if not (BIN / "nvcc").exists():
    tap.skip("fatbins made by nvcc", f"no {BIN}/nvcc")
    tap.finish()


def tool(name, *arguments):
    done = subprocess.run([str(BIN / name), *map(str, arguments)], capture_output=True, text=True, cwd=WORK)
    assert done.returncode == 0, f"{name} {arguments}: {done.stderr}"
    return done.stdout


def expect(path, wanted, *options):
    main, elsewhere = oracle.ours(path, *options)
    wanted = collections.Counter(wanted)
    assert main == wanted, f"{path}: whycuda {dict(main)}, made {dict(wanted)}"
    return elsewhere


def architectures():
    """Every number the toolkit compiles for, with each suffix that its assembler takes."""
    for number in sorted(set(re.findall(r"sm_(\d+)\b", tool("nvcc", "--list-gpu-code"))), key=int):
        for suffix in ("", "a", "f"):
            ptx = WORK / f"{number}{suffix}.ptx"
            ptx.write_text(PTX.format(isa=ISA, target=f"sm_{number}{suffix}"))
            done = subprocess.run([BIN / "ptxas", f"-arch=sm_{number}{suffix}", ptx, "-o", ptx.with_suffix(".cubin")],
                                  capture_output=True)
            if done.returncode == 0:
                yield f"{number}{suffix}"


with tempfile.TemporaryDirectory() as folder:
    WORK = pathlib.Path(folder)
    (WORK / "t.cu").write_text(CU)
    tool("nvcc", "-ptx", "-arch=compute_75", "t.cu", "-o", "probe.ptx")
    ISA = re.search(r"\.version (\S+)", (WORK / "probe.ptx").read_text()).group(1)
    with tap.case("PTX text of nvcc"):
        expect(WORK / "probe.ptx", ["compute_75"])
    ARCHES = list(architectures())
    with tap.case("the toolkit's architectures were tried with suffixes"):
        assert any(a.endswith("a") for a in ARCHES) and any(a.isdigit() for a in ARCHES), ARCHES
        print(f"# PTX ISA {ISA}: {' '.join(ARCHES)}")

    with tap.case("a cubin of each architecture and suffix"):
        for arch in ARCHES:
            expect(WORK / f"{arch}.cubin", [f"sm_{arch}"])
    with tap.case("a PTX text for each architecture and suffix"):
        for arch in ARCHES:
            expect(WORK / f"{arch}.ptx", [f"compute_{arch}"])

    images = [f"--image3=kind={kind},sm={arch},file={arch}.{end}" for arch in ARCHES for kind, end in (("elf", "cubin"), ("ptx", "ptx"))]
    wanted = [f"{prefix}_{arch}" for arch in ARCHES for prefix in ("sm", "compute")]
    MODES = [[], ["-compress=false"], ["-compress-all"], ["-g"]] + [
        ["-compress-all", f"-compress-mode={mode}"] for mode in ("default", "size", "speed", "balance", "none")]
    for mode in MODES:
        with tap.case(f"a fatbin of all of them, fatbinary {' '.join(mode) or 'as it is'}"):
            done = subprocess.run([BIN / "fatbinary", "-64", *mode, "--create=all.fatbin", *images], cwd=WORK, capture_output=True)
            if done.returncode != 0:
                raise AssertionError(done.stderr.decode())
            expect(WORK / "all.fatbin", wanted)
            assert sum(len(names) for _, names in oracle.byte_scan(WORK / "all.fatbin")) == len(wanted)

    few = ["75", "90a", "100f", "120"]
    if not set(few) <= set(ARCHES):
        few = [ARCHES[0], ARCHES[-1]]
    codes = [f"-gencode=arch=compute_{a},code=[sm_{a},compute_{a}]" for a in few]
    made = [f"{prefix}_{a}" for a in few for prefix in ("sm", "compute")]
    with tap.case("an object file, a library, the library stripped, and one without section table"):
        tool("nvcc", "-c", *codes, "-Xcompiler=-fPIC", "t.cu", "-o", "t.o")
        expect(WORK / "t.o", made)
        tool("nvcc", "-shared", *codes, "-Xcompiler=-fPIC", "t.cu", "-o", "t.so")
        found = oracle.byte_scan(WORK / "t.so")
        everything = collections.Counter(oracle.counts_in(found, [(0, 1 << 62)]))
        expect(WORK / "t.so", oracle.counts_in(found, oracle.section_ranges(WORK / "t.so", oracle.is_main)))
        main, elsewhere = oracle.ours(WORK / "t.so", "--scan")
        assert main + elsewhere == everything
        subprocess.run(["strip", WORK / "t.so", "-o", WORK / "stripped.so"], check=True)
        assert oracle.ours(WORK / "stripped.so")[0] == main
        bytes_ = bytearray((WORK / "stripped.so").read_bytes())
        bytes_[40:48] = bytes(8)  # e_shoff
        bytes_[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
        (WORK / "tableless.so").write_bytes(bytes_)
        assert oracle.ours(WORK / "tableless.so")[0] == everything

    with tap.case("relocatable device code: object, archive, thin archive, linked library"):
        tool("nvcc", "-dc", *codes, "-Xcompiler=-fPIC", "t.cu", "-o", "rdc.o")
        expect(WORK / "rdc.o", made)
        (WORK / "notes-in-the-archive-with-a-long-name.txt").write_text("not an object file, and no harm done\n")
        members = ["rdc.o", "t.o", "notes-in-the-archive-with-a-long-name.txt"]
        subprocess.run(["ar", "qc", "rdc.a", *members], check=True, cwd=WORK)
        expect(WORK / "rdc.a", made * 2)
        subprocess.run(["ar", "qcT", "thin.a", *members], check=True, cwd=WORK)
        assert (WORK / "thin.a").read_bytes()[:8] == b"!<thin>\n"
        expect(WORK / "thin.a", made * 2)
        tool("nvcc", "-shared", "-rdc=true", *codes, "-Xcompiler=-fPIC", "t.cu", "-o", "rdc.so")
        found = oracle.byte_scan(WORK / "rdc.so")
        assert len(oracle.section_ranges(WORK / "rdc.so", oracle.is_main)) == 2
        expect(WORK / "rdc.so", oracle.counts_in(found, [(0, 1 << 62)]))

    with tap.case("link-time code (NVVM) beside SASS and PTX"):
        tool("nvcc", "-dc", "-fatbin", "-gencode=arch=compute_90,code=lto_90", "-gencode=arch=compute_80,code=[sm_80,compute_80]",
             "t.cu", "-o", "lto.fatbin")
        expect(WORK / "lto.fatbin", ["lto_90", "sm_80", "compute_80"])

    with tap.case("a library cut at a thousand places ends each time with an answer and a word about it"):
        whole = (WORK / "stripped.so").read_bytes()
        for cut in range(0, len(whole), max(1, len(whole) // 1000)):
            (WORK / "cut.so").write_bytes(whole[:cut])
            done = subprocess.run([str(tap.PROGRAM), "arch", "--json", str(WORK / "cut.so")], capture_output=True, text=True)
            assert done.returncode == 65 and done.stderr, (cut, done)

    with tap.case("one library changed at three hundred places: never a crash"):
        start = oracle.byte_scan(WORK / "stripped.so")[0][0]
        for n in range(300):
            bytes_ = bytearray(whole)
            at = (n * 7919) % 4096 if n % 2 else start + n
            bytes_[at] ^= 0xFF
            (WORK / "changed.so").write_bytes(bytes_)
            done = subprocess.run([str(tap.PROGRAM), "arch", str(WORK / "changed.so")], capture_output=True, text=True)
            assert done.returncode in (0, 65), (at, done)

tap.finish()
