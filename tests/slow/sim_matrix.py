#!/usr/bin/env python3
"""Every function that is asked x every way it can fail, on the simulated driver; ends with the table."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sim"))
import matrix
import simlib
import tap

with tap.case("a full product, 1000 x 1000, on the simulated GPU"):
    result = simlib.ask("gpu\n", "compute", 0, 1000, 0, milliseconds=120000)
    assert result["end"] == "ok" and result["answer"]["product"]["wrong"] == 0, result

passed = {}
for function in simlib.CUDA_QUERY + simlib.CUDA_COMPUTE + simlib.NVML:
    with tap.case(function):
        complaints = []

        def each(function, fault, bad):
            passed.setdefault(fault, []).append(not bad)
            if bad:
                complaints.append((fault, bad))

        matrix.run([function], matrix.FAULTS, each)
        assert not complaints, complaints

with tap.case("no process is left"):
    assert not simlib.processes(), simlib.processes()

print("# fault        functions  passed")
for fault, results in passed.items():
    print(f"# {fault:12} {len(results):9} {sum(results):7}")
tap.finish()
