#!/bin/sh
# The whole of `whycuda --no-live` on a machine with ten environments, warm, beside `python -m torch.utils.collect_env`
# and beside a floor program that only opens and reads the same files: same machine, same run, in turn. The CUDA
# builds among the ten are those that `./dev slow` installed ($WHYCUDA_CACHE, or build/cache).
# Asked of it: 100 times as fast as collect_env, twice the floor, 24 MiB.
set -eu
cd "$(dirname "$0")/../.."
program=$PWD/build/release/whycuda
cache=$(readlink -f "${WHYCUDA_CACHE:-build/cache}")
bench=$PWD/tests/bench
rounds=${ROUNDS:-40}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -D_GNU_SOURCE "$bench/side_by_side.c" -o "$work/side_by_side"

mkdir -p "$work/home" "$work/project"
real=0
for venv in "$cache"/venvs/torch-*; do
    [ -e "$venv/.done" ] && [ $real -lt 4 ] || continue
    real=$((real + 1))
    ln -s "$venv" "$work/project/real$real"
done
if [ $real = 0 ]; then
    echo "no PyTorch here to ask; ./dev slow torch_child installs some"
    exit 0
fi
for i in $(seq $((real + 1)) 10); do
    /usr/bin/python3 -m venv --without-pip "$work/project/plain$i"
done
cd "$work/project"
python=$work/project/real$real/bin/python
export HOME="$work/home" PATH=/usr/local/bin:/usr/bin:/bin VIRTUAL_ENV="$work/project/real$real"
unset CONDA_PREFIX PYTHONPATH PYENV_ROOT 2>/dev/null || true
echo "environments: $("$program" envs --json | grep -c '"verdict"'), of them $("$program" envs --json | grep -c '"verdict": "cuda') CUDA builds; in use: $(readlink "$VIRTUAL_ENV" | xargs basename)"

# what is opened and read, from the system calls after the program's own libraries are loaded
strace -f -s 4096 -e trace=openat,open,read,pread64,getdents64,close -o "$work/trace" "$program" --no-live >/dev/null 2>&1 || true
python3 - "$work/trace" "$work/list.h" <<'PYTHON'
import json, re, sys
names, out, files, reads, volume, started = {}, [], set(), 0, 0, False
for line in open(sys.argv[1], errors="replace"):
    line = re.sub(r"^\d+ +", "", line)
    if m := re.match(r'open(?:at)?\((?:[^,"]*, )?"((?:[^"\\]|\\.)*)", ([^)]*)\) = (\d+)', line):
        started |= not re.search(r"\.so[.\d]*$|ld\.so\.cache$", m[1])  # before that the program itself is loaded
        if started and "O_PATH" not in m[2]:
            names[m[3]] = m[1]
            files.add(m[1])
            out.append(f"{{{json.dumps(m[1])}, {m[3]}, 0, 0}},")
    elif (m := re.match(r"close\((\d+)\)", line)) and m[1] in names:
        del names[m[1]]
        out.append(f"{{0, {m[1]}, -3, 0}},")
    elif m := re.match(r"(read|getdents64)\((\d+), .*, (\d+)\) = (\d+)", line) or re.match(r"(pread64)\((\d+), .*, (\d+), (\d+)\) = (\d+)", line):
        if m[2] in names:
            offset = {"read": -1, "getdents64": -2}.get(m[1], m[4])
            out.append(f"{{0, {m[2]}, {offset}, {m[3]}}},")
            reads, volume = reads + 1, volume + int(m[m.lastindex])
open(sys.argv[2], "w").write("\n".join(out) + "\n")
print(f"it opens {len(files)} files and directories, in {reads} reads of {volume / 1e6:.1f} MB together")
PYTHON
cc -O2 -D_GNU_SOURCE -DFLOOR_LIST="\"$work/list.h\"" "$bench/envs_floor.c" -o "$work/floor"

"$work/side_by_side" "$rounds" "$program" --no-live -- "$work/floor" >"$work/times"
ours=$(sed -n 1p "$work/times") floor=$(sed -n 2p "$work/times")
echo "whole process, warm: median ms, fastest ms, peak KiB"
echo "  whycuda --no-live       $ours"
echo "  floor                   $floor"
echo "$ours $floor" | awk '{ printf "  ratio                   %.2f of the median, %.2f of the fastest (at most 2)\n", $1 / $4, $2 / $5
                               printf "  memory                  %.1f MiB (at most 24)\n", $3 / 1024 }'
# collect_env maps two gigabytes, which drives other pages out of a small machine's cache: a run in between warms them
"$work/side_by_side" 5 "$python" -m torch.utils.collect_env -- "$program" --no-live -- "$program" --no-live >"$work/times"
theirs=$(sed -n 1p "$work/times") ours=$(sed -n 3p "$work/times")
echo "  collect_env             $theirs"
echo "$theirs $ours" | awk '{ printf "  whycuda is faster       %.0f times the median, %.0f the fastest (at least 100)\n", $1 / $4, $2 / $5 }'
