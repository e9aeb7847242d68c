#!/usr/bin/env python3
"""Machines as directories: each case is built, looked at with `whycuda snapshot` and `whycuda diagnose --json`, and compared with
tests/roots/expected/NAME.json: the facts that differ from those of the case's base (all of them where it has none), the verdict and the
causes. UPDATE=1 records them anew; a case's roots, named in cases.py by hand, are checked all the same.

NVIDIA's real libraries come from Debian's packages (kept in $WHYCUDA_CACHE, or build/cache); without them those cases are skipped."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import hostile
import tap
from cases import CASES
from machine import Machine
from support import cache
from support.real_driver_list import DRIVERS

LINKS = ("system", "gpu", "driver", "access", "toolkit", "environment")  # what these cases are about
EXPECTED = HERE / "expected"
UPDATE = os.environ.get("UPDATE") == "1"


def real(need):
    """The unpacked packages, or a program; None: not to be had."""
    if need == "zstd":
        return shutil.which(need)
    try:
        if isinstance(need, int):
            suite, packages, _ = DRIVERS[need]
            return cache.debian(f"nvidia-{need}", suite, packages)
        return cache.debian(need, "bookworm", ["nvidia-cuda-toolkit"])
    except (OSError, subprocess.CalledProcessError):
        return None


def build(entry, folder):
    """The machine in folder/NAME, or None where a package is not to be had."""
    name, make, _, needs, _ = entry
    packages = [real(need) for need in needs]
    if None in packages:
        return None
    machine = Machine(pathlib.Path(folder) / name)
    machine.path.mkdir(parents=True)
    make(machine, *packages)
    machine.finish()
    return machine.path


def whycuda(*arguments, env=None):
    return subprocess.run([str(tap.PROGRAM), *map(str, arguments)], capture_output=True, timeout=60, env=env, text=True)


def plain(fact):
    """A fact without its source: the value, None for absent, {"unknown": why}."""
    if isinstance(fact, list):
        return [plain(item) for item in fact]
    if not isinstance(fact, dict):
        return fact
    if "value" in fact and not isinstance(fact["value"], dict):
        return plain(fact["value"])
    if fact.get("absent") is True:
        return None
    if isinstance(fact.get("unknown"), str):
        return {"unknown": fact["unknown"]}
    return {key: plain(value) for key, value in fact.items()}


def facts_of(path):
    done = whycuda("snapshot", "--no-redact", "--root", path)
    assert done.returncode == 0, done.stderr
    snapshot = json.loads(done.stdout)
    return {f"{link}.{name}": plain(fact) for link in LINKS for name, fact in snapshot.get(link, {}).items()}


def diagnosis_of(path, env=None):
    done = whycuda("diagnose", "--json", "--root", path, env=env)
    assert done.returncode in (0, 1, 2), (done.returncode, done.stderr[-3000:])
    document = json.loads(done.stdout)
    return {"verdict": document["verdict"], "causes": [f'{cause["role"]} {cause["id"]}' for cause in document["causes"]]}


def main():
    only = sys.argv[1:]
    EXPECTED.mkdir(exist_ok=True)
    bases = {}
    with tempfile.TemporaryDirectory() as folder:
        for entry in CASES:
            name, _, roots, needs, base = entry
            if only and name not in only and name not in ("desktop", "debian"):
                continue
            path = build(entry, folder)
            if path is None:
                tap.skip(f"root {name}", f"packages not available: {needs}")
                continue
            with tap.case(f"root {name}: facts and diagnosis"):
                facts = facts_of(path)
                bases.setdefault(name, facts)
                told = facts
                if base:
                    told = {key: facts.get(key, "not told") for key in sorted(facts.keys() | bases[base].keys())
                            if facts.get(key, "not told") != bases[base].get(key, "not told")}
                seen = {"base": base, "facts": told, "diagnosis": diagnosis_of(path)}
                record = EXPECTED / f"{name}.json"
                if UPDATE:
                    record.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
                wanted = json.loads(record.read_text())
                for part in ("facts", "diagnosis"):
                    for key in sorted(seen[part].keys() | wanted[part].keys()):
                        assert seen[part].get(key) == wanted[part].get(key), f"{key}: {seen[part].get(key)!r}, expected {wanted[part].get(key)!r}"
            with tap.case(f"root {name}: the roots are {roots or 'none'}"):
                found = [cause.split()[1] for cause in diagnosis_of(path)["causes"] if cause.startswith("root ")]
                assert found == roots, found
            if name == "readme":
                with tap.case("README.md shows what the program says of that machine (UPDATE=1 ./dev test roots/run writes it)"):
                    check_readme(whycuda("--root", path).stdout)
        if not only:
            check_hostile(folder)
    tap.finish()


def check_readme(said):
    readme = tap.ROOT / "README.md"
    text = readme.read_text()
    start = text.index("```console\n$ whycuda\n") + len("```console\n$ whycuda\n")
    end = text.index("```", start)
    if UPDATE:
        readme.write_text(text[:start] + said + text[end:])
    else:
        assert text[start:end] == said, said


def check_hostile(folder):
    """A sample; tests/slow/roots.py has all of it."""
    def machine(name, under):
        entry = next(entry for entry in CASES if entry[0] == name)
        return build(entry, pathlib.Path(folder) / under)

    for name in ("desktop", "toolkit-in-order", "mig-nodes-denied", "fedora-akmod", "arch-linux", "wsl2-in-order", "jetson-orin", "container-host-cdi-stale"):
        path = machine(name, "hostile")
        with tap.case(f"root {name}: rubbish in every file, {len(hostile.KINDS)} kinds"):
            for kind in hostile.KINDS:
                hostile.check_all_files(path, folder, kind)
    path = machine("toolkit-in-order", "one")
    with tap.case("root toolkit-in-order: rubbish in one file at a time"):
        hostile.check_each_file(path, folder)
    for name, kind, start in (("desktop", "EIO", 1), ("container-in-order", "EACCES", 2), ("dkms-failed", "short", 3)):
        path = machine(name, "faults")
        with tap.case(f"root {name}: every fourth read fails ({kind})"):
            hostile.check_faults(path, [kind], step=4, start=start)


if __name__ == "__main__":
    main()
