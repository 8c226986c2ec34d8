#!/usr/bin/env bash
# Installs what Covey is built with, from Debian's or Ubuntu's own packages. Does nothing where all is there already.
#
#   scripts/install-packages.sh          to build and run
#   scripts/install-packages.sh --tests  to run ./test.sh as well: sanitizers, fuzzing, 64-bit Arm under emulation
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config
  libpcre2-dev                                              # regular expressions of byte-level tokenizers
  libedit-dev                                               # editing of lines in covey chat; optional
  libyaml-cpp-dev                                           # jobs of covey compare; optional
  libxsimd-dev libfmt-dev libcli11-dev nlohmann-json3-dev  # header-only, but for fmt
  libgtest-dev googletest                                   # prebuilt, and as sources for cross builds
  libbenchmark-dev                                          # Google Benchmark
  openmpi-bin libopenmpi-dev libopenblas-dev                # optional parts of Covey
  libvulkan-dev glslang-tools spirv-tools                   # computing on GPUs; optional
)
test_packages=(clang lld clang-format clang-tidy g++-aarch64-linux-gnu qemu-user python3-jinja2
  mesa-vulkan-drivers vulkan-validationlayers)  # a software driver, and what watches over its use

case "${1:-}" in
  "") ;;
  --tests) packages+=("${test_packages[@]}") ;;
  *) echo "usage: $0 [--tests]" >&2; exit 2 ;;
esac

install() { # those of the packages that are missing
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  echo "Installing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install "${packages[@]}"
# clang's sanitizers and fuzzer are a package of clang's version.
if [ "${1:-}" = --tests ]; then install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"; fi
