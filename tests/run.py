#!/usr/bin/env python3
"""Runs every suite and adds up: `N passed, N failed, N skipped`.

A suite is a program that prints TAP lines ("ok 1 - name", "not ok 2 - name", "ok 3 - name # SKIP why"):
  build/dev/tests/*_test      unit tests (cmocka)
  tests/lint/*                format, house rules, static analysis
  tests/cli/*                 the program as its users meet it
  tests/roots/run.py          machines as directories
  tests/cases/run.py          pasted reports
  tests/oracle/*_sample.*     short comparisons with ldd, cuobjdump …
  tests/sim/run.py            the simulated driver
  tests/fuzz/corpus.py        every fuzz target over its corpus, and a short while on its own
  tests/slow/*                only `./dev slow`
usage: run.py [SUITE-NAME-PART ...]
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"^(not ok|ok)\b\s*\d*\s*-?\s*(.*?)(#\s*SKIP\b.*)?$", re.I)


def suites(slow):
    if slow:
        yield from sorted((ROOT / "tests/slow").glob("*.*"))
        return
    yield from sorted((ROOT / "tests/lint").glob("*.*"))
    yield from sorted(p for p in (ROOT / "build/dev/tests").glob("*_test") if os.access(p, os.X_OK))
    yield from sorted((ROOT / "tests/cli").glob("*.*"))
    for name in ("roots/run.py", "cases/run.py", "sim/run.py"):
        if (ROOT / "tests" / name).exists():
            yield ROOT / "tests" / name
    yield from sorted((ROOT / "tests/oracle").glob("*_sample.*"))
    yield from (ROOT / "tests/fuzz").glob("corpus.py")


def command(suite):
    if suite.suffix == ".py":
        return [sys.executable, str(suite)]
    if suite.suffix == ".sh":
        return ["sh", str(suite)]
    return [str(suite)]


def run(suite, env):
    """One suite: (passed, failed names, skipped names)."""
    start = time.monotonic()
    try:
        done = subprocess.run(command(suite), cwd=ROOT, env=env, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=7200 if "slow" in str(suite) else 900)
        output = (done.stdout + done.stderr).decode(errors="replace")
        status = done.returncode
    except subprocess.TimeoutExpired as error:
        output, status = (error.stdout or b"").decode(errors="replace"), "timeout"
    passed, failed, skipped = 0, [], []
    for line in output.splitlines():
        hit = LINE.match(line)
        if not hit:
            continue
        if hit.group(1) == "not ok":
            failed.append(hit.group(2))
        elif hit.group(3):
            skipped.append(f"{hit.group(2)}{hit.group(3)}")
        else:
            passed += 1
    if status != 0 and not failed:
        failed.append(f"{suite.name} ended with {status}")
    if passed + len(failed) + len(skipped) == 0:
        failed.append(f"{suite.name} checked nothing")
    name = suite.relative_to(ROOT)
    print(f"{name}: {passed} passed, {len(failed)} failed, {len(skipped)} skipped ({time.monotonic() - start:.1f} s)")
    for item in skipped:
        print(f"    skipped: {item}")
    if failed:
        print("\n".join("    " + line for line in output.splitlines()[-60:]))
    for item in failed:
        print(f"    FAILED: {item}", flush=True)
    return passed, failed, skipped


def main(arguments):
    slow = arguments[:1] == ["slow"]
    wanted = arguments[1:] if slow else arguments
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=1",
               PYTHONPATH=str(ROOT / "tests"), PYTHONDONTWRITEBYTECODE="1")
    for name in ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "VIRTUAL_ENV", "CONDA_PREFIX", "NO_COLOR"):
        env.pop(name, None)
    total = [0, 0, 0]
    for suite in suites(slow):
        if wanted and not any(part in str(suite) for part in wanted):
            continue
        passed, failed, skipped = run(suite, env)
        total[0] += passed
        total[1] += len(failed)
        total[2] += len(skipped)
    if sum(total) == 0:
        print("no such suite")
        return 1
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
