#!/bin/bash
# Runs megaweave_bench alone and on two ranks, and prints one table: run.sh [PROGRAM] [--benchmark_…]...
# PROGRAM: default build/release/megaweave_bench. For example: run.sh --benchmark_filter='^(batcher|rack_window)'
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$here/../../build/release/megaweave_bench
if [[ $# -gt 0 && $1 != -* ]]; then program=$1 && shift; fi
[[ -x $program ]] || { echo "run.sh: no program '$program': ./mw bench builds it" >&2 && exit 2; }
if [[ $(id -u) -eq 0 ]]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options=(--benchmark_repetitions=3 --benchmark_min_time=0.2 --benchmark_out_format=json "$@")

# What the program says goes to a log, shown only if it fails.
measure() {
    local name=$1
    shift
    echo "run.sh: measuring ($name) …" >&2
    "$@" "${options[@]}" --benchmark_out="$folder/$name.json" >"$folder/$name.log" 2>&1 || { cat "$folder/$name.log" >&2 && exit 1; }
}

measure alone "$program"
measure two_ranks mpirun -n 2 --oversubscribe --bind-to none "$program"
python3 "$here/table.py" "$folder/alone.json" "$folder/two_ranks.json"
