#!/usr/bin/env bash
# Builds Covey, and compares ways in which small devices work together, in one table.
#
#   ./demo.sh                    the models of models/, S, M and L, answer 500 word problems: alone, several together, and L
#                                split over four ranks, over emulated networks. Takes some minutes on two cores.
#   QUESTIONS=50 ./demo.sh       fewer questions
#   MODEL=model.gguf ./demo.sh   a model of yours continues a text, in four modes
#   MODEL=model.gguf RANKS=4 TOKENS=128 PROMPT='Hello' LINK=wifi5 ./demo.sh
set -euo pipefail
cd "$(dirname "$0")"

covey=build/release/cli/covey
results=build/demo

build() {
  scripts/install-packages.sh
  echo "== Building"
  if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  cmake --preset release >/dev/null
  cmake --build --preset release -j "$(nproc)" --target covey_program
  mkdir -p "$results"
}

evaluations=()
evaluate() { # name, ranks, network or "", flags
  local name=$1 ranks=$2 link=$3; shift 3
  echo
  echo "== $name: mpirun -np $ranks covey eval $*${link:+ --link $link}"
  evaluations+=("$results/$name.json")
  mpirun -np "$ranks" "$covey" eval models/test.jsonl --limit "$questions" --together 64 "$@" ${link:+--link "$link"} \
    --chat -n 96 --question-template models/question.jinja --prompt-template models/aggregation.jinja \
    -t 1 --json >"$results/$name.json"
}

family() {
  local s=models/covey-s.gguf m=models/covey-m.gguf l=models/covey-l.gguf questions=${QUESTIONS:-500}
  local sampled=(--temp 0.8 --proposals 6 --proposal-tokens 96)
  (cd models && sha256sum --quiet -c SHA256SUMS)
  echo
  echo "== The first of the questions"
  head -1 models/test.jsonl

  evaluate S 1 "" -m $s --greedy
  evaluate S-sample 1 "" -m $s --temp 0.8
  evaluate S-vote 3 1gbe -m $s --mode vote "${sampled[@]}"
  evaluate S-self-moa 3 1gbe -m $s --mode self-moa "${sampled[@]}"
  evaluate S-self-moa-wifi 3 wifi-bad -m $s --mode self-moa "${sampled[@]}"
  evaluate SM-moa 3 1gbe --models $m,$s,$s --mode moa "${sampled[@]}"
  evaluate SM-moa-wifi 3 wifi-bad --models $m,$s,$s --mode moa "${sampled[@]}"
  evaluate M 1 "" -m $m --greedy
  evaluate M-sample 1 "" -m $m --temp 0.8
  evaluate M-self-moa 3 1gbe -m $m --mode self-moa "${sampled[@]}"
  # Computed in F32, L answers the same text for text however it is split; behind int8 activations a sum that is rounded
  # otherwise changes one of 500 answers.
  evaluate L 1 "" -m $l --greedy --exact
  evaluate L-pipeline 4 1gbe -m $l --mode pipeline --greedy --exact
  evaluate L-tensor 4 1gbe -m $l --mode tensor --greedy --exact
  questions=$((questions < 32 ? questions : 32))  # each takes seconds there
  evaluate L-pipeline-wifi 4 wifi-bad -m $l --mode pipeline --greedy --exact
  evaluate L-tensor-wifi 4 wifi-bad -m $l --mode tensor --greedy --exact

  echo
  echo "== Compared: S, M and L are models, what follows is the way of working; collaborating and split models work over an emulated"
  echo "   network of 1 Gbit/s, -wifi over a poor Wi-Fi. The whole accounts are in $results/."
  "$covey" table "${evaluations[@]}"
}

run() { # mode, ranks, flags of the mode
  local mode=$1 count=$2; shift 2
  echo
  echo "== mpirun -np $count covey run --mode $mode $*"
  mpirun -np "$count" "$covey" run -m "$MODEL" --mode "$mode" -p "${PROMPT:-Once upon a time}" -n "${TOKENS:-96}" --ignore-eos --quiet \
    ${LINK:+--link "$LINK"} "$@" --save "$results/$mode.json"
}

own_model() {
  local ranks=${RANKS:-3}
  "$covey" info "$MODEL"
  run solo 1 --greedy
  run pipeline "$ranks" --greedy
  run tensor "$ranks" --greedy
  run self-moa "$ranks" --temp 0.8 --proposals 6 --proposal-tokens 32
  echo
  echo "== Compared${LINK:+ over an emulated $LINK link} (the whole accounts are in $results/)"
  "$covey" table "$results"/{solo,pipeline,tensor,self-moa}.json
}

build
source scripts/mpi-environment.sh
if [ -n "${MODEL:-}" ]; then own_model; else family; fi
