#!/usr/bin/env bash
# Checks the layout (clang-format) and the code (clang-tidy) of our sources; any finding fails.
#
#   scripts/lint.sh               all sources
#   scripts/lint.sh FILE…         these
#   scripts/lint.sh --format      only the layout, of all sources
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/release
format_only=no
if [ "${1:-}" = --format ]; then format_only=yes; shift; fi
if [ $# -gt 0 ]; then
  sources=("$@")
else
  mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
fi

clang-format --dry-run -Werror "${sources[@]}"
if [ "$format_only" = yes ]; then echo "lint: layout of ${#sources[@]} files is fine"; exit 0; fi

[ -f $build/compile_commands.json ] || cmake --preset release >/dev/null
# Headers are checked through the sources that include them; sources for other processors can't be compiled here.
compiled=()
for source in "${sources[@]}"; do
  if grep -qF "\"$PWD/$source\"" $build/compile_commands.json; then compiled+=("$source"); fi
done
if [ ${#compiled[@]} -gt 0 ]; then
  printf '%s\0' "${compiled[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p $build
fi
echo "lint: ${#sources[@]} files checked, ${#compiled[@]} of them by clang-tidy"
