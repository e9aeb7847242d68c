#!/usr/bin/env python3
"""Each machine of tests/roots again with every read failing in turn, three ways, and with rubbish in each file."""
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "roots"), str(pathlib.Path(__file__).resolve().parent.parent)]
import hostile
import run
import tap
from cases import CASES

only = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    for entry in CASES:
        if only and entry[0] not in only:
            continue
        path = run.build(entry, folder)
        if path is None:
            tap.skip(f"root {entry[0]}", f"packages not available: {entry[3]}")
            continue
        with tap.case(f"root {entry[0]}: every read fails once, three ways"):
            hostile.check_faults(path)
        if entry[0].startswith(("symlink-", "fifos-", "empty", "real-")):
            continue
        with tap.case(f"root {entry[0]}: rubbish in one file at a time"):
            hostile.check_each_file(path, folder)
tap.finish()
