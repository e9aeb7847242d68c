#!/usr/bin/env python3
"""The same resolved paths as ldd for every ELF program and library under the given directories.

usage: loader.py WHYCUDA [-j N] [--every N] [--library-path PATH] [--symbols] [DIRECTORY...]

Compares, name for name, what `ldd FILE` and `whycuda libs --json FILE` answer; both run in the same environment. Prints
each difference and a count; exits 1 when there is one. --every N takes each Nth file only (a quick sample).
--symbols compares the undefined symbols of `ldd -r` instead."""
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


def paths_in(listed):
    """name -> path (None: not found), from the lines of ldd or of `ld.so --list`."""
    found = {}
    for line in listed.splitlines():
        line = line.strip()
        match = re.match(r"(\S.*) => (not found|\S.*?)(?: \(0x[0-9a-f]+\))?$", line)
        plain = re.match(r"(/\S*) \(0x[0-9a-f]+\)$", line)
        if match:
            found[match[1]] = None if match[2] == "not found" else match[2]
        elif plain:  # asked for by its path
            found[plain[1]] = plain[1]
    return found


def ask_ldd(path, env):
    """name -> path (None: not found); or the text where ldd knows nothing of it."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, env=env, errors="replace")
    found = paths_in(done.stdout)
    if not found and done.returncode != 0 and "statically linked" not in done.stdout:
        return (done.stdout + done.stderr).strip() or "ldd failed"
    return found


def ask_whycuda(program, path, env, *options):
    done = subprocess.run([program, "libs", "--json", *options, path], capture_output=True, text=True, env=env, errors="replace")
    if done.returncode not in (0, 1):
        return f"{done.returncode}: {done.stderr.strip()}"
    # ldd shows a name with a slash as the path it became, and a library once, under the first name it was asked for
    found, paths = {}, set()
    for entry in json.loads(done.stdout):
        if entry["by"] == "loaded" and entry["path"] in paths:
            continue
        found[entry["path"] if "/" in entry["name"] and entry["path"] else entry["name"]] = entry["path"]
        paths.add(entry["path"])
    return found


def undefined_by_ldd(path, env):
    """{(file, symbol)}; None where ldd does not get that far."""
    done = subprocess.run(["ldd", "-r", path], capture_output=True, text=True, env=env, errors="replace")
    text = done.stdout + done.stderr
    if "not a dynamic executable" in text or "exited with" in text:
        return None
    return undefined_in(text)


def undefined_in(text):
    found = set()
    for line in text.splitlines():
        if match := re.match(r"undefined symbol: ([^,\s]+)(?:, version \S+)?\s+\((.*)\)$", line):
            found.add((match[2], match[1]))
        elif match := re.match(r"symbol ([^,\s]+), version \S+ not defined in file \S+ with link time reference\s+\((.*)\)$", line):
            found.add((match[2], match[1]))
        elif match := re.match(r"\S+: \S+: version `(.*)' not found \(required by (.*)\)$", line):
            found.add((match[2], match[1]))
    return found


def undefined_by_whycuda(program, path, env, *options):
    done = subprocess.run([program, "libs", "--symbols", "--json", *options, path], capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1):
        return f"{done.returncode}: {done.stderr.strip()}"
    return {(entry["path"], symbol) for entry in json.loads(done.stdout) for symbol in entry["undefined"]}


def compare_symbols(program, path, env):
    theirs, ours = undefined_by_ldd(path, env), undefined_by_whycuda(program, path, env)
    if theirs is None:
        return "refused", None
    if isinstance(ours, str):
        return "compared", ours
    return "compared", (f"{sorted(theirs - ours)[:5]} {sorted(ours - theirs)[:5]}" if theirs != ours else None)


def is_secure(path):
    """Started for real, a setuid or setgid program of somebody else does not see LD_LIBRARY_PATH; under ldd it does."""
    status = os.stat(path)
    return bool(status.st_mode & 0o4000 and status.st_uid != os.getuid() or status.st_mode & 0o2000 and status.st_gid != os.getgid())


def compare(program, path, env):
    ours = ask_whycuda(program, path, env)
    if is_secure(path):
        env = {key: value for key, value in env.items() if key != "LD_LIBRARY_PATH"}
    theirs = ask_ldd(path, env)
    if isinstance(theirs, str):  # a static program, another machine's: nothing to load, or refused here too
        return "refused", (f"ldd: {theirs}; whycuda: {ours}" if isinstance(ours, dict) and ours else None)
    if isinstance(ours, str):
        return "compared", f"whycuda: {ours}"
    return "compared", difference_of(theirs, ours)


def difference_of(theirs, ours):
    # the dynamic loader itself: ldd shows it without an arrow, or under its own path
    differing = {name: (theirs.get(name, "-"), ours.get(name, "-")) for name in theirs.keys() | ours.keys()
                 if theirs.get(name, "-") != ours.get(name, "-") and not re.search(r"ld-linux|ld-musl", name)}
    return repr(differing) if differing else None


def run(program, directories, every=1, library_path=None, symbols=False, jobs=2):
    """(files compared, list of differences, files that ldd refuses)"""
    env = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    env["PWD"] = os.getcwd()
    if library_path:
        env["LD_LIBRARY_PATH"] = library_path
    files = sorted(elf_files(directories))[::every]
    function = compare_symbols if symbols else compare
    counts, differences = {"compared": 0, "refused": 0}, []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, (kind, difference) in zip(files, pool.map(lambda f: function(program, f, env), files)):
            counts[kind] += 1
            if difference:
                differences.append(f"{path}: (ldd, whycuda) {difference}")
    return counts["compared"], differences, counts["refused"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--library-path")
    parser.add_argument("--symbols", action="store_true")
    parser.add_argument("directories", nargs="*", default=DIRECTORIES)
    options = parser.parse_args()
    compared, differences, refused = run(options.program, options.directories, options.every, options.library_path,
                                         options.symbols, options.j)
    print("\n".join(differences))
    print(f"{compared} files compared with ldd, {len(differences)} differ; {refused} that ldd refuses")
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
