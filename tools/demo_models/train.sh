#!/usr/bin/env bash
# Makes the models of models/ anew: vocabulary, questions, three models, the router. One seed, one command.
#
#   tools/demo_models/train.sh [FOLDER]     FOLDER (build/demo_models) keeps what is made; a run that was stopped goes on
#
# Takes Debian's python3-torch and a built Covey (cmake --build --preset release --target covey_program), which draws the
# samples that aggregation is learned from. PYTHON, COVEY: other programs for these. docs/demo_models.md has the times.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mkdir -p "${1:-$root/build/demo_models}" && cd "${1:-$root/build/demo_models}" && pwd)
export PYTHON=${PYTHON:-/usr/bin/python3} COVEY=${COVEY:-$root/build/release/cli/covey}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 THREADS=${THREADS:-1}  # two trainings at a time
# One that rounds attention otherwise than all others would draw other samples here and there.
if "$COVEY" doctor | grep -w amx_fp16 >/dev/null; then export COVEY_ISA=amx; fi
vocabulary=$work/vocabulary.json

once() { # file, command that makes it
  local file=$1; shift
  if [ -e "$file" ]; then return; fi
  echo "== $(basename "$file")"
  "$@"
}
trained() { # name, shape, steps, flags
  local name=$1 shape=$2 steps=$3; shift 3
  echo "== $name"
  "$PYTHON" "$here/train_model.py" "$shape" "$work/$name.pt" --vocabulary "$vocabulary" --steps "$steps" "$@"
}
written() { # name of the training, name of the model, what divides its logits
  once "$work/$1.f32.gguf" "$PYTHON" "$here/gguf_file.py" "$work/$1.pt" "$vocabulary" "$work/$1.f32.gguf" "$2" "${3:-1}"
  once "$work/$1.q8_0.gguf" "$COVEY" quantize "$work/$1.f32.gguf" "$work/$1.q8_0.gguf" --type Q8_0
}
sampled() { # name of the training, questions
  once "$work/$1.samples.jsonl" "$here/sample.sh" "$work/$1.q8_0.gguf" train "$2" 6 "$work/$1.samples.jsonl"
}

# Each model begins as a smaller one, made larger without a change of what it computes. S and M learn to answer, then also
# to aggregate what they wrote, then hardly anything else, from samples of which some are right and some wrong.
problems=(--mix problem=0.8,practice=0.2 --mix-last problem=0.84,practice=0.07,choice=0.05,long=0.04)
disputed=(--disputed 0.6 --mix problem=0.04,sampled=0.68,settled=0.2,majority=0.04,practice=0.01,choice=0.015,long=0.015)

small() {
  trained s1 s 8000 --lr 0.006 --lr-embed 0.002 --init "$work/s0.pt" --sampled "$work"/{s0,m0}.samples.jsonl \
    --mix problem=0.38,sampled=0.25,settled=0.12,majority=0.18,practice=0.02,choice=0.03,long=0.02
  written s1 "Covey S" 1.1
  SEED=5 sampled s1 12000
  trained s s 6000 --lr 0.004 --lr-embed 0.0015 --init "$work/s1.pt" --seed 2 --sampled "$work/s1.samples.jsonl" "${disputed[@]}"
  written s "Covey S" 1.3
}
middle() {
  trained m1 m 1400 --lr 0.005 --lr-embed 0.0015 --init "$work/m0.pt" --sampled "$work"/{s0,m0}.samples.jsonl \
    --mix problem=0.44,sampled=0.22,settled=0.08,majority=0.14,practice=0.03,choice=0.05,long=0.04
  written m1 "Covey M" 1.15
  SEED=5 sampled m1 12000
  trained m m 4000 --bf16 --lr 0.004 --lr-embed 0.0015 --init "$work/m1.pt" --seed 2 --sampled "$work/m1.samples.jsonl" "${disputed[@]}"
  written m "Covey M" 1.5
}
large() {
  trained l l 2000 --bf16 --tokens 4096 --lr 0.006 --lr-embed 0.002 --init "$work/m0.pt" --sampled "$work"/{s0,m0}.samples.jsonl \
    --mix problem=0.9,practice=0.1 --mix-last problem=0.72,practice=0.03,choice=0.05,long=0.04,sampled=0.1,settled=0.02,majority=0.02,slips=0.02
  trained l2 l 1300 --bf16 --tokens 4096 --lr 0.005 --lr-embed 0.0015 --init "$work/l.pt" --seed 2 --sampled "$work"/{s0,m0}.samples.jsonl \
    --mix problem=0.78,practice=0.03,choice=0.09,long=0.07,sampled=0.02,settled=0.01
  written l2 "Covey L"
}

once "$vocabulary" "$PYTHON" "$here/make_vocabulary.py" "$vocabulary"
trained s0 s0 6000 --lr 0.02 "${problems[@]}"
written s0 "Covey S"
sampled s0 2500
trained m0 m 3000 --lr 0.01 --lr-embed 0.003 --init "$work/s0.pt" "${problems[@]}"
written m0 "Covey M"
sampled m0 2500
# M learns beside the two others, each on one processor.
middle >"$work/middle.log" 2>&1 & beside=$!
small
large
wait $beside || { cat "$work/middle.log"; exit 1; }

# What is committed.
models=$work/models
mkdir -p "$models"
cp "$root"/models/*.jinja "$models"
cp "$work/s.q8_0.gguf" "$models/covey-s.gguf"
cp "$work/m.q8_0.gguf" "$models/covey-m.gguf"
cp "$work/l2.q8_0.gguf" "$models/covey-l.gguf"
for kind in test:500 unseen:500 choice:500 long:5:200 long:10:200 long:20:200 long:40:200; do
  name=${kind%:*}
  "$PYTHON" "$here/make_questions.py" "$name" "${kind##*:}" 1 "$models/${name/:/-}.jsonl"
done
SEED=2 "$here/sample.sh" "$work/s.q8_0.gguf" train 12000 6 "$work/router.train.jsonl"
"$here/sample.sh" "$work/s.q8_0.gguf" test 500 6 "$work/router.test.jsonl"
"$PYTHON" "$here/router.py" "$work/s.pt" "$vocabulary" "$work/router.train.jsonl" "$work/router.test.jsonl" "$models/router.json"
"$here/record_answers.sh" "$models"
"$here/measure.sh" "$models" "$work/measured"
"$PYTHON" "$here/cards.py" "$work/measured" "$models"
(cd "$models" && sha256sum -- *.gguf *.jsonl *.jinja router.json >SHA256SUMS)
echo "== done: $models"
