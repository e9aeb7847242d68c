#!/usr/bin/env python3
"""House rules a machine can see: who may open files, who may print, sizes, banned functions, format."""
import pathlib
import re
import shutil
import subprocess

import tap

SOURCES = [p for p in subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src", "include", "tests"], cwd=tap.ROOT,
                                     capture_output=True, text=True, check=True).stdout.split()
           if p.endswith((".c", ".h")) and (tap.ROOT / p).exists()]
SRC = [p for p in SOURCES if p.startswith("src/")]


def code_of(path):
    """The text without comments and string literals, line numbers kept."""
    text = (tap.ROOT / path).read_text()
    keep_lines = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', keep_lines, text, flags=re.S)


def offenders(paths, expression):
    found = []
    for path in paths:
        for number, line in enumerate(code_of(path).splitlines(), 1):
            if re.search(expression, line):
                found.append(f"{path}:{number}: {line.strip()}")
    return found


# the hosts of one call each: the command line reads standard input and files the user names, and children run foreign code
CLI_FILES = ("src/cli/",)
CHILD_FILES = ("src/live/",)  # everything there runs in a child of its own

with tap.case("only src/sys opens files, lists directories, reads variables, starts programs or loads libraries"):
    calls = r"(?<![\w.>])(fopen|open|openat|opendir|readlink|readlinkat|stat|lstat|access|getenv|secure_getenv|dlopen|fork|vfork|execve?|execvp|posix_spawn|popen|system|mmap)\s*\("
    found = offenders([p for p in SRC if not p.startswith(("src/sys/",) + CLI_FILES + CHILD_FILES)], calls)
    assert not found, "\n".join(found)

with tap.case("nothing prints outside src/report and src/cli"):
    calls = r"(?<![\w.>])(printf|puts|putchar|perror|fprintf|fputs|fputc|vfprintf|dprintf)\s*\("
    found = offenders([p for p in SRC if not p.startswith(("src/report/", "src/cli/", "src/sys/child") + CHILD_FILES)], calls)
    assert not found, "\n".join(found)

with tap.case("no goto, no unbounded string functions, no typedef of structs"):
    found = offenders(SRC, r"\bgoto\b|(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|atof)\s*\(|typedef\s+struct")
    assert not found, "\n".join(found)

with tap.case("no file is longer than 600 lines"):
    long = [f"{p}: {n}" for p in SOURCES if (n := len((tap.ROOT / p).read_text().splitlines())) > 600]
    assert not long, "\n".join(long)

with tap.case("every header is guarded by #pragma once"):
    bare = [p for p in SOURCES if p.endswith(".h") and "#pragma once" not in (tap.ROOT / p).read_text()]
    assert not bare, "\n".join(bare)

ROOMS = ["base", "sys", "format", "loader", "facts", "knowledge", "probe", "live", "import", "diagnose", "report", "api", "cli"]
# who may include whom: what stands to the left, and nothing else
ALLOWED = {"base": [], "sys": ["base"], "format": ["base", "sys"], "loader": ["base", "sys", "format"],
           "facts": ["base"], "knowledge": ["base", "sys", "format"],
           "probe": ["base", "sys", "format", "loader", "facts", "knowledge"],
           "live": ["base", "sys", "format", "loader", "facts", "knowledge"],
           "import": ["base", "format", "facts", "knowledge"],
           "diagnose": ["base", "format", "facts", "knowledge"], "report": ["base", "facts", "diagnose"],
           "api": ROOMS, "cli": ROOMS}
with tap.case("data flows one way: a room includes only rooms before it"):
    found = []
    for path in SRC:
        room = path.split("/")[1]
        for include in re.findall(r'#include "([a-z]+)/', (tap.ROOT / path).read_text()):
            if include != room and include not in ALLOWED[room]:
                found.append(f"{path} includes {include}/")
    assert not found, "\n".join(found)

with tap.case("headers stand on their own"):
    for path in [p for p in SRC if p.endswith(".h")]:
        subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Iinclude", "-fsyntax-only", "-x", "c", path], cwd=tap.ROOT,
                       check=True, capture_output=True)

with tap.case("no file speaks of the machine it was made on"):
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=tap.ROOT, capture_output=True, text=True,
                             check=True).stdout.split()
    found = []
    for path in tracked:
        if not (tap.ROOT / path).is_file() or path.endswith(("house.py", "tables_test.c")):
            continue
        for number, line in enumerate((tap.ROOT / path).read_text(errors="replace").splitlines(), 1):
            if re.search(r"/work/|/tmp/wc-|subagent|snapshot\.debian|/\.library", line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)

formatter = shutil.which("clang-format-14")
if formatter:
    with tap.case("clang-format has nothing to change"):
        done = subprocess.run([formatter, "--dry-run", "--Werror", *SOURCES], cwd=tap.ROOT, capture_output=True, text=True)
        files = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
        assert done.returncode == 0, "run ./dev format for: " + " ".join(files)
else:
    tap.skip("clang-format has nothing to change", "no clang-format-14")

with tap.case("cppcheck finds nothing"):
    done = subprocess.run(["cppcheck", "--quiet", "--enable=warning,portability", "--inline-suppr", "--error-exitcode=1", "-j2",
                           "--suppress=missingIncludeSystem", "--suppress=normalCheckLevelMaxBranches", "-Isrc", "-Iinclude", "-D_GNU_SOURCE", "-Djson_object_foreach(object,key,value)=while(next(object,&key,&value))",
                           "-Djson_array_foreach(array,index,value)=while(next(array,&index,&value))", "-DWHYCUDA_VERSION=\"0\"", "--std=c11", "src"], cwd=tap.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]

tap.finish()
