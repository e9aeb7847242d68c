#!/usr/bin/env python3
"""`./dev record`: a machine written down as a root gives the diagnosis that the machine gave, and tells no names."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile

import tap


def run(*arguments, env=None):
    return subprocess.run([str(tap.PROGRAM), *arguments], capture_output=True, timeout=120, env=dict(os.environ, **(env or {})))


with tempfile.TemporaryDirectory() as folder:
    home = pathlib.Path(folder) / "jdoe"
    site = home / "venv/lib/python3.11/site-packages/torch"
    (home / "venv/bin").mkdir(parents=True)
    site.mkdir(parents=True)
    (home / "venv/pyvenv.cfg").write_text(f"home = /usr/bin\nversion = 3.11.2\ncommand = /usr/bin/python3 -m venv {home}/venv\n")
    (home / "venv/bin/python").symlink_to("/usr/bin/python3")
    (site / "version.py").write_text("__version__ = '2.6.0+cpu'\ncuda: str = None\nhip = None\n")
    (site / "__init__.py").write_text("")
    (site.parent / "torch-2.6.0+cpu.dist-info").mkdir()
    (site.parent / "torch-2.6.0+cpu.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.6.0+cpu\n")
    env = {"HOME": str(home), "USER": "jdoe", "VIRTUAL_ENV": str(home / "venv"), "PWD": str(home)}
    target = str(pathlib.Path(folder) / "recorded")

    with tap.case("the list of what would be taken is shown, and nothing is written"):
        done = run("--record-list", env=env)
        assert done.returncode == 0 and b"version.py" in done.stdout and not os.path.exists(target)

    with tap.case("a machine is recorded"):
        done = run("--record", target, env=env)
        assert done.returncode == 0, done.stderr

    with tap.case("its root gives the machine's diagnosis"):
        live = json.loads(run("--json", "--no-live", env=env).stdout)
        root = json.loads(run("--json", "--root", target).stdout)
        for key in ("verdict", "pytorch"):
            assert live[key] == root[key], (key, live[key], root[key])
        assert [c["id"] for c in live["causes"]] == [c["id"] for c in root["causes"]]
        assert [(link["id"], link["state"]) for link in live["links"]] == [(link["id"], link["state"]) for link in root["links"]]
        assert live["pytorch"]["version"] == "2.6.0+cpu"

    with tap.case("no file of the root tells who or where"):
        for path in pathlib.Path(target).rglob("*"):
            assert "jdoe" not in str(path.relative_to(target)), path
            if path.is_file() and not path.is_symlink():
                text = path.read_bytes()
                assert b"jdoe" not in text, path
                if b"\0" not in text and len(socket.gethostname()) > 4 and socket.gethostname() != "localhost":
                    assert socket.gethostname().encode() not in text, path

    with tap.case("a folder that holds something is not written to"):
        done = run("--record", target, env=env)
        assert done.returncode == 66 and b"not empty" in done.stderr

tap.finish()
