"""What the suites of the simulated driver share: scenarios, children alone, the functions from the product's own lists."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import tap

BUILD = pathlib.Path(os.environ.get("WHYCUDA_BUILD", tap.ROOT / "build/dev"))
SIM = BUILD / "tests/sim"
ASK = BUILD / "tests/ask"
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="whycuda-sim-"))


def functions(header, macro):
    """Names in an X-list of src/live/*_api.h."""
    text = (tap.ROOT / "src/live" / header).read_text()
    body = re.search(r"#define %s\(X\)(.*?)\n\n" % macro, text, re.S).group(1)
    return re.findall(r"X\((\w+),", body)


CUDA_QUERY = functions("cuda_api.h", "CUDA_QUERY_FUNCTIONS")
CUDA_COMPUTE = functions("cuda_api.h", "CUDA_COMPUTE_FUNCTIONS")
NVML = functions("nvml_api.h", "NVML_FUNCTIONS")


def environment(scenario, **extra):
    path = SCRATCH / "scenario"
    path.write_text(scenario)
    env = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PYTHONPATH")}
    env.update(WHYCUDA_SIM=str(path), LD_LIBRARY_PATH=str(SIM), **extra)
    return env


def ask(scenario, *what, milliseconds=10000, options=(), **extra):
    """One child alone; its answer, with the wall time of the whole run in seconds as `wall`."""
    start = time.monotonic()
    done = subprocess.run([str(ASK), "-t", str(milliseconds), *options, *map(str, what)], env=environment(scenario, **extra),
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=milliseconds / 1000 + 30)
    wall = time.monotonic() - start
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr[-2000:])
    result = json.loads(done.stdout)
    result["wall"] = wall
    return result


def whycuda(scenario, *arguments, timeout=60, **extra):
    """The whole program on the simulated driver."""
    return subprocess.run([str(tap.PROGRAM), *map(str, arguments)], env=environment(scenario, **extra), capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=timeout)


def processes():
    """Processes that came from the suites' own program or libraries and are still there, zombies that wait for init aside."""
    left = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if str(SCRATCH).encode() in environ and state != "Z":
            left.append(int(entry.name))
    return left
