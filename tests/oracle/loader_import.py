#!/usr/bin/env python3
"""The same files as /proc/self/maps after a real `import torch`.

usage: loader_import.py WHYCUDA PYTHON [NAME=VALUE...]

What whycuda foretells for the import must be mapped, file for file. What is mapped beyond it must be an extension module
that Python itself imported (its own, numpy's …; the import system, not the loader, chooses those), or a library that such a
module needs, at the path whycuda resolves for the module. Nothing else is let pass."""
import json
import os
import re
import subprocess
import sys

IMPORT = """
import torch
with open("/proc/self/maps") as maps:
    print("\\n".join(sorted({line.split(None, 5)[5].strip() for line in maps if line.count("/") and "x" in line.split()[1]})))
"""


def mapped_files(python, env):
    done = subprocess.run([python, "-W", "ignore", "-c", IMPORT], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise SystemExit(f"import torch failed:\n{done.stderr}")
    return {os.path.realpath(path) for path in done.stdout.splitlines() if path.startswith("/") and "(deleted)" not in path}


def libs(program, arguments, env):
    done = subprocess.run([program, "libs", "--json", *arguments], capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1):
        raise SystemExit(f"whycuda libs {arguments}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def compare(program, python, env):
    """(number of files that agree, list of differences)"""
    mapped = mapped_files(python, env)
    entries = [e for e in libs(program, ["--python", python], env) if e["stage"] not in ("later", "companion")]
    foretold = {os.path.realpath(e["path"]) for e in entries if e["path"]} | {os.path.realpath(python)}
    interpreter = {path for path in mapped if re.search(r"/ld-[^/]*\.so", path)}
    differences = [f"foretold, not mapped: {path}" for path in sorted(foretold - mapped)]
    differences += [f"not found: {e['name']}" for e in entries if not e["path"]]
    rest = mapped - foretold - interpreter
    modules = {path for path in rest if re.search(r"(\.cpython-[^/]*|\.abi3|lib-dynload/[^/]*)\.so$", path)}
    explained = set()
    for module in modules:
        explained |= {os.path.realpath(e["path"]) for e in libs(program, [module], env) if e["path"]}
    differences += [f"mapped, not foretold: {path}" for path in sorted(rest - modules - explained)]
    return len(mapped & foretold), differences


def main():
    program, python = sys.argv[1:3]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "PYTHON"))}
    env.update(item.split("=", 1) for item in sys.argv[3:])
    agree, differences = compare(program, python, env)
    print("\n".join(differences))
    print(f"{python}: {agree} files agree, {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
