#!/usr/bin/env bash
# sample.sh MODEL.gguf KIND COUNT RUNS OUT.jsonl: questions of a kind (make_questions.py), each answered RUNS times at
# temperature 0.8 by Covey, and put together (collect_samples.py). SEED, THREADS, PYTHON, COVEY: other than usual ones.
set -euo pipefail
model=$1 kind=$2 count=$3 runs=$4 out=$5
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
python=${PYTHON:-/usr/bin/python3}
covey=${COVEY:-$root/build/release/cli/covey}

"$python" "$here/make_questions.py" "$kind" "$count" "${SEED:-1}" "$out.questions.jsonl"
records=()
for ((run = 1; run <= runs; ++run)); do
  rm -f "$out.records.$run"
  "$covey" eval -m "$model" "$out.questions.jsonl" --mode solo --temp 0.8 --seed "$run" --chat -n 96 --together 64 --quiet ${THREADS:+-t "$THREADS"} \
    --question-template "$root/models/question.jinja" --records "$out.records.$run" >/dev/null
  records+=("$out.records.$run")
done
"$python" "$here/collect_samples.py" "$out.questions.jsonl" "$out" "${records[@]}"
rm -f "${records[@]}" "$out.questions.jsonl"
