"""GPU code laid out byte by byte: fatbins, ELF files that carry them, archives. For tests without nvcc."""
import struct

PTX, SASS, LTO = 1, 2, 8
SUFFIX = {"": 0, "a": 0x100000, "f": 0x200000}


def entry(kind, arch, suffix="", header=64, payload=128):
    head = struct.pack("<HHIQIIHHIIIQQQ", kind, 0x101, header, payload, 0, 0, 4 if kind == PTX else 7,
                       8 if kind == PTX else 1, arch, 0, 0, 0x11 | SUFFIX[suffix], 0, 0)
    return head + bytes(header - 64) + b"\xaa" * payload


def container(*entries):
    body = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def elf(sections, wide=True, big=False, machine=62, flags=0, abi=(0, 0), loads=True):
    """A shared object with these (name, bytes), one PT_LOAD over all of it, the section table last."""
    order, word = ">" if big else "<", "Q" if wide else "I"
    head, phent, shent = (64, 56, 64) if wide else (52, 32, 40)
    names, table, blob = b"\0", [(0, 0, 0, 0)], b""
    start = head + phent
    for name, content in [*sections, (".shstrtab", None)]:
        at = len(names)
        names += name.encode() + b"\0"
        content = names if content is None else content
        blob += bytes(-(start + len(blob)) % 8)
        table.append((at, 3 if name == ".shstrtab" else 1, start + len(blob), len(content)))
        blob += content
    blob += bytes(-(start + len(blob)) % 8)
    shoff = start + len(blob)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1, *abi]) + bytes(7)
    header = ident + struct.pack(f"{order}HHI{word * 3}IHHHHHH", 3, machine, 1, 0, head if loads else 0, shoff, flags, head, phent,
                                 1 if loads else 0, shent, len(table), len(table) - 1)
    segment = (1, 4, 0, 0, 0, shoff, shoff, 4096) if wide else (1, 0, 0, 0, shoff, shoff, 4, 4096)
    program = struct.pack(f"{order}{'II' + 'Q' * 6 if wide else 'I' * 8}", *segment)
    rows = b"".join(struct.pack(f"{order}II{word * 4}II{word * 2}", name, kind, 2, 0, offset, size, 0, 0, 1, 0)
                    for name, kind, offset, size in table)
    return header + program + blob + rows


def cubin(arch, old=False, suffix=""):
    if old:
        return elf([(".text.k", b"\0" * 64)], machine=190, flags=0x500500 | arch | (0x800 if suffix else 0), abi=(0x33, 7))
    note = f"\0Cuda compilation tools\0-arch sm_{arch}{suffix} -m 64 \0".encode()
    return elf([(".note.nv.tkinfo", note), (".text.k", b"\0" * 64)], machine=190, flags=0x6000002 | arch << 8, abi=(0x41, 8))


def archive(members, thin=False):
    """GNU's form: long names in a table, members at even places."""
    table = b"".join(name.encode() + b"/\n" for name, _ in members)
    out = b"!<thin>\n" if thin else b"!<arch>\n"
    at = 0

    def add(name, size, content):
        nonlocal out
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{size:<10}`\n".encode() + content
        out += b"\n" * (len(out) & 1)

    add("/", 4, bytes(4))
    add("//", len(table), table)
    for name, content in members:
        add(f"/{at}", len(content), b"" if thin else content)
        at += len(name) + 2
    return out


def samples():
    """One of each form, small: seeds for fuzzers."""
    fat = container(entry(SASS, 75, payload=40), entry(SASS, 90, "a", payload=8), entry(PTX, 120, header=80, payload=24)) + bytes(
        8) + container(entry(SASS, 100, "f", header=96, payload=16), entry(LTO, 75, header=120, payload=64))
    one = container(entry(SASS, 89, payload=8))
    yield fat
    for wide in (True, False):
        for big in (False, True):
            yield elf([(".nv_fatbin", fat), ("__nv_relfatbin", one), (".ldata", b"x" * 20 + one), (".data", one)], wide, big)
    yield elf([(".nv_fatbin", fat), (".nv_fatbin", one)], loads=False)
    yield cubin(80, old=True)
    yield cubin(90, old=True, suffix="a")
    yield cubin(120, suffix="f")
    yield b"// a comment\n/* another */\n.version 8.4\n.target sm_90a, debug\n.address_size 64\n"
    yield archive([("object_with_a_long_name.o", elf([("__nv_relfatbin", fat)])), ("b.txt", b"text"), ("c.cubin", cubin(75))])
    yield elf([(".rodata", b"message\0sm_75 sm_80 sm_90a compute_90\0more"), (".nv_fatbin", one)])
    yield b"MZ" + bytes(30) + fat


def archives():
    yield from (seed for seed in samples() if seed.startswith(b"!<"))
    yield archive([("thin_member_with_a_long_name.o", b""), ("b.o", b"")], thin=True)
    bsd = b"name_of_bsd.o\0\0\0" + b"body"
    yield b"!<arch>\n" + f"{'#1/16':<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(bsd):<10}`\n".encode() + bsd
