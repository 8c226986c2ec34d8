#!/usr/bin/env bash
# Installs what is needed, builds Covey and runs its tests.
#
#   ./test.sh                  everything, in this order:
#     lint      layout of the sources (clang-format)
#     asan      tests under AddressSanitizer and UndefinedBehaviorSanitizer
#     tsan      tests of what uses threads under ThreadSanitizer
#     aarch64   tests built for 64-bit Arm, run under qemu
#     fuzz      each fuzz target for a few seconds, from its corpus
#     release   all tests, real mpirun runs among them, on the optimised build
#   ./test.sh --quick          lint and release only
#   ./test.sh --only STEP      one of them
set -euo pipefail
cd "$(dirname "$0")"

steps=(lint asan tsan aarch64 fuzz release)
case "${1:-}" in
  "") ;;
  --quick) steps=(lint release) ;;
  --only)
    if [[ ! " ${steps[*]} " =~ " ${2:-} " ]]; then echo "--only needs one of: ${steps[*]}" >&2; exit 2; fi
    steps=("$2") ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac

jobs=$(nproc)
fuzz_seconds=${FUZZ_SECONDS:-3}
scripts/install-packages.sh --tests
source scripts/mpi-environment.sh
# A compiler cache, where there is one, makes the second run short.
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi

say() { printf '\n== %s\n' "$*"; }
build() { # preset, then targets
  local preset=$1; shift
  cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
}
# More tests at a time than there are cores: many wait.
build_and_test() { # preset, which tests (as for --gtest_filter), then programs of tests
  local preset=$1 which=$2; shift 2
  build "$preset" "$@"
  GTEST_FILTER=$which ctest --preset "$preset" -j $((jobs + 2)) -L "^($(IFS='|'; echo "$*"))\$"
}

run_lint() {
  say "lint: layout of the sources"
  scripts/lint.sh --format
}

run_asan() {
  say "asan: memory errors and undefined behaviour"
  # Left out: variants of tests on whole models and devices, which go through the same code, and what only does much of
  # the same. Of Vulkan, ctest has a test for how it fails.
  local models='*Golden/*/scalar_*:*Golden/Split*:*Golden/*_1:*Golden/*_7:SplitHeads.*:SplitWindows.*:Devices/*_1:Devices/*_2'
  local much='JinjaReference.*:JinjaLimits.*:RandomSchemas.*:GrammarMasks.EqualTryingEachToken:*long_texts*:*long_runs*:*megabyte*:*million*:*ConvertReference*:DeviceProfile.*:Wires.CostLittlePerplexity'
  build_and_test asan "-$models:$much:*ulkan*" \
    formats_tests kernels_tests golden_tests model_tests mpi_tests
}

run_tsan() {
  say "tsan: data races"
  # Left out: kernels, which run on one thread; whole models, which share threads as other tests do; how near results are.
  local alone='Formats/*:KvTypes/*:Types/*:*EqualsDouble*:CpuAttentionTest.AToken*:*cpu_scalar*:Devices/*_1:Devices/*_2:Devices/DeviceReproducibility*:DeviceProfile.*'
  alone+=:Wires.CostLittlePerplexity:Modes/SplitModel.RepeatsExactly/*
  build_and_test tsan "-$alone:Golden/*:SplitHeads.*:SplitWindows.*" kernels_tests mpi_tests
}

run_aarch64() {
  say "aarch64: 64-bit Arm under qemu"
  # Kernels, and whole models. Left out: what has nothing to do with the processor, as the number of threads or what is
  # likeliest; on all instruction sets but one, devices' operations and models in floats, which use the same kernels;
  # sizes of batches.
  local which='-*/scalar_*:*/cpu_scalar_*:Devices/*_2:Devices/*_3:CpuAttentionTest.*:*Thread*:Types/*:Half.*:Models/*:Devices/DeviceShortlist.*:SlidingWindow.*:CachedKeysAndValues.*:DeviceProfile.*' isa
  for isa in neon_dotprod neon_i8mm; do
    which+=:*FloatModel*/${isa}_*:*DecodedToF32*/${isa}_*:*PackedModel*/${isa}_*f16_*:*PackedModel*/${isa}_*_7
  done
  for isa in neon neon_dotprod; do which+=:Devices/*/cpu_${isa}_1; done
  build_and_test aarch64 "$which" kernels_tests golden_tests
}

run_fuzz() {
  say "fuzz: $fuzz_seconds s each"
  build asan fuzzers
  printf '%s\0' build/asan/tests/fuzz/*_fuzz | xargs -0 -n 1 -P "$jobs" scripts/fuzz.sh "$fuzz_seconds"
}

run_release() {
  say "release: all tests"
  build release
  ctest --preset release -j $((jobs + 2))
}

# Configuring uses one core each time.
presets=()
for step in "${steps[@]}"; do
  case $step in lint) ;; fuzz) presets+=(asan) ;; *) presets+=("$step") ;; esac
done
printf '%s\n' "${presets[@]}" | sort -u | xargs -r -P "$jobs" -n 1 cmake --preset >/dev/null

passed=""
for step in "${steps[@]}"; do
  # The last step's own closing lines end the whole.
  if [ "$step" = release ] && [ -n "$passed" ]; then say "passed:$passed"; fi
  started=$SECONDS
  "run_$step"
  passed+=" $step in $((SECONDS - started)) s;"
done
