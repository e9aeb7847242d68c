#!/usr/bin/env python3
"""`whycuda explain` as its users meet it: one report, many at once, and what is no report."""
import json
import subprocess
import time

import tap

CPU = "$ python -c 'import torch; print(torch.__version__, torch.cuda.is_available())'\n2.6.0+cpu False\n"
NO_DRIVER = "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from x\n"


def explain(data, *options):
    done = subprocess.run([str(tap.PROGRAM), "explain", *options, "-"], input=data, capture_output=True, timeout=120)
    assert done.returncode in (0, 1, 2), (done.returncode, done.stderr[-500:])
    return done


def batch(lines):
    done = subprocess.run([str(tap.PROGRAM), "explain", "--batch"], input="".join(line + "\n" for line in lines).encode(),
                          capture_output=True, timeout=120)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


with tap.case("one report: the cause, and status 1"):
    done = explain(CPU.encode(), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["causes"][0]["id"] == "torch-cpu-build", answer["causes"]

with tap.case("the same cause whether a report is read alone or among others"):
    done, answers = batch(json.dumps({"id": i, "text": text}) for i, text in enumerate([CPU, NO_DRIVER, CPU]))
    assert [a["id"] for a in answers] == [0, 1, 2]
    for text, answer in zip([CPU, NO_DRIVER, CPU], answers):
        assert answer["diagnosis"] == json.loads(explain(text.encode(), "--json").stdout)

with tap.case("answers keep the order of a thousand reports of very different size"):
    lines = [json.dumps({"id": f"r{i}", "text": (CPU + "noise\n" * 2000) if i % 97 == 0 else CPU}) for i in range(1000)]
    done, answers = batch(lines)
    assert [a["id"] for a in answers] == [f"r{i}" for i in range(1000)]
    assert all(a["diagnosis"]["causes"][0]["id"] == "torch-cpu-build" for a in answers)

with tap.case("a line that is no report gives an error in its place, and the others still answers"):
    bad = ["{", "[]", '{"id": 1}', '{"id": 2, "text": 5}', "\x00", '{"id": 3, "text": "a", "id": 4}', "[" * 4000]
    done, answers = batch([json.dumps({"id": "a", "text": CPU}), *bad, json.dumps({"id": "z", "text": CPU})])
    assert len(answers) == len(bad) + 2, done.stdout[-300:]
    assert all(isinstance(a["error"], str) and a["error"] for a in answers[1:-1])
    assert "diagnosis" in answers[0] and "diagnosis" in answers[-1]

with tap.case("answers come while more reports may follow"):
    child = subprocess.Popen([str(tap.PROGRAM), "explain", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        for i in range(3):
            child.stdin.write(json.dumps({"id": i, "text": CPU}).encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == i
        child.stdin.close()
        assert child.stdout.read() == b"" and child.wait(20) == 0
    finally:
        child.kill()
        child.stdout.close()

with tap.case("text that says nothing: unknown, status 2, no kind of report"):
    for text in (b"", b"\n\n\n", b"Hello, my GPU does not work. Please help!\n"):
        done = explain(text, "--json", "--with-snapshot")
        answer = json.loads(done.stdout)
        assert done.returncode == 2 and answer["verdict"] == "unknown" and not answer["causes"], answer
        assert not answer["snapshot"]["printed"].get("kinds", {}).get("value"), answer["snapshot"]["printed"]

with tap.case("a binary file: status 2, and said so"):
    done = explain(tap.PROGRAM.read_bytes()[:200000])
    assert done.returncode == 2 and b"is no text" in done.stderr, done.stderr

HOSTILE = {
    "one line of 20 MB": b"x" * 20_000_000,
    "half a million lines": b"RuntimeError: x\n" * 500_000,
    "bytes that are no UTF-8": bytes(range(128, 256)) * 2000 + b"\n",
    "terminal sequences only": b"\x1b[31m\x1b]0;" * 500_000,
    "nested brackets": b"[" * 300_000 + b"{" * 300_000,
    "a snapshot nested too deep": b'{"schema": "whycuda/snapshot/1", "gpu": ' + b'{"a":' * 100_000,
    "prompts without end": b">>> >>> >>> $ $ # In [1]: " * 40_000,
}
for name, data in HOSTILE.items():
    with tap.case(f"bounded: {name}"):
        start = time.monotonic()
        done = explain(data)
        assert done.returncode == 2, (done.returncode, done.stdout[:200])
        assert time.monotonic() - start < 60
        assert len(done.stdout) + len(done.stderr) < 100_000

tap.finish()
