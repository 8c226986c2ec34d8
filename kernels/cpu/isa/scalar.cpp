// Plain C++, for any processor, and the yardstick for the others.
#include "kernels/cpu/isa_table.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/peak.hpp"

namespace covey {
namespace {

// Stand-ins for xsimd batches, one lane wide.

struct Int {
  static constexpr std::size_t size = 1;  // NOLINT(readability-identifier-naming): xsimd's name
  std::uint32_t value;                    // unsigned, so that sums wrap as SIMD lanes do

  static Int load_unaligned(const std::int32_t* from) { return {static_cast<std::uint32_t>(*from)}; }
  static Int broadcast(std::int32_t x) { return {static_cast<std::uint32_t>(x)}; }
  void store_unaligned(std::int32_t* to) const { *to = static_cast<std::int32_t>(value); }
  friend Int operator+(Int a, Int b) { return {a.value + b.value}; }
  friend Int operator-(Int a, Int b) { return {a.value - b.value}; }
  friend Int operator*(Int a, Int b) { return {a.value * b.value}; }
  friend Int operator&(Int a, Int b) { return {a.value & b.value}; }
  friend Int operator<<(Int a, int bits) { return {a.value << bits}; }
  friend Int max(Int a, Int b) {
    return static_cast<std::int32_t>(a.value) > static_cast<std::int32_t>(b.value) ? a : b;
  }
};

struct Float {
  static constexpr std::size_t size = 1;  // NOLINT(readability-identifier-naming): xsimd's name
  float value;

  static Float load_unaligned(const float* from) { return {*from}; }
  static Float broadcast(float x) { return {x}; }
  void store_unaligned(float* to) const { *to = value; }
  friend Float operator+(Float a, Float b) { return {a.value + b.value}; }
  friend Float operator-(Float a, Float b) { return {a.value - b.value}; }
  friend Float operator*(Float a, Float b) { return {a.value * b.value}; }
  friend Float operator/(Float a, Float b) { return {a.value / b.value}; }
  friend Float max(Float a, Float b) { return a.value > b.value ? a : b; }
  friend Float min(Float a, Float b) { return a.value < b.value ? a : b; }
};

Float to_float(Int x) { return {static_cast<float>(static_cast<std::int32_t>(x.value))}; }

struct Quads16 {
  std::int8_t byte[4 * kPanelRows];
};

struct Pairs16 {
  std::int16_t row[kPanelRows][2];
};

/// Serves weights of any sign.
struct PlainDot {
  using Weights = Quads16;
  struct Sums {
    std::int32_t row[kPanelRows];
  };
  static constexpr int kOffset = 0;
  static constexpr bool kHasRowSums = false;

  static Weights prepare(const Quads16& quads) { return quads; }

  static Sums start() { return {}; }
  static Sums start(const std::int32_t* negative_sum, int shift) { return all(*negative_sum * (1 << shift)); }
  static Sums start(const std::int32_t* negative_sum, const std::int32_t* less, int shift) {
    return all((*negative_sum - *less) * (1 << shift));
  }

  static void add(Sums& sums, const Weights& weights, const std::int8_t* activations) {
    for (int r = 0; r < kPanelRows; ++r) {
      for (int i = 0; i < 4; ++i) sums.row[r] += weights.byte[4 * r + i] * activations[i];
    }
  }

  static void add_two(Sums& sums, const Weights& first, const std::int8_t* of_first, const Weights& second,
                      const std::int8_t* of_second) {
    add(sums, first, of_first);
    add(sums, second, of_second);
  }
  static Lanes<Int> integers(const Sums& sums) {
    return Lanes<Int>::each([&](int r) { return Int::broadcast(sums.row[r]); });
  }

 private:
  static Sums all(std::int32_t value) {
    Sums sums;
    for (std::int32_t& row : sums.row) row = value;
    return sums;
  }
};

struct Scalar {
  using Floats = Lanes<Float>;
  using Ints = Lanes<Int>;
  using Quads = Quads16;
  using Pairs = Pairs16;
  template <int Bits>
  using Dot = PlainDot;
  using TileLanes = RowLanes<Scalar>;
  template <int Bits, int>
  using TileDot = PlainDot;
  template <class Arithmetic>
  using TileColumns = UnpackedColumns<Scalar, Arithmetic>;
  static constexpr int kDotTile = 1;
  static constexpr int kTilePieces = 8;
  static constexpr int kTilePanels = 1;
  static constexpr int kFewTile = 1;
  static constexpr int kFewTokens = 1;
  static constexpr int kFloatTile = 1;
  static constexpr bool kStoresAround = false;

  static Floats load_f32(const std::byte* from) {
    Floats lanes;
    std::memcpy(&lanes, from, sizeof(lanes));
    return lanes;
  }
  static Floats load_f16(const std::byte* from) {
    return Floats::each([&](std::ptrdiff_t i) { return Float{fp16_to_f32(load_u16(from + 2 * i))}; });
  }
  static Floats load_bf16(const std::byte* from) {
    return Floats::each([&](std::ptrdiff_t i) { return Float{bf16_to_f32(load_u16(from + 2 * i))}; });
  }
  static Ints load_i8(const std::byte* from) {
    return Ints::each([&](int i) { return Int::broadcast(static_cast<std::int8_t>(from[i])); });
  }
  static Ints load_u8(const std::byte* from) { return load_bits(from, 0, 8); }
  static Ints load_bits(const std::byte* from, int first, int width) {
    return Ints::each([&](int i) { return Int::broadcast(bits_of(from[i], first, width)); });
  }
  static Pairs load_pairs(const std::byte* first, const std::byte* second, int from, int width) {
    Pairs pairs;
    for (int r = 0; r < kPanelRows; ++r) {
      pairs.row[r][0] = static_cast<std::int16_t>(bits_of(first[r], from, width));
      pairs.row[r][1] = static_cast<std::int16_t>(bits_of(second[r], from, width));
    }
    return pairs;
  }
  template <int N>
  static Ints add_pair_products(const Ints& sums, const Pairs (&pairs)[N], const std::int16_t* numbers) {
    return Ints::each([&](int r) {
      std::int32_t sum = 0;
      for (int i = 0; i < 2 * N; ++i) sum += pairs[i / 2].row[r][i % 2] * numbers[i];
      return sums.part[r] + Int::broadcast(sum);
    });
  }
  static float f16_at(const std::byte* from) { return fp16_to_f32(load_u16(from)); }
  static void store_f16(const Floats& lanes, std::byte* to) {
    for (std::ptrdiff_t i = 0; i < 16; ++i) store_u16(f32_to_fp16(lanes.part[i].value), to + 2 * i);
  }
  static std::int32_t store_i8(const Ints& lanes, std::int8_t* to) {
    std::int32_t sum = 0;
    for (int i = 0; i < 16; ++i) {
      to[i] = static_cast<std::int8_t>(lanes.part[i].value);
      sum += to[i];
    }
    return sum;
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return Floats::each(
        [&](int i) { return Float{__builtin_fmaf(a.part[i].value, b.part[i].value, c.part[i].value)}; });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return Floats::each([&](int i) { return a.part[i] / b.part[i]; });
  }
  static std::int32_t greatest(const Ints& lanes) {
    Int most = lanes.part[0];
    for (int i = 1; i < 16; ++i) most = max(most, lanes.part[i]);
    return static_cast<std::int32_t>(most.value);
  }
  static float greatest(const Floats& lanes) {
    Float most = lanes.part[0];
    for (int i = 1; i < 16; ++i) most = max(most, lanes.part[i]);
    return most.value;
  }
  static float sum(const Floats& lanes) {
    Floats sums = lanes;
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) sums.part[i] = sums.part[i] + sums.part[i + half];
    }
    return sums.part[0].value;
  }

  static Quads load_quads(const std::byte* from) {
    Quads quads;
    std::memcpy(quads.byte, from, sizeof(quads.byte));
    return quads;
  }
  static void store_quads(const Quads& quads, std::byte* to) { std::memcpy(to, quads.byte, sizeof(quads.byte)); }
  static Quads field(const Quads& quads, int from, int width, int to) {
    return each(quads, [&](int byte) { return (byte >> from & ((1 << width) - 1)) << to; });
  }
  static Quads either(const Quads& a, const Quads& b) {
    Quads both;
    for (int i = 0; i < 4 * kPanelRows; ++i) both.byte[i] = static_cast<std::int8_t>(a.byte[i] | b.byte[i]);
    return both;
  }
  static Quads lookup(const Quads& quads, const std::int8_t (&table)[16]) {
    return each(quads, [&](int byte) { return table[byte]; });
  }

 private:
  static int bits_of(std::byte byte, int first, int width) {
    return (std::to_integer<int>(byte) >> first) & ((1 << width) - 1);
  }
  template <class F>
  static Quads each(const Quads& quads, F f) {
    Quads result;
    for (int i = 0; i < 4 * kPanelRows; ++i) {
      result.byte[i] = static_cast<std::int8_t>(f(static_cast<std::uint8_t>(quads.byte[i])));
    }
    return result;
  }
};

/// Vectors of the least that compilers know for any processor of the family: they make of plain loops as much.
struct ScalarPeak {
  using Register [[gnu::vector_size(16)]] = std::uint16_t;
  using Floats [[gnu::vector_size(16)]] = float;
  static constexpr int kDotProducts = 8;
  static constexpr int kLanes = 4;

  static Register dot(Register sums, Register weights, Register activations) { return sums + weights * activations; }
  static Floats fma(Floats a, Floats b, Floats sums) { return sums + a * b; }
  static Register load(const std::byte* from) {
    Register loaded;
    std::memcpy(&loaded, from, sizeof(loaded));
    return loaded;
  }
  template <class T>
  static void keep(T& value) {
#if defined(__x86_64__)
    asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(value));
#else
    asm volatile("" : "+m"(value));
#endif
  }
};

}  // namespace

constexpr IsaTable kIsaScalar = with_peaks<ScalarPeak, 4, 8, 12>(make_isa_table<Scalar>("scalar", &scalar_runs_here));

}  // namespace covey
