#!/usr/bin/env python3
"""NVIDIA's own libcuda and NVML, four branches, on a machine without a GPU; the toolkit's stub; the layouts in src/live against
NVIDIA's headers; the kernels through older ptxas. Downloads go to $WHYCUDA_CACHE, or build/cache.

The libraries would make device nodes when run as root: they run without CAP_MKNOD, and /dev is looked at before and after."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sim"))
import simlib
import tap
from support import cache
from support.real_driver_list import DRIVERS

TOOLKIT = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
WITHOUT_MKNOD = ["setpriv", "--bounding-set", "-mknod,-sys_module", "--inh-caps", "-mknod,-sys_module"] if os.geteuid() == 0 else []


def nodes():
    return sorted(p.name for p in pathlib.Path("/dev").iterdir() if p.name.startswith("nvidia"))


def run(library, *what, program=None):
    env = dict(os.environ, LD_LIBRARY_PATH=str(library)) if library else dict(os.environ)
    done = subprocess.run([*WITHOUT_MKNOD, str(program or simlib.ASK), *map(str, what)], env=env, capture_output=True, timeout=120)
    return done if program else json.loads(done.stdout)


before = nodes()
if before:
    tap.skip("real drivers without a GPU", f"this machine has {before}")
    tap.finish()
for branch, (suite, packages, version) in DRIVERS.items():
    folder = cache.debian(f"nvidia-{branch}", suite, packages)
    library = next(folder.rglob("libcuda.so.1")).parent
    with tap.case(f"libcuda {branch}: no device"):
        result = run(library, "cuda")
        answer = result["answer"]
        assert result["end"] == "ok" and answer["init"] == 100 and answer["driver_version"] == version, result
        assert answer["refused"] == [{"field": "init", "call": "cuInit", "code": 100, "error": "CUDA_ERROR_NO_DEVICE"}]
        assert f".{branch}." in answer["library"]
    with tap.case(f"NVML {branch}: driver not loaded"):
        result = run(library, "nvml")
        assert result["end"] == "ok" and result["answer"]["init"] == 9, result
    with tap.case(f"libcuda {branch}: using GPU 0 ends at cuInit"):
        result = run(library, "-u", "compute", 0, 64, 0)
        assert result["end"] == "ok" and result["answer"]["init"] == 100 and "product" not in result["answer"], result
    with tap.case(f"every function that is asked is there in {branch}, but those that came later"):
        later = {470: {"nvmlDeviceGetGpuFabricInfo"}}.get(branch, set())
        for name, functions in (("libcuda.so.1", simlib.CUDA_QUERY + simlib.CUDA_COMPUTE), ("libnvidia-ml.so.1", simlib.NVML)):
            symbols = subprocess.run(["nm", "-D", str(library / name)], capture_output=True, text=True, check=True).stdout
            there = set(re.findall(r" T (\w+)", symbols))
            assert set(functions) - there == later & set(functions), set(functions) - there
    with tap.case(f"whycuda and whycuda test on {branch}"):
        snapshot = json.loads(run(library, "snapshot", program=tap.PROGRAM).stdout)["compute"]
        assert snapshot["cuda_init"]["value"] == 100 and snapshot["nvml_init"]["value"] == 9, snapshot
        assert snapshot["driver_version"]["value"] == f"{version // 1000}.{version % 1000 // 10}"
        done = run(library, "test", "--size", "100", program=tap.PROGRAM)
        assert done.returncode == 1 and b"CPU (there is no GPU)" in done.stdout, done
    with tap.case(f"{branch} left no device node"):
        assert nodes() == before

stub = TOOLKIT / "lib64/stubs/libcuda.so"
if stub.exists():
    with tap.case("the toolkit's stub says that it is one"):
        result = run(None, "-l", stub, "cuda")
        assert result["end"] == "ok" and result["answer"]["init"] == 34, result
else:
    tap.skip("the toolkit's stub", f"no {stub}")

# --- declarations -----------------------------------------------------------------------------------------------

WORDS = {  # NVIDIA's names: ours
    "CUresult": "int", "CUdevice": "int", "CUdevice_attribute": "int", "CUdeviceptr": "uint64_t", "CUcontext": "void *",
    "CUmodule": "void *", "CUfunction": "void *", "CUstream": "void *", "CUevent": "void *", "CUjit_option": "int",
    "CUuuid": "void", "nvmlReturn_t": "int", "nvmlDevice_t": "void *", "nvmlPciInfo_t": "struct nvml_pci",
    "nvmlMemory_t": "struct nvml_memory", "nvmlComputeMode_t": "unsigned", "nvmlEnableState_t": "unsigned",
    "nvmlMemoryErrorType_t": "int", "nvmlEccCounterType_t": "int", "nvmlPageRetirementCause_t": "int",
    "nvmlTemperatureSensors_t": "int", "nvmlGpuFabricInfo_t": "struct nvml_fabric",
    "nvmlGpuVirtualizationMode_t": "unsigned", "nvmlGridLicensableFeatures_t": "struct nvml_licences",
    "nvmlFieldValue_t": "struct nvml_field", "nvmlProcessInfo_v2_t": "struct nvml_process",
}


def types(parameters):
    """The types of a parameter list, without names and spelled our way."""
    found = []
    for one in parameters.replace("\n", " ").split(","):
        one = re.sub(r"\bunsigned int\b", "unsigned", one)
        words = re.findall(r"\w+|\*", one)
        if words == ["void"]:
            continue
        if re.fullmatch(r"\w+", words[-1]) and len([w for w in words if w not in ("const", "struct", "unsigned", "long")]) > 1:
            words = words[:-1]
        elif words[-1] not in ("*", "int", "long", "unsigned", "char") and len(words) > 1:
            words = words[:-1]
        text = " ".join(WORDS.get(w, w) for w in words if w != "const")
        found.append(re.sub(r"\s*\*\s*", "*", text).replace("unsigned char", "uchar"))
    return found


def declared(text, name):
    hit = re.search(r"(?:CUDAAPI|DECLDIR)\s+%s\s*\(([^)]*)\)\s*;" % name, text)
    return types(hit.group(1)) if hit else None


def ours(header):
    text = (tap.ROOT / "src/live" / header).read_text().replace("\\\n", " ")
    return {name: types(parameters) for name, parameters in re.findall(r"X\((\w+),\s*\(([^)]*)\)\)", text) if name != "name"}


def theirs_of(text, name):
    return declared(text, name) or declared(text, re.sub(r"_v\d$", "", name))


cuda_h = TOOLKIT / "include/cuda.h"
with tap.case("signatures of the driver API are those of cuda.h"):
    if cuda_h.exists():
        text = cuda_h.read_text()
        bad = {n: (t, theirs_of(text, n)) for n, t in ours("cuda_api.h").items() if theirs_of(text, n) != t}
        assert not bad, bad

nvml_h = next(iter(cache.CACHE.glob("nvml-dev/**/nvml.h")), None)
if not nvml_h:
    wheels = cache.CACHE / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "nvidia-nvml-dev-cu12==12.9.79", "-d", str(wheels)],
                   check=True, capture_output=True)
    zipfile.ZipFile(next(wheels.glob("nvidia_nvml_dev_cu12*.whl"))).extractall(cache.CACHE / "nvml-dev")
    nvml_h = next(cache.CACHE.glob("nvml-dev/**/nvml.h"))
with tap.case("signatures of NVML are those of nvml.h"):
    text = nvml_h.read_text()
    bad = {n: (t, theirs_of(text, n)) for n, t in ours("nvml_api.h").items() if theirs_of(text, n) != t}
    assert not bad, bad

PAIRS = [("nvmlPciInfo_t", "nvml_pci", {"busId": "address", "bus": "bus", "pciDeviceId": "device_id"}),
         ("nvmlMemory_t", "nvml_memory", {"total": "total", "free": "free", "used": "used"}),
         ("nvmlProcessInfo_v2_t", "nvml_process", {"pid": "pid", "usedGpuMemory": "memory", "computeInstanceId": "compute_instance"}),
         ("nvmlGpuFabricInfo_t", "nvml_fabric", {"status": "status", "state": "state"}),
         ("nvmlGridLicensableFeature_t", "nvml_licence", {"featureState": "state", "productName": "product", "featureEnabled": "enabled"}),
         ("nvmlGridLicensableFeatures_t", "nvml_licences", {"gridLicensableFeatures": "features"}),
         ("nvmlFieldValue_t", "nvml_field", {"fieldId": "field", "nvmlReturn": "result", "value": "value"})]
VALUES = {"NVML_NOT_SUPPORTED": "NVML_ERROR_NOT_SUPPORTED", "NVML_NOT_FOUND": "NVML_ERROR_NOT_FOUND",
          "NVML_INSUFFICIENT_SIZE": "NVML_ERROR_INSUFFICIENT_SIZE", "NVML_UNCORRECTED": "NVML_MEMORY_ERROR_TYPE_UNCORRECTED",
          "NVML_VOLATILE": "NVML_VOLATILE_ECC", "NVML_AGGREGATE": "NVML_AGGREGATE_ECC",
          "NVML_CAUSE_DOUBLE_BIT": "NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR",
          "NVML_FIELD_RECOVERY_ACTION": "NVML_FI_DEV_GET_GPU_RECOVERY_ACTION", "NVML_LINKS_MAX": "NVML_NVLINK_MAX_LINKS",
          "NVML_VIRTUALIZATION_VGPU": "NVML_GPU_VIRTUALIZATION_MODE_VGPU"}
ATTRIBUTES = {"CLOCK_RATE": "CLOCK_RATE", "MULTIPROCESSORS": "MULTIPROCESSOR_COUNT", "KERNEL_TIMEOUT": "KERNEL_EXEC_TIMEOUT",
              "INTEGRATED": "INTEGRATED", "COMPUTE_MODE": "COMPUTE_MODE", "ECC": "ECC_ENABLED",
              "MEMORY_CLOCK_RATE": "MEMORY_CLOCK_RATE", "MEMORY_BUS_WIDTH": "GLOBAL_MEMORY_BUS_WIDTH",
              "CAPABILITY_MAJOR": "COMPUTE_CAPABILITY_MAJOR", "CAPABILITY_MINOR": "COMPUTE_CAPABILITY_MINOR"}


def compiles(header, include, lines):
    source = "\n".join(["#include <stddef.h>", f'#include "{include}"', *lines, "int main(void) { return 0; }"])
    done = subprocess.run(["cc", "-std=gnu17", "-I", str(tap.ROOT / "src"), "-I", str(header.parent), "-fsyntax-only", "-x", "c", "-"],
                          input=source, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


with tap.case("layouts and numbers of NVML are those of nvml.h"):
    # two enumerators of ours are the header's own words: only values are compared, from a copy under other names
    mine = (tap.ROOT / "src/live/nvml_api.h").read_text().split("struct nvml_api {")[0]
    lines = [mine.split("#pragma once")[1].replace("#include", "// #include"), "#include <stdint.h>"]
    for theirs, our, members in PAIRS:
        lines.append(f'_Static_assert(sizeof({theirs}) == sizeof(struct {our}), "{our}");')
        lines += [f'_Static_assert(offsetof({theirs}, {a}) == offsetof(struct {our}, {b}), "{our}.{b}");' for a, b in members.items()]
    values = dict(re.findall(r"(NVML_\w+) = (\d+)", (tap.ROOT / "src/live/nvml_api.h").read_text()))
    lines += [f'_Static_assert({theirs} == {values[our]}, "{our}");' for our, theirs in VALUES.items()]
    compiles(nvml_h, "nvml.h", lines)
if cuda_h.exists():
    with tap.case("numbers of the driver API are those of cuda.h"):
        values = dict(re.findall(r"(CUDA_\w+) = (\d+)", (tap.ROOT / "src/live/cuda_api.h").read_text()))
        lines = [f'_Static_assert(CU_DEVICE_ATTRIBUTE_{theirs} == {values["CUDA_ATTRIBUTE_" + our]}, "{our}");'
                 for our, theirs in ATTRIBUTES.items()]
        lines += [f'_Static_assert(CU_JIT_ERROR_LOG_BUFFER == {values["CUDA_JIT_ERROR_LOG"]}, "log");',
                  f'_Static_assert(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES == {values["CUDA_JIT_ERROR_LOG_SIZE"]}, "size");']
        compiles(cuda_h, "cuda.h", lines)

# --- older assemblers -------------------------------------------------------------------------------------------

for folder, suite, targets in (("cuda-11.8", "bookworm", "35 37 50 52 53 60 61 62 70 72 75 80 86 87 89 90"),
                               ("cuda-12.4", "trixie", "50 52 53 60 61 62 70 72 75 80 86 87 89 90")):
    ptxas = cache.debian(folder, suite, ["nvidia-cuda-toolkit"]) / "usr/bin/ptxas"
    with tap.case(f"{folder}: its ptxas takes every kernel for sm_{', sm_'.join(targets.split())}"):
        for kernel in sorted((tap.ROOT / "src/live").glob("*.ptx")):
            for target in targets.split():
                done = subprocess.run([str(ptxas), "-arch", f"sm_{target}", str(kernel), "-o", "/dev/null"], capture_output=True, text=True)
                words = [l for l in (done.stdout + done.stderr).splitlines() if "are deprecated, and may be removed" not in l]
                assert done.returncode == 0 and not words, (kernel.name, target, words)
tap.finish()
