"""Answers about GPU code that do not come from whycuda: cuobjdump's lists, and a scan of every byte."""
import collections
import json
import mmap
import re
import struct
import subprocess

import tap

KIND = {1: "compute", 2: "sm", 8: "lto"}


def ours(path, *options, program=None):
    """whycuda's counts: (main, elsewhere) as {"sm_90a": 4}; elsewhere is None where it did not look."""
    done = subprocess.run([str(program or tap.PROGRAM), "arch", "--json", "-v", *options, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, f"{path}: {done.stderr}"
    answer = json.loads(done.stdout)[0]
    elsewhere = answer.get("elsewhere")
    assert sum(answer["counts"].values()) == answer["entries"], answer
    return collections.Counter(answer["counts"]), elsewhere and collections.Counter(elsewhere["counts"])


def fold(counts, suffixes="af", kinds=("sm", "compute")):
    """Without the suffixes named, and without the kinds that cuobjdump does not list."""
    out = collections.Counter()
    for name, n in counts.items():
        if name.split("_")[0] in kinds:
            out[re.sub(f"[{suffixes}]$", "", name) if suffixes else name] += n
    return out


def cuobjdump(tool, path, *options):
    """What `cuobjdump --list-elf --list-ptx` lists. None when this version cannot read the file."""
    counts = collections.Counter()
    for what, prefix in (("--list-elf", "sm"), ("--list-ptx", "compute")):
        done = subprocess.run([str(tool), *options, what, str(path)], capture_output=True, text=True)
        output = done.stdout + done.stderr
        if "does not contain device code" in output or "No PTX file found" in output:
            continue
        if done.returncode != 0:
            return None
        for hit in re.finditer(r"\.sm_(\d+[af]?)\.(?:cubin|ptx)$", done.stdout, re.M):
            counts[f"{prefix}_{hit.group(1)}"] += 1
    return counts


def byte_scan(path):
    """Every container in the file, wherever it stands: [(offset, [name, ...])]. Reads all of it, trusts no table."""
    found = []
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        at = 0
        while (at := data.find(b"\x50\xed\x55\xba\x01\x00\x10\x00", at)) >= 0:
            names = container(data, at)
            if names is not None:
                found.append((at, names))
            at += 8
    return found


def container(data, at):
    size = struct.unpack_from("<Q", data, at + 8)[0] if at + 16 <= len(data) else 1 << 64
    end, at, names = at + 16 + size, at + 16, []
    if end > len(data):
        return None
    while at < end:
        if end - at < 64:
            return None
        kind, _, header, payload = struct.unpack_from("<HHIQ", data, at)
        arch, = struct.unpack_from("<I", data, at + 0x1C)
        flags, = struct.unpack_from("<Q", data, at + 0x28)
        suffix = "a" if flags & 0x100000 else "f" if flags & 0x200000 else ""
        if header < 64 or at + header + payload > end:
            return None
        names.append(f"{KIND.get(kind, f'kind{kind}')}_{arch}{suffix}")
        at += header + payload
    return names


def section_ranges(path, wanted):
    """[start, end) of the sections wanted by name and flags, as readelf tells them."""
    done = subprocess.run(["readelf", "-SW", str(path)], capture_output=True, text=True)
    ranges = []
    for hit in re.finditer(r"^\s*\[\s*\d+\]\s+(\S+)\s+(\S+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+([0-9a-f]+)\s+[0-9a-f]+\s+([A-Za-z]*)\s", done.stdout, re.M):
        name, kind, offset, size, flags = hit.groups()
        if wanted(name, flags) and kind != "NOBITS":
            ranges.append((int(offset, 16), int(offset, 16) + int(size, 16)))
    return ranges


def counts_in(found, ranges):
    counts = collections.Counter()
    for offset, names in found:
        if any(start <= offset < end for start, end in ranges):
            counts.update(names)
    return counts


def is_main(name, flags):
    return name in (".nv_fatbin", "__nv_relfatbin")


def is_large(name, flags):
    """cuFFT's .ldata and .lrodata; cuBLASLt's and cuDNN's .cask_resource, which has the flag alone."""
    return not is_main(name, flags) and (name.startswith((".ldata", ".lrodata")) or "l" in flags)


def differences(a, b):
    return {k: (a.get(k, 0), b.get(k, 0)) for k in sorted(set(a) | set(b)) if a.get(k, 0) != b.get(k, 0)}


def check_scan(path, program=None):
    """whycuda against the byte scan: what is in the sections, what is in the large-model sections, and all of it."""
    found = byte_scan(path)
    main, elsewhere = ours(path, program=program)
    bad = differences(main, counts_in(found, section_ranges(path, is_main)))
    assert not bad, f"{path}: sections, whycuda and scan: {bad}"
    large = section_ranges(path, is_large)
    if large:
        bad = differences(elsewhere, counts_in(found, large))
        assert not bad, f"{path}: large-model sections, whycuda and scan: {bad}"
    main, elsewhere = ours(path, "--scan", program=program)
    bad = differences(main + elsewhere, counts_in(found, [(0, 1 << 62)]))
    assert not bad, f"{path}: all, whycuda and scan: {bad}"
    return sum(len(names) for _, names in found)
