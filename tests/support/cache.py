"""Where downloads are kept, and how Debian's packages get there without being installed."""
import os
import pathlib
import subprocess

import tap

CACHE = pathlib.Path(os.environ.get("WHYCUDA_CACHE", tap.ROOT / "build/cache"))


def debian(folder, suite, packages, architecture=None):
    """Packages of a suite (contrib and non-free too), unpacked into CACHE/folder; the machine's own lists stay as they are.
    architecture: Debian's name of another one than this machine's."""
    target, apt = CACHE / folder, CACHE / "apt" / (f"{suite}-{architecture}" if architecture else suite)
    missing = [p for p in packages if not (target / f".done-{p}").exists()]
    if not missing:
        return target
    for part in ("parts", "lists/partial", "cache/archives/partial", "debs"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    (apt / "sources.list").write_text(f"deb http://deb.debian.org/debian {suite} main contrib non-free non-free-firmware\n")
    options = [f"-oDir::Etc::sourcelist={apt}/sources.list", f"-oDir::Etc::sourceparts={apt}/parts",
               f"-oDir::State::Lists={apt}/lists", f"-oDir::Cache={apt}/cache", "-oAPT::Sandbox::User=root"]
    if architecture:
        options += [f"-oAPT::Architecture={architecture}", f"-oAPT::Architectures={architecture}", "-oDir::State::status=/dev/null"]
    subprocess.run(["apt-get", "-q", *options, "update"], check=True, capture_output=True)
    for package in missing:
        subprocess.run(["apt-get", "-q", *options, "download", package], check=True, capture_output=True, cwd=apt / "debs")
        for deb in (apt / "debs").glob(f"{package}_*.deb"):
            subprocess.run(["dpkg", "-x", deb, target], check=True)
            deb.unlink()
        (target / f".done-{package}").touch()
    return target
