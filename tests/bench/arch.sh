#!/bin/sh
# whycuda arch beside cuobjdump and beside a floor program that reads the same headers and nothing else, on the largest
# library here that has GPU code: same machine, same run, in turn. Files come from `./dev slow` ($WHYCUDA_CACHE, or
# build/cache) and from the CUDA toolkit. Asked of it: 100 times as fast as cuobjdump, 1.5 times the floor, 2% of the file.
set -eu
cd "$(dirname "$0")/../.."
program=build/release/whycuda
cache=${WHYCUDA_CACHE:-build/cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in side_by_side arch_floor cold_read; do
    cc -O2 -D_GNU_SOURCE "tests/bench/$name.c" -o "$work/$name"
done

libraries() {
    ls "$cache"/torch-*/torch/lib/libtorch_cuda.so "$cache"/cuda-*/usr/lib/*/lib*.so.*.* \
        "${CUDA_HOME:-/usr/local/cuda}"/lib/lib*.so.* 2>/dev/null || true
}
largest=$(libraries | xargs -r stat -L -c '%s %n' | sort -n | tail -1 | cut -d' ' -f2-)
if [ -z "$largest" ]; then
    echo "no library with GPU code here; ./dev slow arch brings some"
    exit 0
fi
cuobjdump=$(find "$cache/cuobjdump-13.5" "$cache/cuda-12.4/usr/bin" "${CUDA_HOME:-/usr/local/cuda}/bin" -name cuobjdump 2>/dev/null | head -1 || true)

echo "file: $largest ($(stat -L -c %s "$largest") bytes)"
# the same answer first: entries per architecture, suffixes left out
"$work/arch_floor" "$largest" | awk '{ print $1, $2, $3 }' | sort >"$work/floor.txt"
"$program" arch --json -v "$largest" | python3 -c '
import collections, json, re, sys
kinds = {"compute": 1, "sm": 2, "lto": 8}
counts = collections.Counter()
for name, n in json.load(sys.stdin)[0]["counts"].items():
    kind, arch = re.fullmatch(r"([a-z]+)_(\d+)[af]?", name).groups()
    counts[kinds[kind], int(arch)] += n
for (kind, arch), n in counts.items():
    print(kind, arch, n)' | sort >"$work/ours.txt"
cmp -s "$work/floor.txt" "$work/ours.txt" || { echo "the floor program and whycuda differ"; exit 1; }

"$work/side_by_side" 100 "$program" arch "$largest" -- "$work/arch_floor" "$largest" >"$work/times"
ours=$(sed -n 1p "$work/times") floor=$(sed -n 2p "$work/times")
echo "whole process, warm: median ms, fastest ms, peak KiB"
echo "  whycuda arch            $ours"
echo "  floor                   $floor"
echo "$ours $floor" | awk '{ printf "  ratio                   %.2f of the median, %.2f of the fastest (at most 1.5)\n", $1 / $4, $2 / $5 }'
if [ -n "$cuobjdump" ]; then
    "$work/side_by_side" 3 "$cuobjdump" --list-elf "$largest" -- "$program" arch "$largest" >"$work/times"
    theirs=$(sed -n 1p "$work/times") ours=$(sed -n 2p "$work/times")
    echo "  cuobjdump --list-elf    $theirs"
    echo "$theirs $ours" | awk '{ printf "  whycuda is faster       %.0f times (at least 100)\n", $1 / $4 }'
fi

# What cannot be gone below: a page for each header. Over 2% where entries are small (cuFFT: 23,984 containers of 11 kB) or
# many; and where containers stand in sections that have no index and hold other data too (.ldata, .lrodata,
# .cask_resource), only reading all of it shows that there are no more.
echo "cold file: bytes read from it, of all, ms; share of the pages on which headers stand"
for file in "$largest" $(libraries | grep -E 'cublasLt|nccl|cusparse|cufft' || true); do
    [ -f "$file" ] || continue
    file=$(readlink -f "$file")
    least=$(python3 tests/bench/arch_pages.py "$file")
    "$work/cold_read" "$file" "$program" arch "$file" 2>/dev/null | awk -v name="$(basename "$file")" -v least="$least" \
        '{ printf "  %-26s %9d of %10d  %5.2f%%  %4.0f ms  least %5.2f%%\n", name, $2, $1, 100 * $2 / $1, $3, least }'
done | sort -u
