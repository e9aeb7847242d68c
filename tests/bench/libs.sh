#!/bin/sh
# whycuda libs beside ldd and lddtree on libtorch_python.so, and beside a floor that only maps the sections a check of
# symbols reads: same machine, same run, in turn. PyTorch comes from `./dev slow loader` ($WHYCUDA_CACHE, or build/cache),
# or is Debian's. Asked of it: the closure 20 times as fast as both; with symbols 5 times the floor.
set -eu
cd "$(dirname "$0")/../.."
program=build/release/whycuda
cache=${WHYCUDA_CACHE:-build/cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -D_GNU_SOURCE tests/bench/side_by_side.c -o "$work/side_by_side"
cc -O2 -DNDEBUG -std=gnu17 -D_GNU_SOURCE -Isrc tests/bench/libs_bench.c build/release/libobjects.a \
    $(pkg-config --libs jansson libpcre2-8) -o "$work/libs_bench"

file=${1:-}
for candidate in "$cache"/venvs/torch-2.6*/lib/python3*/site-packages/torch/lib/libtorch_python.so \
    "$cache"/venvs/*/lib/python3*/site-packages/torch/lib/libtorch_python.so /usr/lib/*/libtorch_python.so; do
    [ -z "$file" ] && [ -e "$candidate" ] && file=$candidate
done
if [ -z "$file" ]; then
    echo "no libtorch_python.so here; ./dev slow loader brings some"
    exit 0
fi
echo "file: $file"

# the same answer first
ldd "$file" | awk '$2 == "=>" { print $1, $3 }' | sort >"$work/theirs"
"$program" libs --json "$file" | python3 -c '
import json, sys
for entry in json.load(sys.stdin):
    if "ld-linux" not in entry["name"]:
        print(entry["name"], entry["path"])' | sort >"$work/ours"
cmp -s "$work/theirs" "$work/ours" || { echo "ldd and whycuda differ"; diff "$work/theirs" "$work/ours"; exit 1; }

"$work/side_by_side" 20 ldd "$file" -- "$program" libs --json "$file" >"$work/whole"
"$work/side_by_side" 5 /usr/bin/python3 /usr/bin/lddtree "$file" -- "$program" libs --json "$file" >"$work/tree"
"$work/side_by_side" 20 /bin/true -- "$program" --version >"$work/start" 2>/dev/null || true
"$work/libs_bench" "$file" 31 >"$work/inside"
echo "whole process: median ms, fastest ms, peak KiB"
echo "  ldd                     $(sed -n 1p "$work/whole")"
echo "  lddtree                 $(sed -n 1p "$work/tree")"
echo "  whycuda libs --json     $(sed -n 2p "$work/whole")"
echo "  (starting /bin/true)    $(sed -n 1p "$work/start")"
echo "$(sed -n 1p "$work/whole") $(sed -n 2p "$work/whole")" |
    awk '{ printf "  whycuda is faster       %.1f times than ldd\n", $1 / $4 }'
echo "$(sed -n 1p "$work/tree") $(sed -n 2p "$work/tree")" |
    awk '{ printf "  whycuda is faster       %.1f times than lddtree\n", $1 / $4 }'
cpu() { # CPU milliseconds of a command, children included, the mean of 20 runs
    file=$file sh -c 'i=0; while [ $i -lt 20 ]; do "$@" >/dev/null 2>&1; i=$((i + 1)); done; times' cpu "$@" | tail -1 |
        tr 'ms' '  ' | awk '{ print ($1 * 60 + $2 + $3 * 60 + $4) * 1000 / 20 }'
}
ldd_cpu=$(cpu ldd "$file") tree_cpu=$(cpu /usr/bin/python3 /usr/bin/lddtree "$file") our_cpu=$(cpu "$program" libs --json "$file")
echo "whole process: CPU ms, the mean of 20 runs"
echo "  ldd $ldd_cpu, lddtree $tree_cpu, whycuda $our_cpu"
echo "inside a process, without its start: CPU microseconds, fastest, median, slowest"
sed 's/^/  /' "$work/inside"
awk -v ldd="$ldd_cpu" -v tree="$tree_cpu" '
    { median[$1] = $3; least[$1] = $2 }
    END {
        printf "  the closure takes       1/%.1f of ldd, 1/%.0f of lddtree in CPU time (at least 20)\n",
               ldd * 1000 / median["warm"], tree * 1000 / median["warm"]
        printf "  with symbols            %.2f times the floor by medians, %.2f by the fastest (at most 5)\n",
               median["symbols"] / median["floor"], least["symbols"] / least["floor"]
    }' "$work/inside"
