#!/usr/bin/env python3
"""Which Python would run, and which others there are: `whycuda snapshot` and `whycuda envs` over made machines."""
import json
import os
import pathlib
import sys

import jsonschema
import tap

from support.pythons import Machine, elf

SCHEMA = jsonschema.Draft202012Validator(json.loads((tap.ROOT / "schema/envs-1.json").read_text()))
SHIM = '#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexport PYENV_ROOT="/home/jo/.pyenv"\nexec "/home/jo/.pyenv/libexec/pyenv" exec "$program" "$@"\n'


def chosen(machine, *options):
    facts = machine.ask(*options)
    used = facts.used()
    return facts.interpreter, facts.chosen_by, used and used.path


with tap.case("--python, then VIRTUAL_ENV, then CONDA_PREFIX, then python on PATH, then python3"):
    m = Machine()
    m.python("/usr", names=("python3",))
    assert chosen(m) == ("/usr/bin/python3", "PATH", "/usr")
    m.python("/usr/local", "3.12.1")
    assert chosen(m) == ("/usr/local/bin/python", "PATH", "/usr/local")
    m.conda("/opt/conda")
    m.environ["CONDA_PREFIX"] = "/opt/conda"
    assert chosen(m) == ("/opt/conda/bin/python", "CONDA_PREFIX", "/opt/conda")
    m.venv("/home/jo/venv")
    m.environ["VIRTUAL_ENV"] = "/home/jo/venv"
    assert chosen(m) == ("/home/jo/venv/bin/python", "VIRTUAL_ENV", "/home/jo/venv")
    for asked in ("/opt/conda/bin/python", "/opt/conda", "../../../opt/conda/bin/python3.11"):
        assert chosen(m, "--python", asked)[1:] == ("--python", "/opt/conda"), asked
    assert chosen(m, "--python", "python3.12")[2] == "/usr/local"
    facts = m.ask()
    assert facts.on_path == "/usr/local/bin/python"

with tap.case("a VIRTUAL_ENV that is gone is passed over; --python that names nothing is said"):
    m = Machine(environ={"VIRTUAL_ENV": "/nowhere"})
    m.python()
    assert chosen(m) == ("/usr/bin/python", "PATH", "/usr")
    facts = m.ask("--python", "/nowhere/python")
    assert facts.state("interpreter") == "absent" and not facts.used()
    m.file("/usr/bin/other", elf(), 0o755)
    assert m.ask("--python", "/usr/bin/other").state("interpreter") == "unknown"

with tap.case("not executable, a directory, an entry that is relative: as a shell sees PATH"):
    m = Machine(environ={"PATH": "/a:/b:bin:/usr/bin"})
    m.python()
    m.file("/a/python", elf(), 0o644)
    m.directory("/b/python")
    assert chosen(m)[0] == "/usr/bin/python"
    m.python("/home/jo/project")
    assert chosen(m)[0] == "/home/jo/project/bin/python"

with tap.case("without a recorded environment the Python in use is unknown, and the others are found all the same"):
    m = Machine()
    m.python()
    m.venv("/home/jo/.virtualenvs/ml")
    m.conda("/root/miniconda3")
    facts = m.ask(environ=False)
    assert facts.state("interpreter") == "unknown" and "not recorded" in facts.why("interpreter")
    assert {one.path for one in facts.environments} == {"/usr", "/home/jo/.virtualenvs/ml", "/root/miniconda3"}

with tap.case("pyenv's shims: PYENV_VERSION, .python-version up the tree, the global file, system, none"):
    m = Machine(environ={"PATH": "/home/jo/.pyenv/shims:/usr/bin"})
    m.python()
    for version in ("3.9.1", "3.11.4", "3.11.10", "3.12.1"):
        m.python(f"/home/jo/.pyenv/versions/{version}", version)
    m.file("/home/jo/.pyenv/shims/python", SHIM, 0o755)
    assert chosen(m)[0] == "/usr/bin/python", "no version file means system"
    m.file("/home/jo/.pyenv/version", "3.9.1\n")
    assert chosen(m) == ("/home/jo/.pyenv/versions/3.9.1/bin/python", "PATH", "/home/jo/.pyenv/versions/3.9.1")
    assert m.ask().source("interpreter") == "/home/jo/.pyenv/version"
    m.file("/home/jo/.python-version", "# ours\n3.11\n")
    assert chosen(m)[2] == "/home/jo/.pyenv/versions/3.11.10", "the newest of a prefix"
    m.file("/home/jo/project/.python-version", "3.12.1 3.9.1\r\n")
    assert chosen(m)[2] == "/home/jo/.pyenv/versions/3.12.1"
    m.environ["PYENV_VERSION"] = "3.13.5:3.9.1"
    assert chosen(m)[2] == "/home/jo/.pyenv/versions/3.9.1"
    m.environ["PYENV_VERSION"] = "system"
    assert chosen(m)[0] == "/usr/bin/python"
    m.environ["PYENV_VERSION"] = "3.13.5"
    facts = m.ask()
    assert facts.state("interpreter") == "unknown" and "3.13.5" in facts.why("interpreter")

with tap.case("asdf's and mise's shims: .tool-versions and mise.toml"):
    m = Machine(environ={"PATH": "/home/jo/.asdf/shims:/usr/bin"})
    m.python()
    m.python("/home/jo/.asdf/installs/python/3.10.2", "3.10.2")
    m.file("/home/jo/.asdf/shims/python", '#!/usr/bin/env bash\n# asdf-plugin: python 3.10.2\nexec asdf exec "python" "$@"\n', 0o755)
    m.file("/home/jo/.tool-versions", "nodejs 20.1\npython 3.10.2 # why not\n")
    assert chosen(m)[2] == "/home/jo/.asdf/installs/python/3.10.2"
    m.file("/home/jo/project/.tool-versions", "python system\n")
    assert chosen(m)[2] == "/usr"
    m = Machine(environ={"PATH": "/home/jo/.local/share/mise/shims:/usr/bin"})
    m.python()
    m.python("/home/jo/.local/share/mise/installs/python/3.12.4", "3.12.4")
    m.file("/usr/bin/mise", elf(), 0o755)
    m.link("/home/jo/.local/share/mise/shims/python", "/usr/bin/mise")
    m.file("/home/jo/mise.toml", '[env]\npython = "3.9"\n[tools]\npython = "3.12"\n')
    assert chosen(m)[2] == "/home/jo/.local/share/mise/installs/python/3.12.4"

with tap.case("every place where tools keep environments, each once, with its kind"):
    m = Machine()
    m.python()
    wanted = {"/usr": "system"}

    def venv(path, kind, **more):
        m.venv(path, **more)
        wanted[path] = kind

    venv("/home/jo/project/.venv", "venv")
    venv("/home/jo/project/venv", "venv")
    venv("/home/jo/project/my env", "venv")
    venv("/home/jo/venv", "venv")
    venv("/home/jo/project/.tox/py311", "venv")
    venv("/home/jo/.virtualenvs/a", "venv")
    venv("/home/jo/.local/share/virtualenvs/app-x1", "pipenv")
    venv("/home/jo/.cache/pypoetry/virtualenvs/app-py3.11", "poetry")
    venv("/home/jo/.local/share/pipx/venvs/black", "pipx")
    venv("/home/jo/.local/share/uv/tools/ruff", "uv", more="uv = 0.5.1\n")
    venv("/home/env", "uv", more="uv = 0.5.1\n")
    for path, version, kind in (("/home/jo/.local/share/uv/python/cpython-3.12.3-linux-x86_64-gnu", "3.12.3", "uv"),
                                ("/home/jo/.pyenv/versions/3.10.1", "3.10.1", "pyenv"),
                                ("/home/jo/.asdf/installs/python/3.8.1", "3.8.1", "asdf"),
                                ("/usr/local", "3.13.0", "system")):
        m.python(path, version)
        wanted[path] = kind
    for path in ("/home/jo/miniconda3", "/home/jo/miniconda3/envs/ml", "/data/conda/env", "/home/jo/.conda/envs/b"):
        m.conda(path)
        wanted[path] = "conda"
    m.directory("/home/jo/miniconda3/condabin")
    m.file("/home/jo/.conda/environments.txt", "/data/conda/env\n/gone\n/home/jo/miniconda3/envs/ml\n")
    m.conda("/home/jo/project/.pixi/envs/default")
    wanted["/home/jo/project/.pixi/envs/default"] = "pixi"
    m.venv("/srv/kernel")
    wanted["/srv/kernel"] = "jupyter"
    kernel = json.dumps({"argv": ["/srv/kernel/bin/python", "-m", "ipykernel_launcher"], "display_name": "Deep learning"})
    m.file("/home/jo/.local/share/jupyter/kernels/dl/kernel.json", kernel)
    m.file("/home/jo/.local/share/jupyter/kernels/own/kernel.json", json.dumps({"argv": ["python"], "display_name": "own"}))
    m.link("/opt/venv", "/home/jo/venv")
    facts = m.ask()
    found = [(one.path, one.kind) for one in facts.environments]
    assert dict(found) == wanted and len(found) == len(wanted), set(found) ^ set(wanted.items())
    assert facts.named("/srv/kernel").kernels == ["Deep learning"]
    assert facts.named("/home/jo/miniconda3").name == "base" and facts.named("/home/jo/miniconda3/envs/ml").name == "ml"
    assert facts.named("/home/jo/project/.venv").name == "project"
    assert facts.named("/usr/local").python == "3.13.0"
    assert facts.environments[0].path == "/usr/local" and facts.environments[0].in_use, "the one in use first"

with tap.case("variables that move those places"):
    m = Machine(environ={"WORKON_HOME": "/data/envs", "PYENV_ROOT": "/data/pyenv", "XDG_DATA_HOME": "/data/share", "CONDA_EXE": "/data/mamba/bin/conda",
                         "CONDA_ENVS_PATH": "/data/more:/nowhere"})
    m.python()
    m.venv("/data/envs/a")
    m.python("/data/pyenv/versions/3.9.9", "3.9.9")
    m.venv("/data/share/pipx/venvs/b")
    m.conda("/data/mamba/envs/c")
    m.conda("/data/mamba")
    m.conda("/data/more/d")
    facts = m.ask()
    assert {one.path: one.kind for one in facts.environments} == {
        "/usr": "system", "/data/envs/a": "venv", "/data/pyenv/versions/3.9.9": "pyenv", "/data/share/pipx/venvs/b": "pipx",
        "/data/mamba": "conda", "/data/mamba/envs/c": "conda", "/data/more/d": "conda"}

with tap.case("version and machine: from the header, pyvenv.cfg, the program's name; a Python without the GIL; aarch64"):
    m = Machine()
    m.python("/usr", "3.11.2", patchlevel=False)
    m.python("/usr/local", "3.13.1", machine="aarch64")
    m.file("/opt/python/ft/bin/python3.13t", elf(), 0o755)
    m.link("/opt/python/ft/bin/python", "python3.13t")
    m.file("/opt/python/ft/lib/python3.13t/os.py")
    m.venv("/home/jo/venv", version="3.11.9")
    facts = m.ask()
    assert facts.named("/usr").python == "3.11" and facts.named("/usr").machine == "x86_64"
    assert facts.named("/usr/local").machine == "aarch64"
    assert facts.named("/opt/python/ft").free_threaded is True and facts.named("/opt/python/ft").python == "3.13"
    assert facts.named("/home/jo/venv").python == "3.11.9" and facts.named("/home/jo/venv").free_threaded is False

with tap.case("a venv whose Python is gone, and one that was made on Windows"):
    m = Machine()
    m.python()
    m.venv("/home/jo/project/old", version="3.8.10")
    m.file("/home/jo/project/win/pyvenv.cfg", "home = C:\\Python311\nversion = 3.11.4\n")
    m.file("/home/jo/project/win/Scripts/python.exe", b"MZ")
    site = m.directory("/home/jo/project/win/Lib/site-packages")
    m.torch(site, "2.6.0+cpu", None, libraries=["c10.dll", "torch_cpu.dll"])
    facts = m.ask()
    old, win = facts.named("/home/jo/project/old"), facts.named("/home/jo/project/win")
    assert old.state("interpreter") == "absent" and old.python == "3.8.10"
    assert win.kind == "windows" and win.python == "3.11.4" and win.build == "cpu" and win.torch_version == "2.6.0+cpu"
    SCHEMA.validate(json.loads(m.envs("--json").stdout))
    text = m.envs().stdout.decode()
    assert "broken" in next(line for line in text.splitlines() if "/old" in line), text

with tap.case("symlinks stay inside the root, and loops end"):
    m = Machine()
    m.python()
    outside = pathlib.Path("/usr/bin/python3").resolve()
    m.link("/home/jo/project/loop", "loop")
    m.directory("/home/jo/project/.venv/bin")
    m.file("/home/jo/project/.venv/pyvenv.cfg", "home = /home/jo/project/loop/bin\n")
    m.link("/home/jo/project/.venv/bin/python", "/home/jo/project/loop")
    m.link("/home/jo/project/venv", "../../../../../../../../../.." + str(outside.parent.parent))
    facts = m.ask()
    assert facts.named("/home/jo/project/.venv").state("interpreter") == "absent"
    assert facts.named("/usr") and len(facts.environments) == 2, [one.path for one in facts.environments]

with tap.case("whycuda envs: one line each, the one in use marked; JSON the same; exit status"):
    m = Machine()
    m.torch(m.python(), "2.6.0+cpu", None)
    m.torch(m.venv("/home/jo/project/.venv"))
    m.environ["VIRTUAL_ENV"] = "/home/jo/project/.venv"
    m.venv("/home/jo/venv")
    m.torch(m.venv("/home/jo/env"), "2.5.1+rocm6.2", None, hip="6.2.41133-dd7f95766", libraries=["libtorch_cpu.so", "libtorch_hip.so"])
    done = m.envs()
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and not done.stderr
    assert lines[1].split() == ["*", "3.11.2", "2.6.0+cu124", "cuda", "12.4", "~/project/.venv", "(venv)"], lines
    body = {line.split()[-2]: line for line in lines[1:5]}
    assert "cpu build" in body["/usr"] and "missing" in body["~/venv"] and "rocm 6.2" in body["~/env"]
    table = json.loads(m.envs("--json").stdout)
    SCHEMA.validate(table)
    assert [(one["path"], one["verdict"], one["in_use"]) for one in table][0] == ("/home/jo/project/.venv", "cuda 12.4", True)
    assert len(table) == 4 and all(one["problems"] == [] for one in table)
    empty = Machine()
    done = empty.envs()
    assert done.returncode == 1 and b"No Python would run" in done.stdout and json.loads(empty.envs("--json").stdout) == []

tap.finish()
