// What a file of isa/ must define: one struct, in an anonymous namespace, that models InstructionSet. All kernels are
// templates over it. Being local to its file, it makes every kernel local too: none can be shared by mistake with
// code for another processor.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace covey {

/// Exact int32 dot products of 16 rows with one token's int8 activations (-127..127), four columns at a time.
template <class Dot, class Quads>
concept PanelDot = requires(typename Dot::Sums sums, const typename Dot::Sums& done, const Quads& quads,
                            const typename Dot::Weights& weights, const std::int8_t* activations) {
  // Makes of 16 x 4 stored values what add() reads; done once for all tokens of a tile.
  { Dot::prepare(quads) } -> std::same_as<typename Dot::Weights>;
  // What prepare() added to the stored values. It is corrected through start().
  { Dot::kOffset } -> std::convertible_to<int>;
  // Sums that begin with `correction` in every row.
  { Dot::start(std::int32_t{}) } -> std::same_as<typename Dot::Sums>;
  // sums[row] += weights[row][0..3] . activations[0..3]; at most 8 times after a start().
  {Dot::add(sums, weights, activations)};
  // The 16 sums, as floats: they are below 2^24, so exact.
  {Dot::finish(done)};
};

template <class Isa>
concept InstructionSet = requires(const std::byte* bytes, std::byte* out, const typename Isa::Floats& lanes,
                                  const typename Isa::Quads& quads) {
  typename Isa::Floats;  // Lanes of float
  typename Isa::Ints;    // Lanes of int32

  // 16 numbers at any address, widened exactly.
  { Isa::load_f32(bytes) } -> std::same_as<typename Isa::Floats>;
  { Isa::load_f16(bytes) } -> std::same_as<typename Isa::Floats>;
  { Isa::load_bf16(bytes) } -> std::same_as<typename Isa::Floats>;
  { Isa::load_i8(bytes) } -> std::same_as<typename Isa::Floats>;
  // One number at any address, widened exactly.
  { Isa::f16_at(bytes) } -> std::same_as<float>;
  // 16 numbers, to nearest-even.
  {Isa::store_f16(lanes, out)};
  // a * b + c and a / b, rounded once. xsimd's do not promise that: its fma on AVX-512 rounds twice, its quotient on
  // NEON is an approximation.
  { Isa::fma(lanes, lanes, lanes) } -> std::same_as<typename Isa::Floats>;
  { Isa::divide(lanes, lanes) } -> std::same_as<typename Isa::Floats>;
  // Lanes i and i+8 are added, then i and i+4, i+2, i+1.
  { Isa::sum(lanes) } -> std::same_as<float>;

  // Quads: 16 rows x 4 bytes, as they lie in a panel.
  { Isa::load_quads(bytes) } -> std::same_as<typename Isa::Quads>;
  { Isa::low_nibbles(quads) } -> std::same_as<typename Isa::Quads>;
  { Isa::high_nibbles(quads) } -> std::same_as<typename Isa::Quads>;
  // ((byte >> 2 * pair) & 3) << 4: bits 4 and 5 of weights whose upper bits lie apart, four to a byte.
  { Isa::upper_bits(quads, int{}) } -> std::same_as<typename Isa::Quads>;
  // (nibbles | upper) - 32
  { Isa::join_six_bits(quads, quads) } -> std::same_as<typename Isa::Quads>;
  // Stored values are -128..127 / 0..15.
  requires PanelDot<typename Isa::SignedDot, typename Isa::Quads>;
  requires PanelDot<typename Isa::NibbleDot, typename Isa::Quads>;

  // Tokens that share a load of weights: as many as registers allow. Powers of two.
  { Isa::kDotTile } -> std::convertible_to<int>;
  { Isa::kFloatTile } -> std::convertible_to<int>;
};

}  // namespace covey
