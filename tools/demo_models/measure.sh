#!/usr/bin/env bash
# measure.sh MODELS OUT: how often the models of a folder are right, alone and together, as JSON of `covey eval` in OUT.
set -euo pipefail
models=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
covey=${COVEY:-$here/../../build/release/cli/covey}
mkdir -p "$out"

measure() { # name, flags
  local name=$1; shift
  if [ -s "$out/$name.json" ]; then return; fi
  "$covey" eval --chat -n 96 --proposal-tokens 96 --question-template "$models/question.jinja" --prompt-template "$models/aggregation.jinja" \
    --quiet ${THREADS:+-t "$THREADS"} --together 64 --json "$@" >"$out/part"
  mv "$out/part" "$out/$name.json"
  echo "$name"
}
for size in s m l; do
  model=$models/covey-$size.gguf
  measure $size.greedy -m "$model" "$models/test.jsonl" --greedy
  measure $size.sampled -m "$model" "$models/test.jsonl" --temp 0.8
  measure $size.self-moa -m "$model" "$models/test.jsonl" --temp 0.8 --proposals 6 --mode self-moa
  for kind in unseen choice long-5 long-10 long-20 long-40; do
    measure $size.$kind -m "$model" "$models/$kind.jsonl" --greedy
  done
done
