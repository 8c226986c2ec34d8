// NEON with the dot product instructions of Armv8.2: Cortex-A55 and A76 on (Raspberry Pi 5).
#include "kernels/cpu/isa/neon_sdot.hpp"

namespace covey {
namespace {

/// For many tokens: a register holds 16 columns of a token, of which sdot takes four by their index.
template <int Offset>
struct SdotTile : SignedQuads<Offset> {
  using Sums = FourSums;

  static void arrange(FourQuads (&)[kQuadsPerPiece]) {}
  static Sums start() { return splat(0); }
  static IntLanes integers(const Sums& sums) { return to_lanes(sums); }

  template <int First, int Last, int T>
  [[gnu::always_inline]] static void add_columns(Sums (&sums)[T], const FourQuads (&weights)[kQuadsPerPiece],
                                                 const std::int8_t* activations, std::ptrdiff_t token, std::ptrdiff_t) {
    constexpr int kSixteens = (Last - First) / 4;
    int8x16_t columns[T][kSixteens];
    unrolled<T>([&](auto t) {
      unrolled<kSixteens>([&](auto i) { columns[t][i] = vld1q_s8(activations + token * t + 4 * First + 16 * i); });
    });
    const FourQuads* next = weights + First;
    unrolled<Last - First>([&](auto g) {
      const FourQuads quads = load_next(next);
      unrolled<T>([&](auto t) {
        unrolled<4>([&](auto i) {
          sums[t].part[i] = vdotq_laneq_s32(sums[t].part[i], quads.part[i], columns[t][g / 4], g % 4);
        });
      });
    });
  }
};

struct NeonDotprod : NeonLanes {
  template <int Bits>
  using Dot = SdotDot;
  using TileLanes = RowLanes<NeonDotprod>;
  template <int Bits, int Offset>
  using TileDot = SdotTile<Offset>;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<NeonDotprod, Arithmetic>;
  static constexpr int kDotTile = 4;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTile = 4;
  static constexpr int kFewTokens = 4;
  static constexpr int kFloatTile = 4;
  static constexpr bool kStoresAround = false;
};

struct NeonDotprodPeak : NeonPeakLanes {
  static constexpr int kDotProducts = 16;

  static Register dot(Register sums, Register weights, Register activations) {
    return vdotq_s32(sums, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(activations));
  }
};

}  // namespace

constexpr IsaTable kIsaNeonDotprod =
    with_peaks<NeonDotprodPeak, 8, 16, 24>(make_isa_table<NeonDotprod>("neon_dotprod", &neon_dotprod_runs_here));

}  // namespace covey
