#!/usr/bin/env python3
"""whycuda compat and whycuda why: what the tables say, offline."""
import json
import pathlib
import subprocess
import tempfile

import jsonschema
import tap

SCHEMA = json.loads((tap.ROOT / "schema/compat-1.json").read_text())


def run(*arguments, text=None):
    done = subprocess.run([str(tap.PROGRAM), *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def compat(*arguments):
    status, out, err = run("compat", "--json", *arguments)
    answer = json.loads(out)
    jsonschema.validate(answer, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert status == {True: 0, False: 1, None: 2}[answer["fits"]], (status, answer["fits"])
    return answer


with tap.case("the example of the help: neither driver nor code serve the GPU, and what would"):
    answer = compat("--gpu", "RTX 5090", "--driver", "550", "--torch", "2.6.0+cu124")
    assert answer["fits"] is False and answer["gpu"]["compute_capability"] == "12.0"
    verdicts = {part["what"]: part["fits"] for part in answer["parts"]}
    assert verdicts == {"driver and GPU": False, "driver and CUDA": True, "code and GPU": False}
    assert answer["builds"]["items"] == [] and answer["builds"]["after_least_driver_update"]["driver_needed"] == "570"

with tap.case("each build that is offered fits when it is asked about"):
    asked = 0
    for gpu, driver, python in [("RTX 3060", "535.104.05", "3.12"), ("GTX 1080 Ti", "580.95.05", "3.11"), ("H100 PCIe", "550.54.15", "3.10"),
                                ("RTX 5090", "580.65.06", "3.13"), ("Tesla K80", "470.256.02", "3.9"), ("NVIDIA GB10", "580.95.05", "3.12"),
                                ("RTX 4070", "551.61", "3.12")]:
        answer = compat("--gpu", gpu, "--driver", driver, "--python", python)
        assert answer["fits"] is True and answer["builds"]["items"], gpu
        for build in answer["builds"]["items"]:
            again = compat("--gpu", gpu, "--driver", driver, "--python", python, "--torch", f"{build['torch']}+{build['variant']}")
            assert again["fits"] is True, (gpu, build, again["parts"])
            asked += 1
    assert asked >= 20

with tap.case("exit status: fits 0, does not 1, cannot tell 2, usage 64"):
    assert run("compat", "--gpu", "RTX 4090", "--torch", "2.7.0+cu126")[0] == 0
    assert run("compat", "--gpu", "GTX 1080", "--torch", "2.11.0+cu130")[0] == 1
    assert run("compat", "--gpu", "RTX 6000", "--torch", "2.7.0+cu126")[0] == 2  # a Quadro, or an Ada card?
    assert run("compat")[0] == 64
    status, out, err = run("compat", "--driver", "newest")
    assert status == 64 and "--driver" in err and not out

with tap.case("the text begins with the answer and keeps within 80 columns but for commands"):
    status, out, err = run("compat", "--gpu", "RTX 3060", "--driver", "535.104.05", "--torch", "2.11.0+cu130")
    assert out.startswith("These do not fit together.\n") and not err
    assert all(len(line) <= 80 for line in out.splitlines() if "pip install" not in line)
    assert "pip install torch==2.11.0 " in out

with tap.case("--data replaces a table; a folder without one is refused"):
    with tempfile.TemporaryDirectory() as folder:
        assert run("compat", "--data", folder, "--gpu", "RTX 5090")[0] == 66
        table = (tap.ROOT / "data/gpu_ids.csv").read_text().replace("NVIDIA GeForce RTX 5090,", "NVIDIA Imaginary 1,", 1)
        (pathlib.Path(folder) / "gpu_ids.csv").write_text(table)
        status, out, err = run("compat", "--json", "--data", folder, "--gpu", "Imaginary 1", "--driver", "580")
        assert status == 0 and json.loads(out)["gpu"]["compute_capability"] == "12.0" and not err
        (pathlib.Path(folder) / "gpu_ids.csv").write_text(table + 'ffff,"no end\n')
        status, out, err = run("compat", "--json", "--data", folder, "--gpu", "Imaginary 1", "--driver", "580")
        assert status == 0 and "rows could not be read" in err, err

with tap.case("unconfirmed rows recommend nothing"):
    rows = [line.split(",") for line in (tap.ROOT / "data/torch_variants.csv").read_text().splitlines() if ",unconfirmed," in line]
    assert rows
    for torch, variant, platform, *_ in rows[:40]:
        answer = compat("--gpu", "8.6", "--torch", f"{torch}+{variant}", "--platform", platform.replace("windows_amd64", "windows"))
        offered = [(b["torch"], b["variant"]) for b in answer["builds"]["items"] + answer["builds_of_this_release"]["items"]]
        assert answer["fits"] is not True and (torch, variant) not in offered, (torch, variant, platform)

with tap.case("why: a cause, errors by name and number, an Xid"):
    for page in sorted((tap.ROOT / "docs/causes").glob("*.md")):
        status, out, err = run("why", page.stem)
        assert status == 0 and out == page.read_text(), page.stem
    for words, expected in {"804": "cudaErrorCompatNotSupportedOnDevice", "CUDA_ERROR_NO_DEVICE": "CUDA error 100", "NVML 18": "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
                            "cudaErrorNoKernelImageForDevice": "CUDA error 209", "Xid 79": "PCIe", "xid 48": "ECC", "error 802": "cudaErrorSystemNotReady"}.items():
        status, out, err = run("why", *words.split())
        assert status == 0 and expected in out, (words, out)

with tap.case("why: messages in a pasted text, from the command line and from standard input"):
    text = "RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 803: system has unsupported display driver / cuda driver combination\n"
    for done in (run("why", text), run("why", "-", text=text)):
        assert done[0] == 0 and "cudaErrorSystemDriverMismatch" in done[1], done
    status, out, err = run("why", "-", text="NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.\n")
    assert status == 0 and "Xid 79" in out

with tap.case("why: what is not known ends with 1 and says so; nothing asked is a usage error"):
    status, out, err = run("why", "the cat sat on the mat")
    assert status == 1 and not out and "not known" in err
    assert run("why", "99999")[0] == 1 and run("why", "")[0] == 1 and run("why", "-", text="")[0] == 1
    assert run("why")[0] == 64
    status, out, err = run("why", "\033[31mred\xff")
    assert status == 1 and "\033" not in err

tap.finish()
