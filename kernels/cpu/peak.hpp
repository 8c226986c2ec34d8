// The most that an instruction set does: loops of nothing but arithmetic on registers, and of nothing but loads. What
// kernels reach is measured against these (machine_limits.hpp). Included by the files of isa/ only.
//
// An instruction set describes itself by a struct:
//
//   using Register = …;                   as wide as registers are
//   using Floats = …;
//   static constexpr int kDotProducts;    int8 multiply-adds that one dot() does
//   static constexpr int kLanes;          fp32 multiply-adds that one fma() does
//   static Register dot(Register sums, Register weights, Register activations);   int8 x int8 -> int32, values in full
//   static Floats fma(Floats a, Floats b, Floats sums);
//   static Register load(const std::byte* from);
//   static void keep(any& register);      an empty asm statement that seems to change it
//
// keep() makes the compiler believe that operands are new each time, so that nothing is computed once and reused, while
// all stays in registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/isa.hpp"

namespace covey {

/// A register of values first, first + step, …; with zeros alone the processor might run cooler, and so faster, than in
/// earnest.
template <class Register, class Value>
Register peak_operand(Value first, Value step) noexcept {
  Value values[sizeof(Register) / sizeof(Value)];
  for (Value& value : values) {
    value = first;
    first = static_cast<Value>(first + step);
  }
  return __builtin_bit_cast(Register, values);
}

/// As many independent sums as it takes to hide the latency of one: too few wait, too many spill.
template <class Peak, int Sums>
std::int64_t peak_int8(std::int64_t rounds) noexcept {
  auto weights = peak_operand<typename Peak::Register, std::uint8_t>(1, 157);
  const auto activations = peak_operand<typename Peak::Register, std::uint8_t>(70, 91);
  typename Peak::Register sums[Sums]{};
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < Sums; ++i) {
      Peak::keep(weights);
      sums[i] = Peak::dot(sums[i], weights, activations);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < Sums; ++i) Peak::keep(sums[i]);
  return rounds * Sums * Peak::kDotProducts * 2;
}

template <class Peak, int Sums>
std::int64_t peak_fma(std::int64_t rounds) noexcept {
  auto a = peak_operand<typename Peak::Floats, float>(1.0F, 0.125F);
  const auto b = peak_operand<typename Peak::Floats, float>(-1.0F, 0.25F);
  typename Peak::Floats sums[Sums]{};
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < Sums; ++i) {
      Peak::keep(a);
      sums[i] = Peak::fma(a, b, sums[i]);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < Sums; ++i) Peak::keep(sums[i]);
  return rounds * Sums * Peak::kLanes * 2;
}

/// Reads a whole number of kPeakReadBytes, as `Streams` equal parts side by side: each is a sequence of its own for the
/// processor's prefetchers.
template <class Peak, int Streams>
void peak_read(const std::byte* from, std::size_t bytes) noexcept {
  constexpr std::size_t kStep = kPeakReadBytes / Streams;
  static_assert(kStep % sizeof(typename Peak::Register) == 0 && kPeakReadBytes % Streams == 0);
  const std::size_t part = bytes / Streams;
  for (std::size_t at = 0; at < part; at += kStep) {
#pragma GCC unroll 4
    for (std::size_t stream = 0; stream < Streams; ++stream) {
#pragma GCC unroll 32
      for (std::size_t i = 0; i < kStep; i += sizeof(typename Peak::Register)) {
        typename Peak::Register loaded = Peak::load(from + stream * part + at + i);
        Peak::keep(loaded);
      }
    }
  }
}

/// `table` with the peaks of `Peak`, with sums of these three counts.
template <class Peak, int Few, int Some, int Many>
constexpr IsaTable with_peaks(IsaTable table) {
  table.peak_int8 = {&peak_int8<Peak, Few>, &peak_int8<Peak, Some>, &peak_int8<Peak, Many>};
  table.peak_fma = {&peak_fma<Peak, Few>, &peak_fma<Peak, Some>, &peak_fma<Peak, Many>};
  table.peak_read = {&peak_read<Peak, 1>, &peak_read<Peak, 2>, &peak_read<Peak, 4>};
  return table;
}

}  // namespace covey
