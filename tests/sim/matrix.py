"""Every function asked x every way it can fail: the fact that results, and that nothing hangs, crashes, leaks or is left.

    rows = matrix.run(functions, faults)    each a list of complaints, empty where all was right
"""
import simlib

GPU = "gpu\n name NVIDIA A100-SXM4-40GB\n mig 1\n instance b0000000-1111-2222-3333-444444444444\n nvlinks 12\n nvlinks_active 12\n virtualization 2\n licensed 1\n process 17 1048576\n"
DEADLINE = {"cuda": 600, "nvml": 600, "compute": 4000}  # milliseconds, for what must run into it

# kind in the scenario: how the child must end (None: as if nothing was)
FAULTS = {
    "error 999": "ok",
    "hang": "timeout",
    "spin": "timeout",
    "crash": "signal",
    "abort": "signal",
    "exit 3": "exit",
    "exit 0": "exit",
    "garbage": "ok",
    "changes": "ok",
    "missing": "ok",
    "noise": "ok",
    "slow 20": "ok",
}

# calls whose failure is no refusal of a fact: what they are for, and why
SILENT = {
    "cuGetErrorName": "only asked once something was refused",
    "cuGetErrorString": "only asked once something was refused",
    "cuDeviceGetUuid_v2": "older drivers lack it; the plain one is asked, too",
    "cuMemAllocHost_v2": "ordinary memory is taken instead",
    "cuMemFreeHost": "not called when its memory could not be had",
    "cuModuleUnload": "the process ends soon",
    "nvmlShutdown": "the process ends soon",
    "nvmlDeviceGetGpuFabricInfo": "drivers before 515 lack it",
    "nvmlDeviceGetNvLinkState": "tells that there are no more links by an error",
    "nvmlDeviceGetGridLicensableFeatures_v4": "asked of a vGPU only",
}


def child_of(function):
    if function in simlib.NVML:
        return ["nvml"]
    if function in simlib.CUDA_QUERY:
        return ["cuda"]
    return ["compute", 0, 64, 0]


# never called in a sound run: cuGetErrorName needs an error to name, and these two are kept for callers of the library
UNCALLED = ("cuGetErrorString", "cuModuleUnload")


def scenario(function, fault):
    text = f"fault {function} {fault}\n" + GPU
    if function == "cuGetErrorName":
        text = "fault cuDeviceGetName error 999\n" + text
    return text


def called_at(result, function):
    return (result["at"] or "").split(" ")[0] == function


def complaints(function, fault, result, waits):
    """What is wrong with this outcome; empty: nothing."""
    bad = []
    expected = FAULTS[fault]
    if function in UNCALLED:
        expected = "ok"
    if result["end"] != expected:
        bad.append(f"ended {result['end']} ({result['words']}), not {expected}")
    if result["zombies"] or result["strays"] or result["descriptors"]:
        bad.append("left something behind: " + str({k: result[k] for k in ("zombies", "strays", "descriptors")}))
    if waits and result["wall"] > DEADLINE[child_of(function)[0]] / 1000 + 1:
        bad.append(f"took {result['wall']:.2f} s")
    if expected in ("timeout", "signal", "exit") and not called_at(result, function):
        bad.append(f"blames {result['at']}")
    answer = result["answer"]
    refused = [r for r in answer.get("refused", []) if r["call"] == function]
    if fault == "error 999" and function not in SILENT and not any(r.get("code") == 999 for r in refused):
        bad.append("the refused call is not told")
    if fault == "missing" and function not in SILENT and not any(r.get("missing") for r in refused):
        bad.append("the missing function is not told")
    if fault == "exit 3" and function not in UNCALLED and result["code"] != 3:
        bad.append(f"exit status {result['code']}")
    # what was answered before the fault is there; a sound answer is complete
    if function not in ("cuInit", "nvmlInit_v2", "cuDriverGetVersion") and "init" not in answer:
        bad.append("what came before is lost")
    if fault in ("noise", "slow 20") and not complete(function, answer):
        bad.append("a harmless fault spoilt the answer")
    if fault == "noise" and function not in UNCALLED and "simulated driver says" not in result["said"]:
        bad.append("what was printed is lost")
    if fault == "garbage":
        bad += nonsense(answer)
    return bad


def complete(function, answer):
    if function in simlib.CUDA_COMPUTE:
        return answer.get("product", {}).get("wrong") == 0 and "free_after" in answer.get("memory", {})
    return len(answer.get("devices", [])) == 1


def nonsense(value, path="answer"):
    """Text that is not clean, in whatever depth."""
    if isinstance(value, dict):
        return [c for k, v in value.items() for c in nonsense(v, f"{path}.{k}")]
    if isinstance(value, list):
        return [c for v in value for c in nonsense(v, path + "[]")]
    if isinstance(value, str) and any(ord(c) < 32 or 0x7f <= ord(c) < 0xa0 for c in value):
        return [f"{path} holds control characters"]
    return []


def run(functions, faults, each=lambda function, fault, bad: None):
    total = failed = 0
    for function in functions:
        for fault in faults:
            waits = FAULTS[fault] == "timeout" and function not in UNCALLED
            result = simlib.ask(scenario(function, fault), *child_of(function), milliseconds=DEADLINE[child_of(function)[0]] if waits else 20000)
            bad = complaints(function, fault, result, waits)
            each(function, fault, bad)
            total += 1
            failed += bool(bad)
    return total, failed
