#!/usr/bin/env python3
"""whycuda libs beside the real loader: made libraries for every rule, made failures, and a sample of this machine's own
files. The whole machine, and real PyTorch wheels: tests/slow/loader.py."""
import tempfile

import tap
from oracle import loader, loader_failures, loader_rules

EVERY = 40  # of the programs and libraries here

if not loader_rules.LOADER:
    tap.skip("libs beside ld.so", "no glibc loader of a machine known here")
    tap.finish()
with tempfile.TemporaryDirectory() as folder:
    loader_rules.rules(loader_rules.Bench(folder))
with tempfile.TemporaryDirectory() as folder:
    loader_failures.failures(loader_rules.Bench(folder))
with tap.case(f"every {EVERY}th program and library of this machine: the paths of ldd"):
    compared, differences, _ = loader.run(str(tap.PROGRAM), loader.DIRECTORIES, every=EVERY)
    assert compared and not differences, "\n".join(differences)
with tap.case("the same with LD_LIBRARY_PATH"):
    compared, differences, _ = loader.run(str(tap.PROGRAM), loader.DIRECTORIES, every=EVERY,
                                          library_path=":/usr/lib32:/usr/local/cuda/lib64:/usr/lib/x86_64-linux-gnu/")
    assert compared and not differences, "\n".join(differences)
with tap.case(f"every {2 * EVERY}th: the undefined symbols of ldd -r"):
    compared, differences, _ = loader.run(str(tap.PROGRAM), loader.DIRECTORIES, every=2 * EVERY, symbols=True)
    assert compared and not differences, "\n".join(differences)
tap.finish()
