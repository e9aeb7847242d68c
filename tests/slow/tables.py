#!/usr/bin/env python3
"""data/torch_*.csv beside PyPI: releases, Python versions, and what the newest wheels say of themselves.

Wheels are read by ranges, as pip's fast-deps does: the directory at their end, version.py, libtorch_python.so.
"""
import csv
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import tap

INDEX = "https://pypi.org/simple/torch/"
NEWEST = 3


def table(name):
    with open(tap.ROOT / "data" / f"{name}.csv") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


class Remote(io.RawIOBase):
    def __init__(self, url, size):
        self.url, self.size, self.at = url, size, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self):
        return self.at

    def readinto(self, buffer):
        end = min(self.size, self.at + len(buffer))
        if end <= self.at:
            return 0
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={self.at}-{end - 1}"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            data = answer.read()
        buffer[:len(data)] = data
        self.at += len(data)
        return len(data)


def wheel(file):
    return zipfile.ZipFile(io.BufferedReader(Remote(file["url"], file["size"]), 1 << 20))


try:
    request = urllib.request.Request(INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    files = json.load(urllib.request.urlopen(request, timeout=60))["files"]
except (urllib.error.URLError, ValueError) as error:
    tap.skip("PyPI", str(error))
    tap.finish()

wheels = []
for file in files:
    match = re.fullmatch(r"torch-([0-9.]+)(?:-\d+)?-cp(\d)(\d+)-(\w+)-(\S+)\.whl", file["filename"])
    if match and not file["yanked"]:
        file["url"] = urllib.parse.urljoin(INDEX, file["url"])
        wheels.append((match[1], f"{match[2]}.{match[3]}", match[4], match[5], file))
releases = {row["torch"]: row for row in table("torch_releases")}
order = lambda version: [int(part) for part in version.split(".")]

with tap.case("every release on PyPI has a row, with its Python versions"):
    for version in {entry[0] for entry in wheels}:
        pythons = sorted({e[1] for e in wheels if e[0] == version and "x86_64" in e[3] and "linux" in e[3] and not e[2].endswith("t")
                          and e[1][0] == "3"}, key=order)
        row = releases[version]
        assert not pythons or (row["python_min"], row["python_max"]) == (pythons[0], pythons[-1]), (version, pythons)

variants = {(row["torch"], row["variant"], row["platform"]): row for row in table("torch_variants")}
for version in sorted({entry[0] for entry in wheels}, key=order, reverse=True)[:NEWEST]:
    for machine in ("x86_64", "aarch64"):
        entry = next((e for e in wheels if e[0] == version and "linux" in e[3] and e[3].endswith(machine)), None)
        if not entry:
            continue
        with tap.case(f"{version} for {machine}: CUDA and architectures as the wheel says"):
            archive = wheel(entry[4])
            text = archive.read("torch/version.py").decode()
            cuda = re.search(r"^cuda\b.*= '(\d+)\.(\d+)", text, re.M)
            default = f"cu{cuda[1]}{cuda[2]}" if cuda else "cpu"
            assert releases[version][f"pypi_linux_{machine}"] == default, default
            if cuda:
                library = archive.read("torch/lib/libtorch_python.so")
                flags = re.search(rb"sm_\d+[af]?(?: (?:sm|compute)_\d+[af]?)+", library)[0].decode()
                assert variants[version, default, f"linux_{machine}"]["architectures"] == flags, flags

tap.finish()
