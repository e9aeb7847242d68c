#!/usr/bin/env python3
"""The program as its users meet it: verbs, options, exit statuses, help, what is generated."""
import json
import os
import re
import subprocess
import tempfile

import tap

VERBS = ["diagnose", "explain", "snapshot", "test", "envs", "libs", "arch", "compat", "why"]


def run(*arguments, text=None, env=None):
    return subprocess.run([str(tap.PROGRAM), *arguments], input=text, capture_output=True, timeout=60,
                          env=dict(os.environ, **(env or {})))


with tap.case("--help lists every verb, and --version the version"):
    text = run("--help").stdout.decode()
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", text, re.M), verb
    assert re.fullmatch(r"whycuda \d+\.\d+\.\d+\n", run("--version").stdout.decode())

for verb in VERBS:
    with tap.case(f"{verb} --help fits a screen and shows examples"):
        done = run(verb, "--help")
        lines = done.stdout.decode().splitlines()
        assert done.returncode == 0 and not done.stderr
        assert len(lines) <= 32 and max(map(len, lines)) <= 80, (len(lines), max(map(len, lines)))
        assert any(line.startswith("  whycuda ") or "| whycuda" in line for line in lines), "no example"
        assert any(line.startswith("Exit status: ") for line in lines)

with tap.case("usage errors end with 64 and say why"):
    for arguments in (["nonsense"], ["--nonsense"], ["explain", "a", "b"], ["--format", "yaml"], ["explain", "--format", "x", "-"], ["--fail-on", "note"]):
        done = run(*arguments, text=b"")
        assert done.returncode == 64 and done.stderr, (arguments, done.returncode)

with tap.case("what cannot be opened ends with 66"):
    for arguments in (["--root", "/nonexistent"], ["explain", "/nonexistent"], ["snapshot", "-o", "/nonexistent/x"], ["--data", "/nonexistent"], ["arch", "/nonexistent"], ["libs", "/nonexistent"]):
        done = run(*arguments)
        assert done.returncode == 66 and b"/nonexistent" in done.stderr, (arguments, done.returncode, done.stderr)

with tap.case("the exit status is the verdict"):
    status = {"healthy": 0, "degraded": 0, "broken": 1, "unknown": 2}
    done = run("--json", "--no-live")
    assert done.returncode == status[json.loads(done.stdout)["verdict"]]
    assert run("explain", "-", text=b"good morning\n").returncode == 2

with tap.case("-o writes the same bytes as standard output"):
    with tempfile.TemporaryDirectory() as folder:
        done = run("explain", "--json", "-o", f"{folder}/out", "-", text=b"hello\n")
        assert done.stdout == b"" and open(f"{folder}/out", "rb").read() == run("explain", "--json", "-", text=b"hello\n").stdout

with tap.case("no colour in a file, colour where asked, ASCII where the locale is"):
    plain = run("--no-live", env={"LC_ALL": "C"}).stdout
    assert b"\033[" not in plain and all(byte < 128 for byte in plain)
    assert b"\033[" in run("--no-live", "--color", "always").stdout
    assert b"\033[" not in run("--no-live", env={"LC_ALL": "C.UTF-8"}).stdout

with tap.case("a closed pipe is no crash"):
    done = subprocess.run(f"'{tap.PROGRAM}' --json --no-live | head -c 1", shell=True, capture_output=True, timeout=60)
    assert b"Sanitizer" not in done.stderr

for name, flag in {"schema/snapshot-1.json": "--generate-snapshot-schema", "schema/diagnosis-1.json": "--generate-diagnosis-schema",
                   "docs/facts.md": "--generate-facts", "docs/whycuda.1": "--generate-manual"}.items():
    with tap.case(f"{name} is what the program's tables say (else: ./dev docs)"):
        assert (tap.ROOT / name).read_bytes() == run(flag).stdout

with tap.case("the man page has every verb and every option that --help has"):
    page = run("--generate-manual").stdout.decode().replace("\\-", "-")
    for verb in VERBS:
        assert f"WHYCUDA {verb}" in page, verb
        for option in re.findall(r"--([a-z-]+)", run(verb, "--help").stdout.decode().split("Exit status")[0]):
            assert option == "help" or f"--{option}" in page, (verb, option)

with tap.case("the man page is right roff, the completion right shell"):
    page = run("--generate-manual").stdout
    if subprocess.run(["sh", "-c", "command -v man"], capture_output=True).returncode == 0:
        done = subprocess.run(["man", "--warnings", "-l", "-"], input=page, capture_output=True, env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80"))
        assert done.returncode == 0 and not done.stderr, done.stderr
    assert subprocess.run(["bash", "-n"], input=run("--generate-completion").stdout).returncode == 0

with tap.case("README names every verb, and every cause has its page"):
    readme = (tap.ROOT / "README.md").read_text()
    for verb in VERBS:
        assert f"whycuda {verb}" in readme, verb

tap.finish()
