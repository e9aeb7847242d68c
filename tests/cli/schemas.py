#!/usr/bin/env python3
"""Every JSON the program prints is valid by its own schema, for a third-party validator."""
import json
import os
import pathlib
import subprocess
import tempfile

import jsonschema
import tap

SCHEMA = {name: json.loads((tap.ROOT / f"schema/{name}-1.json").read_text()) for name in ("diagnosis", "snapshot")}
VALIDATOR = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMA.items()}


def run(*arguments, text=None, env=None):
    return subprocess.run([str(tap.PROGRAM), *arguments], input=text, capture_output=True, timeout=60,
                          env=dict(os.environ, **(env or {})))


with tap.case("the schemas are valid schemas"):
    for schema in SCHEMA.values():
        jsonschema.Draft202012Validator.check_schema(schema)

with tap.case("this machine's diagnosis and snapshot fit their schemas"):
    done = run("--json", "--with-snapshot", "--no-live")
    document = json.loads(done.stdout)
    VALIDATOR["diagnosis"].validate(document)
    VALIDATOR["snapshot"].validate(document["snapshot"])
    VALIDATOR["snapshot"].validate(json.loads(run("snapshot", "--no-live").stdout))
    assert [link["id"] for link in document["links"]][:8] == ["gpu", "driver", "access", "toolkit", "environment", "torch", "match", "compute"]

with tap.case("a snapshot explained elsewhere gives the diagnosis that the machine gave"):
    live = run("--json", "--no-live").stdout
    again = run("explain", "--json", "-", text=run("snapshot", "--no-live").stdout).stdout
    assert json.loads(live) == json.loads(again)

with tap.case("the validator refuses what the schema forbids"):
    document = json.loads(run("--json", "--no-live").stdout)
    for change in ({"verdict": "fine"}, {"causes": [{}]}, {"extra": 1}):
        bad = dict(document, **change)
        assert not VALIDATOR["diagnosis"].is_valid(bad), change

for name, text in {"empty": b"", "binary": bytes(range(256)) * 40, "no utf-8": b"\xff\xfe torch", "half a snapshot": b'{"schema": "whycuda/snapshot/1", "gpu": {'}.items():
    with tap.case(f"bad input ({name}) gives a clear end"):
        done = run("explain", "--json", "-", text=text)
        assert done.returncode == 2, (done.returncode, done.stderr)
        if done.stdout:
            document = json.loads(done.stdout)
            VALIDATOR["diagnosis"].validate(document)
            assert document["verdict"] == "unknown"
        else:
            assert b"whycuda: " in done.stderr

with tap.case("a wrong snapshot is refused with line and column"):
    good = json.loads(run("snapshot", "--no-live").stdout)
    good["gpu"]["bus_readable"] = {"value": "yes"}
    done = run("explain", "-", text=json.dumps(good, indent=1).encode())
    assert done.returncode == 2 and b"/gpu/bus_readable/value" in done.stderr and b"line " in done.stderr, done.stderr
    deep = b'{"schema": "whycuda/snapshot/1", "gpu": ' + b"[" * 100000
    done = run("explain", "-", text=deep)
    assert done.returncode == 2 and b"nested deeper" in done.stderr, done.stderr

with tap.case("keys of a newer schema are told, never fatal"):
    newer = json.loads(run("snapshot", "--no-live").stdout)
    newer["quantum"] = {}
    newer["gpu"]["teleporter"] = {"value": 1}
    done = run("explain", "--json", "-", text=json.dumps(newer).encode())
    assert json.loads(done.stdout)["schema"] == "whycuda/diagnosis/1"
    assert b"/quantum" in done.stderr and b"/gpu/teleporter" in done.stderr, done.stderr

CASES = tap.SHARED / "cases"
if CASES.is_dir():
    with tap.case("diagnoses of all recorded cases fit the schema"):
        for case in sorted(CASES.iterdir()):
            if (case / "report.txt").exists():
                done = run("explain", "--json", "--with-snapshot", str(case / "report.txt"))
                document = json.loads(done.stdout)
                VALIDATOR["diagnosis"].validate(document)
                VALIDATOR["snapshot"].validate(document["snapshot"])
else:
    tap.skip("diagnoses of all recorded cases fit the schema", "no folder of recorded cases")

with tap.case("names, home, host, UUIDs and credentials do not travel"):
    with tempfile.TemporaryDirectory() as folder:
        side = pathlib.Path(folder) / ".whycuda"
        side.mkdir()
        (pathlib.Path(folder) / "etc").mkdir()
        (pathlib.Path(folder) / "etc/hostname").write_text("secrethost\n")
        (side / "environ").write_text("HOME=/home/jdoe\nUSER=jdoe\nPWD=/home/jdoe/project\nPATH=/home/jdoe/bin:/usr/bin\n"
                                      "CUDA_VISIBLE_DEVICES=GPU-12345678-abcd\nLD_LIBRARY_PATH=/home/jdoe/cuda/lib64\n"
                                      "PIP_INDEX_URL=https://jdoe:hunter2@pypi.example/simple\nAWS_SECRET_ACCESS_KEY=topsecret\n")
        (side / "id").write_text("uid=1000 gid=1000 groups=1000\n")
        for verb in (("snapshot", "--root", folder), ("--root", folder, "--json", "--with-snapshot"), ("--root", folder, "--format", "markdown")):
            out = run(*verb).stdout.decode()
            for secret in ("jdoe", "secrethost", "12345678-abcd", "hunter2", "topsecret"):
                assert secret not in out, f"{verb[0]} tells {secret}"
        kept = run("snapshot", "--root", folder, "--no-redact").stdout.decode()
        assert "/home/jdoe" in kept and "hunter2" not in kept and "topsecret" not in kept

tap.finish()
