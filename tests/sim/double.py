"""A scripted double of a Python with PyTorch: prints the answers a scenario wants on descriptor 3, as src/live/torch.py would.
PyTorch itself cannot run on the simulated driver: the CUDA runtime needs tables of the driver that only NVIDIA's has."""
import json

GOOD = {"python": "3.11.7", "executable": "/home/user/venv/bin/python", "prefix": "/home/user/venv", "version": "2.6.0+cu124",
        "version_cuda": "12.4", "version_hip": None, "file": "/home/user/venv/lib/python3.11/site-packages/torch/__init__.py",
        "import_ms": 900, "is_available": True, "device_count": 1, "arch_list": ["sm_80", "sm_90"], "arch_flags": ["sm_80", "sm_90"],
        "libraries": []}


def device(index, name="NVIDIA A100-SXM4-40GB", capability="8.0", **product):
    return {"index": index, "name": name, "capability": capability,
            "product": {"device": f"cuda:{index}", "result_device": f"cuda:{index}", "size": 1000, "wrong": 0, "microseconds": 300,
                        "memory_before": 0, "memory_during": 16777216, **product}}


def error(step, kind, message):
    return {"step": step, "type": kind, "message": message, "traceback": f"Traceback (most recent call last):\n{kind}: {message}\n"}


def write(path, devices=(), errors=(), warnings=(), end=True, **answers):
    lines = [{"at": "import torch"}, {"set": {**GOOD, **answers}}]
    lines += [{"add": {"devices": d}} for d in devices] + [{"add": {"errors": e}} for e in errors]
    lines += [{"add": {"warnings": {"category": "UserWarning", "message": w, "file": "torch/cuda/__init__.py:1"}}} for w in warnings]
    if not answers.get("is_available", True):
        lines.append({"set": {"cpu_product": {"device": "cpu", "result_device": "cpu", "size": 1000, "wrong": 0, "microseconds": 9000}}})
    if end:
        lines.append({"end": True})
    body = "\n".join(json.dumps(line) for line in lines)
    path.write_text(f"#!/bin/sh\n# A scripted double of PyTorch.\ncat >&3 <<'ANSWERS'\n{body}\nANSWERS\n")
    path.chmod(0o755)
    return path
