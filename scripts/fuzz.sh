#!/usr/bin/env bash
# Runs one fuzz target from its corpus, for test.sh, and prints what came of it when it is done.
#
#   scripts/fuzz.sh SECONDS build/asan/tests/fuzz/NAME_fuzz
#
# What it finds interesting stays in build/fuzz/corpus/NAME for the next run; what makes it fail, in build/fuzz/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1 target=$2

name=$(basename "$target" _fuzz)
corpus=build/fuzz/corpus/$name
seeds=(tests/fuzz/corpus/"$name")
mkdir -p "$corpus"
[ -d "${seeds[0]}" ] || seeds=()
if output=$("$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "$corpus" "${seeds[@]}" 2>&1); then
  printf -- '-- %s: %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$output")"
else
  printf -- '-- %s FAILED\n%s\n' "$name" "$output"
  exit 1
fi
