// Products of tiles with AMX's int8 instructions.
//
//   A: activations             B: a panel's unpacked piece              C = A x B
//   token 0:  c0 c1 … c31      columns 0..3   of rows 0..15             token 0:  sums of rows 0..15
//   token 1:  c0 c1 … c31  x   columns 4..7   of rows 0..15          =  token 1:  sums of rows 0..15
//    ⋮                          ⋮                                         ⋮
//   token 15                   columns 28..31 of rows 0..15             token 15
//
// B is what a piece looks like when it is unpacked, and a row of C what a register of integer sums is elsewhere. Each
// piece has scales of its own, so C goes to memory after each, where registers take it from: what binds is the floats
// that integers become, not products.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/isa/amx_registers.hpp"
#include "kernels/cpu/unpacked_columns.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {
namespace {

/// Weights of a tile are signed once they are unpacked.
template <int Offset>
struct AmxWeights {
  using Weights = __m512i;
  using Sums = __m512i;
  static constexpr int kOffset = -Offset;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(__m512i quads) {
    return Offset == 0 ? quads : _mm512_sub_epi8(quads, _mm512_set1_epi8(Offset));
  }
};

/// Integers of less than 2^22 either way as floats, with additions: added to the bits of 1.5 * 2^23, they count units.
/// Beside AMX's instructions conversions and multiplications of floats begin once a cycle, not twice (measured on
/// Sapphire Rapids: a loop of either, with one tilezero); additions go on where those can't.
[[gnu::always_inline]] inline __m512 floats_by_additions(__m512i integers) {
  constexpr float kMiddle = 12582912.0F;
  const __m512i middle = _mm512_set1_epi32(std::bit_cast<std::int32_t>(kMiddle));
  return _mm512_sub_ps(_mm512_castsi512_ps(_mm512_add_epi32(integers, middle)), _mm512_set1_ps(kMiddle));
}

/// The sums of a group, in registers: not read where nothing is in them yet.
template <class Floats>
[[gnu::always_inline]] inline void begin_sums(const float* sums, bool fresh, Floats (&all)[kTokenGroup]) {
  if (fresh) {
    unrolled<kTokenGroup>([&](auto t) { all[t] = Floats::splat(0.0F); });
  } else {
    unrolled<kTokenGroup>([&](auto t) { all[t] = Floats::load(sums + kPanelRows * t); });
  }
}

/// Tokens that columns are unpacked for: beside the products, unpacking takes more of the time than elsewhere.
constexpr std::int32_t kAmxTileTokens = 256;

/// Groups of tokens that take little longer than their weights take to come.
constexpr int kFewGroups = 3;

/// Up to 512 columns of a panel and their products with groups of tokens.
template <class Isa, class Arithmetic>
class AmxColumns : public UnpackedColumns<Isa, Arithmetic> {
 public:
  using Floats = typename Arithmetic::Floats;
  using Piece = typename UnpackedColumns<Isa, Arithmetic>::Piece;

  static constexpr std::int32_t kMostTokens = kAmxTileTokens;
  // With few products for what is read, that is asked for in the order in which it lies.
  static constexpr std::int32_t kPanelByPanel = kFewGroups * kTokenGroup;

  /// What tile registers are while `tokens` tokens are multiplied, in groups of kTokenGroup of which the last may be
  /// smaller.
  struct State : AmxState {
    explicit State(std::int32_t tokens) : AmxState(shapes_for(tokens)) {}

   private:
    static AmxShapes shapes_for(std::int32_t tokens) {
      AmxShapes shapes;
      for (const int c : {kSums, kSums + 1}) shapes.set(c, kTokenGroup, 64);
      shapes.set(kActivations, kTokenGroup, kColumns);
      shapes.set(kWeights, kColumns / 4, 64);
      if (const std::int32_t rest = tokens % kTokenGroup; rest != 0) {
        shapes.set(kRestSums, rest, 64);
        shapes.set(kRestActivations, rest, kColumns);
      }
      return shapes;
    }
  };

  static int pauses(std::int32_t tokens, int pieces) {
    const int groups = tokens / kTokenGroup;
    return groups * (pieces / pieces_to_pause(groups, pieces)) + (tokens % kTokenGroup != 0 ? 1 : 0);
  }

  /// As UnpackedColumns::multiply().
  template <int P, class Between>
  static void multiply(const AmxColumns* panels, const std::byte* in, std::ptrdiff_t in_stride, std::int64_t block,
                       std::int32_t tokens, float* sums, std::ptrdiff_t, bool fresh, const Between& between) noexcept {
    static_assert(P == 1);
    const std::ptrdiff_t group_step = in_stride * kTokenGroup;
    std::int32_t groups = tokens / kTokenGroup;
    const std::byte* at = in + kToken * kTokenGroup * block;
    if (groups > 0 && panels->count % 2 == 0) {
      panels->multiply_groups(at, group_step, groups, sums, fresh, between);
      at += group_step * groups;
      sums += std::ptrdiff_t{kGroupSums} * groups;
      groups = 0;
    }
    for (; groups > 0; --groups, at += group_step, sums += kGroupSums) {
      between();
      if (fresh) clear_sums<typename Arithmetic::Lanes>(sums, kTokenGroup);
      panels->template multiply_group<kSums, kActivations>(at, kTokenGroup, sums);
    }
    if (const std::int32_t rest = tokens % kTokenGroup; rest != 0) {
      between();
      at = in + in_stride * (tokens - rest) + kToken * rest * block;
      if (fresh) clear_sums<typename Arithmetic::Lanes>(sums, rest);
      panels->template multiply_group<kRestSums, kRestActivations>(at, rest, sums);
    }
  }

 private:
  // Tile registers. Two of sums, so that a piece is multiplied while the piece before is stored.
  static constexpr int kSums = 0, kActivations = 2, kWeights = 3, kRestSums = 4, kRestActivations = 5;

  static constexpr int kColumns = kActivationBlock;
  static constexpr std::ptrdiff_t kToken = Arithmetic::kToken;
  static constexpr std::ptrdiff_t kTileRow = 64;
  static constexpr std::int32_t kGroupSums = kTokenGroup * kPanelRows;

  /// Integer sums of a piece, as tiles are stored.
  using Stored = std::int32_t[kTokenGroup][kPanelRows];

  /// Half of the tokens' one way, half the other, so that neither place waits for the other.
  template <int Token>
  [[gnu::always_inline]] static Floats floats(const std::int32_t* at) {
    const __m512i integers = _mm512_load_si512(at);
    return {{Token % 2 == 0 ? _mm512_cvtepi32_ps(integers) : floats_by_additions(integers)}};
  }

  /// Of a group: all, but fewer with few groups.
  static int pieces_to_pause(int groups, int pieces) { return pieces % 2 == 0 && groups <= kFewGroups ? 2 : pieces; }

  /// Tile Sums = tile Activations x weights.
  template <int Sums, int Activations>
  [[gnu::always_inline]] static void multiply(const std::byte* in, const void* weights) {
    amx_load<Activations>(Arithmetic::values(in, 0), kToken);
    amx_load<kWeights>(weights, kTileRow);
    amx_zero<Sums>();
    amx_multiply_int8<Sums, Activations, kWeights>();
  }
  template <int Sums>
  [[gnu::always_inline]] static void store(Stored& to) {
    amx_store<Sums>(to, kTileRow);
  }

  /// Where the next product reads: piece after piece, and group after group. Behind the last group it begins again with
  /// that.
  class Cursor {
   public:
    [[gnu::always_inline]] Cursor(const AmxColumns& columns, const std::byte* in, std::ptrdiff_t group_step, int groups)
        : columns_(columns), in_(in), group_step_(group_step), groups_(groups) {}

    /// Tile kSums + Sums = the product.
    template <int Sums>
    [[gnu::always_inline]] void multiply() {
      AmxColumns::multiply<kSums + Sums, kActivations>(in_ + kToken * kTokenGroup * piece_,
                                                       columns_.pieces[piece_].quads);
      if (++piece_ < columns_.count) return;
      piece_ = 0;
      if (--groups_ > 0) in_ += group_step_;
    }

   private:
    const AmxColumns& columns_;
    const std::byte* in_;
    std::ptrdiff_t group_step_;
    int groups_;
    int piece_ = 0;
  };

  /// Of whole groups, the products of an even number of pieces, two after two. Three pieces are under way, over the
  /// ends of groups: while sums of one join those of floats, those of the next are in memory, those of the next but one
  /// are stored, and the third is multiplied.
  template <class Between>
  [[gnu::noinline]] void multiply_groups(const std::byte* in, std::ptrdiff_t group_step, int groups, float* sums,
                                         bool fresh, const Between& between) const {
    alignas(64) Stored stored[4];  // of piece p: p % 4
    Cursor cursor(*this, in, group_step, groups);
    cursor.template multiply<0>();
    cursor.template multiply<1>();
    store<kSums>(stored[0]);
    cursor.template multiply<0>();
    store<kSums + 1>(stored[1]);
    const int pieces = this->count;
    const int pause_every = pieces_to_pause(groups, pieces);
    unsigned now = 0;  // piece, from the first group on
    for (; groups > 0; --groups, in += group_step, sums += kGroupSums) {
      Floats all[kTokenGroup];
      begin_sums(sums, fresh, all);
      const std::byte* block = in;
      const Piece* piece = this->pieces;
      between();
      int pause = pause_every;
      for (int i = 0; i < pieces; i += 2) {
        if (i == pause) {
          between();
          pause += pause_every;
        }
        unrolled<2>([&](auto odd) __attribute__((always_inline)) {
          cursor.template multiply<1 - odd>();
          store<kSums + odd>(stored[(now + 2) % 4]);
          const Stored& integers = stored[now % 4];
          unrolled<kTokenGroup>([&](auto t) __attribute__((always_inline)) {
            all[t] = Arithmetic::joined(block + kToken * t, kToken, floats<t>(integers[t]), piece->terms, all[t]);
          });
          block += kToken * kTokenGroup;
          ++piece;
          ++now;
        });
      }
      unrolled<kTokenGroup>([&](auto t) { all[t].store(sums + kPanelRows * t); });
    }
  }

  /// Of one group, and any number of pieces.
  template <int Sums, int Activations>
  [[gnu::noinline]] void multiply_group(const std::byte* in, std::int32_t tokens, float* sums) const {
    alignas(64) Stored stored;
    const std::ptrdiff_t step = kToken * tokens;
    for (int i = 0; i < this->count; ++i, in += step) {
      const Piece& piece = this->pieces[i];
      multiply<Sums, Activations>(in, piece.quads);
      store<Sums>(stored);
      for (std::int32_t t = 0; t < tokens; ++t) {
        float* const sum = sums + std::ptrdiff_t{kPanelRows} * t;
        Arithmetic::joined(in + kToken * t, kToken, floats<0>(stored[t]), piece.terms, Floats::load(sum)).store(sum);
      }
    }
  }
};

}  // namespace
}  // namespace covey
