# Asks PyTorch what its user would ask, in the user's interpreter, directory and environment. The answers go to descriptor
# 3 as JSON lines (src/sys/child.h); standard output belongs to whatever else runs here. Works from Python 2.7 on.
import json
import os
import sys
import time
import traceback

TEXT_MAX = 16000
LIST_MAX = 300
answers = os.fdopen(3, "w")
try:
    os.set_inheritable(3, False)
except Exception:
    pass


def say(kind, value):
    answers.write(json.dumps({kind: value}) + "\n")
    answers.flush()


def at(what):
    say("at", what)


def text_of(thing):
    text = str(thing)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "..."


def failed(step):
    kind, error, _ = sys.exc_info()
    say("add", {"errors": {"step": step, "type": kind.__name__, "message": text_of(error),
                           "traceback": text_of(traceback.format_exc())}})


def fact(name, ask, step=None):
    """One answer; what raises is told instead."""
    at(step or name)
    try:
        value = ask()
        say("set", {name: value})
        return value
    except BaseException:
        failed(step or name)
        return None


def warned(message, category, filename, lineno, file=None, line=None):
    say("add", {"warnings": {"category": category.__name__, "message": text_of(message),
                             "file": "%s:%s" % (filename, lineno)}})


def exact_matrix(torch, size, seed):
    """Whole multiples of 1/64, so that every sum of a product is exact in single precision."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    return torch.randint(-64, 65, (size, size), generator=generator).float() / 64


def product(torch, device, size):
    a, b = exact_matrix(torch, size, 1), exact_matrix(torch, size, 2)
    result = {"device": device, "size": size}
    cuda = device.startswith("cuda")
    if cuda:
        result["memory_before"] = torch.cuda.memory_allocated(device)
    on_a, on_b = a.to(device), b.to(device)
    on_a.mm(on_b)
    if cuda:
        torch.cuda.synchronize(device)
    start = time.time()
    c = on_a.mm(on_b)
    if cuda:
        torch.cuda.synchronize(device)
        result["memory_during"] = torch.cuda.memory_allocated(device)
    result["microseconds"] = int((time.time() - start) * 1000000)
    result["result_device"] = str(c.device)
    right = a.double().mm(b.double())
    result["wrong"] = int((c.cpu().double() != right).sum())
    return result


def mapped_libraries():
    paths = set()
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.split(None, 5)[-1].strip()
            name = path.rsplit("/", 1)[-1]
            if path.startswith("/") and ".so" in name and name.startswith(
                    ("libcu", "libnv", "libtorch", "libc10", "libcaffe2", "libnccl", "libcudnn", "libcaffe")):
                paths.add(path)
    return sorted(paths)[:LIST_MAX]


def devices(torch, count, size):
    for i in range(min(count or 0, 64)):
        device = {"index": i}
        for name, ask in (("name", lambda: torch.cuda.get_device_name(i)),
                          ("capability", lambda: "%d.%d" % tuple(torch.cuda.get_device_capability(i)))):
            at("torch.cuda.get_device_%s(%d)" % (name, i))
            try:
                device[name] = ask()
            except BaseException:
                failed("torch.cuda.get_device_%s(%d)" % (name, i))
        at("matrix product on cuda:%d" % i)
        try:
            device["product"] = product(torch, "cuda:%d" % i, size)
        except BaseException:
            failed("matrix product on cuda:%d" % i)
        say("add", {"devices": device})


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    say("set", {"python": sys.version.split()[0], "executable": sys.executable or "", "prefix": sys.prefix})
    try:
        import faulthandler
        faulthandler.enable()
    except Exception:
        pass
    at("import torch")
    start = time.time()
    try:
        import warnings
        warnings.showwarning = warned
        import torch
        version = torch.__version__
    except BaseException:
        failed("import torch")
        fact("libraries", mapped_libraries)
        return
    say("set", {"version": str(version), "import_ms": int((time.time() - start) * 1000),
                "file": getattr(torch, "__file__", None) or ""})
    fact("version_cuda", lambda: torch.version.cuda, "torch.version.cuda")
    fact("version_hip", lambda: getattr(torch.version, "hip", None), "torch.version.hip")
    available = fact("is_available", lambda: bool(torch.cuda.is_available()), "torch.cuda.is_available()")
    count = fact("device_count", lambda: int(torch.cuda.device_count()), "torch.cuda.device_count()")
    fact("arch_list", lambda: list(torch.cuda.get_arch_list()), "torch.cuda.get_arch_list()")
    if hasattr(torch._C, "_cuda_getArchFlags"):
        fact("arch_flags", lambda: (torch._C._cuda_getArchFlags() or "").split(), "torch._C._cuda_getArchFlags()")
    if available:
        devices(torch, count, size)
    elif torch.version.cuda:
        # what a user meets who does not ask first: the reason in PyTorch's words
        at("torch.zeros(1, device='cuda')")
        try:
            torch.zeros(1, device="cuda")
        except BaseException:
            failed("torch.zeros(1, device='cuda')")
    if not available:
        fact("cpu_product", lambda: product(torch, "cpu", size), "matrix product on the cpu")
    fact("libraries", mapped_libraries)


main()
say("end", True)
answers.close()
os._exit(0)
