// What a file of isa/ must define: one struct, in an anonymous namespace, that models InstructionSet. All kernels are
// templates over it. Being local to its file, it makes every kernel local too: none can be shared by mistake with
// code for another processor.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace covey {

/// Exact int32 dot products of 16 rows with one token's int8 activations (-127..127), four columns at a time, over 32
/// columns at most.
template <class Dot, class Quads>
concept PanelDot = requires(typename Dot::Sums sums, const typename Dot::Sums& done, const Quads& quads,
                            const typename Dot::Weights& weights, const std::int8_t* activations,
                            const std::int32_t* negative_sum) {
  // Makes of 16 x 4 stored values what add() reads; done once for all tokens of a tile.
  { Dot::prepare(quads) } -> std::same_as<typename Dot::Weights>;
  // What prepare() added to the stored values: 0 or a power of two. start() takes it back.
  { Dot::kOffset } -> std::convertible_to<int>;
  // Sums that begin with *negative_sum << shift, (*negative_sum - *less) << shift, or zero, in every row.
  { Dot::start(negative_sum, int{}) } -> std::same_as<typename Dot::Sums>;
  { Dot::start(negative_sum, negative_sum, int{}) } -> std::same_as<typename Dot::Sums>;
  { Dot::start() } -> std::same_as<typename Dot::Sums>;
  // sums[row] += weights[row][0..3] . activations[0..3]
  {Dot::add(sums, weights, activations)};
  // The same for two quads.
  {Dot::add_two(sums, weights, activations, weights, activations)};
  // The 16 sums, as Ints.
  Dot::integers(done);
};

/// For weights that are prepared once for many tokens, preparing may cost more.
template <class Dot, class Quads>
concept CachedDot = PanelDot<Dot, Quads> && requires {
  // Whether sums of 32 columns begin with something that depends on their weights: row_sums(weights), an array of 8,
  // and start_rows() of that instead of start(). There is no offset then.
  { Dot::kHasRowSums } -> std::convertible_to<bool>;
};

/// The same where one load brings many columns of a token's activations: products take 32 or 16 columns of a whole tile
/// at once. Their integer sums fill the registers, so that sums of floats stay in memory.
template <class Dot, class Quads>
concept ColumnDot = requires(typename Dot::Sums (&sums)[1], const Quads& quads, typename Dot::Weights (&weights)[8],
                             const std::int8_t* activations, std::ptrdiff_t bytes) {
  // As of a PanelDot, but what is added to stored values may also be what makes an end of the format's offset.
  { Dot::prepare(quads) } -> std::same_as<typename Dot::Weights>;
  { Dot::kOffset } -> std::convertible_to<int>;
  // Puts the weights of 32 columns in the order that add_columns() wants.
  {Dot::arrange(weights)};
  { Dot::start() } -> std::same_as<typename Dot::Sums>;
  // Adds to sums[s] the products of quads First .. Last with the activations of token s, which begin at activations + s
  // * bytes. Where lanes belong to two tokens: of token 2s, and of the one whose activations lie as many bytes behind
  // as the last argument says.
  {Dot::template add_columns<0, 8>(sums, weights, activations, bytes, bytes)};
  // The sums, as Ints of TileLanes.
  Dot::integers(sums[0]);
};

/// What the lanes of a tile's sums belong to: the 16 rows of one token, or of kTokens neighbours.
template <class Lanes, class Rows, class IntRows>
concept TokenLanes = requires(const typename Lanes::Floats& lanes, const typename Lanes::Ints& ints, const Rows& rows,
                              const IntRows& int_rows, const std::byte* bytes, std::ptrdiff_t next,
                              Rows (&tokens)[Lanes::kTokens]) {
  // One number a row, in each lane of that row.
  { Lanes::of_rows(rows) } -> std::same_as<typename Lanes::Floats>;
  { Lanes::of_rows(int_rows) } -> std::same_as<typename Lanes::Ints>;
  // Rounded to nearest-even.
  { Lanes::to_floats(ints) } -> std::same_as<typename Lanes::Floats>;
  // One number a token, the second (if there is one) `next` bytes behind the first.
  { Lanes::of_float(bytes, next) } -> std::same_as<typename Lanes::Floats>;
  // tokens[i] = the rows of token i; and back.
  {Lanes::to_rows(lanes, tokens)};
  { Lanes::from_rows(tokens) } -> std::same_as<typename Lanes::Floats>;
};

template <class Isa>
concept InstructionSet = requires(const std::byte* bytes, std::byte* out, std::int8_t* narrow,
                                  const typename Isa::Floats& lanes, const typename Isa::Ints& ints,
                                  const typename Isa::Quads& quads, const typename Isa::Pairs (&pairs)[4],
                                  const std::int16_t* numbers, const std::int8_t (&table)[16]) {
  typename Isa::Floats;  // Lanes of float
  typename Isa::Ints;    // Lanes of int32

  // 16 numbers at any address, widened exactly.
  { Isa::load_f32(bytes) } -> std::same_as<typename Isa::Floats>;
  { Isa::load_f16(bytes) } -> std::same_as<typename Isa::Floats>;
  { Isa::load_bf16(bytes) } -> std::same_as<typename Isa::Floats>;
  // One number at any address, widened exactly.
  { Isa::f16_at(bytes) } -> std::same_as<float>;
  // 16 numbers, to nearest-even.
  {Isa::store_f16(lanes, out)};
  // Stores 16 numbers from -128 to 127, and returns their sum.
  { Isa::store_i8(ints, narrow) } -> std::same_as<std::int32_t>;
  // a * b + c and a / b, rounded once. xsimd's do not promise that: its fma on AVX-512 rounds twice, its quotient on
  // NEON is an approximation.
  { Isa::fma(lanes, lanes, lanes) } -> std::same_as<typename Isa::Floats>;
  { Isa::divide(lanes, lanes) } -> std::same_as<typename Isa::Floats>;
  // Of the 16 lanes.
  { Isa::greatest(ints) } -> std::same_as<std::int32_t>;
  { Isa::greatest(lanes) } -> std::same_as<float>;
  // Lanes i and i+8 are added, then i and i+4, i+2, i+1.
  { Isa::sum(lanes) } -> std::same_as<float>;

  // 16 bytes: signed, unsigned, and their bits from .. from + width as unsigned numbers.
  { Isa::load_i8(bytes) } -> std::same_as<typename Isa::Ints>;
  { Isa::load_u8(bytes) } -> std::same_as<typename Isa::Ints>;
  { Isa::load_bits(bytes, int{}, int{}) } -> std::same_as<typename Isa::Ints>;
  // Pairs: 16 rows x 2 numbers of 16 bits; the bits from .. from + width of 16 bytes, and of 16 others.
  { Isa::load_pairs(bytes, bytes, int{}, int{}) } -> std::same_as<typename Isa::Pairs>;
  // ints[row] + the sum of pairs[i][row][0] * numbers[2 * i] + pairs[i][row][1] * numbers[2 * i + 1], 4 or 8 pairs
  { Isa::add_pair_products(ints, pairs, numbers) } -> std::same_as<typename Isa::Ints>;

  // Quads: 16 rows x 4 bytes, as they lie in a panel.
  { Isa::load_quads(bytes) } -> std::same_as<typename Isa::Quads>;
  {Isa::store_quads(quads, out)};
  // Each byte: ((byte >> from) & (2^width - 1)) << to
  { Isa::field(quads, int{}, int{}, int{}) } -> std::same_as<typename Isa::Quads>;
  // a | b
  { Isa::either(quads, quads) } -> std::same_as<typename Isa::Quads>;
  // table[byte], bytes 0..15
  { Isa::lookup(quads, table) } -> std::same_as<typename Isa::Quads>;
  // Stored values are unsigned and below 2^bits, or, for 8 bits, -128..127.
  requires PanelDot < typename Isa::template Dot<4>,
  typename Isa::Quads > ;
  requires PanelDot < typename Isa::template Dot<5>,
  typename Isa::Quads > ;
  requires PanelDot < typename Isa::template Dot<6>,
  typename Isa::Quads > ;
  requires PanelDot < typename Isa::template Dot<8>,
  typename Isa::Quads > ;
  // For tiles of many tokens, of formats whose values are stored with an offset: a TileDotOf if
  // TileColumns<Arithmetic>, what unpacks and multiplies some columns, is UnpackedColumns.
  typename Isa::template TileDot<4, 8>;
  typename Isa::template TileDot<5, 16>;
  typename Isa::template TileDot<6, 32>;
  typename Isa::template TileDot<8, 0>;
  requires TokenLanes<typename Isa::TileLanes, typename Isa::Floats, typename Isa::Ints>;

  // Tokens that share a load of weights: as many as registers allow. Powers of two.
  { Isa::kDotTile } -> std::convertible_to<int>;    // unpacked to the cache
  { Isa::kFewTile } -> std::convertible_to<int>;    // unpacked in registers
  { Isa::kFloatTile } -> std::convertible_to<int>;  // of floats
  // Whether store_around(lanes, float*) stores 16 floats to a cache line that is neither fetched before nor kept near.
  // Other threads see it after end_stores_around().
  { Isa::kStoresAround } -> std::convertible_to<bool>;
  // Panels that share a load of activations, in tiles of kDotTile tokens; divides kMostPanels.
  { Isa::kTilePanels } -> std::convertible_to<int>;
  // Pieces of 32 columns that are unpacked for them; a multiple of 8, which is a block at most.
  { Isa::kTilePieces } -> std::convertible_to<int>;
  // Up to so many tokens weights are unpacked in registers; at most kTokenGroup.
  { Isa::kFewTokens } -> std::convertible_to<int>;
};

}  // namespace covey
