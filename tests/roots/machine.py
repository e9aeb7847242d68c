"""Machines as directories, for `whycuda --root`. A machine is built piece by piece; nothing here runs in it."""
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

from support import arch_make

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
KERNEL = "6.1.0-28-amd64"


def elf(sections, machine=62, kind=1):
    """A 64-bit little-endian ELF file with these sections {name: (type, bytes)} and nothing else: kernel modules, libraries that
    carry a note."""
    names, bodies, headers = b"\0", b"", []
    start = 64
    for name, (section_type, body) in sections.items():
        headers.append((len(names), section_type, start + len(bodies), len(body)))
        names += name.encode() + b"\0"
        bodies += body + b"\0" * (-len(body) % 8)
    headers.append((len(names), 3, start + len(bodies), len(names) + len(".shstrtab") + 1))
    names += b".shstrtab\0"
    bodies += names + b"\0" * (-len(names) % 8)
    count = len(headers) + 1
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 0, start + len(bodies), 0, 64, 0, 0, 64,
                                                          count, count - 1)
    table = bytes(64)
    for name, section_type, offset, size in headers:
        table += struct.pack("<IIQQQQIIQQ", name, section_type, 0, 0, offset, size, 0, 0, 8, 0)
    return head + bodies + table


def module(version, license_text="NVIDIA", kernel=KERNEL, signed=False):
    """A kernel module as far as modinfo looks at it."""
    info = [f"license={license_text}", f"vermagic={kernel} SMP preempt mod_unload modversions "]
    if version:
        info.insert(1, f"version={version}")
    data = elf({".text": (1, bytes(64)), ".modinfo": (1, "\0".join(info).encode() + b"\0")})
    return data + (b"PKCS7" + b"~Module signature appended~\n" if signed else b"")


def compat_note(text):
    """The section of a libcuda for forward compatibility."""
    owner = b"NVIDIA Corporation\0"
    return struct.pack("<III", len(owner), len(text), 1) + owner + b"\0" * (-len(owner) % 4) + text.encode()


_made = tempfile.TemporaryDirectory()


def library(soname, note=None, stub=False):
    """A shared library of that soname, made once; a stub needs no other library."""
    path = pathlib.Path(_made.name) / f"{soname}-{hash((note, stub)) & 0xFFFFFFFF:x}"
    if not path.exists():
        source = path.with_suffix(".s")
        data = "".join(f"\t.byte {byte}\n" for byte in compat_note(note)) if note else ""
        source.write_text(".text\n.globl cuInit\n.type cuInit,@function\ncuInit: ret\n.section .note.GNU-stack,\"\",@progbits\n" +
                          (f'.section .note.cuda.fwd_compatibility,"a",@note\n{data}' if note else ""))
        more = ["-nostdlib"] if stub else ["-nostdlib", "-Wl,--no-as-needed", "-lc"]
        subprocess.run(["cc", "-shared", f"-Wl,-soname,{soname}", "-o", path, source, *more], check=True)
    return path


def torch_library():
    """A libtorch_cuda.so with the GPU code of a build for CUDA 12.4: SASS for 5.0 to 9.0."""
    path = pathlib.Path(_made.name) / "libtorch_cuda.so"
    if not path.exists():
        fatbin = path.with_suffix(".fatbin")
        fatbin.write_bytes(arch_make.container(*[arch_make.entry(arch_make.SASS, arch) for arch in (50, 60, 70, 75, 80, 86, 90)]))
        source = path.with_suffix(".s")
        source.write_text(f'.section .nv_fatbin,"a"\n.balign 8\n.incbin "{fatbin}"\n.section .note.GNU-stack,"",@progbits\n')
        subprocess.run(["cc", "-shared", "-nostdlib", "-Wl,-soname,libtorch_cuda.so", "-o", path, source], check=True)
    return path


class Machine:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/ada", "PWD": "/home/ada", "USER": "ada"}
        self.nodes = []
        self.packages = {}
        self.modules = {}
        self.uname = {"release": KERNEL, "machine": "x86_64"}
        self.identity = "uid=1000 gid=1000 groups=1000"

    # --- files

    def inside(self, path):
        return self.path / str(path).lstrip("/")

    def bytes(self, path, content, mode=0o644):
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        assert target.parent.resolve().is_relative_to(self.path.resolve()) and not target.is_symlink(), f"{path} leads out of the machine"
        target.write_bytes(content)
        target.chmod(mode)

    def file(self, path, text="", mode=0o644):
        self.bytes(path, text.encode(), mode)

    def link(self, path, to):
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.symlink_to(to)

    def directory(self, path):
        self.inside(path).mkdir(parents=True, exist_ok=True)

    def remove(self, *paths):
        for path in paths:
            target = self.inside(path)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()

    def take(self, path, real):
        """A real file, not copied where that can be avoided."""
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(os.path.realpath(real), target)
        except OSError:
            shutil.copy(real, target)

    # --- the bus

    def pci(self, address, vendor, device, cls, driver=None, subsystem=(0x1043, 0x88E2), dead=False, bars=True, power="D0",
            only_config=False):
        here = f"/sys/bus/pci/devices/{address}"
        config = bytearray(64)
        struct.pack_into("<HH", config, 0, vendor, device)
        config[9:12] = bytes([cls & 0xFF, cls >> 8 & 0xFF, cls >> 16])
        struct.pack_into("<HH", config, 44, *subsystem)
        self.bytes(f"{here}/config", b"\xff" * 64 if dead else bytes(config))
        if only_config:
            return
        for name, number, width in (("vendor", vendor, 4), ("device", device, 4), ("class", cls, 6),
                                    ("subsystem_vendor", subsystem[0], 4), ("subsystem_device", subsystem[1], 4)):
            self.file(f"{here}/{name}", f"0x{number:0{width}x}\n")
        self.file(f"{here}/enable", "1\n")
        self.file(f"{here}/power_state", f"{power}\n")
        lines = ["0x00000000fb000000 0x00000000fbffffff 0x0000000000040200",
                 "0x0000004000000000 0x00000047ffffffff 0x000000000014220c" if bars else
                 "0x0000000000000000 0x00000007ffffffff 0x000000002014220c"]
        self.file(f"{here}/resource", "\n".join(lines + ["0x0000000000000000 0x0000000000000000 0x0000000000000000"] * 5) + "\n")
        if driver:
            self.directory(f"/sys/bus/pci/drivers/{driver}")
            self.link(f"{here}/driver", f"../../drivers/{driver}")

    def gpu(self, address="0000:01:00.0", device=0x2684, driver="nvidia", cls=0x030000, **more):
        self.pci(address, 0x10DE, device, cls, driver, **more)

    # --- the driver

    def loaded(self, version, flavour="proprietary", uvm=True):
        if flavour == "open":
            line = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (dvs-builder@U22-I3-B17-02-5)\n"
        else:
            line = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Sat Jun 14 16:05:50 UTC 2025\n"
        self.file("/proc/driver/nvidia/version", line + "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n")
        self.file("/sys/module/nvidia/version", version + "\n")
        for name in ["nvidia", "nvidia_modeset", "nvidia_drm"] + ["nvidia_uvm"] * uvm:
            self.modules[name] = 1

    def unloaded(self):
        for path in ("/proc/driver/nvidia", "/sys/module/nvidia"):
            if self.inside(path).exists():
                self.remove(path)
        for name in ("nvidia", "nvidia_modeset", "nvidia_drm", "nvidia_uvm"):
            self.modules.pop(name, None)

    def module_files(self, version, kernel=KERNEL, place="updates/dkms", prefix="nvidia-current", license_text="NVIDIA", signed=False,
                     ending=".ko"):
        here = f"/lib/modules/{kernel}"
        names = [prefix, f"{prefix}-modeset", f"{prefix}-drm", f"{prefix}-uvm"]
        for name in names:
            self.bytes(f"{here}/{place}/{name}{ending}", module(version, license_text, kernel, signed))
        self.kernel(kernel, [f"{place}/{name}{ending}:" for name in names])

    def kernel(self, kernel=KERNEL, lines=(), headers=True):
        here = f"/lib/modules/{kernel}"
        self.file(f"{here}/modules.dep", "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko\n"
                  "kernel/drivers/gpu/drm/nouveau/nouveau.ko: kernel/drivers/gpu/drm/ttm/ttm.ko\n" + "".join(f"{line}\n" for line in lines))
        if headers:
            self.file(f"/usr/src/linux-headers-{kernel}/Makefile", "# headers\n")
            self.link(f"{here}/build", f"/usr/src/linux-headers-{kernel}")

    def dkms(self, version, kernels=(KERNEL,), name="nvidia-current", log=None):
        here = f"/var/lib/dkms/{name}/{version}"
        self.link(f"{here}/source", f"/usr/src/{name}-{version}")
        self.file(f"/usr/src/{name}-{version}/dkms.conf", f'PACKAGE_NAME="{name}"\nPACKAGE_VERSION="{version}"\n')
        for kernel in kernels:
            self.bytes(f"{here}/{kernel}/x86_64/module/{name}.ko", module(version))
            self.link(f"/var/lib/dkms/{name}/kernel-{kernel}-x86_64", f"{version}/{kernel}/x86_64")
        if log:
            self.file(f"{here}/build/make.log", log)

    def real_driver(self, real, folder=None):
        """NVIDIA's libraries where dpkg unpacks them, and the links that Debian's alternatives make for them; with a folder, there."""
        for source in sorted(pathlib.Path(real, "usr/lib/x86_64-linux-gnu/nvidia").rglob("lib*.so*")):
            target = f"{folder}/{source.name}" if folder else "/" + str(source.relative_to(real))
            if source.is_symlink():
                self.link(target, os.readlink(source))
            else:
                self.take(target, source)
            if not folder and source.name.endswith(".so.1"):
                self.link(f"{LIBRARIES}/{source.name}", f"/etc/alternatives/glx--{source.name}-x86_64-linux-gnu")
                self.link(f"/etc/alternatives/glx--{source.name}-x86_64-linux-gnu", target)

    def made_driver(self, version, folder="/usr/lib/x86_64-linux-gnu", names=("libcuda", "libnvidia-ml"), note=None):
        """Libraries that look like the driver's to whoever reads their headers."""
        for name in names:
            real = f"{name}.so.{version}" if version else f"{name}.so.1"
            self.bytes(f"{folder}/{real}", library(f"{name}.so.1", note).read_bytes())
            if version:
                self.link(f"{folder}/{name}.so.1", real)

    def node(self, path, major, minor, mode=0o666, uid=0, gid=0, error=None):
        self.nodes = [n for n in self.nodes if n.split()[0] != path]
        self.nodes.append(f"{path} c {major}:{minor} {mode:04o} {uid} {gid}" + (f" open={error}" if error else ""))

    def usual_nodes(self, count=1, **how):
        self.node("/dev/nvidiactl", 195, 255, **how)
        for minor in range(count):
            self.node(f"/dev/nvidia{minor}", 195, minor, **how)
        self.node("/dev/nvidia-uvm", 508, 0, **how)
        self.node("/dev/nvidia-uvm-tools", 508, 1, **how)
        self.node("/dev/nvidia-caps/nvidia-cap1", 511, 1, mode=0o400, error="EACCES")
        self.node("/dev/nvidia-caps/nvidia-cap2", 511, 2, mode=0o444, error="EACCES")

    def torch(self, version="2.6.0+cu124", home="/home/ada/env"):
        """A virtual environment with a PyTorch in it, as pip leaves it."""
        cuda = version.partition("+cu")[2]
        site = f"{home}/lib/python3.11/site-packages"
        self.file("/usr/bin/python3.11", "", 0o755)
        self.link(f"{home}/bin/python", "/usr/bin/python3.11")
        self.link(f"{home}/bin/python3", "python")
        self.file(f"{home}/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n")
        self.file(f"{site}/torch/__init__.py")
        self.file(f"{site}/torch/version.py", f"__version__ = '{version}'\ncuda = {f'{cuda[:-1]}.{cuda[-1]}'!r}\nhip = None\n")
        self.bytes(f"{site}/torch/lib/libtorch_cuda.so", torch_library().read_bytes())
        info = f"{site}/torch-{version}.dist-info"
        self.file(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        self.file(f"{info}/INSTALLER", "pip\n")
        self.file(f"{info}/RECORD", f"torch/__init__.py,,0\ntorch/version.py,,\ntorch/lib/libtorch_cuda.so,,{torch_library().stat().st_size}\n"
                  f"torch-{version}.dist-info/RECORD,,\n")
        self.environment["VIRTUAL_ENV"] = home
        self.environment["PATH"] = f"{home}/bin:" + self.environment["PATH"]

    def loader_cache(self, *directories):
        """ld.so.cache, by the real ldconfig."""
        self.file("/etc/ld.so.conf", "".join(f"{directory}\n" for directory in directories))
        subprocess.run([shutil.which("ldconfig") or "/sbin/ldconfig", "-r", str(self.path), "-X"], check=True, capture_output=True)

    # --- what is written at the end

    def finish(self):
        self.file("/.whycuda/environ", "".join(f"{k}={v}\n" for k, v in self.environment.items()))
        self.file("/.whycuda/uname", "".join(f"{k}={v}\n" for k, v in self.uname.items()))
        self.file("/.whycuda/id", self.identity + "\n")
        self.file("/.whycuda/nodes", "".join(f"{line}\n" for line in self.nodes))
        if self.packages:
            self.file("/var/lib/dpkg/status", "".join(f"Package: {name}\nStatus: install ok {state}\nArchitecture: amd64\nVersion: {version}\n\n"
                                                      for name, (version, state) in self.packages.items()))
        if self.modules is not None:
            for name in self.modules:
                self.directory(f"/sys/module/{name}")
            self.file("/proc/modules", "ext4 983040 1 - Live 0x0000000000000000\n" +
                      "".join(f"{name} 61440 0 - Live 0x0000000000000000 (POE)\n" for name in self.modules))


def debian(m):
    """Debian 12 on bare metal, without a GPU."""
    m.file("/etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n')
    m.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000:,,,:/home/ada:/bin/bash\n")
    m.file("/etc/group", "root:x:0:\nvideo:x:44:\nada:x:1000:\n")
    m.file("/etc/hostname", "lovelace\n")
    m.file("/proc/version", f"Linux version {KERNEL} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0)\n")
    m.file("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme sse2 avx avx2\n")
    m.file("/proc/cmdline", f"BOOT_IMAGE=/vmlinuz-{KERNEL} root=/dev/sda1 ro quiet\n")
    m.file("/proc/meminfo", "MemTotal:       65536000 kB\n")
    m.file("/proc/self/mountinfo", "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n27 22 0:23 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,inode64\n")
    m.file("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n")
    m.file("/proc/1/comm", "systemd\n")
    m.file("/sys/class/dmi/id/sys_vendor", "ASUS\n")
    m.file("/sys/class/dmi/id/product_name", "System Product Name\n")
    m.file("/sys/firmware/acpi/pm_profile", "1\n")
    m.file("/sys/module/module/parameters/sig_enforce", "N\n")
    m.file("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    0.100000] ACPI: Early table checksum verification disabled\n")
    m.pci("0000:00:00.0", 0x8086, 0x9B33, 0x060000)
    m.kernel()
    m.torch()
    m.packages["base-files"] = ("12.4+deb12u5", "installed")
    m.file("/bin/true", "", 0o755)


def desktop(m, version="535.261.03", real=None):
    """Debian with an RTX 4090 and NVIDIA's driver, all of it in order."""
    debian(m)
    m.gpu()
    m.loaded(version)
    m.module_files(version)
    m.dkms(version)
    m.usual_nodes()
    m.file("/usr/bin/nvidia-smi", "#!/bin/sh\n", 0o755)
    m.file("/usr/bin/nvidia-modprobe", "", 0o4755)
    m.file("/etc/modprobe.d/nvidia-blacklists-nouveau.conf", "# see #580894\nblacklist nouveau\n")
    m.file("/etc/modprobe.d/nvidia.conf", "install nvidia modprobe -i nvidia-current $CMDLINE_OPTS\n"
           "#options nvidia-current NVreg_DeviceFileUID=0 NVreg_DeviceFileGID=44 NVreg_DeviceFileMode=0660\n")
    for name in ("nvidia-driver", "nvidia-kernel-dkms", "libcuda1", "libnvidia-ml1", "nvidia-smi", "nvidia-modprobe"):
        m.packages[name] = (f"{version}-1~deb12u1", "installed")
    m.file(f"/lib/firmware/nvidia/{version}/gsp_ga10x.bin", "")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.200000] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  {version}"
           "  Sat Jun 14 16:05:50 UTC 2025\n[    9.400000] nvidia-uvm: Loaded the UVM driver, major device number 508.\n")
    m.file("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 136\n"
           "GPU UUID: \t GPU-3b4c5d6e-1111-2222-3333-444455556666\nDevice Minor: \t 0\n")
    if real:
        m.real_driver(real)
    else:
        m.made_driver(version)
