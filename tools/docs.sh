#!/bin/sh
# Writes what is made from the program's own tables; tests/cli/command_line.py holds the files to it.
set -eu
cd "$(dirname "$0")/.."
program=${WHYCUDA:-build/release/whycuda}
"$program" --generate-snapshot-schema >schema/snapshot-1.json
"$program" --generate-diagnosis-schema >schema/diagnosis-1.json
"$program" --generate-facts >docs/facts.md
"$program" --generate-manual >docs/whycuda.1
