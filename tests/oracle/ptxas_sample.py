#!/usr/bin/env python3
"""The shipped kernels, assembled by NVIDIA's ptxas for every GPU it knows, without a warning."""
import os
import pathlib
import re
import subprocess

import tap

PTXAS = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "bin/ptxas"
KERNELS = sorted((tap.ROOT / "src/live").glob("*.ptx"))
if not PTXAS.exists():
    tap.skip("kernels through ptxas", f"no {PTXAS}")
    tap.finish()

targets = sorted(set(re.findall(r"'(sm_\d+)'", subprocess.run([str(PTXAS), "--help"], capture_output=True, text=True).stdout)),
                 key=lambda t: int(t[3:]))
for kernel in KERNELS:
    with tap.case(f"{kernel.name} for {', '.join(targets)}"):
        assert len(targets) >= 5, targets
        for target in targets:
            done = subprocess.run([str(PTXAS), "-Werror", "-arch", target, str(kernel), "-o", "/dev/null"], capture_output=True,
                                  text=True)
            assert done.returncode == 0 and not done.stdout + done.stderr, (target, done.stdout, done.stderr)
        text = kernel.read_text()
        assert re.search(r"^\.version 6\.0$", text, re.M) and re.search(r"^\.target sm_30$", text, re.M)

with tap.case("ptxas would have complained"):
    broken = KERNELS[0].read_text().replace("add.u64", "add.u65", 1).replace("add.u32", "add.u33", 1)
    path = tap.ROOT / "build/broken.ptx"
    path.write_text(broken)
    assert subprocess.run([str(PTXAS), str(path), "-o", "/dev/null"], capture_output=True).returncode != 0
    path.unlink()
tap.finish()
