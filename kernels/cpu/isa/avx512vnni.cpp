// AVX-512 with VNNI: x86-64 servers from 2019 on, Zen 4 and later. 16 lanes are one register. And the same with AMX,
// which differs in products of many tokens, and with its FP16 tiles, in attention over an F16 cache.
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "kernels/cpu/isa/amx_attention.hpp"
#include "kernels/cpu/isa/amx_tiles.hpp"
#include "kernels/cpu/isa/amx_wide_tiles.hpp"
#include "kernels/cpu/isa/x86_bytes.hpp"
#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

using Arch = xsimd::avx512bw;
using FloatLanes = Lanes<xsimd::batch<float, Arch>>;
using IntLanes = Lanes<xsimd::batch<std::int32_t, Arch>>;

__m512i broadcast4(const void* four) {
  std::int32_t bits = 0;
  std::memcpy(&bits, four, sizeof(bits));
  return _mm512_set1_epi32(bits);
}

/// vpdpbusd multiplies unsigned weights by signed activations. Signed weights w are made unsigned as w + 128, which
/// start() takes back.
template <int Offset>
struct VnniDot {
  using Weights = __m512i;
  using Sums = __m512i;  // int32 a row
  static constexpr int kOffset = Offset;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(__m512i quads) {
    if constexpr (Offset == 0) {
      return quads;
    } else {
      static_assert(Offset == 128);
      return _mm512_xor_si512(quads, _mm512_set1_epi8(-128));
    }
  }
  static Sums start() { return _mm512_setzero_si512(); }
  static Sums start(const std::int32_t* negative_sum, int shift) {
    return _mm512_slli_epi32(broadcast4(negative_sum), static_cast<unsigned>(shift));
  }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return _mm512_slli_epi32(_mm512_sub_epi32(broadcast4(negative_sum), broadcast4(less)),
                             static_cast<unsigned>(shift));
  }
  static void add(Sums& sums, __m512i weights, const std::int8_t* activations) {
    sums = _mm512_dpbusd_epi32(sums, weights, broadcast4(activations));
  }
  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
  static IntLanes integers(__m512i sums) { return {{sums}}; }
};

__m256i load32(const std::byte* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

struct Avx512Vnni {
  using Floats = FloatLanes;
  using Ints = IntLanes;
  using Quads = __m512i;
  using Pairs = __m512i;
  template <int Bits>
  using Dot = VnniDot<(Bits == 8 ? 128 : 0)>;
  using TileLanes = RowLanes<Avx512Vnni>;
  template <int Bits, int>
  using TileDot = Dot<Bits>;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<Avx512Vnni, Arithmetic>;
  static constexpr int kDotTile = 8;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 2;
  static constexpr int kFewTile = 8;
  static constexpr int kFewTokens = 16;
  static constexpr int kFloatTile = 8;
  static constexpr bool kStoresAround = false;

  static Floats load_f32(const std::byte* from) { return {{_mm512_loadu_ps(from)}}; }
  static Floats load_f16(const std::byte* from) { return {{_mm512_cvtph_ps(load32(from))}}; }
  static Floats load_bf16(const std::byte* from) {
    return {{_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(from)), 16))}};
  }
  static Ints load_i8(const std::byte* from) { return {{_mm512_cvtepi8_epi32(load16(from))}}; }
  static Ints load_u8(const std::byte* from) { return {{_mm512_cvtepu8_epi32(load16(from))}}; }
  static Ints load_bits(const std::byte* from, int first, int width) {
    return {{_mm512_cvtepu8_epi32(bits_of(from, first, width))}};
  }
  static Pairs load_pairs(const std::byte* first, const std::byte* second, int from, int width) {
    const __m128i a = bits_of(first, from, width), b = bits_of(second, from, width);
    return _mm512_cvtepu8_epi16(_mm256_set_m128i(_mm_unpackhi_epi8(a, b), _mm_unpacklo_epi8(a, b)));
  }
  template <int N>
  static Ints add_pair_products(const Ints& sums, const Pairs (&pairs)[N], const std::int16_t* numbers) {
    __m512i all = sums.part[0];
    unrolled<N>([&](auto i) { all = _mm512_dpwssd_epi32(all, pairs[i], broadcast4(numbers + 2 * i)); });
    return {{all}};
  }
  static float f16_at(const std::byte* from) { return _cvtsh_ss(load_u16(from)); }
  static void store_f16(const Floats& lanes, std::byte* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtps_ph(lanes.part[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static std::int32_t store_i8(const Ints& lanes, std::int8_t* to) {
    const __m128i bytes = _mm512_cvtepi32_epi8(lanes.part[0]);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    return sum_bytes(bytes);
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return Floats::each([&](int i) { return _mm512_fmadd_ps(a.part[i], b.part[i], c.part[i]); });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return a.part[i] / b.part[i]; });
  }
  static std::int32_t greatest(const Ints& lanes) { return _mm512_reduce_max_epi32(lanes.part[0]); }
  static float greatest(const Floats& lanes) { return _mm512_reduce_max_ps(lanes.part[0]); }
  static float sum(const Floats& lanes) {
    const __m512 all = lanes.part[0];
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }

  static Quads load_quads(const std::byte* from) { return _mm512_loadu_si512(from); }
  static void store_quads(Quads quads, std::byte* to) { _mm512_storeu_si512(to, quads); }
  static Quads field(Quads quads, int from, int width, int to) {
    // Bits of neighbouring bytes are shifted in, and masked out.
    if (from > to) quads = _mm512_srli_epi16(quads, static_cast<unsigned>(from - to));
    if (from < to) quads = _mm512_slli_epi16(quads, static_cast<unsigned>(to - from));
    return _mm512_and_si512(quads, _mm512_set1_epi8(static_cast<char>(low_bits(width) << to)));
  }
  static Quads either(Quads a, Quads b) { return _mm512_or_si512(a, b); }
  static Quads lookup(Quads quads, const std::int8_t (&table)[16]) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), quads);
  }

 private:
  static char low_bits(int width) { return static_cast<char>((1 << width) - 1); }
  static __m128i bits_of(const std::byte* from, int first, int width) {
    return _mm_and_si128(_mm_srli_epi16(load16(from), first), _mm_set1_epi8(low_bits(width)));
  }
};

/// The same with AMX for many tokens.
struct Amx : Avx512Vnni {
  using TileLanes = RowLanes<Amx>;
  template <int, int Offset>
  using TileDot = AmxWeights<Offset>;
  template <class Arithmetic>
  using TileColumns =
      std::conditional_t<Arithmetic::kWide, AmxWideColumns<Amx, Arithmetic>, AmxColumns<Amx, Arithmetic>>;
  static constexpr int kTilePieces = 16;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTokens = 0;
  static constexpr bool kStoresAround = true;

  static void store_around(const Floats& lanes, float* to) { _mm512_stream_ps(to, lanes.part[0]); }
  static void end_stores_around() { _mm_sfence(); }
};

/// Up to so many tokens registers are faster: less than a group does not fill tiles.
constexpr std::int32_t kAmxFewTokens = kTokenGroup - 1;

template <class Format, bool Int8 = Format::kActivations != ActivationKind::f32>
struct AmxProduct : PanelProduct<Avx512Vnni, Format> {};

template <class Format>
struct AmxProduct<Format, true> {
  static void run(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::size_t in_stride,
                  std::int32_t tokens, float* out, std::size_t out_stride) noexcept {
    const PanelMatmul product =
        tokens <= kAmxFewTokens ? &PanelProduct<Avx512Vnni, Format>::run : &PanelProduct<Amx, Format>::run;
    product(panels, cols, in, in_stride, tokens, out, out_stride);
  }
};

template <std::size_t... I>
constexpr IsaTable with_amx(IsaTable table, std::index_sequence<I...>) {
  table.name = "amx";
  table.runs_here = &amx_runs_here;
  table.tile_tokens = kAmxTileTokens;
  table.matmul = {&AmxProduct<std::tuple_element_t<I, FormatList>>::run...};
  return table;
}

constexpr IsaTable with_fp16_tiles(IsaTable table) {
  table.name = "amx_fp16";
  table.runs_here = &amx_fp16_runs_here;
  table.kv_tiles = {&AmxAttention<Avx512Vnni>::run, &AmxPairs::store_key, &AmxPairs::store_value};
  return table;
}

struct Avx512VnniPeak {
  using Register = __m512i;
  using Floats = __m512;
  static constexpr int kDotProducts = 64;
  static constexpr int kLanes = 16;

  static Register dot(Register sums, Register weights, Register activations) {
    return _mm512_dpbusd_epi32(sums, weights, activations);
  }
  static Floats fma(Floats a, Floats b, Floats sums) { return _mm512_fmadd_ps(a, b, sums); }
  static Register load(const std::byte* from) { return _mm512_loadu_si512(from); }
  template <class T>
  static void keep(T& value) {
    asm volatile("" : "+v"(value));
  }
};

}  // namespace

constexpr IsaTable kIsaAvx512Vnni =
    with_peaks<Avx512VnniPeak, 8, 16, 24>(make_isa_table<Avx512Vnni>("avx512vnni", &avx512vnni_runs_here));
constexpr IsaTable kIsaAmx = with_amx(kIsaAvx512Vnni, std::make_index_sequence<kFormatCount>{});
constexpr IsaTable kIsaAmxFp16 = with_fp16_tiles(kIsaAmx);

}  // namespace covey
