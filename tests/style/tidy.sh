#!/bin/bash
# clang-tidy with .clang-tidy over files that a build folder knows: tidy.sh BUILD [--all | FILE…]
# Default: the C++ files that differ from HEAD or came with it. Several seconds a file; --all takes minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[[ $# -ge 1 && -f $1/compile_commands.json ]] || { echo "usage: $0 BUILD [--all | FILE…]; BUILD holds compile_commands.json" && exit 2; }
build=$(cd "$1" && pwd)
shift
for tool in clang-tidy-14 clang-tidy ''; do
    if [[ $("$tool" --version 2>/dev/null) == *"version 14."* ]]; then break; fi
done
[[ -n $tool ]] || { echo "skipped: clang-tidy 14 is not on this machine" && exit 77; }
cd "$root"
if [[ ${1:-} == --all ]]; then
    mapfile -t files < <(find src -name '*.cpp')
elif [[ $# -gt 0 ]]; then
    files=("$@")
else
    mapfile -t files < <({ git diff --name-only HEAD; git diff --name-only HEAD~1 HEAD 2>/dev/null; git ls-files --others --exclude-standard; } |
        grep '^src/.*\.cpp$' | sort -u | while read -r file; do [[ ! -f $file ]] || echo "$file"; done)
fi
[[ ${#files[@]} -gt 0 ]] || { echo "no files to check" && exit 0; }
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" "$tool" -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option
