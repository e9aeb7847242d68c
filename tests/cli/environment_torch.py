#!/usr/bin/env python3
"""The PyTorch in an environment: which one is imported, what it was built for, whether it is whole."""
import json
import os
import sys

import tap

from support.pythons import Machine, elf

NVIDIA = ["nvidia-cublas-cu12 (==12.4.5.8) ; platform_system == \"Linux\" and platform_machine == \"x86_64\"",
          "nvidia-cudnn-cu12==9.1.0.70; platform_system == 'Linux' and platform_machine == 'x86_64'",
          "nvidia-nccl-cu12==2.21.5; platform_machine == 'aarch64'", "opt-einsum (>=3.3) ; extra == 'opt-einsum'", "filelock",
          "triton==3.2.0 ; platform_system == \"Linux\" and python_version < \"3.13\""]


def machine(**environ):
    """A machine with one venv in use; its site-packages."""
    m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv", **environ})
    m.python()
    return m, m.venv("/home/jo/venv")


with tap.case("version.py in every form, without running it"):
    forms = {
        "__version__ = '1.0.0'\ndebug = False\ncuda = '9.0.176'\n": ("1.0.0", "9.0.176", None, None),
        "__version__ = '1.13.1+cu117'\ncuda = '11.7'\ngit_version = '49444c3'\nhip = None\n": ("1.13.1+cu117", "11.7", None, None),
        "from typing import Optional\n\n__all__ = ['__version__']\n__version__ = '2.15.0+cu132'\ncuda: Optional[str] = '13.2'\n"
        "hip: Optional[str] = None\nrocm: Optional[str] = None\nxpu: Optional[str] = None\n": ("2.15.0+cu132", "13.2", None, None),
        "__version__ = \"2.1.0a0+32f93b1\"  # NVIDIA\ncuda: Final[str] = \"12.2\"\n": ("2.1.0a0+32f93b1", "12.2", None, None),
        "__version__ = '2.4.0+rocm6.1'\ncuda = None\nhip = '6.1.40091-a8dbc0c19'\n": ("2.4.0+rocm6.1", None, "6.1.40091-a8dbc0c19", None),
        "__version__='2.6.0+xpu'\ncuda=None\nhip=None\nxpu='20250004'\n": ("2.6.0+xpu", None, None, "20250004"),
        "\n\n__version__\t=\t'2.3.0.post300'\r\ncuda = None\r\n": ("2.3.0.post300", None, None, None),
    }
    for text, (version, cuda, hip, xpu) in forms.items():
        m, site = machine()
        m.torch(site, version, cuda, text=text)
        used = m.ask().used()
        assert (used.torch_version, used.cuda, used.hip, used.xpu) == (version, cuda, hip, xpu), text
        assert used.build == ("cuda" if cuda else "rocm" if hip else "xpu" if xpu else "cpu"), (text, used.build)
        assert used.source("torch_version").endswith("/torch/version.py")

with tap.case("the libraries tell where no local tag does: PyPI's aarch64 and Windows wheels"):
    for machine_name, libraries, build in (("aarch64", ["libtorch_cpu.so", "libtorch_cuda.so"], "cuda"), ("aarch64", ["libtorch_cpu.so"], "cpu"),
                                           ("x86_64", ["torch_cpu.dll", "torch_cuda.dll"], "cuda"), ("x86_64", ["torch_cpu.dll"], "cpu"),
                                           ("x86_64", ["libtorch_cpu.so", "libtorch_hip.so"], "rocm"), ("x86_64", ["libtorch_cpu.dylib"], "mps")):
        m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv"})
        m.python(machine=machine_name)
        m.torch(m.venv("/home/jo/venv"), "2.9.0", None, libraries=libraries)
        used = m.ask().used()
        assert (used.build, used.torch_version) == (build, "2.9.0"), (libraries, used.build)
        assert used.cuda_library is (build == "cuda")

with tap.case("a version.py that says CUDA beside libraries that have none"):
    m, site = machine()
    m.torch(site, libraries=["libtorch_cpu.so", "libc10.so"])
    used = m.ask().used()
    assert used.build == "cuda" and used.cuda_library is False
    assert b"broken" in m.envs().stdout and b"no libtorch_cuda" in m.envs().stdout

with tap.case("no torch: absent, not unknown"):
    m, site = machine()
    used = m.ask().used()
    assert {used.state(name) for name in ("torch_version", "torch_path", "build", "cuda")} == {"absent"}
    assert used.state("shadowed_by") == "absent" and used.packages == []

with tap.case("torch.py and torch/ in the working directory hide PyTorch"):
    m, site = machine()
    m.torch(site)
    m.file("/home/jo/project/torch.py", "x = 1\n")
    used = m.ask().used()
    assert used.shadowed_by == "/home/jo/project/torch.py" and used.shadowed_version == "2.6.0+cu124"
    assert used.torch_version == "2.6.0+cu124" and used.torch_path == f"{site}/torch", "what is hidden is described"
    assert used.source("shadowed_by") == "working directory"
    m.at("/home/jo/project/torch.py").unlink()
    m.file("/home/jo/project/torch/__init__.py")
    assert m.ask().used().shadowed_by == "/home/jo/project/torch"
    m.at("/home/jo/project/torch/__init__.py").unlink()
    assert m.ask().used().state("shadowed_by") == "absent", "a directory without __init__.py hides nothing"
    m.file("/home/jo/project/torch.py")
    m.environ["PYTHONSAFEPATH"] = "1"
    assert m.ask().used().state("shadowed_by") == "absent"

with tap.case("a user-site copy hides the one of conda; not in a venv, not with PYTHONNOUSERSITE"):
    m = Machine(environ={"CONDA_PREFIX": "/opt/conda"})
    m.torch(m.conda("/opt/conda"), "2.5.1", "12.1", installer="conda")
    user = m.directory("/home/jo/.local/lib/python3.11/site-packages")
    m.torch(user, "2.6.0+cpu", None)
    used = m.ask().used()
    assert used.torch_version == "2.6.0+cpu" and used.build == "cpu" and used.found_in == "user site"
    assert used.shadowed_by == f"{user}/torch" and used.shadowed_version == "2.5.1"
    m.environ["PYTHONNOUSERSITE"] = "1"
    used = m.ask().used()
    assert used.torch_version == "2.5.1" and used.state("shadowed_by") == "absent"
    m, site = machine()
    m.torch(site)
    m.torch(m.directory("/home/jo/.local/lib/python3.11/site-packages"), "2.0.0", None)
    assert m.ask().used().torch_version == "2.6.0+cu124"

with tap.case("PYTHONPATH first; the same directory twice is no shadow; .pth lines; an editable installation"):
    m, site = machine(PYTHONPATH="/data/old")
    m.torch(site)
    m.torch("/data/old", "1.9.0", "10.2")
    used = m.ask().used()
    assert used.torch_version == "1.9.0" and used.found_in == "PYTHONPATH" and used.shadowed_version == "2.6.0+cu124"
    m.environ["PYTHONPATH"] = site
    used = m.ask().used()
    assert used.torch_version == "2.6.0+cu124" and used.state("shadowed_by") == "absent" and used.installer == "pip"
    m, site = machine()
    m.torch("/src/pytorch", "2.8.0a0+git123", "12.8", installer=None)
    m.file(f"{site}/easy-install.pth", "/src/pytorch\n")
    used = m.ask().used()
    assert used.torch_path == "/src/pytorch/torch" and used.found_in == ".pth file" and used.installer == "source"
    m, site = machine()
    m.torch("/src/pytorch", "2.8.0a0+git123", "12.8", installer=None)
    m.file(f"{site}/__editable___torch_2_8_0_finder.py", "MAPPING: dict[str, str] = {'torch': '/src/pytorch/torch', 'torchgen': '/x'}\n")
    m.file(f"{site}/__editable__.torch.pth", "import __editable___torch_2_8_0_finder; x.install()\n")
    used = m.ask().used()
    assert used.torch_path == "/src/pytorch/torch" and used.installer == "source"

with tap.case("a venv that sees the system's packages uses its own torch first, and theirs without one"):
    m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv"})
    base = m.python()
    m.torch("/usr/lib/python3/dist-packages", "1.13.0a0", None, installer=None, record=False)
    site = m.venv("/home/jo/venv", system=True)
    used = m.ask().used()
    assert used.torch_version == "1.13.0a0" and used.installer == "dpkg" and used.found_in == "site-packages of the base Python"
    m.torch(site)
    used = m.ask().used()
    assert used.torch_version == "2.6.0+cu124" and used.state("shadowed_by") == "absent"

with tap.case("what torch requires: installed, missing, another version; markers decide"):
    m, site = machine()
    m.torch(site, requires=NVIDIA)
    m.package(site, "nvidia-cublas-cu12", "12.4.5.8", files=[("nvidia/cublas/lib/libcublas.so.12", 300, None)])
    used = m.ask().used()
    assert used.missing_packages == ["nvidia-cudnn-cu12"], used.missing_packages
    cublas = used.package("nvidia-cublas-cu12")
    assert (cublas.version, cublas.required, cublas.fits, cublas.cuda) == ("12.4.5.8", "12.4.5.8", True, "12")
    assert b"nvidia-cudnn-cu12 is not installed" in m.envs().stdout
    m.package(site, "nvidia-cudnn-cu12", "8.9.2.26")
    m.package(site, "nvidia-cudnn-cu11", "8.5.0.96")
    m.package(site, "nvidia-ml-py", "12.560.30")
    used = m.ask().used()
    assert used.missing_packages == []
    assert used.package("nvidia-cudnn-cu12").fits is False and used.package("nvidia-cudnn-cu12").required == "9.1.0.70"
    assert used.package("nvidia-cudnn-cu11").cuda == "11" and used.package("nvidia-cudnn-cu11").required is None
    assert used.package("nvidia-ml-py").cuda is None
    m = Machine(environ={"VIRTUAL_ENV": "/home/jo/venv"})
    m.python(machine="aarch64")
    m.torch(m.venv("/home/jo/venv"), requires=NVIDIA)
    assert m.ask().used().missing_packages == ["nvidia-nccl-cu12"]

with tap.case("cuda-toolkit's extras are looked up in its own metadata"):
    m, site = machine()
    m.torch(site, "2.15.0+cu132", "13.2", requires=["cuda-toolkit[cublas,nvrtc]==13.2.2; platform_system == \"Linux\"", "nvidia-cudnn-cu13==9.26.0.51"])
    m.package(site, "cuda-toolkit", "13.2.2", [f"nvidia-{name}==13.2.86.*; (sys_platform == 'linux' and platform_machine == 'x86_64') and extra == '{extra}'"
                                              for name, extra in (("cublas", "cublas"), ("cuda-nvrtc", "nvrtc"), ("cufft", "cufft"))])
    m.package(site, "nvidia-cublas", "13.2.86", files=[("nvidia/cu13/lib/libcublas.so.13", 300, None)])
    m.package(site, "nvidia-cudnn-cu13", "9.26.0.51")
    used = m.ask().used()
    assert used.missing_packages == ["nvidia-cuda-nvrtc"], used.missing_packages
    assert used.package("nvidia-cublas").cuda == "13" and used.package("nvidia-cublas").fits is True

with tap.case("RECORD: libraries missing, cut short, and of another size but whole"):
    m, site = machine()
    m.torch(site, requires=NVIDIA[:1])
    m.package(site, "nvidia-cublas-cu12", "12.4.5.8", files=[("nvidia/cublas/lib/libcublas.so.12", None, 500), ("nvidia/cublas/include/a.h", None, 9)])
    m.file(f"{site}/torch/lib/libtorch_cpu.so", elf(size=200)[:150], 0o755)
    m.file(f"{site}/torch/lib/libc10.so", elf(size=190), 0o755)
    used = m.ask().used()
    assert used.missing_files == [f"{site}/nvidia/cublas/lib/libcublas.so.12"], used.missing_files
    assert used.damaged_files == [f"{site}/torch/lib/libtorch_cpu.so"], used.damaged_files
    assert used.changed_files == [f"{site}/torch/lib/libc10.so"], used.changed_files
    m, site = machine()
    m.torch(site, installer="conda", version="2.5.1")
    m.file(f"{site}/torch/lib/libc10.so", elf(size=200)[:150], 0o755)
    assert m.ask().used().damaged_files == [], "conda rewrites files after their RECORD was written"

with tap.case("who installed it: uv, poetry, direct_url.json, NVIDIA's container, nobody"):
    for installer, wanted in (("uv", "uv"), ("Poetry 1.8.3", "poetry"), ("pip", "pip"), (None, None)):
        m, site = machine()
        m.torch(site, installer=installer)
        assert m.ask().used().installer == wanted
    m, site = machine()
    info = m.torch(site)
    m.file(f"{info}/direct_url.json", json.dumps({"url": "file:///src/pytorch", "dir_info": {"editable": True}}))
    m.file(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n")
    used = m.ask().used()
    assert (used.installer, used.origin, used.wheel) == ("source", "file:///src/pytorch", "cp311-cp311-linux_x86_64")
    m, site = machine()
    m.torch(site, "2.6.0a0+df5bbc09d1.nv24.12", "12.6")
    assert m.ask().used().installer == "nvidia-container"

with tap.case("leftovers of an interrupted pip, and a second dist-info"):
    m, site = machine()
    m.torch(site)
    m.file(f"{site}/~orch/__init__.py")
    m.file(f"{site}/~orch-2.5.1.dist-info/METADATA")
    m.package(site, "torch", "2.5.1")
    used = m.ask().used()
    assert sorted(used.leftovers) == [f"{site}/torch-2.5.1.dist-info", f"{site}/~orch", f"{site}/~orch-2.5.1.dist-info"], used.leftovers
    assert used.metadata_version == "2.6.0"
    m, site = machine()
    m.file(f"{site}/torch/lib/libtorch.so", elf())
    used = m.ask().used()
    assert used.state("torch_version") == "absent" and used.leftovers == [f"{site}/torch"]

with tap.case("companions and what they were built for"):
    m, site = machine()
    m.torch(site)
    m.package(site, "torchvision", "0.21.0", ["numpy", "torch (==2.6.0)"])
    m.file(f"{site}/torchvision/version.py", "__version__ = '0.21.0+cu124'\ngit_version = 'x'\n")
    m.package(site, "torchaudio", "2.5.1+cpu", ["torch==2.5.1"])
    m.package(site, "flash_attn", "2.7.4", ["torch", "einops"])
    m.package(site, "xformers", "0.0.29", ["torch==2.6.0"])
    m.file(f"{site}/xformers/cpp_lib.json", json.dumps({"version": {"cuda": 1204, "hip": None, "torch": "2.6.0+cu124", "python": "3.11.2"}, "env": {}}))
    used = m.ask().used()
    vision, audio, flash, xformers = (used.package(name) for name in ("torchvision", "torchaudio", "flash-attn", "xformers"))
    assert (vision.version, vision.build, vision.cuda, vision.requires_torch) == ("0.21.0+cu124", "cu124", "12.4", "==2.6.0")
    assert audio.state("cuda") == "absent" and audio.build == "cpu" and audio.requires_torch == "==2.5.1"
    assert flash.state("requires_torch") == "absent" and flash.state("cuda") == "unknown"
    assert xformers.built_for == "2.6.0+cu124" and xformers.cuda == "12.4"

with tap.case("conda: build string, channel, cudatoolkit, a CPU mutex; pip over conda"):
    m = Machine(environ={"CONDA_PREFIX": "/opt/conda"})
    site = m.conda("/opt/conda", packages=[("pytorch-2.3.0-py3.11_cuda12.1_cudnn8.9.2_0", "https://conda.anaconda.org/pytorch/linux-64"),
                                           ("pytorch-cuda-12.1-ha16c6d3_5", "x"), ("pytorch-mutex-1.0-cuda", "x"), ("zlib-1.2-h1", "x"),
                                           ("torchvision-0.18.0-py311_cu121", "x")])
    m.torch(site, "2.3.0", "12.1", installer=None)
    used = m.ask().used()
    assert (used.installer, used.conda_build) == ("conda", "py3.11_cuda12.1_cudnn8.9.2_0")
    assert used.origin == "https://conda.anaconda.org/pytorch/linux-64"
    assert used.package("pytorch").cuda == "12.1" and used.package("pytorch-mutex").build == "cuda" and not used.package("zlib")
    assert used.package("pytorch-cuda").version == "12.1" and used.package("torchvision").installer == "conda"
    m.at(f"{site}/torch-2.3.0.dist-info/INSTALLER").write_text("pip\n")
    used = m.ask().used()
    assert used.installer == "pip" and used.conda_build

with tap.case("an unreadable version.py or directory is unknown, never absent"):
    m, site = machine()
    m.torch(site)
    m.at(f"{site}/torch/version.py").unlink()
    m.directory(f"{site}/torch/version.py")
    used = m.ask().used()
    assert used.state("torch_version") == "unknown" and used.why("torch_version"), used.why("torch_version")
    m.at(f"{site}/torch/version.py").rmdir()
    used = m.ask().used()
    assert used.torch_version == "2.6.0" and used.source("torch_version").endswith(".dist-info"), "the metadata still tell"
    m.file(f"{site}/torch/version.py", "nothing = 1\n")
    assert m.ask().used().state("torch_version") == "unknown"

tap.finish()
