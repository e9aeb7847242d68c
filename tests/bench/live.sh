#!/bin/sh
# What asking the driver adds to a run, on a sound simulated driver with one and with eight GPUs, beside the same run without
# children (--no-live). The difference holds what the simulated driver itself takes. Wanted: below 30 ms.
set -eu
cd "$(dirname "$0")/../.."
ninja -C build/dev ask sim_cuda sim_nvml >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo gpu >"$scratch/1"
for _ in 1 2 3 4 5 6 7 8; do echo gpu; done >"$scratch/8"
/usr/bin/python3 - "$scratch" <<'TEXT'
import os, statistics, subprocess, sys, time
scratch = sys.argv[1]
def median(arguments, gpus, rounds=31, **extra):
    env = dict(os.environ, WHYCUDA_SIM=f"{scratch}/{gpus}", LD_LIBRARY_PATH="build/dev/tests/sim", **extra)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(["build/release/whycuda", *arguments], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)
for gpus in (1, 8):
    without, full = median(["--no-live"], gpus), median([], gpus)
    masked = median([], gpus, CUDA_VISIBLE_DEVICES="0")
    print(f"{gpus} GPU: without children {without:6.1f} ms, with {full:6.1f} ms, difference {full - without:5.1f} ms; "
          f"with CUDA_VISIBLE_DEVICES set (a third child) {masked - without:5.1f} ms")
TEXT
