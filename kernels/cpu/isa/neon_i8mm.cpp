// NEON with the matrix products of Armv8.6: Neoverse V1 and N2, Cortex-A510 and A715 on.
#include "kernels/cpu/isa/neon_sdot.hpp"

namespace covey {
namespace {

/// smmla multiplies 8 columns of two tokens by 8 columns of two rows, and adds up four sums:
///
///   token 0: c0 … c7 | token 1: c0 … c7   x   row 0: c0 … c7 | row 1: c0 … c7
///     → token 0 row 0 | token 0 row 1 | token 1 row 0 | token 1 row 1
///
/// So lanes belong to two tokens: eight registers like this one, of rows 0 and 1, 2 and 3, … 14 and 15.
struct TokenPairLanes {
  using Floats = Lanes<Batch, 2 * kPanelRows>;
  using Ints = Lanes<IntBatch, 2 * kPanelRows>;
  static constexpr int kTokens = 2;

  static Floats of_rows(const FloatLanes& rows) {
    return Floats::each([&](int i) {
      const float64x2_t two = vreinterpretq_f64_f32(rows.part[i / 2]);
      return vreinterpretq_f32_f64(i % 2 == 0 ? vzip1q_f64(two, two) : vzip2q_f64(two, two));
    });
  }
  static Ints of_rows(const IntLanes& rows) {
    return Ints::each([&](int i) {
      const int64x2_t two = vreinterpretq_s64_s32(rows.part[i / 2]);
      return vreinterpretq_s32_s64(i % 2 == 0 ? vzip1q_s64(two, two) : vzip2q_s64(two, two));
    });
  }
  static Floats to_floats(const Ints& lanes) { return floats_of<Floats>(lanes); }
  static Floats of_float(const std::byte* at, std::ptrdiff_t next) {
    const float32x4_t all = vcombine_f32(vdup_n_f32(load(at)), vdup_n_f32(load(at + next)));
    return Floats::each([&](int) { return all; });
  }
  static void to_rows(const Floats& lanes, FloatLanes (&tokens)[2]) {
    for (int i = 0; i < 4; ++i) {
      const float64x2_t a = vreinterpretq_f64_f32(lanes.part[2 * i]);
      const float64x2_t b = vreinterpretq_f64_f32(lanes.part[2 * i + 1]);
      tokens[0].part[i] = vreinterpretq_f32_f64(vzip1q_f64(a, b));
      tokens[1].part[i] = vreinterpretq_f32_f64(vzip2q_f64(a, b));
    }
  }
  static Floats from_rows(const FloatLanes (&tokens)[2]) {
    return Floats::each([&](int i) {
      const float64x2_t a = vreinterpretq_f64_f32(tokens[0].part[i / 2]);
      const float64x2_t b = vreinterpretq_f64_f32(tokens[1].part[i / 2]);
      return vreinterpretq_f32_f64(i % 2 == 0 ? vzip1q_f64(a, b) : vzip2q_f64(a, b));
    });
  }

 private:
  static float load(const std::byte* at) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
};

/// For many tokens.
template <int Offset>
struct SmmlaTile : SignedQuads<Offset> {
  struct Sums {
    int32x4_t part[8];  // as in TokenPairLanes
  };

  /// Of two quads, columns 0..3 and 4..7 of 16 rows each: rows 0 and 1, 2 and 3, … of columns 0..7.
  static void arrange(FourQuads (&quads)[kQuadsPerPiece]) {
    for (int g = 0; g < kQuadsPerPiece; g += 2) {
      FourQuads pairs[2];
      for (int i = 0; i < 4; ++i) {
        const int32x4_t a = vreinterpretq_s32_s8(quads[g].part[i]);
        const int32x4_t b = vreinterpretq_s32_s8(quads[g + 1].part[i]);
        pairs[i / 2].part[i % 2 * 2] = vreinterpretq_s8_s32(vzip1q_s32(a, b));
        pairs[i / 2].part[i % 2 * 2 + 1] = vreinterpretq_s8_s32(vzip2q_s32(a, b));
      }
      quads[g] = pairs[0];
      quads[g + 1] = pairs[1];
    }
  }

  static Sums start() {
    const int32x4_t zero = vdupq_n_s32(0);
    return {{zero, zero, zero, zero, zero, zero, zero, zero}};
  }
  static TokenPairLanes::Ints integers(const Sums& sums) {
    return TokenPairLanes::Ints::each([&](int i) { return sums.part[i]; });
  }

  template <int First, int Last, int N>
  [[gnu::always_inline]] static void add_columns(Sums (&sums)[N], const FourQuads (&weights)[kQuadsPerPiece],
                                                 const std::int8_t* activations, std::ptrdiff_t token,
                                                 std::ptrdiff_t next) {
    constexpr int kEights = (Last - First) / 2;
    int8x16_t columns[N][kEights];
    unrolled<N>([&](auto s) { load(columns[s], activations + 2 * token * s + 4 * First, next); });
    const FourQuads* at = weights + First;
    unrolled<kEights>([&](auto e) {
      unrolled<2>([&](auto half) {
        const FourQuads pairs = load_next(at);
        unrolled<N>([&](auto s) {
          unrolled<4>([&](auto i) {
            int32x4_t& sum = sums[s].part[4 * half + i];
            sum = vmmlaq_s32(sum, columns[s][e], pairs.part[i]);
          });
        });
      });
    });
  }

 private:
  /// Columns 0..7, 8..15, … of two tokens.
  [[gnu::always_inline]] static void load(int8x16_t (&columns)[4], const std::int8_t* activations,
                                          std::ptrdiff_t next) {
    const int64x2x4_t one = vld4q_dup_s64(reinterpret_cast<const std::int64_t*>(activations));
    const int64x2x4_t both = vld4q_lane_s64(reinterpret_cast<const std::int64_t*>(activations + next), one, 1);
    for (int i = 0; i < 4; ++i) columns[i] = vreinterpretq_s8_s64(both.val[i]);
  }
  [[gnu::always_inline]] static void load(int8x16_t (&columns)[2], const std::int8_t* activations,
                                          std::ptrdiff_t next) {
    const int64x2x2_t one = vld2q_dup_s64(reinterpret_cast<const std::int64_t*>(activations));
    const int64x2x2_t both = vld2q_lane_s64(reinterpret_cast<const std::int64_t*>(activations + next), one, 1);
    for (int i = 0; i < 2; ++i) columns[i] = vreinterpretq_s8_s64(both.val[i]);
  }
};

struct NeonI8mm : NeonLanes {
  template <int Bits>
  using Dot = SdotDot;
  using TileLanes = TokenPairLanes;
  template <int Bits, int Offset>
  using TileDot = SmmlaTile<Offset>;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<NeonI8mm, Arithmetic>;
  static constexpr int kDotTile = 4;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTile = 4;
  static constexpr int kFewTokens = 4;
  static constexpr int kFloatTile = 4;
  static constexpr bool kStoresAround = false;
};

struct NeonI8mmPeak : NeonPeakLanes {
  static constexpr int kDotProducts = 32;

  static Register dot(Register sums, Register weights, Register activations) {
    return vmmlaq_s32(sums, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(activations));
  }
};

}  // namespace

constexpr IsaTable kIsaNeonI8mm =
    with_peaks<NeonI8mmPeak, 8, 16, 24>(make_isa_table<NeonI8mm>("neon_i8mm", &neon_i8mm_runs_here));

}  // namespace covey
