"""The cases: what each machine has that a machine in order has not. A case that needs real packages names them with `needs`."""
import pathlib

from machine import KERNEL, LIBRARIES, Machine, debian, desktop, elf, library

CASES = []
V535, V550 = "535.261.03", "550.163.01"


def case(name, roots=(), needs=(), base="desktop"):
    """roots: the causes that must be roots, in order (those whose rule does not exist yet are skipped, and seen to be)."""
    def add(build):
        CASES.append((name, build, list(roots), list(needs), base))
        return build
    return add


@case("desktop", base=None)
def _(m):
    desktop(m)


@case("debian", base=None, roots=["gpu-absent"])
def _(m):
    debian(m)


@case("readme", roots=["driver-too-old-for-cuda"])  # the example of README.md
def _(m):
    desktop(m)
    m.torch("2.15.0+cu132")


# --- real packages -----------------------------------------------------------------------------------------------------------------

for branch, version in ((525, "525.147.05"), (535, V535), (550, V550)):
    @case(f"real-{branch}", needs=[branch])
    def _(m, real, version=version):
        desktop(m, version, real)


@case("real-470", needs=[470], roots=["driver-too-old-for-cuda"])
def _(m, real):
    desktop(m, "470.256.02", real)
    m.gpu(device=0x2204)  # RTX 3090
    m.remove("/proc/driver/nvidia/gpus", "/lib/firmware")


@case("real-470-too-new-gpu", needs=[470], roots=["driver-does-not-support-gpu", "driver-too-old-for-cuda"])
def _(m, real):
    desktop(m, "470.256.02", real)
    m.remove("/proc/driver/nvidia/gpus", "/lib/firmware")
    m.nodes = [n for n in m.nodes if "nvidia0" not in n]
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.1] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  470.256.02\n"
           "[    3.2] NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:2684)\n[    3.2] NVRM: installed in this system is not supported by the\n"
           "[    3.2] NVRM: NVIDIA 470.256.02 driver release.\n[    3.3] NVRM: None of the NVIDIA devices were initialized.\n")


@case("real-two-at-once", needs=[535, 550])
def _(m, real, other):
    desktop(m, V535, real)
    m.real_driver(other, "/opt/nvidia-550/lib")


@case("real-550-before-535", needs=[535, 550], roots=["driver-library-mismatch"])
def _(m, real, other):
    desktop(m, V535, real)
    m.real_driver(other, "/opt/nvidia-550/lib")
    m.environment["LD_LIBRARY_PATH"] = "/opt/nvidia-550/lib"


@case("real-550-kernel-535", needs=[550], roots=["driver-library-mismatch"])
def _(m, real):
    desktop(m, V535, real)


@case("real-truncated", needs=[535], roots=["driver-install-broken"])
def _(m, real):
    desktop(m, V535, real)
    path = f"{LIBRARIES}/nvidia/current/libcuda.so.{V535}"
    content = m.inside(path).read_bytes()
    m.remove(path)
    m.bytes(path, content[:len(content) // 2])


@case("real-smi-without-libcuda", needs=[535], roots=["driver-libs-missing"])
def _(m, real):
    desktop(m, V535, real)
    m.remove(*[f"{LIBRARIES}/nvidia/current/{p.name}" for p in sorted(m.inside(f"{LIBRARIES}/nvidia/current").glob("libcuda*"))])
    del m.packages["libcuda1"]


@case("real-stub-in-front", needs=[535], roots=["driver-stub-shadows"])
def _(m, real):
    desktop(m, V535, real)
    stub = pathlib.Path("/usr/local/cuda/lib64/stubs/libcuda.so")  # NVIDIA's own, where this machine has a toolkit
    m.take("/usr/local/cuda-13.0/lib64/stubs/libcuda.so", stub if stub.exists() else library("libcuda.so.1", stub=True))
    m.link("/usr/local/cuda-13.0/lib64/stubs/libcuda.so.1", "libcuda.so")
    m.environment["LD_LIBRARY_PATH"] = "/usr/local/cuda-13.0/lib64/stubs"


# --- the GPU -----------------------------------------------------------------------------------------------------------------------

@case("amd-only", base="debian", roots=["gpu-absent"])
def _(m):
    debian(m)
    m.pci("0000:03:00.0", 0x1002, 0x744C, 0x030000, "amdgpu")


@case("vm-without-gpu", base="debian", roots=["gpu-absent"])
def _(m):
    debian(m)
    m.file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
    m.file("/sys/class/dmi/id/product_name", "t3.large\n")
    m.pci("0000:00:02.0", 0x1234, 0x1111, 0x030000, "bochs-drm")
    m.usual_nodes()  # stray ones


@case("fell-off-bus", roots=["gpu-fell-off-bus"])
def _(m):
    desktop(m)
    m.gpu(dead=True)
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[  812.1] NVRM: GPU at PCI:0000:01:00: GPU-3b4c5d6e-1111-2222-3333-444455556666\n"
           "[  812.2] NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n"
           "[  812.3] NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.\n")


@case("fell-off-bus-only-config", roots=["gpu-fell-off-bus"])
def _(m):
    desktop(m)
    m.remove("/sys/bus/pci/devices/0000:01:00.0")
    m.gpu(dead=True, only_config=True, driver=None)


@case("only-config")
def _(m):
    desktop(m)
    m.remove("/sys/bus/pci/devices/0000:01:00.0")
    m.gpu(only_config=True, driver=None)


@case("vfio", roots=["gpu-bound-elsewhere"])
def _(m):
    desktop(m)
    m.gpu(driver="vfio-pci")
    m.unloaded()
    m.nodes = []


@case("bar-unassigned", roots=["driver-init-failed"])
def _(m):
    desktop(m)
    m.gpu(bars=False)
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.1] NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:\n"
           "[    3.1] NVRM: BAR1 is 0M @ 0x0 (PCI:0000:01:00.0)\n")


@case("laptop-asleep")
def _(m):
    desktop(m)
    m.pci("0000:00:02.0", 0x8086, 0x9A49, 0x030000, "i915")
    m.gpu(cls=0x030200, power="D3cold", dead=True)  # without power it reads as ff: no fault
    m.file("/etc/prime-discrete", "on-demand\n")


@case("eight-gpus-nvswitch", roots=["fabric-manager-down"])
def _(m):
    desktop(m)
    m.remove("/sys/bus/pci/devices/0000:01:00.0", "/proc/driver/nvidia/gpus")
    for i in range(8):
        m.gpu(f"0000:{i * 16 + 7:02x}:00.0", device=0x2330, cls=0x030200)
    for i in range(4):
        m.pci(f"0000:{i + 0xc0:02x}:00.0", 0x10DE, 0x22A3, 0x068000, "nvidia-nvswitch")
    m.usual_nodes(8)


@case("id-unknown")
def _(m):
    desktop(m)
    m.gpu(device=0x3FFF)


# --- the kernel driver -------------------------------------------------------------------------------------------------------------

def bare(m):
    """The GPU, and nothing of NVIDIA's but what the case adds."""
    desktop(m)
    m.gpu(driver=None)
    m.remove("/sys/bus/pci/devices/0000:01:00.0/driver")
    m.unloaded()
    m.nodes = []
    m.remove(f"/lib/modules/{KERNEL}/updates", "/var/lib/dkms", "/lib/firmware", "/etc/modprobe.d", "/usr/bin/nvidia-smi", "/usr/bin/nvidia-modprobe",
             "/usr/src/nvidia-current-535.261.03", *[p.relative_to(m.path) for p in sorted(m.inside(LIBRARIES).glob("lib*"))])
    m.packages = {"base-files": m.packages["base-files"]}
    m.kernel()
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n")


@case("no-driver", roots=["driver-missing"])
def _(m):
    bare(m)


@case("nouveau", roots=["driver-missing"])
def _(m):
    bare(m)
    m.gpu(driver="nouveau")
    m.modules["nouveau"] = 1
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    2.1] nouveau 0000:01:00.0: NVIDIA AD102 (192000a1)\n")


@case("nouveau-and-nvidia", roots=["driver-nouveau"])
def _(m):
    desktop(m)
    m.gpu(driver="nouveau")
    m.unloaded()
    m.nodes = []
    m.modules["nouveau"] = 1
    m.remove("/etc/modprobe.d/nvidia-blacklists-nouveau.conf")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    2.1] nouveau 0000:01:00.0: NVIDIA AD102 (192000a1)\n"
           "[    5.0] NVRM: The NVIDIA probe routine was not called for 1 device(s).\n[    5.0] NVRM: No NVIDIA devices probed.\n")


def without_module(m):
    m.unloaded()
    m.nodes = []
    m.remove("/sys/bus/pci/devices/0000:01:00.0/driver")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n")


@case("dkms-unbuilt", roots=["driver-not-built-for-kernel"])
def _(m):
    desktop(m)
    without_module(m)
    m.remove("/var/lib/dkms", f"/lib/modules/{KERNEL}")
    m.dkms(V535, ["6.1.0-27-amd64"])
    m.module_files(V535, "6.1.0-27-amd64")
    m.kernel(headers=False)


@case("dkms-failed", roots=["driver-not-built-for-kernel"])
def _(m):
    desktop(m)
    without_module(m)
    m.remove("/var/lib/dkms", f"/lib/modules/{KERNEL}")
    m.kernel()
    m.dkms(V535, [], log="DKMS make.log for nvidia-current-535.261.03\nmake[1]: Entering directory\n"
           "nvidia-drm/nvidia-drm-drv.c:1: error: unknown type name 'drm_x'\nmake: *** [Makefile:82: modules] Error 2\n")
    m.packages["nvidia-kernel-dkms"] = (f"{V535}-1~deb12u1", "half-configured")


@case("dkms-source-gone", roots=["driver-not-built-for-kernel"])
def _(m):
    desktop(m)
    without_module(m)
    m.remove("/var/lib/dkms", f"/lib/modules/{KERNEL}", "/usr/src/nvidia-current-535.261.03")
    m.kernel()
    m.link(f"/var/lib/dkms/nvidia-current/{V535}/source", "/usr/src/nvidia-current-535.261.03")


@case("secure-boot", roots=["driver-secure-boot"])
def _(m):
    desktop(m)
    without_module(m)
    m.bytes("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\6\0\0\0\1")
    m.file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.0] Loading of module with unavailable key is rejected\n")


@case("blacklisted", roots=["driver-not-loaded"])
def _(m):
    desktop(m)
    without_module(m)
    m.file("/lib/modprobe.d/blacklist-nvidia.conf", "# prime-select\nblacklist nvidia\nalias nvidia off\n")
    m.file("/etc/prime-discrete", "intel\n")
    m.file("/proc/cmdline", "root=/dev/sda1 modprobe.blacklist=nvidia,nouveau\n")


def compressed(m, ending, compress):
    desktop(m)
    without_module(m)
    m.remove(f"/lib/modules/{KERNEL}")
    m.module_files(V535, ending=ending, signed=True)
    for path in sorted(m.inside(f"/lib/modules/{KERNEL}/updates/dkms").iterdir()):
        path.write_bytes(compress(path.read_bytes()))


@case("modules-xz", roots=["driver-not-loaded"])
def _(m):
    import lzma
    compressed(m, ".ko.xz", lambda content: lzma.compress(bytes(3 << 20) + content, check=lzma.CHECK_CRC32))


@case("modules-gz", roots=["driver-not-loaded"])
def _(m):
    import gzip
    compressed(m, ".ko.gz", lambda content: gzip.compress(content, mtime=0))


@case("modules-zst", roots=["driver-not-loaded"], needs=["zstd"])
def _(m, zstd):
    import subprocess
    compressed(m, ".ko.zst", lambda content: subprocess.run([zstd, "-q", "-19"], input=content, capture_output=True, check=True).stdout)


@case("modules-damaged", roots=["driver-not-loaded"])
def _(m):
    import lzma
    compressed(m, ".ko.xz", lambda content: lzma.compress(content)[:-40])


@case("open-module-too-old-gpu", roots=["driver-does-not-support-gpu"])
def _(m):
    desktop(m)
    m.gpu(device=0x1B80)  # GTX 1080
    m.loaded(V535, "open")
    m.remove("/proc/driver/nvidia/gpus")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.1] NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  {V535}\n"
           "[    3.2] NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1b80)\n               NVRM: installed in this system is not supported by open\n"
           "               NVRM: nvidia.ko because it does not include the required GPU\n               NVRM: System Processor (GSP).\n")


@case("closed-module-blackwell", roots=["driver-open-module-required", "gpu-too-new"])
def _(m):
    desktop(m, "570.144")
    m.gpu(device=0x2B85)  # RTX 5090
    m.remove("/proc/driver/nvidia/gpus")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.1] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  570.144\n"
           "[    3.2] NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:2b85)\n[    3.2] NVRM: installed in this system requires use of the NVIDIA open kernel modules.\n"
           "[    3.2] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:897)\n")


@case("half-configured", roots=["driver-install-broken"])
def _(m):
    desktop(m)
    without_module(m)
    m.packages["nvidia-kernel-dkms"] = (f"{V535}-1~deb12u1", "half-configured")
    m.packages["libcuda1"] = (f"{V535}-1~deb12u1", "unpacked")


@case("gsp-firmware-gone", roots=["driver-install-broken"])
def _(m):
    desktop(m)
    m.remove("/lib/firmware")
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n[    3.1] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  {V535}\n"
           f"[    3.2] nvidia 0000:01:00.0: Direct firmware load for nvidia/{V535}/gsp_ga10x.bin failed with error -2\n"
           "[    3.2] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x40:2393)\n")


@case("kern-log-of-earlier-boot")
def _(m):
    desktop(m)
    m.remove("/var/log/dmesg")
    m.file("/var/log/kern.log", "Nov 20 10:00:00 lovelace kernel: [    0.000000] Linux version 6.1.0-27-amd64\n"
           "Nov 20 10:00:03 lovelace kernel: [    3.1] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:897)\n"
           f"Nov 21 10:00:00 lovelace kernel: [    0.000000] Linux version {KERNEL}\n"
           f"Nov 21 10:00:03 lovelace kernel: [    3.1] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  {V535}\n")


@case("xid-storm")
def _(m):
    desktop(m)
    m.file("/var/log/dmesg", f"[    0.000000] Linux version {KERNEL}\n" + "".join(
        f"[  {i}.1] NVRM: Xid (PCI:0000:01:00): 31, pid={i}, name=python, MMU Fault: ENGINE GRAPHICS\n" for i in range(1000)))


# --- its libraries -----------------------------------------------------------------------------------------------------------------

@case("libcuda-not-reached", roots=["driver-libs-missing"])
def _(m):
    desktop(m)
    m.remove(*[p.relative_to(m.path) for p in sorted(m.inside(LIBRARIES).glob("lib*"))])
    m.made_driver(V535, f"{LIBRARIES}/nvidia/current")


@case("compat-older", roots=["driver-compat-shadows"])
def _(m):
    desktop(m)
    m.made_driver("525.60.13", "/usr/local/cuda-12.0/compat", ["libcuda"], note='{"Format": 1, "CUDA Version": "12.0", "Driver": [450, 470, 510, 515, 525]}')
    m.environment["LD_LIBRARY_PATH"] = "/usr/local/cuda-12.0/compat"


@case("library-32-bit")
def _(m):
    desktop(m)
    m.bytes("/usr/lib/i386-linux-gnu/libcuda.so.535.261.03", elf({".text": (1, b"\0")}, machine=3))
    m.link("/usr/lib/i386-linux-gnu/libcuda.so.1", "libcuda.so.535.261.03")
    m.environment["LD_LIBRARY_PATH"] = "/usr/lib/i386-linux-gnu"


@case("library-is-text", roots=["driver-install-broken"])
def _(m):
    desktop(m)
    m.remove(f"{LIBRARIES}/libcuda.so.{V535}")
    m.file(f"{LIBRARIES}/libcuda.so.{V535}", "version https://git-lfs.github.com/spec/v1\n")


# --- access ------------------------------------------------------------------------------------------------------------------------

@case("nodes-missing", roots=["device-nodes-missing"])
def _(m):
    desktop(m)
    m.nodes = []
    m.inside("/usr/bin/nvidia-modprobe").chmod(0o755)


@case("nodes-made-at-first-use")
def _(m):
    desktop(m)
    m.nodes = []


@case("permission", roots=["device-permission"])
def _(m):
    desktop(m)
    m.usual_nodes(mode=0o660, gid=44, error="EACCES")
    m.file("/etc/modprobe.d/nvidia-options.conf", "options nvidia-current NVreg_DeviceFileUID=0 NVreg_DeviceFileGID=44 NVreg_DeviceFileMode=0660\n")


@case("permission-of-member")
def _(m):
    desktop(m)
    m.usual_nodes(mode=0o660, gid=44)
    m.identity = "uid=1000 gid=1000 groups=1000,44"


@case("uvm-missing", roots=["uvm-broken"])
def _(m):
    desktop(m)
    m.modules.pop("nvidia_uvm")
    m.nodes = [n for n in m.nodes if "uvm" not in n]
    m.inside("/usr/bin/nvidia-modprobe").chmod(0o755)


def container(m, kind="docker"):
    """An image on a machine whose host is in order; what the runtime adds is the case's."""
    desktop(m)
    m.file("/.dockerenv")
    m.remove("/usr/bin/nvidia-smi", "/usr/bin/nvidia-modprobe", "/lib/modules", "/usr/src", "/var/lib/dkms", "/etc/modprobe.d", "/lib/firmware", "/var/log/dmesg",
             *[p.relative_to(m.path) for p in sorted(m.inside(LIBRARIES).glob("lib*"))])
    m.packages = {"base-files": m.packages["base-files"]}
    m.nodes = []
    m.file("/proc/self/mountinfo", "22 1 0:50 / / rw,relatime - overlay overlay rw\n27 22 0:23 / /dev/shm rw,nosuid,nodev - tmpfs shm rw,size=65536k\n")
    m.file("/proc/self/cgroup", "0::/\n")
    m.file("/proc/1/comm", "bash\n")
    m.identity = "uid=0 gid=0 groups=0"


def passed(m, libraries=True):
    m.usual_nodes()
    lines = ["30 22 0:5 /nvidia0 /dev/nvidia0 rw - devtmpfs udev rw", "31 22 0:5 /nvidiactl /dev/nvidiactl rw - devtmpfs udev rw",
             "32 22 0:51 / /proc/driver/nvidia rw - tmpfs tmpfs rw,mode=555"]
    if libraries:
        m.made_driver(V535)
        lines.append(f"33 22 8:1 {LIBRARIES}/libcuda.so.{V535} {LIBRARIES}/libcuda.so.{V535} ro - ext4 /dev/sda1 rw")
    with open(m.inside("/proc/self/mountinfo"), "a") as mounts:
        mounts.write("".join(line + "\n" for line in lines))


@case("container-without-gpus", roots=["container-no-gpu"])
def _(m):
    container(m)
    m.environment.update(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility")


@case("container-in-order")
def _(m):
    container(m)
    passed(m)
    m.environment.update(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility")


@case("container-utility-only", roots=["container-capability-missing"])
def _(m):
    container(m)
    passed(m, libraries=False)
    m.made_driver(V535, names=["libnvidia-ml"])
    with open(m.inside("/proc/self/mountinfo"), "a") as mounts:
        mounts.write(f"33 22 8:1 {LIBRARIES}/libnvidia-ml.so.{V535} {LIBRARIES}/libnvidia-ml.so.{V535} ro - ext4 /dev/sda1 rw\n")
    m.environment.update(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="utility")


@case("container-cgroup-lost", roots=["container-cgroup-lost"])
def _(m):
    container(m)
    passed(m)
    m.usual_nodes(error="EPERM")
    m.environment.update(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility")


@case("container-image-has-driver", roots=["driver-library-mismatch"])
def _(m):
    container(m)
    passed(m)
    m.made_driver("550.163.01", "/usr/local/nvidia/lib64")
    m.environment.update(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility", LD_LIBRARY_PATH="/usr/local/nvidia/lib64")


@case("pod-without-gpu", roots=["scheduler-no-gpu"])
def _(m):
    container(m)
    m.remove("/.dockerenv")
    m.environment.update(KUBERNETES_SERVICE_HOST="10.0.0.1", NVIDIA_VISIBLE_DEVICES="all")


@case("pod-in-order")
def _(m):
    container(m)
    m.remove("/.dockerenv")
    passed(m)
    m.environment.update(KUBERNETES_SERVICE_HOST="10.0.0.1", NVIDIA_VISIBLE_DEVICES="GPU-3b4c5d6e-1111-2222-3333-444455556666")


@case("leftover-dockerenv")
def _(m):
    desktop(m)
    m.file("/.dockerenv")
    m.file("/proc/2/comm", "kthreadd\n")


@case("container-host-cdi-stale")
def _(m):
    desktop(m)
    m.packages["nvidia-container-toolkit"] = ("1.17.4-1", "installed")
    m.file("/etc/cdi/nvidia.yaml", "---\ncdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    deviceNodes:\n"
           "    - path: /dev/nvidia0\n- name: all\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia0\ncontainerEdits:\n  mounts:\n"
           f"  - hostPath: {LIBRARIES}/libcuda.so.525.147.05\n    containerPath: {LIBRARIES}/libcuda.so.525.147.05\n")


@case("slurm-without-gpu", roots=["scheduler-no-gpu"])
def _(m):
    desktop(m)
    m.environment.update(SLURM_JOB_ID="4711", CUDA_VISIBLE_DEVICES="NoDevFiles")
    m.node("/dev/nvidia0", 195, 0, error="EPERM")


@case("slurm-outside-of-jobs", roots=["scheduler-no-gpu"])
def _(m):
    desktop(m)
    m.file("/etc/slurm/slurm.conf", "ClusterName=turing\nGresTypes=gpu\n")
    m.usual_nodes(error="EPERM")


@case("slurm-in-order")
def _(m):
    desktop(m)
    m.environment.update(SLURM_JOB_ID="4711", SLURM_JOB_GPUS="0", SLURM_GPUS_ON_NODE="1", CUDA_VISIBLE_DEVICES="0")


@case("slurm-login-node", base="debian", roots=["gpu-absent"])
def _(m):
    debian(m)
    m.file("/etc/slurm/slurm.conf", "ClusterName=x\n")


@case("hidden", roots=["visible-devices-hidden"])
def _(m):
    desktop(m)
    m.environment["CUDA_VISIBLE_DEVICES"] = "-1"


@case("invalid-index", roots=["visible-devices-invalid"])
def _(m):
    desktop(m)
    m.environment["CUDA_VISIBLE_DEVICES"] = "7"


@case("node-hangs", roots=["driver-init-failed"])
def _(m):
    desktop(m)
    m.node("/dev/nvidia0", 195, 0, error="ETIMEDOUT")


def parameters(m, **told):
    """/proc/driver/nvidia/params, as driver 535 shows it."""
    all_of = {"ResmanDebugLevel": 4294967295, "RmLogonRC": 1, "ModifyDeviceFiles": 1, "DeviceFileUID": 0, "DeviceFileGID": 0, "DeviceFileMode": 438,
              "EnableGpuFirmware": 18, "RegisterPCIDriver": 1, "RegistryDwords": '""', "ExcludedGpus": '""', **told}
    m.file("/proc/driver/nvidia/params", "".join(f"{name}: {value}\n" for name, value in all_of.items()))


@case("option-device-file-mode", roots=["device-permission"])
def _(m):
    desktop(m)
    parameters(m, DeviceFileMode=0o660, DeviceFileGID=44)
    m.file("/etc/modprobe.d/nvidia-access.conf", "# the group video only\noptions nvidia-current NVreg_DeviceFileMode=0660 NVreg_DeviceFileGID=44\n")
    for path, major, minor in (("/dev/nvidiactl", 195, 255), ("/dev/nvidia0", 195, 0)):
        m.node(path, major, minor, mode=0o660, gid=44, error="EACCES")


@case("option-excluded-gpu", roots=["driver-init-failed"])
def _(m):
    desktop(m)
    uuid = "GPU-3b4c5d6e-1111-2222-3333-444455556666"
    parameters(m, ExcludedGpus=f'"{uuid}"')
    m.file("/proc/driver/nvidia/gpus/0000:01:00.0/information",
           f"Model: \t\t NVIDIA GeForce RTX 4090\nGPU UUID: \t {uuid}\nDevice Minor: \t 0\nGPU Excluded:\t Yes\n")


@case("option-not-loaded-yet")
def _(m):
    desktop(m)
    parameters(m)
    m.file("/etc/modprobe.d/nvidia-access.conf", "options nvidia NVreg_DeviceFileMode=0600 NVreg_ModifyDeviceFiles=0\n")


@case("option-no-nodes", roots=["device-nodes-missing"])
def _(m):
    desktop(m)
    parameters(m, ModifyDeviceFiles=0)
    m.nodes = []


@case("mig-nodes-denied", roots=["mig-misconfigured"])
def _(m):
    desktop(m)
    m.gpu(device=0x20B2, cls=0x030200)
    m.remove("/proc/driver/nvidia/gpus")
    for path, minor in (("gpu0/mig/gi1", 12), ("gpu0/mig/gi1/ci0", 13)):
        m.file(f"/proc/driver/nvidia/capabilities/{path}/access", f"DeviceFileMinor: {minor}\nDeviceFileMode: 292\nDeviceFileModify: 1\n")
    m.node("/dev/nvidia-caps/nvidia-cap12", 511, 12, mode=0o400, error="EACCES")


# --- WSL, Jetson, other systems ------------------------------------------------------------------------------------------------------

def wsl(m, release="5.15.167.4-microsoft-standard-WSL2"):
    debian(m)
    m.uname["release"] = release
    m.file("/etc/os-release", 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n')
    m.file("/proc/version", f"Linux version {release} (root@f9c826d3017f) (gcc (GCC) 11.2.0)\n")
    m.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse2 hypervisor avx2\n")
    m.remove("/sys/bus/pci/devices", "/sys/class/dmi", "/lib/modules", "/var/log/dmesg")
    m.directory("/sys/bus/pci/devices")
    m.modules = None
    m.directory("/run/WSL")


@case("wsl2-in-order", base="debian")
def _(m):
    wsl(m)
    m.made_driver(None, "/usr/lib/wsl/lib")
    m.file("/usr/lib/wsl/lib/nvidia-smi", "", 0o555)
    m.file("/usr/lib/wsl/drivers/iigd_dch.inf_amd64_1/iigd_dch.inf", "DriverVer=01/01/2024,31.0.101.5186\n")
    m.bytes("/usr/lib/wsl/drivers/nv_dispi.inf_amd64_0f1c/nv_dispi.inf",
            "[Version]\r\nSignature = \"$Windows NT$\"\r\nDriverVer = 10/17/2024, 32.0.15.6614\r\n".encode("utf-16"))
    m.node("/dev/dxg", 10, 125)
    m.loader_cache("/usr/lib/wsl/lib")
    m.environment["PATH"] += ":/usr/lib/wsl/lib"


@case("wsl2-without-driver", base="debian", roots=["wsl-driver-old-or-missing"])
def _(m):
    wsl(m)
    m.node("/dev/dxg", 10, 125)


@case("wsl2-linux-driver-inside", base="debian", roots=["wsl-linux-driver-inside"])
def _(m):
    wsl(m)
    m.made_driver(None, "/usr/lib/wsl/lib")
    m.made_driver(V535)
    m.node("/dev/dxg", 10, 125)
    m.loader_cache("/usr/lib/x86_64-linux-gnu", "/usr/lib/wsl/lib")
    m.packages["libnvidia-compute-535"] = ("535.183.01-0ubuntu0.24.04.1", "installed")


@case("wsl1", base="debian", roots=["wsl1"])
def _(m):
    wsl(m, "4.4.0-19041-Microsoft")


@case("wsl2-own-kernel", base="debian")
def _(m):
    wsl(m, "6.6.75-zen")
    m.made_driver(None, "/usr/lib/wsl/lib")
    m.file("/usr/lib/wsl/lib/nvidia-smi", "", 0o555)
    m.loader_cache("/usr/lib/wsl/lib")
    m.node("/dev/dxg", 10, 125)


@case("jetson-orin", base="debian")
def _(m):
    debian(m)
    m.remove("/sys/bus/pci/devices/0000:00:00.0", "/sys/class/dmi")
    m.uname = {"release": "5.15.148-tegra", "machine": "aarch64"}
    m.file("/etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n')
    m.file("/etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n")
    m.file("/proc/device-tree/compatible", "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0")
    m.file("/proc/device-tree/model", "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0")
    m.bytes("/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1.1", elf({".text": (1, b"\0")}, machine=183, kind=3))
    m.link("/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1", "libcuda.so.1.1")
    m.environment["LD_LIBRARY_PATH"] = "/usr/lib/aarch64-linux-gnu/tegra"
    m.modules = {"nvgpu": 1, "nvidia": 1}
    m.node("/dev/nvhost-gpu", 234, 0)
    m.node("/dev/nvmap", 10, 124)


@case("fedora-akmod", base="debian")
def _(m):
    import sqlite3
    import struct
    desktop(m, "560.35.03")
    m.packages = {}
    m.remove("/var/lib/dkms", f"/lib/modules/{KERNEL}/updates")
    m.module_files("560.35.03", place="extra/nvidia", prefix="nvidia")
    m.file("/etc/os-release", 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40 (Workstation Edition)"\n')
    m.directory("/usr/lib/sysimage/rpm")
    database = sqlite3.connect(m.inside("/usr/lib/sysimage/rpm/rpmdb.sqlite"))
    database.executescript("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"
                           "CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL);")
    for number, (name, version, release) in enumerate((("bash", "5.2.26", "3.fc40"), ("akmod-nvidia", "560.35.03", "1.fc40"),
                                                       ("xorg-x11-drv-nvidia-cuda-libs", "560.35.03", "1.fc40")), 1):
        data, index = b"", b""
        for tag, text in ((1000, name), (1001, version), (1002, release)):
            index += struct.pack(">IIII", tag, 6, len(data), 1)
            data += text.encode() + b"\0"
        database.execute("INSERT INTO Packages VALUES (?, ?)", (number, struct.pack(">II", 3, len(data)) + index + data))
        database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
    database.commit()
    database.close()


@case("arch-linux", base="debian")
def _(m):
    desktop(m, "570.144")
    m.packages = {}
    m.loaded("570.144", "open")
    m.remove("/var/lib/dkms")
    m.file("/etc/os-release", 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\n')
    for name, version in (("nvidia-open", "570.144-3"), ("nvidia-utils", "570.144-3"), ("python", "3.13.3-1")):
        m.file(f"/var/lib/pacman/local/{name}-{version}/desc", f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nx86_64\n")


@case("runfile")
def _(m):
    desktop(m)
    m.packages = {"base-files": m.packages["base-files"]}
    m.file("/var/lib/nvidia/log", f"{V535}\nNVIDIA Accelerated Graphics Driver for Linux-x86_64 ({V535})\n1: /usr/bin/nvidia-smi\n")


# --- toolkits and variables ----------------------------------------------------------------------------------------------------------

def toolkit(m, version="12.4", home=None, missing=()):
    home = home or f"/usr/local/cuda-{version}"
    number = int(version.split(".")[0]) * 1000 + int(version.split(".")[1]) * 10
    pieces = {"bin/nvcc": "", "bin/ptxas": "", "nvvm/bin/cicc": "", "nvvm/libdevice/libdevice.10.bc": "", "lib64/libcudart.so.12": "",
              "version.json": '{"cuda": {"name": "CUDA SDK", "version": "%s.1"}, "cuda_nvcc": {"version": "%s.131"}}\n' % (version, version),
              "include/cuda.h": f"#define CUDA_VERSION {number}\n", "include/cuda_runtime.h": "", "include/cublas_v2.h": "",
              "include/cusparse.h": "", "include/cusolverDn.h": "",
              "include/crt/host_config.h": "#if __GNUC__ > 13\n#error x\n#endif\n#if (__clang_major__ >= 18) || (__clang_major__ < 3)\n#error y\n#endif\n"}
    for name, text in pieces.items():
        if name not in missing:
            m.file(f"{home}/{name}", text, 0o755 if name.startswith("bin/") else 0o644)
    return home


def compilers(m, *versions):
    for version in versions:
        m.file(f"/usr/bin/x86_64-linux-gnu-g++-{version}", "", 0o755)
        m.link(f"/usr/bin/g++-{version}", f"x86_64-linux-gnu-g++-{version}")
        m.directory(f"/usr/lib/gcc/x86_64-linux-gnu/{version}")
    m.link("/usr/bin/g++", f"g++-{versions[-1]}")


@case("toolkit-in-order")
def _(m):
    desktop(m)
    m.link("/usr/local/cuda", toolkit(m))
    m.environment["PATH"] = "/usr/local/cuda/bin:" + m.environment["PATH"]
    m.file("/var/lib/dpkg/info/cuda-nvcc-12-4.list")
    compilers(m, 11, 12)


@case("toolkit-pieces-missing")
def _(m):
    desktop(m)
    m.link("/usr/local/cuda", toolkit(m, missing=["include/cusparse.h", "nvvm/libdevice/libdevice.10.bc", "version.json"]))
    compilers(m, 14)


@case("cuda-home-dead")
def _(m):
    desktop(m)
    toolkit(m)
    m.environment.update(CUDA_HOME="/usr/local/cuda-11.8", LD_LIBRARY_PATH="/usr/local/cuda-11.8/lib64:/usr/local/cuda-12.4/lib64")


@case("toolkits-many")
def _(m):
    desktop(m)
    toolkit(m, "11.8")
    toolkit(m, "12.4")
    toolkit(m, "12.4", "/opt/nvidia/hpc_sdk/Linux_x86_64/24.5/cuda/12.4")
    toolkit(m, "12.8", "/home/ada/miniforge3/envs/x")
    m.directory("/home/ada/miniforge3/envs/x/conda-meta")
    m.file("/home/ada/env/lib/python3.12/site-packages/nvidia/cuda_nvcc/bin/nvcc", "", 0o755)
    m.environment.update(CONDA_PREFIX="/home/ada/miniforge3/envs/x", VIRTUAL_ENV="/home/ada/env", CXX="/usr/bin/g++-11")
    m.environment["PATH"] = "/home/ada/miniforge3/envs/x/bin:" + m.environment["PATH"]
    compilers(m, 11, 13)


@case("real-debian-toolkit", needs=["cuda-11.8"])
def _(m, real):
    import os
    desktop(m)
    for name in ("usr/bin/nvcc", "usr/bin/ptxas", "usr/lib/nvidia-cuda-toolkit/bin/cicc", "usr/lib/nvidia-cuda-toolkit/bin/g++", "usr/lib/nvidia-cuda-toolkit/bin/nvcc",
                 "usr/lib/nvidia-cuda-toolkit/libdevice/libdevice.10.bc"):
        m.take("/" + name, real / name)
    m.link("/usr/lib/cuda/nvvm/libdevice", os.readlink(real / "usr/lib/cuda/nvvm/libdevice"))


# --- little is known, or it is hostile -----------------------------------------------------------------------------------------------

@case("empty", base=None)
def _(m):
    m.finish = lambda: m.path.mkdir(parents=True, exist_ok=True)


@case("mounted-image", base="desktop")
def _(m):
    desktop(m)
    m.finish()
    m.finish = lambda: None
    m.remove("/proc", "/sys", "/.whycuda")


@case("symlink-loops", base=None, roots=["torch-missing"])  # no Python among what can be read
def _(m):
    m.modules = None
    for path in ("/etc/os-release", "/usr/lib/os-release", "/proc/modules", "/proc/driver", "/sys/bus", "/lib/modules", "/var/lib/dkms", "/var/log/dmesg",
                 "/usr/local/cuda", "/etc/modprobe.d", f"{LIBRARIES}/libcuda.so.1", "/dev", "/usr/bin/g++"):
        m.link(path, path)


@case("symlink-escapes", base=None, roots=["torch-missing"])  # no Python among what can be read
def _(m):
    m.modules = None
    up = "../" * 12
    for path, target in (("/etc/os-release", up + "etc/os-release"), ("/proc", up + "proc"), ("/sys", up + "sys"), ("/lib/modules", "/../../../lib/modules"),
                         ("/usr/local/cuda", up + "usr/local/cuda"), ("/var/lib/dpkg", up + "var/lib/dpkg"), ("/usr/bin", up + "usr/bin"),
                         ("/etc/passwd", up + "etc/passwd"), ("/etc/hostname", up + "etc/hostname")):
        m.link(path, target)


@case("fifos-and-directories", base=None, roots=["torch-missing"])  # no Python among what can be read
def _(m):
    import os
    for path in ("/etc/os-release", "/proc/modules", "/proc/driver/nvidia/version", "/proc/cpuinfo", "/proc/self/mountinfo", "/var/lib/dpkg/status",
                 f"/lib/modules/{KERNEL}/modules.dep", "/etc/modprobe.d/x.conf", "/etc/cdi/x.yaml", "/usr/local/cuda/version.json", "/usr/local/cuda/bin/nvcc",
                 "/var/log/dmesg", f"{LIBRARIES}/libcuda.so.1", "/sys/bus/pci/devices/0000:01:00.0/config", "/etc/nv_tegra_release"):
        m.directory(str(pathlib.PurePosixPath(path).parent))
        os.mkfifo(m.inside(path))
    m.modules = None
    for path in ("/etc/passwd", "/etc/hostname", "/proc/meminfo", "/proc/cmdline", "/sys/bus/pci/devices/0000:02:00.0/class", "/proc/device-tree/compatible"):
        m.directory(path)
