#!/usr/bin/env python3
"""The tables of data/ beside the real things on this machine: nvcc's architectures, libcudart's errors."""
import csv
import ctypes
import glob
import re
import shutil
import subprocess

import tap


def table(name):
    with open(tap.ROOT / "data" / f"{name}.csv") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def number(version):
    major, minor = version.split(".")[:2]
    return int(major) * 1000 + int(minor) * 10


nvcc = shutil.which("nvcc") or next(iter(sorted(glob.glob("/usr/local/cuda*/bin/nvcc"), reverse=True)), None)
if nvcc:
    release = number(re.search(r"release (\d+\.\d+)", subprocess.run([nvcc, "--version"], capture_output=True, text=True).stdout)[1])
    codes = {int(code) for code in re.findall(r"sm_(\d+)", subprocess.run([nvcc, "--list-gpu-code"], capture_output=True, text=True).stdout)}
    with tap.case("architectures.csv names what this nvcc compiles for, and nothing else"):
        listed = {int(row["capability"].replace(".", "")) for row in table("architectures")
                  if number(row["first_cuda"]) <= release and (not row["last_cuda"] or number(row["last_cuda"]) >= release)}
        assert codes and listed == codes, (listed - codes, codes - listed)
else:
    tap.skip("nvcc's architectures", "no toolkit")

libraries = sorted(glob.glob("/usr/local/cuda*/lib*/libcudart.so.[0-9]*"), reverse=True)
if libraries:
    with tap.case("errors.csv has the names and words of libcudart"):
        library = ctypes.CDLL(libraries[0])
        library.cudaGetErrorName.restype = library.cudaGetErrorString.restype = ctypes.c_char_p
        rows = {int(row["code"]): row for row in table("errors") if row["api"] == "cuda"}
        for code in range(1000):
            name, text = library.cudaGetErrorName(code).decode(), library.cudaGetErrorString(code).decode()
            if name != "unrecognized error code":
                assert (rows[code]["name"], rows[code]["text"]) == (name, text), code
else:
    tap.skip("libcudart's errors", "no toolkit")

tap.finish()
