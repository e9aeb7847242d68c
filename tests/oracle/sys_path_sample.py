#!/usr/bin/env python3
"""sys.path, version and machine of every Python here: what the files tell, beside what the interpreter itself says.

The probe runs no Python; this test runs each one it found, and makes venvs, user sites and .pth files of every kind."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

ASK = ("import sys, json, platform; print(json.dumps([[p for p in sys.path], sys.prefix, "
       "'%d.%d.%d' % sys.version_info[:3], platform.machine(), getattr(sys, 'base_prefix', sys.prefix)]))")


def told(cwd, env, *options):
    done = subprocess.run([str(tap.PROGRAM), "snapshot", "--no-redact", *options], cwd=cwd, env=env, capture_output=True,
                          check=True)
    return json.loads(done.stdout)["torch"]


def value(fact):
    return (fact or {}).get("value")


def compare(cwd, env, *options):
    """Every environment found from there; returns how many were compared."""
    torch, count = told(cwd, env, *options), 0
    for one in torch["environments"]["value"]:
        interpreter = value(one.get("interpreter"))
        if not interpreter:
            continue
        asked = subprocess.run([interpreter, "-c", ASK], cwd=cwd, env=env, capture_output=True)
        assert asked.returncode == 0, (interpreter, asked.stderr)
        path, prefix, version, machine, base = json.loads(asked.stdout)
        path = [os.path.realpath(cwd) if p == "" else p for p in path]
        library = [p for p in path if p.startswith(base + "/lib") and "-packages" not in p
                   and not p.startswith(os.path.realpath(cwd))]
        wanted = [p for p in dict.fromkeys(path) if p not in library and os.path.exists(p)]
        assert value(one["site_packages"]) == wanted, f"{interpreter}: {value(one['site_packages'])} is not {wanted}"
        assert version.startswith(value(one["python"])), (interpreter, version, value(one["python"]))
        assert value(one["machine"]) == machine, (interpreter, machine)
        assert os.path.realpath(value(one["path"])) == os.path.realpath(prefix), (interpreter, prefix)
        count += 1
    return count


def plain(**more):
    """The environment without what this test sets itself."""
    own = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "PYTHONSAFEPATH", "PYTHONHOME")
    return {**{k: v for k, v in os.environ.items() if k not in own}, **more}


with tempfile.TemporaryDirectory() as made:
    made = pathlib.Path(os.path.realpath(made))
    project = made / "project"
    project.mkdir()
    with tap.case("every Python of this machine"):
        count = compare(project, plain())
        assert count >= 1
        print(f"# {count} interpreters")
    with tap.case("a venv, one that sees the system's packages, and one of another Python"):
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", project / "venv"], check=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", project / "open"], check=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--copies", project / "copied"], check=True)
        assert compare(project, plain()) >= 3
    home = made / "home"
    for version in {"%d.%d" % sys.version_info[:2], "3.11", "3.12"}:
        (home / f".local/lib/python{version}/site-packages").mkdir(parents=True)
    with tap.case("user site, and PYTHONNOUSERSITE"):
        compare(project, plain(HOME=str(home), PYENV_ROOT=os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))))
        compare(project, plain(HOME=str(home), PYTHONNOUSERSITE="1"))
        compare(project, plain(PYTHONUSERBASE=str(home / ".local")))
    with tap.case("PYTHONPATH with relative, empty and missing entries; a safe path"):
        (project / "extra").mkdir()
        compare(project, plain(PYTHONPATH=f"extra::/nowhere:{made}/./home/../project/extra"))
        compare(project / "extra", plain(PYTHONPATH=".."))
        torch = told(project, plain(PYTHONSAFEPATH="1"), "--python", str(project / "venv/bin/python"))
        assert str(project) not in value(torch["environments"]["value"][0]["site_packages"])
    with tap.case(".pth files"):
        site = next((project / "venv/lib").glob("python3*")) / "site-packages"
        for name in ("one", "two", "three"):
            (made / name).mkdir()
        (made / "two/torch.pth").write_text(str(made / "three"))
        (site / "b.pth").write_text(f"# comment\n\nimport sys\n{made}/two\n/nowhere\n")
        (site / "A.pth").write_text(f"../../../../../one\n")
        env = plain()
        compare(project, env, "--python", str(project / "venv/bin/python"))

ROOT = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
if (ROOT / "shims/python").exists():
    with tap.case("pyenv's shim: the Python that it starts, or none where it fails"):
        versions = sorted(path.name for path in (ROOT / "versions").iterdir())
        short = versions[-1].rsplit(".", 1)[0]
        with tempfile.TemporaryDirectory() as made:
            made = pathlib.Path(os.path.realpath(made))
            (made / "below").mkdir()
            path = f"{ROOT}/shims:/usr/bin:/bin"
            settings = [{}] + [{"PYENV_VERSION": one} for one in (versions[0], versions[-1], short, f"9.9.9:{versions[0]}", "9.9.9", "system",
                                                                 f"python-{versions[0]}")]
            files = [None, f"{versions[0]}\n", f"# why\n\n{short} {versions[0]}\r\n", "9.9.9\n", "system\n", "", "../../x\n"]
            for text in files:
                (made / ".python-version").unlink(missing_ok=True)
                if text is not None:
                    (made / ".python-version").write_text(text)
                for setting in settings:
                    env = plain(PATH=path, PYENV_ROOT=str(ROOT), **setting)
                    asked = subprocess.run([ROOT / "shims/python", "-c", "import sys; print(sys.executable)"], cwd=made / "below", env=env,
                                           capture_output=True, text=True)
                    wanted = asked.stdout.strip() if asked.returncode == 0 else None
                    torch = told(made / "below", env)
                    got = value(torch["interpreter"])
                    chosen = setting.get("PYENV_VERSION", text)
                    if wanted is None and got == "/usr/bin/python3" and chosen is not None and chosen.strip() in ("system", "", "../../x"):
                        continue  # no version of its own: the system, which has no `python`; the next word to try is python3
                    assert got == wanted, (text, setting, got, wanted, asked.stderr)

tap.finish()
