// Products of tiles with AMX's int8 instructions, of formats whose scales are integers: scales are multiplied into the
// weights, so that a tile adds up a whole block of 256 columns before its sums become floats.
//
// A weight times its scale has up to 13 bits, which become two bytes, each a tile:
//
//   w * scale = 128 * high + low,   -32 <= high <= 32,   0 <= low < 128
//
//   A: activations             B: a panel's unpacked columns            C = A x B, of low, and of high bytes
//   token 0:  c0 c1 … c63      columns 0..3   of rows 0..15             token 0:  sums of rows 0..15
//    ⋮                     x    ⋮                                   =    ⋮
//   token 15                   columns 60..63 of rows 0..15             token 15
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/fetch_lines.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/isa/amx_registers.hpp"
#include "kernels/cpu/isa/amx_tiles.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {
namespace {

/// Up to 512 columns of a panel and their products with groups of tokens.
template <class Isa, class Arithmetic>
class AmxWideColumns {
 public:
  using Floats = typename Arithmetic::Floats;
  using Ints = typename Isa::Ints;

  static constexpr int kMostPieces = Isa::kTilePieces;
  static constexpr std::int32_t kMostTokens = kAmxTileTokens;
  static constexpr std::int32_t kPanelByPanel = kFewGroups * kTokenGroup;

  /// See AmxColumns::State.
  struct State : AmxState {
    explicit State(std::int32_t tokens) : AmxState(shapes_for(tokens)) {}

   private:
    static AmxShapes shapes_for(std::int32_t tokens) {
      AmxShapes shapes;
      for (int tile = 0; tile < kRestSums; ++tile) shapes.set(tile, kTokenGroup, kTileRow);
      if (const std::int32_t rest = tokens % kTokenGroup; rest != 0) {
        shapes.set(kRestSums, rest, kTileRow);
        shapes.set(kRestActivations, rest, kTileRow);
      }
      return shapes;
    }
  };

  /// Unpacks so many blocks. `fetch`: asks for as many behind them meanwhile.
  template <class Format>
  void unpack(const std::byte* block, int blocks, bool fetch) noexcept {
    constexpr std::ptrdiff_t kPanelBlock = std::ptrdiff_t{Format::kPanelBlockBytes} * kPanelRows;
    constexpr std::ptrdiff_t kPartColumns = kActivationBlock / Arithmetic::kParts;
    constexpr bool kSigned = Format::kBits == 8;
    constexpr int kOffset = kSigned ? 128 : Format::kOffset;
    const std::ptrdiff_t ahead = kPanelBlock * blocks;
    count_ = blocks;
    for (int b = 0; b < blocks; ++b, block += kPanelBlock) {
      block_terms_[b].template read<Format>(block);
      for (int piece = 0; piece < kPieces; ++piece) {
        if (fetch) fetch_lines(block + ahead + kPanelBlock / kPieces * piece, kPanelBlock / kPieces);
        typename Arithmetic::Terms terms;
        terms.template read<Format>(block, piece);
        Scales scales[Arithmetic::kParts];
        for (int part = 0; part < Arithmetic::kParts; ++part) {
          scales[part] = scales_of(terms.scale[part].part[0], kOffset);
        }
        __m512i* const low = low_[b] + kQuadsPerPiece * piece;
        __m512i* const high = high_[b] + kQuadsPerPiece * piece;
        Format::template for_each_quad<Isa>(
            piece_of<Format>(block, piece), [&](std::ptrdiff_t column,
                                                const auto& quads) __attribute__((always_inline)) {
              const __m512i weights = kSigned ? _mm512_xor_si512(quads, _mm512_set1_epi8(-128)) : quads;
              split<kOffset>(weights, scales[column / kPartColumns], low[column / 4], high[column / 4]);
            });
      }
    }
  }

  static int pauses(std::int32_t tokens, int pieces) {
    return tokens / kTokenGroup * (pieces / kPieces) + (tokens % kTokenGroup != 0 ? 1 : 0);
  }

  /// As UnpackedColumns::multiply().
  template <int P, class Between>
  static void multiply(const AmxWideColumns* panels, const std::byte* in, std::ptrdiff_t in_stride, std::int64_t block,
                       std::int32_t tokens, float* sums, std::ptrdiff_t, bool fresh, const Between& between) noexcept {
    static_assert(P == 1);
    const std::int32_t groups = tokens / kTokenGroup, rest = tokens % kTokenGroup;
    if (groups > 0) {
      panels->multiply_groups(in + kGroup * block, in_stride * kTokenGroup, groups, sums, fresh, between);
    }
    if (rest > 0) {
      between();
      const std::int32_t first = tokens - rest;
      float* const rest_sums = sums + std::ptrdiff_t{kPanelRows} * first;
      if (fresh) clear_sums<typename Arithmetic::Lanes>(rest_sums, rest);
      panels->multiply_rest(in + in_stride * first + kToken * rest * block, rest, rest_sums);
    }
  }

 private:
  // Tile registers. Two pairs of sums, so that a block is multiplied while the block before is stored.
  static constexpr int kSums = 0, kActivations = 4, kWeights = 5, kRestSums = 6, kRestActivations = 7;

  static constexpr int kPieces = Arithmetic::kPieces;
  static constexpr int kSteps = kWideActivationBlock / 64;  // tiles of columns
  static constexpr int kStepQuads = 64 / 4;
  static constexpr std::ptrdiff_t kToken = Arithmetic::kToken;
  static constexpr std::ptrdiff_t kGroup = kToken * kTokenGroup;
  static constexpr std::ptrdiff_t kTileRow = 64;
  static constexpr std::int32_t kGroupSums = kTokenGroup * kPanelRows;

  /// Integer sums of a block, as tiles are stored.
  struct Stored {
    std::int32_t low[kTokenGroup][kPanelRows], high[kTokenGroup][kPanelRows];
  };

  /// A row's scale as vpmaddubsw multiplies weights by it: those of even columns, and of odd ones.
  struct Scales {
    __m512i even, odd;
    __m512i offset;  // what weights were stored with, times the scale, in both words
  };

  static Scales scales_of(__m512i rows, int offset) {
    const __m512i words =
        _mm512_or_si512(_mm512_and_si512(rows, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(rows, 16));
    return {_mm512_and_si512(words, _mm512_set1_epi16(0xff)), _mm512_slli_epi16(words, 8),
            _mm512_mullo_epi16(words, _mm512_set1_epi16(static_cast<std::int16_t>(offset)))};
  }

  /// Of weights as they are stored, unsigned.
  template <int Offset>
  [[gnu::always_inline]] static void split(__m512i weights, const Scales& scales, __m512i& low, __m512i& high) {
    constexpr int kChoose = 0xca;  // of the second where the first has ones, else of the third
    const __m512i lower_byte = _mm512_set1_epi16(0xff);
    __m512i even = _mm512_maddubs_epi16(weights, scales.even);
    __m512i odd = _mm512_maddubs_epi16(weights, scales.odd);
    if constexpr (Offset != 0) {
      even = _mm512_sub_epi16(even, scales.offset);
      odd = _mm512_sub_epi16(odd, scales.offset);
    }
    low = _mm512_and_si512(_mm512_ternarylogic_epi32(lower_byte, even, _mm512_slli_epi16(odd, 8), kChoose),
                           _mm512_set1_epi8(127));
    high = _mm512_ternarylogic_epi32(lower_byte, _mm512_srai_epi16(even, 7), _mm512_slli_epi16(odd, 1), kChoose);
  }

  /// Where the next products read: block after block, and group after group. Behind the last group there are none.
  class Cursor {
   public:
    [[gnu::always_inline]] Cursor(const AmxWideColumns& columns, const std::byte* in, std::ptrdiff_t group_step,
                                  int groups)
        : columns_(columns), in_(in), group_step_(group_step), groups_(groups) {}

    /// Adds the products of 64 columns of a block, step by step, to tiles Sums and Sums + 1.
    template <int Sums, int Step>
    [[gnu::always_inline]] void multiply() {
      const std::ptrdiff_t quad = std::ptrdiff_t{kStepQuads} * Step;
      if (groups_ == 0) return;
      if constexpr (Step == 0) {
        amx_zero<Sums>();
        amx_zero<Sums + 1>();
      }
      amx_load<kActivations>(in_ + kGroup * block_ + std::ptrdiff_t{64} * Step, kToken);
      amx_load<kWeights>(columns_.low_[block_] + quad, kTileRow);
      amx_multiply_int8<Sums, kActivations, kWeights>();
      amx_load<kWeights>(columns_.high_[block_] + quad, kTileRow);
      amx_multiply_int8<Sums + 1, kActivations, kWeights>();
      if (Step + 1 < kSteps || ++block_ < columns_.count_) return;
      block_ = 0;
      --groups_;
      in_ += group_step_;
    }

   private:
    const AmxWideColumns& columns_;
    const std::byte* in_;
    std::ptrdiff_t group_step_;
    int groups_;
    int block_ = 0;
  };

  template <int Sums>
  [[gnu::always_inline]] static void store(Stored& to) {
    amx_store<Sums>(to.low, kTileRow);
    amx_store<Sums + 1>(to.high, kTileRow);
  }

  /// `sum` and what a block adds to it.
  [[gnu::always_inline]] static Floats added(const std::byte* block, const Stored& stored, int token,
                                             const typename Arithmetic::BlockTerms& terms, const Floats& sum) {
    const __m512i high = _mm512_slli_epi32(_mm512_load_si512(stored.high[token]), 7);
    const Ints integers{{_mm512_add_epi32(_mm512_load_si512(stored.low[token]), high)}};
    return Arithmetic::joined(block, kToken, integers, terms, sum);
  }

  /// Of whole groups. Three blocks are under way, over the ends of groups: while sums of one join those of floats,
  /// those of the next are stored, and the third is multiplied, a quarter of it for a quarter of the tokens.
  template <class Between>
  [[gnu::noinline]] void multiply_groups(const std::byte* in, std::ptrdiff_t group_step, int groups, float* sums,
                                         bool fresh, const Between& between) const {
    alignas(64) Stored stored[2];  // of block b: b % 2
    Cursor cursor(*this, in, group_step, groups);
    const auto multiply_block = [&](auto tiles) __attribute__((always_inline)) {
      unrolled<kSteps>([&](auto step) __attribute__((always_inline)) { cursor.template multiply<tiles, step>(); });
    };
    multiply_block(std::integral_constant<int, kSums>{});
    multiply_block(std::integral_constant<int, kSums + 2>{});
    store<kSums>(stored[0]);
    bool odd = false;  // of the block that joins
    for (; groups > 0; --groups, in += group_step, sums += kGroupSums) {
      Floats all[kTokenGroup];
      begin_sums(sums, fresh, all);
      for (int b = 0; b < count_; ++b) {
        between();
        const std::byte* const block = in + kGroup * b;
        const auto turn = [&](auto parity) __attribute__((always_inline)) {
          constexpr int kNext = kSums + 2 * parity, kDone = kSums + 2 * (1 - parity);
          unrolled<kSteps>([&](auto step) __attribute__((always_inline)) {
            cursor.template multiply<kNext, step>();
            if constexpr (step == 0) store<kDone>(stored[1 - parity]);  // by now its products are done
            unrolled<kTokenGroup / kSteps>([&](auto i) __attribute__((always_inline)) {
              constexpr int kHere = kTokenGroup / kSteps * step + i;
              all[kHere] = added(block + kToken * kHere, stored[parity], kHere, block_terms_[b], all[kHere]);
            });
          });
        };
        odd ? turn(std::integral_constant<int, 1>{}) : turn(std::integral_constant<int, 0>{});
        odd = !odd;
      }
      unrolled<kTokenGroup>([&](auto t) { all[t].store(sums + kPanelRows * t); });
    }
  }

  /// Of less than a group.
  [[gnu::noinline]] void multiply_rest(const std::byte* in, std::int32_t tokens, float* sums) const {
    alignas(64) Stored stored;
    const auto multiply_bytes = [&](const __m512i* weights, auto& to) __attribute__((always_inline)) {
      amx_zero<kRestSums>();
      unrolled<kSteps>([&](auto step) __attribute__((always_inline)) {
        amx_load<kRestActivations>(in + std::ptrdiff_t{64} * step, kToken);
        amx_load<kWeights>(weights + std::ptrdiff_t{kStepQuads} * step, kTileRow);
        amx_multiply_int8<kRestSums, kRestActivations, kWeights>();
      });
      amx_store<kRestSums>(to, kTileRow);
    };
    for (int b = 0; b < count_; ++b, in += kToken * tokens) {
      multiply_bytes(low_[b], stored.low);
      multiply_bytes(high_[b], stored.high);
      for (std::int32_t t = 0; t < tokens; ++t) {
        float* const sum = sums + std::ptrdiff_t{kPanelRows} * t;
        added(in + kToken * t, stored, t, block_terms_[b], Floats::load(sum)).store(sum);
      }
    }
  }

  static constexpr int kMostBlocks = kMostPieces / kPieces;
  alignas(64) __m512i low_[kMostBlocks][kPieces * kQuadsPerPiece];
  __m512i high_[kMostBlocks][kPieces * kQuadsPerPiece];
  typename Arithmetic::BlockTerms block_terms_[kMostBlocks];
  int count_ = 0;
};

}  // namespace
}  // namespace covey
