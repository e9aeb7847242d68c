"""Machines whose files are not what they should be, and reads that fail: no crash, no leak, bounded time, and no cause that the same
machine did not have, but in the access family."""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

import tap

ACCESS = {name for name in re.findall(r'\{"([a-z0-9-]+)", LINK_ACCESS', (tap.ROOT / "src/diagnose/access.c").read_text())}
SECONDS = 20


def diagnose(path, fault=None):
    """The document and what was written to standard error."""
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:exitcode=99", UBSAN_OPTIONS="halt_on_error=1")
    if fault:
        env["WHYCUDA_FAULT"] = fault
    done = subprocess.run([str(tap.PROGRAM), "diagnose", "--json", "--root", str(path)], capture_output=True, timeout=SECONDS, env=env, text=True,
                          errors="replace")
    assert done.returncode in (0, 1, 2), f"{fault}: ended with {done.returncode}: {done.stderr[-3000:]}"
    return json.loads(done.stdout), done.stderr


def causes(document):
    return {cause["id"] for cause in document["causes"]}


def count_reads(path):
    hit = re.search(r"reads: (\d+)", diagnose(path, "count")[1])
    return int(hit.group(1)) if hit else 0


def check_faults(path, kinds=("EIO", "EACCES", "short"), step=1, start=1):
    """Every read of this machine fails once."""
    usual = causes(diagnose(path)[0])
    reads = count_reads(path)
    assert reads > 20, "this build has no failure injection"
    found = []
    for kind in kinds:
        # half a recording (.whycuda/, the first four reads) is a recording of something else
        for number in range(max(start, 5) if kind == "short" else start, reads + 1, step):
            more = causes(diagnose(path, f"{number}:{kind}")[0]) - usual - ACCESS
            if more:
                found.append(f"{number}:{kind}: {sorted(more)}")
    assert not found, "\n".join(found)


# --- files ---------------------------------------------------------------------------------------------------------------------------

def rubbish(kind, path, chance):
    """Puts something else in the place of a file."""
    content = path.read_bytes() if kind in ("cut", "flipped", "doubled") else b""
    mode = path.stat().st_mode
    path.unlink()
    if kind == "directory":
        path.mkdir()
        return
    if kind == "fifo":
        os.mkfifo(path)
        return
    if kind == "loop":
        path.symlink_to(path.name)
        return
    if kind == "outside":
        path.symlink_to("../" * 20 + "etc/hostname")
        return
    if kind == "huge":
        with open(path, "wb") as file:
            file.truncate(3 << 30)
        return
    if content:
        at = chance.randrange(len(content))
        content = {"cut": content[:at], "doubled": content + content[at:] * 3,
                   "flipped": content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:]}[kind]
    made = {"empty": b"", "random": chance.randbytes(4096), "zeros": bytes(4096), "one-line": b"A" * (1 << 20), "lines": b"a:b=c 1,2\n" * 20000,
            "utf": b"\xff\xfe\xc0\x80\x1b[31m\xe2\x80\xae\n" * 200}.get(kind, content)
    path.write_bytes(made)
    path.chmod(mode & 0o7777)


KINDS = ("empty", "random", "zeros", "one-line", "lines", "utf", "cut", "flipped", "doubled", "directory", "fifo", "loop", "outside", "huge")


def files(folder):
    """What the probes read; the recordings are the user's own."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and ".whycuda" not in p.parts)


def check_all_files(path, scratch, kind):
    """The machine with rubbish in all its files at once."""
    copy = pathlib.Path(scratch) / f"{path.name}-{kind}"
    shutil.copytree(path, copy, symlinks=True)
    chance = random.Random(f"{path.name} {kind}")
    for file in files(copy):
        rubbish(kind, file, chance)
    diagnose(copy)
    shutil.rmtree(copy)


def check_each_file(path, scratch, kinds=KINDS):
    """The machine with rubbish in one file at a time, of a kind by lot."""
    chance = random.Random(path.name)
    for index, file in enumerate(files(path)):
        copy = pathlib.Path(scratch) / f"{path.name}-{index}"
        shutil.copytree(path, copy, symlinks=True)
        kind = kinds[chance.randrange(len(kinds))]
        rubbish(kind, copy / file.relative_to(path), chance)
        try:
            diagnose(copy)
        except Exception as error:
            raise AssertionError(f"{kind} in {file.relative_to(path)}: {error}") from error
        shutil.rmtree(copy)
