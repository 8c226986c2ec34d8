// AVX2 with FMA and F16C: x86-64 from about 2013 on. 16 lanes are two registers.
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "kernels/cpu/isa/x86_bytes.hpp"
#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

using Arch = xsimd::fma3<xsimd::avx2>;
using FloatLanes = Lanes<xsimd::batch<float, Arch>>;
using IntLanes = Lanes<xsimd::batch<std::int32_t, Arch>>;

/// Rows 0..7 and 8..15, four bytes each.
struct Two {
  __m256i low, high;
};

__m256i broadcast4(const void* four) {
  std::int32_t bits = 0;
  std::memcpy(&bits, four, sizeof(bits));
  return _mm256_set1_epi32(bits);
}

Two both(__m256i value) { return {value, value}; }

__m256i shifted(const std::int32_t* sum, int shift) { return _mm256_slli_epi32(broadcast4(sum), shift); }
__m256i shifted_difference(const std::int32_t* sum, const std::int32_t* less, int shift) {
  return _mm256_slli_epi32(_mm256_sub_epi32(broadcast4(sum), broadcast4(less)), shift);
}

/// Sums of int32, and no offset: what most dot products here share.
struct WideSums {
  using Sums = Two;  // int32 a row
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;

  static Sums start() { return both(_mm256_setzero_si256()); }
  static Sums start(const std::int32_t* negative_sum, int shift) { return both(shifted(negative_sum, shift)); }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return both(shifted_difference(negative_sum, less, shift));
  }
  /// `low` and `high`: two int16 a row.
  static void add_pairs(Sums& sums, __m256i low, __m256i high) {
    const __m256i ones = _mm256_set1_epi16(1);
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(low, ones));
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(high, ones));
  }
  static IntLanes integers(const Sums& sums) { return {{sums.low, sums.high}}; }
};

/// vpmaddubsw wants one unsigned side: |w| * (a with w's sign). Pairs stay within 2 * 128 * 127, below the limit of
/// int16.
struct SignDot : WideSums {
  using Weights = Two;

  static Weights prepare(const Two& quads) { return quads; }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    add_pairs(sums, product(weights.low, a), product(weights.high, a));
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }

 private:
  static __m256i product(__m256i weights, __m256i a) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(a, weights));
  }
};

/// vpsignb competes with the multiplications. Where w is negative, |w| * ~a = |w| * (-a - 1) serves as well, if the sum
/// of all these |w| is added in the end.
struct FlipDot : WideSums {
  struct Weights {
    Two magnitude;
    Two flip;  // all bits of a negative weight's byte
  };
  static constexpr bool kHasRowSums = true;

  static Weights prepare(const Two& quads) {
    const __m256i zero = _mm256_setzero_si256();
    return {{_mm256_abs_epi8(quads.low), _mm256_abs_epi8(quads.high)},
            {_mm256_cmpgt_epi8(zero, quads.low), _mm256_cmpgt_epi8(zero, quads.high)}};
  }
  static Sums row_sums(const Weights (&weights)[8]) {
    const __m256i one = _mm256_set1_epi8(1);
    Sums sums = start();
    for (const Weights& w : weights) {
      add_pairs(sums, _mm256_maddubs_epi16(_mm256_and_si256(w.magnitude.low, w.flip.low), one),
                _mm256_maddubs_epi16(_mm256_and_si256(w.magnitude.high, w.flip.high), one));
    }
    return sums;
  }
  // Copied by register: GCC copies the whole in halves, which stalls the loads that follow.
  static Sums start_rows(const Sums& row_sums) { return {row_sums.low, row_sums.high}; }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    add_pairs(sums, _mm256_maddubs_epi16(weights.magnitude.low, _mm256_xor_si256(a, weights.flip.low)),
              _mm256_maddubs_epi16(weights.magnitude.high, _mm256_xor_si256(a, weights.flip.high)));
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
};

/// Weights 0..63: two pairs are within 2 * 2 * 63 * 127, below the limit of int16.
struct TwoDot : WideSums {
  using Weights = Two;

  static Weights prepare(const Two& quads) { return quads; }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    add_pairs(sums, _mm256_maddubs_epi16(weights.low, a), _mm256_maddubs_epi16(weights.high, a));
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    const __m256i a = broadcast4(of_first);
    const __m256i b = broadcast4(of_second);
    add_pairs(sums, _mm256_add_epi16(_mm256_maddubs_epi16(first.low, a), _mm256_maddubs_epi16(second.low, b)),
              _mm256_add_epi16(_mm256_maddubs_epi16(first.high, a), _mm256_maddubs_epi16(second.high, b)));
  }
};

/// Weights 0..15: eight pairs are within 8 * 2 * 15 * 127, below the limit of int16, so they are widened but once.
struct NibbleDot {
  using Weights = Two;
  struct Sums {
    Two pairs;  // two int16 a row
    __m256i correction;
  };
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(const Two& quads) { return quads; }
  static Sums start() { return {both(_mm256_setzero_si256()), _mm256_setzero_si256()}; }
  static Sums start(const std::int32_t* negative_sum, int shift) {
    return {both(_mm256_setzero_si256()), shifted(negative_sum, shift)};
  }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return {both(_mm256_setzero_si256()), shifted_difference(negative_sum, less, shift)};
  }
  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    const __m256i a = broadcast4(activations);
    sums.pairs.low = _mm256_add_epi16(sums.pairs.low, _mm256_maddubs_epi16(weights.low, a));
    sums.pairs.high = _mm256_add_epi16(sums.pairs.high, _mm256_maddubs_epi16(weights.high, a));
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
  static IntLanes integers(const Sums& sums) {
    const __m256i ones = _mm256_set1_epi16(1);
    return {{_mm256_add_epi32(_mm256_madd_epi16(sums.pairs.low, ones), sums.correction),
             _mm256_add_epi32(_mm256_madd_epi16(sums.pairs.high, ones), sums.correction)}};
  }
};

struct Avx2 {
  using Floats = FloatLanes;
  using Ints = IntLanes;
  using Quads = Two;
  using Pairs = Two;
  template <int Bits>
  using Dot = std::conditional_t<Bits <= 4, NibbleDot, std::conditional_t<Bits <= 6, TwoDot, SignDot>>;
  using TileLanes = RowLanes<Avx2>;
  template <int Bits, int>
  using TileDot = std::conditional_t<Bits <= 6, Dot<Bits>, FlipDot>;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<Avx2, Arithmetic>;
  static constexpr int kDotTile = 4;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTile = 4;
  static constexpr int kFewTokens = 8;
  static constexpr int kFloatTile = 4;
  static constexpr bool kStoresAround = false;

  static Floats load_f32(const std::byte* from) { return Floats::load(reinterpret_cast<const float*>(from)); }
  static Floats load_f16(const std::byte* from) {
    return {{_mm256_cvtph_ps(load16(from)), _mm256_cvtph_ps(load16(from + 16))}};
  }
  static Floats load_bf16(const std::byte* from) {
    const __m256i low = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from)), 16);
    const __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from + 16)), 16);
    return {{_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)}};
  }
  static Ints load_i8(const std::byte* from) {
    const __m128i all = load16(from);
    return {{_mm256_cvtepi8_epi32(all), _mm256_cvtepi8_epi32(_mm_srli_si128(all, 8))}};
  }
  static Ints load_u8(const std::byte* from) { return widened(load16(from)); }
  static Ints load_bits(const std::byte* from, int first, int width) { return widened(bits_of(from, first, width)); }
  static Pairs load_pairs(const std::byte* first, const std::byte* second, int from, int width) {
    const __m128i a = bits_of(first, from, width), b = bits_of(second, from, width);
    return {_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)), _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b))};
  }
  template <int N>
  static Ints add_pair_products(const Ints& sums, const Pairs (&pairs)[N], const std::int16_t* numbers) {
    __m256i low = sums.part[0], high = sums.part[1];
    unrolled<N>([&](auto i) {
      const __m256i two = broadcast4(numbers + 2 * i);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(pairs[i].low, two));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(pairs[i].high, two));
    });
    return {{low, high}};
  }
  static float f16_at(const std::byte* from) { return _cvtsh_ss(load_u16(from)); }
  static void store_f16(const Floats& lanes, std::byte* to) {
    for (std::ptrdiff_t i = 0; i < 2; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * i),
                       _mm256_cvtps_ph(lanes.part[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
  }
  static std::int32_t store_i8(const Ints& lanes, std::int8_t* to) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(lanes.part[0], lanes.part[1]), 0b11'01'10'00);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    return sum_bytes(bytes);
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return Floats::each([&](int i) { return _mm256_fmadd_ps(a.part[i], b.part[i], c.part[i]); });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return a.part[i] / b.part[i]; });
  }
  static std::int32_t greatest(const Ints& lanes) {
    const __m256i eight = _mm256_max_epi32(lanes.part[0], lanes.part[1]);
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 1)));
  }
  static float greatest(const Floats& lanes) {
    const __m256 eight = _mm256_max_ps(lanes.part[0], lanes.part[1]);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
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
  static void store_quads(const Quads& quads, std::byte* to) {
    auto* registers = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(registers, quads.low);
    _mm256_storeu_si256(registers + 1, quads.high);
  }
  static Quads field(const Quads& quads, int from, int width, int to) {
    // Bits of neighbouring bytes are shifted in, and masked out.
    const __m256i mask = _mm256_set1_epi8(static_cast<char>(low_bits(width) << to));
    const auto moved = [&](__m256i bytes) {
      if (from > to) bytes = _mm256_srli_epi16(bytes, from - to);
      if (from < to) bytes = _mm256_slli_epi16(bytes, to - from);
      return _mm256_and_si256(bytes, mask);
    };
    return {moved(quads.low), moved(quads.high)};
  }
  static Quads either(const Quads& a, const Quads& b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static Quads lookup(const Quads& quads, const std::int8_t (&table)[16]) {
    const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
    return {_mm256_shuffle_epi8(both, quads.low), _mm256_shuffle_epi8(both, quads.high)};
  }

 private:
  static char low_bits(int width) { return static_cast<char>((1 << width) - 1); }
  static __m128i bits_of(const std::byte* from, int first, int width) {
    return _mm_and_si128(_mm_srli_epi16(load16(from), first), _mm_set1_epi8(low_bits(width)));
  }
  static Ints widened(__m128i all) {
    return {{_mm256_cvtepu8_epi32(all), _mm256_cvtepu8_epi32(_mm_srli_si128(all, 8))}};
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
