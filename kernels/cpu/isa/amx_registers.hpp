// AMX's tile registers (Intel, "Intel 64 and IA-32 Architectures Software Developer's Manual", volume 1, chapter 18):
// Xeons from Sapphire Rapids on. There are eight; each holds 16 rows of 64 bytes at most.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace covey {
namespace {

/// Rows of each tile, and their bytes: what `ldtilecfg` reads.
struct alignas(64) AmxShapes {
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
static_assert(sizeof(AmxShapes) == 64);

/// A thread has a state of its own, and less to save when it is switched away from if it gives tiles up.
class AmxState {
 public:
  explicit AmxState(const AmxShapes& shapes) { asm volatile("ldtilecfg %0" ::"m"(shapes)); }
  ~AmxState() { _tile_release(); }
  AmxState(const AmxState&) = delete;
  AmxState& operator=(const AmxState&) = delete;
};

/// Rows lie `step` bytes apart.
template <int Tile>
[[gnu::always_inline]] inline void amx_load(const void* from, std::ptrdiff_t step) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(step), "i"(Tile) : "memory");
}
/// The same for what will not be read again soon: it does not displace others from the first-level cache.
template <int Tile>
[[gnu::always_inline]] inline void amx_load_once(const void* from, std::ptrdiff_t step) {
  asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(step), "i"(Tile) : "memory");
}
template <int Tile>
[[gnu::always_inline]] inline void amx_store(void* to, std::ptrdiff_t step) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(step), "i"(Tile) : "memory");
}
template <int Tile>
[[gnu::always_inline]] inline void amx_zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}

/// Sums[m][n] += A[m][4k + i] * B[k][4n + i] for all k and i < 4, of int8 into int32.
template <int Sums, int A, int B>
[[gnu::always_inline]] inline void amx_multiply_int8() {
  asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sums), "i"(A), "i"(B));
}

/// Sums[m][n] += A[m][2k] * B[k][2n] + A[m][2k + 1] * B[k][2n + 1] for all k, of FP16 into FP32: Granite Rapids on.
/// (`tdpfp16ps`, in bytes because assemblers before 2023 do not know it.)
template <int Sums, int A, int B>
[[gnu::always_inline]] inline void amx_multiply_fp16() {
  constexpr int kSecond = 0x03 | (~B & 15) << 3;
  constexpr int kFirst = 0xc0 | Sums << 3 | A;
  asm volatile(".byte 0xc4, 0xe2, %c0, 0x5c, %c1" ::"i"(kSecond), "i"(kFirst));
}

}  // namespace
}  // namespace covey
