#!/bin/sh
# usage: ./dev record DIR [--yes]
# Shows what would be taken of this machine, asks, and writes it as a root for `whycuda --root DIR`.
set -eu
program=${WHYCUDA:-build/release/whycuda}
[ $# -ge 1 ] || { echo "usage: ./dev record DIR [--yes]" >&2; exit 64; }
echo "These files and directories are looked at; of libraries only headers are kept. The user's name, home and the"
echo "host's name are replaced everywhere, GPU UUIDs in variables:"
"$program" --record-list | sed 's/^/  /'
if [ "${2:-}" != --yes ]; then
    printf 'Write them to %s? [y/N] ' "$1"
    read -r answer
    case "$answer" in y | Y | yes) ;; *) echo "nothing written"; exit 1 ;; esac
fi
"$program" --record "$1"
echo "written: whycuda --root $1"
