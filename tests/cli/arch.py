#!/usr/bin/env python3
"""whycuda arch, on fatbins laid out here byte by byte."""
import json
import os
import pathlib
import subprocess
import tempfile

import jsonschema
import tap
from support.arch_make import LTO, PTX, SASS, archive, container, cubin, elf, entry, samples

SCHEMA = jsonschema.Draft202012Validator(json.loads((tap.ROOT / "schema/arch-1.json").read_text()))


def run(*arguments):
    done = subprocess.run([str(tap.PROGRAM), "arch", *map(str, arguments)], capture_output=True, text=True)
    if "--json" in arguments and done.stdout:
        SCHEMA.validate(json.loads(done.stdout))
    return done.returncode, done.stdout, done.stderr


GOOD = container(entry(SASS, 75), entry(SASS, 90, "a"), entry(PTX, 120, header=80)) + bytes(8) + container(
    entry(SASS, 75), entry(SASS, 100, "f", header=96), entry(LTO, 75, header=120))

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    good = folder / "good.fatbin"
    good.write_bytes(GOOD)

    with tap.case("JSON has the keys of the design and nothing else"):
        status, out, err = run("--json", good)
        assert status == 0 and err == "", (status, err)
        assert json.loads(out) == [{"file": str(good), "sass": ["sm_75", "sm_90a", "sm_100f"], "ptx": ["compute_120"],
                                    "entries": 6}], out

    with tap.case("text names targets with their numbers"):
        status, out, err = run("-v", good)
        assert status == 0 and "sm_75 (2)  sm_90a (1)  sm_100f (1)" in out, out
        assert "compute_120 (1, ISA 8.4)" in out and "lto_75 (1)" in out and "6 entries in 2 modules" in out, out

    with tap.case("the schema refuses what is not in it"):
        answer = json.loads(run("--json", "-v", "--gpu", "sm_90", good)[1])
        for change in ({"extra": 1}, {"sass": ["90"]}, {"entries": -1}, {"gpu": {}}):
            assert not SCHEMA.is_valid([dict(answer[0], **change)]), change

    with tap.case("several files: one object each, in order, errors among them"):
        text = folder / "text.txt"
        text.write_text("nothing of the kind, but long enough")
        status, out, err = run("--json", text, good, folder / "missing")
        answer = json.loads(out)
        assert status == 66 and [pathlib.Path(a["file"]).name for a in answer] == ["text.txt", "good.fatbin", "missing"]
        assert "error" in answer[0] and "error" in answer[2] and answer[1]["entries"] == 6
        assert "text.txt" in err and "missing" in err
        assert run(text)[0] == 65 and run(folder / "missing")[0] == 66 and run(folder)[0] == 66
        assert run()[0] == 64 and run("--no-such-option", good)[0] == 64

    with tap.case("a file cut short: what is there is shown, and that it is cut"):
        cut = folder / "cut.fatbin"
        cut.write_bytes(GOOD[:-100])
        status, out, err = run("--json", cut)
        assert status == 65 and "longer than what holds it" in err, (status, err)
        assert json.loads(out)[0]["entries"] == 5

    with tap.case("--scan looks into anything, and says so under elsewhere"):
        other = folder / "library.dll"
        other.write_bytes(b"MZ" + bytes(1001) + GOOD + bytes(77))
        assert run(other)[0] == 65
        status, out, err = run("--scan", "--json", other)
        assert status == 0, err
        answer = json.loads(out)[0]
        assert answer["entries"] == 0 and answer["elsewhere"]["entries"] == 6, answer
        assert answer["elsewhere"]["sass"] == ["sm_75", "sm_90a", "sm_100f"]

    with tap.case("paths inside --root, through an absolute symlink that stays inside"):
        (folder / "root/lib").mkdir(parents=True)
        (folder / "root/lib/real.fatbin").write_bytes(GOOD)
        (folder / "root/link.fatbin").symlink_to("/lib/real.fatbin")
        (folder / "root/out.fatbin").symlink_to(good)
        assert run("--root", folder / "root", "/link.fatbin")[0] == 0
        assert run("--root", folder / "root", "/out.fatbin")[0] == 66

    with tap.case("names of files cannot drive the terminal"):
        evil = folder / "a\033[31m.fatbin"
        evil.write_bytes(GOOD)
        status, out, err = run(evil, folder / "b\033[32m")
        assert "\033" not in out + err and "\\x1b" in out and "\\x1b" in err

    with tap.case("a program without GPU code is no error"):
        status, out, err = run("--json", "/bin/true")
        assert status == 0 and json.loads(out) == [{"file": "/bin/true", "sass": [], "ptx": [], "entries": 0}], out

    with tap.case("PyTorch's own list, the second witness, is shown beside its libraries"):
        lib = folder / "torch"
        lib.mkdir()
        source = lib / "f.c"
        source.write_text('const char *flags(void) { return "sm_75 sm_80 compute_90"; }')
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", lib / "libtorch_python.so"], check=True)
        (lib / "libtorch_cuda.so").write_bytes(GOOD)
        answer = json.loads(run("--json", lib / "libtorch_cuda.so")[1])[0]
        assert answer["torch_flags"] == ["sm_75", "sm_80", "compute_90"], answer
        assert "sm_75  sm_80  compute_90" in run(lib / "libtorch_cuda.so")[1]

    many = folder / "many.fatbin"
    many.write_bytes(container(entry(SASS, 75), entry(SASS, 120)) * 3 + container(entry(SASS, 90, "a")) +
                     container(entry(SASS, 75), entry(PTX, 80, header=80)) + container(entry(LTO, 75)))
    sass_only = folder / "sass.fatbin"
    sass_only.write_bytes(container(entry(SASS, 80), entry(SASS, 86)))

    def gpu(name, *files):
        status, out, err = run("--json", "--gpu", name, *files)
        assert status in (0, 1), err
        return status, [answer["gpu"] for answer in json.loads(out)]

    with tap.case("--gpu: from SASS, by PTX and the driver for it, not at all; each module by the best of its entries"):
        status, (answer,) = gpu("sm_120", many)
        assert status == 0 and (answer["runs"], answer["by"]) == ("sass", "sm_120"), answer
        assert answer["modules"] == {"sass": 3, "ptx": 1, "unknown": 0, "no": 1}, answer
        assert answer["lacking"] == [{"modules": 1, "first": 3, "targets": "sm_90a"}]
        assert answer["jit"] == {"cuda": 12040, "driver": "550.54.14"}, answer
        status, (answer,) = gpu("sm_121", sass_only)
        assert (status, answer["runs"], answer["by"]) == (1, "no", None) and "newer" in answer["reason"]
        status, (answer,) = gpu("8.0", many)
        assert (status, answer["runs"], answer["by"]) == (0, "ptx", "compute_80") and answer["modules"]["no"] == 4
        status, (answer,) = gpu("9.0", many)
        assert (status, answer["runs"], answer["by"]) == (0, "sass", "sm_90a")

    with tap.case("--gpu: a GPU's name, the reach of SASS within a major, and Tegra, for which nobody promises"):
        status, (answer,) = gpu("RTX 4090", sass_only)
        assert (status, answer["capability"], answer["runs"], answer["by"]) == (0, 89, "sass", "sm_80"), answer
        assert "4090" in answer["name"]
        status, (answer,) = gpu("sm_87", sass_only)
        assert (status, answer["runs"]) == (1, "unknown"), answer
        assert run("--gpu", "no such thing", sass_only)[0] == 64
        assert run("--gpu", "sm_130", many)[0] == 0  # a capability that no table knows yet, by PTX

    with tap.case("--gpu: files without GPU code do not count beside others, alone they would not run"):
        assert run("--gpu", "sm_86", "/bin/true")[0] == 1
        assert run("--gpu", "sm_86", "/bin/true", sass_only)[0] == 0
        assert run("--gpu", "sm_75", "/bin/true", sass_only)[0] == 1

    with tap.case("--gpu: PyTorch's own list outweighs what a library linked in has code for"):
        (lib / "libtorch_cuda.so").write_bytes(container(entry(SASS, 75), entry(SASS, 80)) + container(entry(SASS, 35)))
        status, (answer,) = gpu("sm_35", lib / "libtorch_cuda.so")
        assert (status, answer["runs"], answer["torch_list"]) == (1, "no", "no"), answer
        status, (answer,) = gpu("sm_80", lib / "libtorch_cuda.so")
        assert (status, answer["runs"], answer["torch_list"]) == (0, "sass", "sass"), answer
        out = run("--gpu", "sm_35", lib / "libtorch_cuda.so")[1]
        assert "would not run: PyTorch's own kernels" in out and "1 of 2 modules" in out, out

    with tap.case("every form: ELF of 32 and 64 bit and both byte orders, cubins old and new, archives, PTX"):
        seen = set()
        for number, content in enumerate(samples()):
            (folder / "sample").write_bytes(content)
            status, out, err = run("--json", "--scan", folder / "sample")
            answer = json.loads(out)[0]
            assert status == 0 and answer["entries"] + answer.get("elsewhere", {}).get("entries", 0) > 0, (number, out, err)
            seen.update(answer["sass"] + answer["ptx"])
        assert {"sm_75", "sm_80", "sm_89", "sm_90a", "sm_100f", "sm_120f", "compute_90a", "compute_120"} <= seen, seen

    with tap.case("one field of each form changed, anywhere: an answer or a message, never a crash"):
        values = (0, 1, 0x7F, 0xFF)
        for number, content in enumerate(samples()):
            for at in range(0, min(len(content), 400), 3 + number % 2):
                changed = bytearray(content)
                changed[at] = values[at % 4] if content[at] != values[at % 4] else 0x55
                (folder / "sample").write_bytes(changed)
                status, out, err = run("--json", folder / "sample")
                assert status in (0, 65, 66) and (status == 0) == (err == ""), (number, at, status, err)
                assert len(json.loads(out)) == 1

    with tap.case("sizes of 4 GiB and more, and of all ones, in every size field"):
        for size in (1 << 32, (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1):
            for at, width in ((8, 8), (20, 4), (24, 8)):  # the container's, the entry header's, the payload's
                changed = bytearray(GOOD)
                changed[at:at + width] = (size & ((1 << 8 * width) - 1)).to_bytes(width, "little")
                (folder / "sample").write_bytes(changed)
                status, out, err = run("--json", folder / "sample")
                assert status == 65 and err.count("\n") == 1, (size, at, status, err)

    with tap.case("each read failing in turn: a message, and never an empty answer as if nothing were there"):
        (folder / "faulty.so").write_bytes(elf([(".nv_fatbin", GOOD), (".ldata", bytes(100) + GOOD)]))
        (folder / "faulty.a").write_bytes(archive([("a_member_of_a_long_name.o", elf([(".nv_fatbin", GOOD)])), ("c.cubin", cubin(90))]))
        for name in ("faulty.so", "faulty.a"):
            failed = 0
            for number in range(1, 40):
                done = subprocess.run([str(tap.PROGRAM), "arch", "--json", str(folder / name)], capture_output=True, text=True,
                                      env=dict(os.environ, WHYCUDA_FAULT=f"{number}:EIO"))
                assert done.returncode in (0, 65, 66), (name, number, done)
                assert (done.returncode == 0) == (done.stderr == ""), (name, number, done)
                json.loads(done.stdout)
                failed += done.returncode != 0
            assert failed >= 3, f"{name}: {failed} reads could fail; was the program built with the test hooks?"

tap.finish()
