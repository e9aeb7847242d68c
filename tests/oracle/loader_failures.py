"""Failures as users report them, made of small libraries of the same names and symbols: foretold by whycuda libs,
confirmed by what the real loader says. Used by loader_sample.py."""
import re
import subprocess
import sys

import tap
from oracle.loader_rules import clean_env, entries, rpath, runpath


def versioned(bench, path, version, defines, needs=(), flags=(), soname=None, calls=()):
    """A library that defines functions under one version node and calls others."""
    script = bench.folder / (path.replace("/", "_") + ".map")
    script.write_text(version + " { global: " + " ".join(f"{name};" for name in defines) + " local: *; };\n")
    source = "".join(f"int {name}(void) {{ return 1; }}\n" for name in defines if name not in calls)
    source += "".join(f"int {name}(void);\n" for name in calls)
    source += "int entry(void) { return 0" + "".join(f" + {name}()" for name in calls) + "; }\n"
    return bench.lib(path, *needs, source=source, soname=soname, flags=(f"-Wl,--version-script={script}", *flags))


def plain(bench, path, defines, needs=(), flags=(), calls=(), soname=None):
    source = "".join(f"int {name}(void) {{ return 1; }}\n" for name in defines)
    source += "".join(f"int {name}(void);\n" for name in calls)
    source += "int entry_" + re.sub(r"\W", "_", path) + "(void) { return 0" + "".join(f" + {c}()" for c in calls) + "; }\n"
    return bench.lib(path, *needs, source=source, soname=soname, flags=flags)


def message(file, env, cwd, before=()):
    """What Python's dlopen says of a library, after opening others."""
    code = "import ctypes, sys\n" + "".join(f"ctypes.CDLL({str(path)!r})\n" for path in before) + \
        f"try: ctypes.CDLL({str(file)!r})\nexcept OSError as error: print(error)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=cwd)
    return done.stdout.strip()


def foretold(file, env, cwd):
    """(exit status, {(library, symbol)})"""
    status, list_ = entries(["--symbols", file], env, cwd)
    return status, {(entry["path"], symbol) for entry in list_ for symbol in entry["undefined"]}


def confirm(bench, file, symbol, **variables):
    """The loader fails for that symbol, and whycuda names it; in the environment without the variables neither does."""
    env, cwd = clean_env(**variables), str(bench.folder)
    said = message(bench.folder / file, env, cwd)
    status, missing = foretold(bench.folder / file, env, cwd)
    match = re.match(r"(\S+): undefined symbol: ([^,\s]+)|\S+: version `(\S+)' not found \(required by (\S+)\)", said)
    assert match, f"the loader says {said!r}"
    file_, name = (match[1], match[2]) if match[1] else (match[4], match[3])
    assert status == 1 and (file_, name) in missing, f"whycuda {status} {missing}, the loader: {said}"
    assert symbol in {name for _, name in missing}, missing
    return missing


def healthy(bench, file, **variables):
    env, cwd = clean_env(**variables), str(bench.folder)
    said = message(bench.folder / file, env, cwd)
    status, missing = foretold(bench.folder / file, env, cwd)
    assert not said and status == 0 and not missing, f"{said!r} {status} {missing}"


def failures(bench):
    b = bench
    with tap.case("undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12"):
        node = "libnvJitLink.so.12"
        old = [f"__nvJitLink{call}_12_0" for call in ("Create", "AddData", "Complete", "Destroy")]
        new = [f"__nvJitLink{call}_12_4" for call in ("Create", "AddData", "Complete", "Destroy")]
        versioned(b, "cuda-12.0/libnvJitLink.so.12", node, old)
        versioned(b, "nvidia/nvjitlink/lib/libnvJitLink.so.12", node, old + new)
        plain(b, "nvidia/cusparse/lib/libcusparse.so.12", ["cusparseCreate"], calls=new,
              needs=["nvidia/nvjitlink/lib/libnvJitLink.so.12"], flags=runpath("$ORIGIN/../../nvjitlink/lib"))
        plain(b, "torch/lib/libtorch_cuda.so", ["cuda"], calls=["cusparseCreate"],
              needs=["nvidia/cusparse/lib/libcusparse.so.12"], flags=rpath("$ORIGIN/../../nvidia/cusparse/lib"))
        healthy(b, "torch/lib/libtorch_cuda.so")
        missing = confirm(b, "torch/lib/libtorch_cuda.so", "__nvJitLinkComplete_12_4", LD_LIBRARY_PATH=b.path("cuda-12.0"))
        assert {name for _, name in missing} == set(new), missing

    with tap.case("undefined symbol: ncclCommRegister"):
        plain(b, "old/libnccl.so.2", ["ncclCommInitRank"])
        plain(b, "nvidia/nccl/lib/libnccl.so.2", ["ncclCommInitRank", "ncclCommRegister"])
        plain(b, "torch/lib/libtorch_nccl.so", ["nccl"], calls=["ncclCommInitRank", "ncclCommRegister"],
              needs=["nvidia/nccl/lib/libnccl.so.2"], flags=runpath("$ORIGIN/../../nvidia/nccl/lib"))
        healthy(b, "torch/lib/libtorch_nccl.so")
        missing = confirm(b, "torch/lib/libtorch_nccl.so", "ncclCommRegister", LD_LIBRARY_PATH=b.path("old"))
        assert {name for _, name in missing} == {"ncclCommRegister"}, missing

    with tap.case("undefined symbol: iJIT_NotifyEvent"):
        plain(b, "mkl-2023/libmkl_intel_thread.so.2", ["mkl_serv", "iJIT_NotifyEvent"])
        plain(b, "mkl-2024/libmkl_intel_thread.so.2", ["mkl_serv"])
        plain(b, "torch/lib/libtorch_cpu.so", ["cpu"], calls=["mkl_serv", "iJIT_NotifyEvent"],
              needs=["mkl-2023/libmkl_intel_thread.so.2"])
        healthy(b, "torch/lib/libtorch_cpu.so", LD_LIBRARY_PATH=b.path("mkl-2023"))
        confirm(b, "torch/lib/libtorch_cpu.so", "iJIT_NotifyEvent", LD_LIBRARY_PATH=b.path("mkl-2024"))

    with tap.case("undefined symbol: cublasLtGetEnvironmentMode, version libcublasLt.so.11"):
        versioned(b, "toolkit/libcublasLt.so.11", "libcublasLt.so.11", ["cublasLtCreate"])
        versioned(b, "nvidia/cublas/lib/libcublasLt.so.11", "libcublasLt.so.11", ["cublasLtCreate", "cublasLtGetEnvironmentMode"])
        plain(b, "nvidia/cublas/lib/libcublas.so.11", ["cublasCreate"], calls=["cublasLtGetEnvironmentMode"],
              needs=["nvidia/cublas/lib/libcublasLt.so.11"], flags=runpath("$ORIGIN"))
        healthy(b, "nvidia/cublas/lib/libcublas.so.11")
        confirm(b, "nvidia/cublas/lib/libcublas.so.11", "cublasLtGetEnvironmentMode", LD_LIBRARY_PATH=b.path("toolkit"))

    with tap.case("an extension built for another torch: a C++ symbol that libtorch has no more"):
        gone = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"  # the ABI of std::string before C++11
        plain(b, "torch-new/libc10.so", ["_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringE"])
        plain(b, "torch-old/libc10.so", [gone])
        plain(b, "torchvision/_C.so", ["PyInit__C"], calls=[gone], needs=["torch-old/libc10.so"])
        healthy(b, "torchvision/_C.so", LD_LIBRARY_PATH=b.path("torch-old"))
        confirm(b, "torchvision/_C.so", gone, LD_LIBRARY_PATH=b.path("torch-new"))

    with tap.case("a version node that the library does not have: GLIBCXX_3.4.30 not found"):
        versioned(b, "gcc-11/libstdcxx.so.6", "GLIBCXX_3.4.29", ["f29"])
        map_ = b.folder / "new.map"
        map_.write_text("GLIBCXX_3.4.29 { global: f29; local: *; };\nGLIBCXX_3.4.30 { global: f30; } GLIBCXX_3.4.29;\n")
        b.lib("gcc-12/libstdcxx.so.6", source="int f29(void) {return 1;}\nint f30(void) {return 1;}\n",
              flags=(f"-Wl,--version-script={map_}",))
        plain(b, "needs30.so", ["g"], calls=["f30"], needs=["gcc-12/libstdcxx.so.6"])
        healthy(b, "needs30.so", LD_LIBRARY_PATH=b.path("gcc-12"))
        missing = confirm(b, "needs30.so", "GLIBCXX_3.4.30", LD_LIBRARY_PATH=b.path("gcc-11"))
        assert {name for _, name in missing} == {"GLIBCXX_3.4.30", "f30"}, missing

    with tap.case("weak symbols may be missing; hidden versions do not serve; DT_HASH alone is enough"):
        b.lib("weak.so", source="int absent(void) __attribute__((weak));\nint f(void) {return absent ? absent() : 0;}\n")
        healthy(b, "weak.so")
        b.lib("sysv/libsysv.so.1", source="int old_style(void) {return 1;}\n", flags=("-Wl,--hash-style=sysv",))
        plain(b, "wants_sysv.so", ["x"], calls=["old_style"], needs=["sysv/libsysv.so.1"], flags=rpath(b.path("sysv")))
        healthy(b, "wants_sysv.so")
        plain(b, "wants_more.so", ["y"], calls=["old_style", "not_there"], needs=["sysv/libsysv.so.1"],
              flags=(*rpath(b.path("sysv")), "-Wl,--hash-style=sysv"))
        confirm(b, "wants_more.so", "not_there")
        hidden = "int f1(void) {return 1;}\n__asm__(\".symver f1,only_old@V_2\");\n"
        (b.folder / "v.map").write_text("V_1 { global: f1; };\nV_2 { } V_1;\n")
        b.lib("hidden/libh.so.1", source=hidden, flags=(f"-Wl,--version-script={b.folder}/v.map",))
        b.lib("hidden_plain/libh.so.1", source="int only_old(void) {return 1;}\n")
        plain(b, "wants_old.so", ["z"], calls=["only_old"], needs=["hidden_plain/libh.so.1"])
        healthy(b, "wants_old.so", LD_LIBRARY_PATH=b.path("hidden_plain"))
        confirm(b, "wants_old.so", "only_old", LD_LIBRARY_PATH=b.path("hidden"))
