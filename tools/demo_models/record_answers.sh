#!/usr/bin/env bash
# record_answers.sh MODELS: writes MODELS/answers.jsonl, what each model answers to one question, for the tests.
set -euo pipefail
models=$1
covey=${COVEY:-$(cd "$(dirname "$0")" && pwd)/../../build/release/cli/covey}
question='Ben has 38 red and 25 blue marbles. He loses 17 marbles. How many marbles are left?'
for size in s m l; do
  text=$("$covey" run -m "$models/covey-$size.gguf" --chat -p "$question" --greedy -n 96 --quiet -t 1)
  printf '{"model": "covey-%s.gguf", "question": "%s", "text": "%s"}\n' $size "$question" "${text//$'\n'/\\n}"
done >"$models/answers.jsonl"
