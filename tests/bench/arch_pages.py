"""The least that a cold file costs: bytes of the pages on which the headers of its GPU code stand, where `whycuda arch`
looks by default. Whoever reads a header brings in its page (4096 bytes), and nothing else tells what an entry is for.

  arch_pages.py FILE"""
import mmap
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import arch_oracle as oracle  # noqa: E402

PAGE = 4096
FIELDS = 48  # of an entry's 64 bytes: up to the flags


def pages_of(data, at):
    end = at + 16 + struct.unpack_from("<Q", data, at + 8)[0]
    pages = {at // PAGE, (at + 15) // PAGE}
    at += 16
    while at < end:
        pages |= {at // PAGE, (at + FIELDS - 1) // PAGE}
        header, payload = struct.unpack_from("<IQ", data, at + 4)
        at += header + payload
    return pages


def main(path):
    ranges = oracle.section_ranges(path, lambda name, flags: oracle.is_main(name, flags) or oracle.is_large(name, flags))
    pages = set()
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for at, _ in oracle.byte_scan(path):
            if any(start <= at < end for start, end in ranges):
                pages |= pages_of(data, at)
    print(f"{100 * len(pages) * PAGE / os.path.getsize(path):.2f}")


main(sys.argv[1])
