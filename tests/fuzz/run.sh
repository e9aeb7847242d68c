#!/bin/sh
# usage: tests/fuzz/run.sh SECONDS [TARGET...]
# Every libFuzzer target for that long, over its corpus; ends with 1 at the first crash, leak or hang.
set -eu
seconds=${1:-60}
[ $# -gt 0 ] && shift
cd "$(dirname "$0")/../.."
corpora=$(mktemp -d)
trap 'rm -rf "$corpora"' EXIT
PYTHONPATH=tests /usr/bin/python3 tests/fuzz/corpus.py --write "$corpora" >/dev/null
for program in build/fuzz/tests/fuzz_*; do
    name=$(basename "$program" | sed 's/^fuzz_//')
    [ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    mkdir -p "$corpora/$name"
    echo "== $name: $(find "$corpora/$name" -type f | wc -l) seeds, $seconds s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "$corpora/$name" 2>&1 |
        grep -E "^(stat::number_of_executed_units|stat::average_exec|==|SUMMARY|.*ERROR)" || true
    if ls "build/fuzz/$name-"* >/dev/null 2>&1; then
        echo "FOUND: $(ls build/fuzz/"$name"-*)"
        exit 1
    fi
done
