// AVX2 with FMA and F16C: x86-64 from about 2013 on. 16 lanes are two registers.
#include <xsimd/xsimd.hpp>

#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

using Arch = xsimd::fma3<xsimd::avx2>;
using FloatLanes = Lanes<xsimd::batch<float, Arch>>;

/// Rows 0..7 and 8..15, four bytes each.
struct Two {
  __m256i low, high;
};

__m256i broadcast4(const std::int8_t* four) {
  std::int32_t bits = 0;
  std::memcpy(&bits, four, sizeof(bits));
  return _mm256_set1_epi32(bits);
}

FloatLanes to_floats(__m256i low, __m256i high) { return {{_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)}}; }

/// vpmaddubsw wants one unsigned side: |w| * (a with w's sign). Pairs stay within 2 * 128 * 127, below the limit of
/// int16.
struct AbsoluteDot {
  struct Weights {
    Two magnitude, value;
  };
  using Sums = Two;  // int32 a row
  static constexpr int kOffset = 0;

  static Weights prepare(const Two& quads) {
    return {{_mm256_abs_epi8(quads.low), _mm256_abs_epi8(quads.high)}, quads};
  }
  static Sums start(std::int32_t correction) { return {_mm256_set1_epi32(correction), _mm256_set1_epi32(correction)}; }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i low = _mm256_maddubs_epi16(weights.magnitude.low, _mm256_sign_epi8(a, weights.value.low));
    const __m256i high = _mm256_maddubs_epi16(weights.magnitude.high, _mm256_sign_epi8(a, weights.value.high));
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(low, ones));
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(high, ones));
  }
  static FloatLanes finish(const Sums& sums) { return to_floats(sums.low, sums.high); }
};

/// Weights 0..15: eight pairs are within 8 * 2 * 15 * 127, below the limit of int16, so they are widened but once a
/// block.
struct UnsignedDot {
  using Weights = Two;
  struct Sums {
    Two pairs;  // two int16 a row
    std::int32_t correction;
  };
  static constexpr int kOffset = 0;

  static Weights prepare(const Two& quads) { return quads; }
  static Sums start(std::int32_t correction) { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}, correction}; }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    sums.pairs.low = _mm256_add_epi16(sums.pairs.low, _mm256_maddubs_epi16(weights.low, a));
    sums.pairs.high = _mm256_add_epi16(sums.pairs.high, _mm256_maddubs_epi16(weights.high, a));
  }
  static FloatLanes finish(const Sums& sums) {
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i correction = _mm256_set1_epi32(sums.correction);
    return to_floats(_mm256_add_epi32(_mm256_madd_epi16(sums.pairs.low, ones), correction),
                     _mm256_add_epi32(_mm256_madd_epi16(sums.pairs.high, ones), correction));
  }
};

__m128i load16(const std::byte* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

struct Avx2 {
  using Floats = FloatLanes;
  using Ints = Lanes<xsimd::batch<std::int32_t, Arch>>;
  using Quads = Two;
  using SignedDot = AbsoluteDot;
  using NibbleDot = UnsignedDot;
  static constexpr int kDotTile = 4;
  static constexpr int kFloatTile = 4;

  static Floats load_f32(const std::byte* from) { return Floats::load(reinterpret_cast<const float*>(from)); }
  static Floats load_f16(const std::byte* from) {
    return {{_mm256_cvtph_ps(load16(from)), _mm256_cvtph_ps(load16(from + 16))}};
  }
  static Floats load_bf16(const std::byte* from) {
    const __m256i low = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from)), 16);
    const __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from + 16)), 16);
    return {{_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)}};
  }
  static Floats load_i8(const std::byte* from) {
    const __m128i all = load16(from);
    return to_floats(_mm256_cvtepi8_epi32(all), _mm256_cvtepi8_epi32(_mm_srli_si128(all, 8)));
  }
  static float f16_at(const std::byte* from) { return _cvtsh_ss(load_u16(from)); }
  static void store_f16(const Floats& lanes, std::byte* to) {
    for (std::ptrdiff_t i = 0; i < 2; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * i),
                       _mm256_cvtps_ph(lanes.part[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return Floats::each([&](int i) { return _mm256_fmadd_ps(a.part[i], b.part[i], c.part[i]); });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return a.part[i] / b.part[i]; });
  }
  static float sum(const Floats& lanes) {
    const __m256 eight = lanes.part[0] + lanes.part[1];
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }

  static Quads load_quads(const std::byte* from) {
    const auto* registers = reinterpret_cast<const __m256i*>(from);
    return {_mm256_loadu_si256(registers), _mm256_loadu_si256(registers + 1)};
  }
  static Quads low_nibbles(const Quads& quads) {
    const __m256i mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(quads.low, mask), _mm256_and_si256(quads.high, mask)};
  }
  static Quads high_nibbles(const Quads& quads) {
    return low_nibbles({_mm256_srli_epi16(quads.low, 4), _mm256_srli_epi16(quads.high, 4)});
  }
  static Quads upper_bits(const Quads& quads, int pair) {
    // Bits of neighbouring bytes are shifted in, and masked out.
    const auto shifted = [pair](__m256i bytes) {
      return pair < 2 ? _mm256_slli_epi16(bytes, 4 - 2 * pair) : _mm256_srli_epi16(bytes, 2 * pair - 4);
    };
    const __m256i mask = _mm256_set1_epi8(0x30);
    return {_mm256_and_si256(shifted(quads.low), mask), _mm256_and_si256(shifted(quads.high), mask)};
  }
  static Quads join_six_bits(const Quads& nibbles, const Quads& upper) {
    const __m256i offset = _mm256_set1_epi8(32);
    return {_mm256_sub_epi8(_mm256_or_si256(nibbles.low, upper.low), offset),
            _mm256_sub_epi8(_mm256_or_si256(nibbles.high, upper.high), offset)};
  }
};

struct Avx2Peak {
  using Register = __m256i;
  using Floats = __m256;
  static constexpr int kDotProducts = 32;
  static constexpr int kLanes = 8;

  static Register dot(Register sums, Register weights, Register activations) {
    const Register pairs = _mm256_maddubs_epi16(weights, activations);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Floats fma(Floats a, Floats b, Floats sums) { return _mm256_fmadd_ps(a, b, sums); }
  static Register load(const std::byte* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  template <class T>
  static void keep(T& value) {
    asm volatile("" : "+x"(value));
  }
};

}  // namespace

constexpr IsaTable kIsaAvx2 = with_peaks<Avx2Peak, 4, 8, 12>(make_isa_table<Avx2>("avx2", &avx2_runs_here));

}  // namespace covey
