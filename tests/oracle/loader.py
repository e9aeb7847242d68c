#!/usr/bin/env python3
"""The same resolved paths as ldd for every ELF program and library under the given directories.

usage: loader.py WHYCUDA [-j N] [--every N] [--library-path PATH] [DIRECTORY...]

Compares, name for name, what `ldd FILE` and `whycuda libs --json FILE` answer; both run in the same environment. Prints
each difference and a count; exits 1 when there is one. --every N takes each Nth file only (a quick sample)."""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

DIRECTORIES = ["/usr/bin", "/usr/lib", "/usr/local/cuda"]


def elf_files(directories):
    seen = set()
    for top in directories:
        for folder, _, names in os.walk(os.path.realpath(top)):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if os.path.islink(path) or not os.path.isfile(path):
                        continue
                    with open(path, "rb") as file:
                        head = file.read(18)
                except OSError:
                    continue
                # programs and libraries: ET_EXEC and ET_DYN
                if head[:4] == b"\x7fELF" and head[5:6] == b"\x01" and head[16:17] in b"\x02\x03" and path not in seen:
                    seen.add(path)
                    yield path


def ask_ldd(path, env):
    """name -> path (None: not found); or the text where ldd knows nothing of it."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, env=env, errors="replace")
    found = {}
    for line in done.stdout.splitlines():
        line = line.strip()
        match = re.match(r"(\S.*) => (not found|\S.*?)(?: \(0x[0-9a-f]+\))?$", line)
        if match:
            found[match[1]] = None if match[2] == "not found" else match[2]
    if not found and done.returncode != 0 and "statically linked" not in done.stdout:
        return (done.stdout + done.stderr).strip() or "ldd failed"
    return found


def ask_whycuda(program, path, env):
    done = subprocess.run([program, "libs", "--json", path], capture_output=True, text=True, env=env, errors="replace")
    if done.returncode not in (0, 1):
        return f"{done.returncode}: {done.stderr.strip()}"
    return {entry["name"]: entry["path"] for entry in json.loads(done.stdout)}


def compare(program, path, env):
    theirs, ours = ask_ldd(path, env), ask_whycuda(program, path, env)
    if isinstance(theirs, str):  # a static program, another machine's: nothing to load, or refused here too
        return "refused", (f"ldd: {theirs}; whycuda: {ours}" if isinstance(ours, dict) and ours else None)
    if isinstance(ours, str):
        return "compared", f"whycuda: {ours}"
    # the dynamic loader itself: ldd shows it without an arrow, or under its own path
    differing = {name: (theirs.get(name, "-"), ours.get(name, "-")) for name in theirs.keys() | ours.keys()
                 if theirs.get(name, "-") != ours.get(name, "-") and not re.search(r"ld-linux|ld-musl", name)}
    return "compared", (repr(differing) if differing else None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--library-path")
    parser.add_argument("directories", nargs="*", default=DIRECTORIES)
    options = parser.parse_args()
    env = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    if options.library_path:
        env["LD_LIBRARY_PATH"] = options.library_path
    files = sorted(elf_files(options.directories))[:: options.every]
    counts = {"compared": 0, "refused": 0}
    differences = 0
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for path, (kind, difference) in zip(files, pool.map(lambda f: compare(options.program, f, env), files)):
            counts[kind] += 1
            if difference:
                differences += 1
                print(f"{path}: (ldd, whycuda) {difference}")
    print(f"{counts['compared']} files compared with ldd, {differences} differ; "
          f"{counts['refused']} that ldd refuses")
    return 1 if differences or not counts["compared"] else 0


if __name__ == "__main__":
    sys.exit(main())
