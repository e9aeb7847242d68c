#!/bin/sh
# `whycuda explain --batch`: reports of about 1 kB a second and per core; memory for few and for many reports; and how the
# time of one report grows with its size. The reports are those recorded beside the repository, else made here.
# Asked of it: 5,000 a second and core, memory independent of the number, growth linear.
set -eu
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 - "$PWD/build/release/whycuda" <<'PY'
import glob, json, os, resource, subprocess, sys, tempfile, time

program = sys.argv[1]
texts = [open(path, errors="replace").read() for path in sorted(glob.glob("../shared/cases/*/report.txt"))]
texts = [text for text in texts if 600 <= len(text) <= 1600]
if not texts:
    texts = [">>> torch.__version__\n'2.6.0+cpu'\n>>> torch.cuda.is_available()\nFalse\n" + "Collecting environment information...\nOS: Debian GNU/Linux 12 (bookworm)\n" * 13]
size = sum(map(len, texts)) / len(texts)
cores = len(os.sched_getaffinity(0))


def run(command, path):
    """Seconds of wall time, of processor time, and the peak in KiB of one run."""
    with open(path, "rb") as source, open(os.devnull, "wb") as sink:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=source, stdout=sink)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "reports.jsonl")
    print(f"reports of {size:.0f} bytes on average, {cores} cores")
    for count in (2000, 20000):
        with open(path, "w") as out:
            for i in range(count):
                out.write(json.dumps({"id": i, "text": texts[i % len(texts)]}) + "\n")
        wall, cpu, peak = run([program, "explain", "--batch"], path)
        print(f"{count:6} reports: {count / wall:8.0f} a second, {count / cpu:8.0f} a second of one core, peak {peak} KiB")
    last = None
    for megabytes in (1, 2, 5, 10):
        with open(path, "w") as out:
            written = 0
            while written < megabytes << 20:
                for text in texts:
                    written += out.write(text + "\n\n")
        wall, cpu, peak = run([program, "explain", "--json", "-"], path)
        print(f"one report of {megabytes:2} MB: {cpu:6.2f} s, {cpu / megabytes:5.3f} s a MB, peak {peak // 1024} MiB")
PY
