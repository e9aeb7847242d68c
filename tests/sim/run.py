#!/usr/bin/env python3
"""The simulated driver: kernels, planted faults, a sample of every function x every fault, and scenarios to the end."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import jsonschema
import matrix
import rooted
import scenarios
import simlib
import tap
from simlib import ask

A100 = "gpu\n"

with tap.case("a sound GPU: memory, copies, kernels and the product are right, and told in full"):
    result = ask(A100, "compute", 0, 100, 1)
    answer = result["answer"]
    assert result["end"] == "ok" and "refused" not in answer, result
    assert answer["product"]["wrong"] == 0 and answer["product"]["size"] == 100
    assert answer["pattern"] == {"elements": 1000003, "wrong": 0}
    assert answer["copy"]["wrong"] == 0 and answer["copy"]["on_device_max_mb_s"] == 2 * 1215000 * 5120 // 8 // 1000
    assert answer["product"]["gflops_max"] == 2 * 1410000 * 108 * 64 // 1000000  # 19.5 TFLOP/s, as NVIDIA says of the A100
    memory = answer["memory"]
    assert memory["free_during"] < memory["free_before"] == memory["free_after"]
    assert answer["burn"]["products"] > 0 and answer["burn"]["wrong"] == 0

# kernel or copy, what goes wrong, in which store, the answer that must show it, how many elements are wrong: a store of the
# product is four floats; one made an element further is mended by the thread it belongs to, and leaves its own undone
PLANTS = [("matmul", "flip", 77, "product", 1), ("matmul", "lost", 77, "product", 4), ("matmul", "index", 77, "product", 4),
          ("pattern", "flip", 1000003, "pattern", 1), ("pattern", "lost", 1, "pattern", 1),
          ("pattern", "index", 500000, "pattern", 1), ("copy", "flip", 2, "copy", 1)]
for where, kind, at, found, wrong in PLANTS:
    with tap.case(f"a planted fault is found: {where} {kind}"):
        result = ask(f"plant {where} {kind} {at}\n{A100}", "compute", 0, 64, 0)
        assert result["end"] == "ok" and result["answer"][found]["wrong"] == wrong, result
        other = {"product": "pattern", "pattern": "copy", "copy": "pattern"}[found]
        assert result["answer"][other]["wrong"] == 0

with tap.case("a fault in one of many products is counted by the burn"):
    result = ask(f"plant matmul flip {1024 * 5 + 100}\n{A100}", "compute", 0, 64, 1)
    assert result["answer"]["product"]["wrong"] == 0, result["answer"]
    assert result["answer"]["burn"]["wrong"] == 1 and result["answer"]["burn"]["bad_products"] == 1, result["answer"]

with tap.case("a kernel the driver will not take: the compiler's words are kept"):
    result = ask("cuda_version 8000\n" + A100, "compute", 0, 64, 0)
    refused = result["answer"]["refused"]
    assert result["end"] == "ok" and "not for this device" in result["answer"]["jit_log"], result
    assert refused == [{"field": "module", "call": "cuModuleLoadDataEx", "device": 0, "code": 222,
                        "error": "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}], refused

with tap.case("CUDA_VISIBLE_DEVICES hides GPUs from libcuda and not from NVML"):
    eight = "gpu\n" * 8
    for value, count in (("2,3", 2), ("", None), ("-1", None), ("1,99,2", 1), ("GPU-a0000003", 1), ("0,0", 1), ("7", 1)):
        result = ask(eight, "cuda", CUDA_VISIBLE_DEVICES=value)
        assert result["answer"].get("count") == count and (count or result["answer"]["init"] == 100), (value, result)
        assert ask(eight, "nvml", CUDA_VISIBLE_DEVICES=value)["answer"]["count"] == 8

with tap.case("the sample: each way to fail at a call of each kind"):
    complaints = []
    for functions in (["cuInit", "cuDeviceGetName"], ["nvmlInit_v2", "nvmlDeviceGetMemoryInfo"], ["cuMemAlloc_v2", "cuLaunchKernel"]):
        total, failed = matrix.run(functions, matrix.FAULTS,
                                   lambda function, fault, bad: complaints.append((function, fault, bad)) if bad else None)
    assert not complaints, complaints

scenarios.run()
rooted.run()

with tap.case("what `whycuda test --json` prints fits the schema, and the table a terminal of 80 columns"):
    schema = json.loads((tap.ROOT / "schema/diagnosis-1.json").read_text())
    two = "gpu\ngpu\n name NVIDIA GeForce RTX 4090\n capability 8.9\n"
    import double
    torch = double.write(simlib.SCRATCH / "torch-double", devices=[double.device(0), double.device(1)], device_count=2)
    done = simlib.whycuda(two, "test", "--json", "--size", "64", "--python", torch)
    document = json.loads(done.stdout)
    jsonschema.validate(document, schema)
    assert [d["product_right"]["value"] for d in document["compute"]["devices"]["value"]] == [True, True] and done.returncode == 0
    text = simlib.whycuda(two, "test", "--size", "64", "--seconds", "1", "--gpu", "1", "--python", torch)
    lines = text.stdout.decode().splitlines()
    assert text.returncode == 0 and max(map(len, lines)) <= 100, lines
    assert [l.split()[0] for l in lines if "RTX 4090" in l] == ["1"] and not any("A100" in l for l in lines), lines
    assert any("products in 1 s, 0 wrong elements" in l for l in lines), lines
    assert simlib.whycuda(two, "test", "--size", "0").returncode == 64 and simlib.whycuda(two, "test", "--gpu", "x").returncode == 64

with tap.case("whycuda test: 1 where a product is wrong, where there is no GPU, where PyTorch does not agree; 2 where it could not be asked"):
    one = "gpu\n"
    assert simlib.whycuda("plant matmul flip 9\n" + one, "test", "--size", "64", "--python", torch).returncode == 1
    assert simlib.whycuda(one, "test", "--size", "64", "--python", torch, CUDA_VISIBLE_DEVICES="").returncode == 1
    sad = double.write(simlib.SCRATCH / "torch-sad", is_available=False, device_count=0)
    assert simlib.whycuda(one, "test", "--size", "64", "--python", sad).returncode == 1
    assert simlib.whycuda(one, "test", "--size", "64", "--python", "/nonexistent/python").returncode == 2

with tap.case("a machine recorded with its driver's answers gives them again under --root"):
    folder = simlib.SCRATCH / "recorded"
    sim = "gpu\n compute_mode 3\n process 4711 1048576\ngpu\n"
    assert simlib.whycuda(sim, "--record", folder).returncode == 0
    first = json.loads(simlib.whycuda(sim, "snapshot").stdout)
    again = json.loads(simlib.whycuda("gpu\n", "snapshot", "--root", folder).stdout)
    assert again["compute"] == first["compute"], (again["compute"], first["compute"])
    assert again["access"]["compute_mode"]["value"] == "Exclusive_Process" and len(again["access"]["processes"]["value"]) == 1

# --- a user's Python ------------------------------------------------------------------------------------------------


def python(script, *options, milliseconds=20000, program="/usr/bin/python3"):
    """Asks PyTorch in a Python that does something of its own first."""
    path = simlib.SCRATCH / "python"
    path.write_text(f"#!/bin/sh\n{script}\nexec {program} \"$@\"\n")
    path.chmod(0o755)
    return ask(A100, "torch", path, 64, milliseconds=milliseconds, options=options)


def untouched(result):
    """What any sane Python gives: with PyTorch its version, without it the error of the import."""
    answer = result["answer"]
    return result["end"] == "ok" and ("version" in answer or answer["errors"][0]["step"] == "import torch")


BAD_PYTHONS = [
    ("prints rubbish", "echo rubbish; echo '{\"set\": 1}'; echo more >&2", "ok", "rubbish"),
    ("prints a lot", "seq 1 200000", "ok", "1\n2"),
    ("forks a daemon that outlives it", "(setsid sleep 1000 &) ; sleep 1000 & sleep 0.2", "ok", ""),
    ("starts in a directory that was deleted", "d=$(mktemp -d) && cd $d && rmdir $d", "ok", ""),
    ("deletes its working directory", "d=$(mktemp -d) && mkdir $d/a $d/b && echo 'import os; os.rmdir(os.getcwd())' "
     ">$d/a/sitecustomize.py && cd $d/b && export PYTHONPATH=$d/a", "ok", ""),
    ("crashes", "kill -SEGV $$", "signal", ""),
    ("ends by itself", "exit 3", "exit", ""),
    ("writes where the answer goes", "echo nonsense >&3", "garbage", "nonsense"),
    ("floods the answer", "while :; do echo '{\"set\":{\"a\":\"0123456789012345678901234567890123456789\"}}'; done >&3", "too-much", ""),
    ("sleeps for ever", "trap '' TERM HUP INT; sleep 1000", "timeout", ""),
    ("spins for ever", "while :; do :; done", "timeout", ""),
]
for name, script, end, said in BAD_PYTHONS:
    with tap.case(f"a Python that {name}"):
        result = python(script, milliseconds=1500 if end == "timeout" else 20000)
        assert result["end"] == end, result
        assert said in result["said"] and len(result["said"]) <= 64 * 1024
        assert result["descriptors"] == 0 and result["zombies"] == 0
        assert end != "ok" or untouched(result), result
        assert end != "timeout" or result["wall"] < 1.5 + 1
        assert "daemon" not in name or result["strays"] >= 2, result

with tap.case("a Python that eats memory is ended in time"):
    result = python("", "-m", str(200 << 20), program="/usr/bin/python3 -c 'x = [bytearray(1 << 20) for i in range(100000)]'")
    assert result["end"] == "memory", result

with tap.case("a Python that is not there, or is no program"):
    result = ask(A100, "torch", "/nonexistent/python", 64)
    assert result["end"] == "not-started" and "No such file" in result["words"], result
    (simlib.SCRATCH / "text").write_text("no program")
    result = ask(A100, "torch", simlib.SCRATCH / "text", 64)
    assert result["end"] == "not-started" and "Permission denied" in result["words"], result

with tap.case("no process is left"):
    assert not simlib.processes(), simlib.processes()

tap.finish()
