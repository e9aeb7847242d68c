"""Small libraries made for one rule of the loader each, resolved by the real loader and by whycuda. Used by
loader_sample.py."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tap

LOADERS = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}
LOADER = LOADERS.get(os.uname().machine, "")
TRIPLET = subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()


class Bench:
    """A directory with libraries that `cc` makes on demand."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def lib(self, path, *needs, soname=None, source=None, flags=()):
        """path: "a/liba.so.1"; needs: paths of libraries it needs. Without rpath unless `flags` has one."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W", "_", target.name)
        code = source if source is not None else f"int in_{name}(void) {{ return 1; }}\n"
        subprocess.run(["cc", "-x", "c", "-", "-x", "none", "-shared", "-fPIC", "-O0", "-o", str(target),
                        f"-Wl,-soname,{soname or target.name}", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined",
                        *[str(self.folder / need) for need in needs], *flags], input=code, text=True, check=True,
                       capture_output=True)
        return target

    def path(self, *names):
        return ":".join(str(self.folder / name) for name in names)


def rpath(value):
    return ("-Wl,--disable-new-dtags", f"-Wl,-rpath,{value}")


def runpath(value):
    return ("-Wl,--enable-new-dtags", f"-Wl,-rpath,{value}")


def clean_env(**more):
    env = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    return env | more


def real(file, env, cwd):
    """name -> path as ld.so resolves, asked as ldd asks it; the error text where it gives up."""
    done = subprocess.run([LOADER, str(file)], capture_output=True, text=True, env=env | {"LD_TRACE_LOADED_OBJECTS": "1"},
                          cwd=cwd)
    if done.returncode != 0:
        return done.stderr.strip()
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"\s*(\S+) => (not found|\S+)", line)
        alone = re.match(r"\s*(\S+) \(0x", line)
        if match:
            found[match[1]] = None if match[2] == "not found" else match[2]
        elif alone and not re.search("ld-linux|vdso", alone[1]):  # asked for by its path, or in the working directory
            found[os.path.basename(alone[1])] = alone[1]
    return found


def mapped(file):
    """What a process has mapped after dlopen."""
    code = f"import ctypes; ctypes.CDLL({str(file)!r}); print(open('/proc/self/maps').read())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def entries(arguments, env, cwd):
    done = subprocess.run([str(tap.PROGRAM), "libs", "--json", *map(str, arguments)], capture_output=True, text=True,
                          env=env | {"ASAN_OPTIONS": "verify_asan_link_order=0"}, cwd=cwd)
    assert done.returncode in (0, 1), f"{done.returncode} {done.stderr}"
    return done.returncode, json.loads(done.stdout)


def ours(file, env, cwd):
    status, list_ = entries([file], env, cwd)
    found = {entry["name"]: entry["path"] and os.path.normpath(os.path.join(cwd, entry["path"])) for entry in list_
             if "ld-linux" not in entry["name"] and entry["path"] != str(file)}
    return status, list_, found


def same(bench, file, by=None, cwd=None, **variables):
    """The same paths; `by`: the rule that whycuda names for some. Returns whycuda's entries by name."""
    env = clean_env(PWD=str(cwd or bench.folder), **variables)
    cwd = str(cwd or bench.folder)
    theirs = real(bench.folder / file, env, cwd)
    assert isinstance(theirs, dict), theirs
    theirs = {name: path and os.path.normpath(os.path.join(cwd, path)) for name, path in theirs.items()}
    _, list_, mine = ours(bench.folder / file, env, cwd)
    assert mine == theirs, f"ld.so {theirs}, whycuda {mine}"
    entry = {e["name"]: e for e in list_}
    for name, rule in (by or {}).items():
        assert entry[name]["by"] == rule, f"{name}: by {entry[name]['by']}, not {rule}"
    return entry


def rules(bench):
    b = bench
    b.lib("one/libx.so.1")
    b.lib("two/libx.so.1")
    b.lib("three/libx.so.1")
    one, two, three = b.path("one"), b.path("two"), b.path("three")

    with tap.case("DT_RPATH goes before LD_LIBRARY_PATH, which hides nothing then"):
        b.lib("rpath.so", "one/libx.so.1", flags=rpath(one))
        entry = same(b, "rpath.so", {"libx.so.1": "rpath"}, LD_LIBRARY_PATH=two)
        assert entry["libx.so.1"]["shadows"] == [f"{two}/libx.so.1"], entry["libx.so.1"]
        same(b, "rpath.so", {"libx.so.1": "rpath"})

    with tap.case("LD_LIBRARY_PATH goes before DT_RUNPATH and hides it"):
        b.lib("runpath.so", "one/libx.so.1", flags=runpath(one))
        entry = same(b, "runpath.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=f"{two}:{three}")
        assert entry["libx.so.1"]["shadows"] == [f"{three}/libx.so.1", f"{one}/libx.so.1"], entry["libx.so.1"]
        same(b, "runpath.so", {"libx.so.1": "runpath"})

    with tap.case("DT_RPATH counts for what the needed ones need; DT_RUNPATH does not"):
        b.lib("mid/libmid.so.1", "one/libx.so.1")
        both = f"{one}:{b.path('mid')}"
        b.lib("top_rpath.so", "mid/libmid.so.1", flags=rpath(both))
        b.lib("top_runpath.so", "mid/libmid.so.1", flags=runpath(both))
        same(b, "top_rpath.so", {"libmid.so.1": "rpath", "libx.so.1": "rpath"})
        same(b, "top_runpath.so", {"libmid.so.1": "runpath", "libx.so.1": "none"})

    with tap.case("an object with DT_RUNPATH does not use the DT_RPATH of those before it"):
        b.lib("mid2/libmid2.so.1", "one/libx.so.1", flags=runpath(two))
        b.lib("top3.so", "mid2/libmid2.so.1", flags=rpath(f"{one}:{b.path('mid2')}"))
        same(b, "top3.so", {"libx.so.1": "runpath"})

    with tap.case("breadth first: who is asked for first is loaded, and serves by its soname"):
        b.lib("deep/libdeep.so.1", "two/libx.so.1", flags=rpath(two))
        b.lib("wide.so", "deep/libdeep.so.1", "one/libx.so.1", flags=runpath(f"{b.path('deep')}:{one}"))
        entry = same(b, "wide.so", {"libx.so.1": "runpath"})
        assert sorted(entry["libx.so.1"]["needed_by"]) == sorted([str(b.folder / "wide.so"), "libdeep.so.1"])
        assert f"{two}/libx.so.1" in entry["libx.so.1"]["shadows"], "the copy that libdeep would have got"

    with tap.case("$ORIGIN, ${ORIGIN}, $LIB and $PLATFORM"):
        b.lib("tree/bin/top.so", "one/libx.so.1", flags=rpath("$ORIGIN/../lib"))
        b.lib("tree/lib/libx.so.1")
        same(b, "tree/bin/top.so", {"libx.so.1": "rpath"})
        b.lib("tree/bin/braces.so", "one/libx.so.1", flags=runpath("/nowhere:${ORIGIN}/../lib:"))
        same(b, "tree/bin/braces.so", {"libx.so.1": "runpath"})
        b.lib("tree/bin/lib.so", "one/libx.so.1", flags=runpath(f"{b.folder}/token/$LIB"))
        b.lib(f"token/lib/{TRIPLET}/libx.so.1")
        b.lib("token/lib64/libx.so.1")
        same(b, "tree/bin/lib.so", {"libx.so.1": "runpath"})
        b.lib("tree/bin/platform.so", "one/libx.so.1", flags=runpath(f"{b.folder}/token/$PLATFORM/x"))
        for platform in ("haswell", "x86_64", "aarch64"):
            b.lib(f"token/{platform}/x/libx.so.1")
        same(b, "tree/bin/platform.so", {"libx.so.1": "runpath"})
        b.lib("tree/bin/unknown.so", "one/libx.so.1", flags=runpath(f"{b.folder}/$ORIGINAL:$ORIGIN/../$NOTHING/x:{one}"))
        same(b, "tree/bin/unknown.so", {"libx.so.1": "runpath"})

    with tap.case("glibc-hwcaps, and the older subdirectories where the loader still looks there"):
        for sub in ("glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4", "tls/x86_64", "haswell",
                    "tls/haswell/x86_64", "x86_64", "atomics"):
            b.lib(f"caps/{sub}/liby{sub.count('/')}.so.1")
            b.lib(f"caps/{sub}/libx.so.1")
        for n in range(3):
            b.lib(f"caps/liby{n}.so.1")
        b.lib("caps/libx.so.1")
        b.lib("caps.so", "caps/libx.so.1", "caps/liby0.so.1", "caps/liby1.so.1", "caps/liby2.so.1")
        same(b, "caps.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=b.path("caps"))
        shutil.rmtree(b.folder / "caps/glibc-hwcaps/x86-64-v4")
        shutil.rmtree(b.folder / "caps/glibc-hwcaps/x86-64-v3")
        same(b, "caps.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=b.path("caps"))
        shutil.rmtree(b.folder / "caps/glibc-hwcaps")
        same(b, "caps.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=b.path("caps"))

    def patched(path, at, value):
        data = bytearray((b.folder / "one/libx.so.1").read_bytes())
        data[at:at + len(value)] = value
        target = b.folder / path / "libx.so.1"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
        return str(target.parent)

    with tap.case("a copy of another word size or machine is passed over"):
        b.lib("plain.so", "one/libx.so.1")
        narrow, other = patched("narrow", 4, b"\x01"), patched("other", 18, b"\x2a\x00")
        same(b, "plain.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=f"{narrow}:{other}:{two}")
        entry = same(b, "plain.so", {"libx.so.1": "none"}, LD_LIBRARY_PATH=f"{narrow}:{other}")
        assert "wrong ELF class: ELFCLASS32" in entry["libx.so.1"]["error"], entry

    with tap.case("a copy that is no library ends the search with an error"):
        for name, at, value in (("magic", 0, b"oops"), ("order", 5, b"\x02"), ("version", 6, b"\x09"), ("abi", 7, b"\x63"),
                                ("padding", 9, b"\x01"), ("type", 16, b"\x04\x00"), ("short", None, None),
                                ("empty", None, None), ("directory", None, None)):
            folder = b.folder / f"bad_{name}"
            folder.mkdir()
            if name == "short":
                (folder / "libx.so.1").write_bytes((b.folder / "one/libx.so.1").read_bytes()[:18])
            elif name == "empty":
                (folder / "libx.so.1").write_bytes(b"")
            elif name == "directory":
                (folder / "libx.so.1").mkdir()
            else:
                patched(f"bad_{name}", at, value)
            env = clean_env(LD_LIBRARY_PATH=f"{folder}:{two}", PWD=str(b.folder))
            theirs = real(b.folder / "plain.so", env, str(b.folder))
            status, list_, mine = ours(b.folder / "plain.so", env, str(b.folder))
            assert isinstance(theirs, str), f"{name}: {theirs}"
            entry = {e["name"]: e for e in list_}["libx.so.1"]
            assert status == 1 and mine["libx.so.1"] is None, f"{name}: {mine}"
            words = entry["error"].split(": ", 1)[1]
            assert words in theirs, f"{name}: ld.so says {theirs!r}, whycuda {words!r}"

    with tap.case("dangling links, loops of links and files without permission"):
        for name in ("dangling", "looping"):
            (b.folder / name).mkdir()
        os.symlink("nowhere", b.folder / "dangling/libx.so.1")
        os.symlink("libx.so.1", b.folder / "looping/libx.so.1")
        same(b, "plain.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=f"{b.path('dangling')}:{two}")
        same(b, "plain.so", {"libx.so.1": "none"}, LD_LIBRARY_PATH=f"{b.path('looping')}:{two}")
        os.symlink("two", b.folder / "linked")
        same(b, "plain.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH=f"{b.path('one/libx.so.1')}:{b.path('linked')}//")

    with tap.case("one file under two names is loaded once"):
        b.lib("twice/libfirst.so.1", soname="libfirst.so.1")
        os.symlink("libfirst.so.1", b.folder / "twice/libsecond.so.1")
        b.lib("stand/libsecond.so.1")
        b.lib("both.so", "twice/libfirst.so.1", "stand/libsecond.so.1")
        env = clean_env(LD_LIBRARY_PATH=b.path("twice"), PWD=str(b.folder))
        theirs = real(b.folder / "both.so", env, str(b.folder))
        _, list_, mine = ours(b.folder / "both.so", env, str(b.folder))
        entry = {e["name"]: e for e in list_}
        assert theirs["libfirst.so.1"] == mine["libfirst.so.1"] and "libsecond.so.1" not in theirs, theirs
        assert entry["libsecond.so.1"]["by"] == "loaded" and entry["libsecond.so.1"]["path"] == mine["libfirst.so.1"]

    with tap.case("DF_1_NODEFLIB keeps out the cache and the default directories"):
        b.lib("nodeflib.so", flags=("-Wl,-z,nodefaultlib", "-lz", *runpath(one)))
        same(b, "nodeflib.so", {"libz.so.1": "none"})

    with tap.case("LD_PRELOAD, by name, by path, and one that is missing"):
        preloaded = f"{two}/libx.so.1"
        env = clean_env(LD_PRELOAD=f"libthere-is-none.so {preloaded}", PWD=str(b.folder))
        theirs = real(b.folder / "rpath.so", env, str(b.folder))
        status, list_, mine = ours(b.folder / "rpath.so", env, str(b.folder))
        entry = {e["name"]: e for e in list_}
        assert theirs["libx.so.1"] == preloaded, theirs
        assert entry[preloaded]["by"] == "preload" and entry["libx.so.1"]["path"] == preloaded, list_
        assert entry["libx.so.1"]["by"] == "loaded" and entry["libx.so.1"]["shadows"] == [f"{one}/libx.so.1"], list_
        assert status == 0 and entry["libthere-is-none.so"]["path"] is None, "what cannot be preloaded is left out"

    with tap.case("empty elements, relative ones, and the working directory"):
        same(b, "plain.so", {"libx.so.1": "ld_library_path"}, cwd=b.folder / "two", LD_LIBRARY_PATH=":/nowhere")
        same(b, "plain.so", {"libx.so.1": "ld_library_path"}, LD_LIBRARY_PATH="three;two")

    with tap.case("DT_NEEDED with a slash, DT_AUXILIARY, DT_FILTER"):
        subprocess.run(["cc", "-x", "c", "/dev/null", "-shared", "-o", str(b.folder / "noname.so")], check=True)
        b.lib("slash.so", flags=("-Wl,--no-as-needed", str(b.folder / "noname.so")))
        status, list_, _ = ours(b.folder / "slash.so", clean_env(), str(b.folder))
        entry = {e["name"]: e for e in list_}[str(b.folder / "noname.so")]
        assert status == 0 and entry["path"] == str(b.folder / "noname.so") and entry["by"] == "dlopen", entry
        b.lib("aux.so", flags=("-Wl,-f,libthere-is-none.so", "-Wl,-f,libx.so.1", *rpath(one)))
        _, _, mine = ours(b.folder / "aux.so", clean_env(), str(b.folder))
        assert mine["libx.so.1"] == f"{one}/libx.so.1" and "libthere-is-none.so" not in mine, mine
        assert mine["libx.so.1"] in mapped(b.folder / "aux.so"), "ldd shows it not, but it is loaded"

    with tap.case("rings of libraries, and a chain a thousand long"):
        b.lib("ring/liba.so")
        b.lib("ring/libb.so", "ring/liba.so", flags=rpath("$ORIGIN"))
        b.lib("ring/liba.so", "ring/libb.so", flags=rpath("$ORIGIN"))
        same(b, "ring/liba.so", {"libb.so": "rpath"})
        chain = chain_of(b, 1000)
        status, list_, _ = ours(chain, clean_env(), str(b.folder))
        assert status == 0 and sum(e["name"].startswith("libc0") for e in list_) == 999, (status, len(list_))


def chain_of(bench, count):
    """libc00000.so needs libc00001.so … : made from one library by writing over its DT_NEEDED string."""
    folder = bench.folder / "chain"
    bench.lib("chain/libc99999.so", soname="libc99998.so")
    bench.lib("chain/libc00000.so", "chain/libc99999.so", soname="libc99997.so", flags=("-nostdlib", *rpath("$ORIGIN")))
    pattern = (folder / "libc00000.so").read_bytes()
    assert pattern.count(b"libc99998.so\0") == 1 and pattern.count(b"libc99997.so\0") == 1
    for i in range(count):
        data = pattern.replace(b"libc99998.so\0", b"libc%05d.so\0" % (i + 1)).replace(b"libc99997.so\0", b"libc%05d.so\0" % i)
        (folder / f"libc{i:05}.so").write_bytes(data)
    shutil.copy(folder / "libc99999.so", folder / f"libc{count:05}.so")
    os.remove(folder / f"libc{count:05}.so")
    bench.lib(f"chain/libc{count - 1:05}.so", soname=f"libc{count - 1:05}.so", flags=("-nostdlib",))
    return folder / "libc00000.so"
