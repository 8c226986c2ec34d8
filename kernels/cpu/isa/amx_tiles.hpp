// Products of tiles with AMX's int8 instructions (Intel, "Intel 64 and IA-32 Architectures Software Developer's
// Manual", volume 1, chapter 18): Xeons from Sapphire Rapids on. A tile register holds 16 rows of 64 bytes at most.
//
//   A: activations             B: a panel's unpacked piece              C = A x B
//   token 0:  c0 c1 … c31      columns 0..3   of rows 0..15             token 0:  sums of rows 0..15
//   token 1:  c0 c1 … c31  x   columns 4..7   of rows 0..15          =  token 1:  sums of rows 0..15
//    ⋮                          ⋮                                         ⋮
//   token 15                   columns 28..31 of rows 0..15             token 15
//
// B is what a piece looks like when it is unpacked, and a row of C what a register of integer sums is elsewhere. Each
// piece has scales of its own, so C goes to memory after each, where registers take it from: what binds is that, not
// products.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/int8_product.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/unroll.hpp"

namespace covey {
namespace {

/// Weights of a tile are signed once they are unpacked.
template <int Offset>
struct AmxWeights {
  using Weights = __m512i;
  using Sums = __m512i;  // int32 a row
  static constexpr int kOffset = -Offset;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(__m512i quads) {
    return Offset == 0 ? quads : _mm512_sub_epi8(quads, _mm512_set1_epi8(Offset));
  }
};

/// Tokens that columns are unpacked for: beside the products, unpacking takes more of the time than elsewhere.
constexpr std::int32_t kAmxTileTokens = 256;

/// Up to 512 columns of a panel and their products with groups of tokens.
template <class Isa, class Arithmetic>
class AmxColumns : public UnpackedColumns<Isa, Arithmetic> {
 public:
  using Floats = typename Arithmetic::Floats;

  static constexpr std::int32_t kMostTokens = kAmxTileTokens;

  /// What tile registers are while `tokens` tokens are multiplied, in groups of kTokenGroup of which the last may be
  /// smaller. A thread has a state of its own, and less to save when it is switched away from if it gives tiles up.
  class State {
   public:
    explicit State(std::int32_t tokens) {
      Shapes shapes;
      for (const int c : {kSums, kSums + 1}) shapes.set(c, kTokenGroup, 64);
      shapes.set(kActivations, kTokenGroup, kColumns);
      shapes.set(kWeights, kColumns / 4, 64);
      if (const std::int32_t rest = tokens % kTokenGroup; rest != 0) {
        for (const int c : {kRestSums, kRestSums + 1}) shapes.set(c, rest, 64);
        shapes.set(kRestActivations, rest, kColumns);
      }
      _tile_loadconfig(&shapes);
    }
    ~State() { _tile_release(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
  };

  /// As UnpackedColumns::multiply_group().
  template <int P>
  static void multiply_group(const AmxColumns* panels, const std::byte* in, std::int32_t tokens, float* sums,
                             std::ptrdiff_t) noexcept {
    static_assert(P == 1);
    if (tokens == kTokenGroup) {
      panels->multiply_whole(in, sums);
    } else {
      panels->multiply_rest(in, tokens, sums);
    }
  }

 private:
  // Tile registers. Two of sums, so that products of a part are under way while those of the part before are stored.
  static constexpr int kSums = 0, kActivations = 2, kWeights = 3, kRestSums = 4, kRestActivations = 6;

  struct alignas(64) Shapes {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};

    void set(int tile, std::int32_t tile_rows, int bytes) {
      rows[tile] = static_cast<std::uint8_t>(tile_rows);
      row_bytes[tile] = static_cast<std::uint16_t>(bytes);
    }
  };
  static_assert(sizeof(Shapes) == 64);

  // Parts of a piece: the columns that share a scale.
  static constexpr int kParts = Arithmetic::kHalves ? 2 : 1;
  static constexpr int kColumns = kActivationBlock / kParts;
  static constexpr std::ptrdiff_t kToken = sizeof(ActivationBlock);
  static constexpr std::ptrdiff_t kTileRow = 64;

  /// Integer sums of the parts that were stored last.
  struct Stored {
    static constexpr int kCount = 2 * kParts;
    alignas(64) std::int32_t sums[kCount][kTokenGroup][kPanelRows];

    __m512i of(int part, int token) const { return _mm512_load_si512(sums[part % kCount][token]); }
  };

  /// The sum of one token and what piece `piece` adds to it.
  [[gnu::always_inline]] Floats added(const Stored& stored, const std::byte* in, int piece, int token,
                                      const Floats& sum) const {
    const auto& terms = this->pieces[piece].terms;
    Floats first_half{};
    if constexpr (Arithmetic::kHalves) {
      first_half = Arithmetic::Dot::finish(stored.of(kParts * piece, token)) * terms.half_scale[0];
    }
    return Arithmetic::added(in, kToken, first_half, stored.of(kParts * piece + kParts - 1, token), terms, sum);
  }

  /// Tile Sums = tile Activations x weights.
  template <int Sums, int Activations>
  [[gnu::always_inline]] static void multiply(const std::int8_t* activations, const void* weights) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(activations), "r"(kToken), "i"(Activations) : "memory");
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(weights), "r"(kTileRow), "i"(kWeights) : "memory");
    asm volatile("tilezero %%tmm%c0\n\ttdpbssd %%tmm%c1, %%tmm%c2, %%tmm%c0" ::"i"(Sums), "i"(kWeights),
                 "i"(Activations));
  }
  template <int Sums>
  [[gnu::always_inline]] static void store(std::int32_t (&to)[kTokenGroup][kPanelRows]) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(kTileRow), "i"(Sums) : "memory");
  }

  /// Calls add(stored sums, piece) for piece after piece. Meanwhile products of the next but one part are under way,
  /// and those of the next are stored: products do not begin behind a tile that waits for its own to be stored.
  template <int Sums, int Activations, class Add>
  [[gnu::always_inline]] void multiply_parts(const std::byte* in, std::ptrdiff_t in_step, const Add& add) const {
    const int parts = kParts * this->count;
    Stored stored;
    for (int part = 0; part < parts + 2; ++part) {
      if (part < parts) {
        const std::int8_t* const a = Arithmetic::values(in + in_step * (part / kParts), part % kParts * kColumns);
        const auto* const b = &this->pieces[part / kParts].quads[part % kParts * kColumns / 4];
        if (part % 2 == 0) {
          multiply<Sums, Activations>(a, b);
        } else {
          multiply<Sums + 1, Activations>(a, b);
        }
      }
      if (const int before = part - 1; before >= 0 && before < parts) {
        if (before % 2 == 0) {
          store<Sums>(stored.sums[before % Stored::kCount]);
        } else {
          store<Sums + 1>(stored.sums[before % Stored::kCount]);
        }
      }
      if (part >= 2 && (part - 1) % kParts == 0) add(stored, (part - 2) / kParts);
    }
  }

  [[gnu::noinline]] void multiply_whole(const std::byte* in, float* sums) const {
    constexpr std::ptrdiff_t kStep = kToken * kTokenGroup;
    Floats all[kTokenGroup];
    unrolled<kTokenGroup>([&](auto t) { all[t] = Floats::load(sums + kPanelRows * t); });
    multiply_parts<kSums, kActivations>(
        in, kStep, [&](const Stored& stored, int piece) __attribute__((always_inline)) {
          unrolled<kTokenGroup>([&](auto t) __attribute__((always_inline)) {
            all[t] = added(stored, in + kStep * piece + kToken * t, piece, t, all[t]);
          });
        });
    unrolled<kTokenGroup>([&](auto t) { all[t].store(sums + kPanelRows * t); });
  }

  [[gnu::noinline]] void multiply_rest(const std::byte* in, std::int32_t tokens, float* sums) const {
    const std::ptrdiff_t step = kToken * tokens;
    multiply_parts<kRestSums, kRestActivations>(
        in, step, [&](const Stored& stored, int piece) __attribute__((always_inline)) {
          for (std::int32_t t = 0; t < tokens; ++t) {
            float* const sum = sums + std::ptrdiff_t{kPanelRows} * t;
            added(stored, in + step * piece + kToken * t, piece, t, Floats::load(sum)).store(sum);
          }
        });
  }
};

}  // namespace
}  // namespace covey
