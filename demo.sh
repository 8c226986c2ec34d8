#!/usr/bin/env bash
# Builds Covey, runs one model in its four ways of working together, and compares them in a table.
#
#   ./demo.sh                    on a small model that is here, or else on a random one that it writes
#   MODEL=model.gguf ./demo.sh   on a model of yours
#   RANKS=4 TOKENS=128 PROMPT='Hello' LINK=wifi5 ./demo.sh
set -euo pipefail
cd "$(dirname "$0")"

ranks=${RANKS:-3}
tokens=${TOKENS:-96}
prompt=${PROMPT:-Once upon a time}
results=build/demo
covey=build/release/cli/covey

scripts/install-packages.sh
source scripts/mpi-environment.sh
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi

echo "== Building"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target covey_program
mkdir -p "$results"

model=${MODEL:-}
if [ -z "$model" ] && [ -f ../shared/models/stories260K.gguf ]; then model=../shared/models/stories260K.gguf; fi
if [ -z "$model" ]; then
  model=$results/random-f16.gguf
  # In F16: sums over ranks are rounded otherwise, which behind int8 activations may change what is likeliest by chance.
  echo "== No MODEL= given: writing a random one, whose text means nothing"
  [ -f "$model" ] || "$covey" synth "$model" --n-embd 512 --n-layer 8 --n-ff 1408 --type F16
fi

echo
echo "== The model"
"$covey" info "$model"

run() { # mode, ranks, flags of the mode
  local mode=$1 count=$2; shift 2
  echo
  echo "== mpirun -np $count covey run --mode $mode $*"
  mpirun -np "$count" "$covey" run -m "$model" --mode "$mode" -p "$prompt" -n "$tokens" --ignore-eos --quiet \
    ${LINK:+--link "$LINK"} "$@" --save "$results/$mode.json"
}
run solo 1 --greedy
run pipeline "$ranks" --greedy
run tensor "$ranks" --greedy
run self-moa "$ranks" --temp 0.8 --proposals 6 --proposal-tokens 32

echo
echo "== Compared${LINK:+ over an emulated $LINK link} (the whole accounts are in $results/)"
"$covey" table "$results"/{solo,pipeline,tensor,self-moa}.json
