// How an F16 cache lies for AMX: in pairs of numbers that its tiles multiply and add, so that a tile is loaded as it
// lies.
//
//   keys, 16 tokens:   | x[0] x[1] of token 0 | … of token 15 | x[2] x[3] of token 0 | …      a tile: 32 dimensions
//   values, 2 tokens:  | x[0] of both | x[1] of both | …                                      a tile: 32 tokens, 16
//   x[i]
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace covey {
namespace {

/// head_dim is a multiple of 32, the tokens of a block are even.
struct AmxPairs {
  static constexpr std::ptrdiff_t kKeyPairs = 64;  // bytes of two dimensions of 16 tokens

  static std::ptrdiff_t key_tile_bytes(std::int32_t head_dim) { return std::ptrdiff_t{head_dim} / 2 * kKeyPairs; }
  /// Of two tokens.
  static std::ptrdiff_t value_bytes(std::int32_t head_dim) { return std::ptrdiff_t{head_dim} * 4; }

  static void store_key(const float* in, std::int32_t head_dim, std::byte* tile, std::int32_t lane) noexcept {
    std::byte* to = tile + std::ptrdiff_t{lane} * 4;
    for (std::int32_t d = 0; d < head_dim; d += 16) {
      alignas(32) std::uint32_t pairs[8];
      _mm256_store_si256(reinterpret_cast<__m256i*>(pairs), to_fp16(_mm512_loadu_ps(in + d)));
      for (const std::uint32_t pair : pairs) {
        std::memcpy(to, &pair, sizeof(pair));
        to += kKeyPairs;
      }
    }
  }

  static void store_value(const float* in, std::int32_t head_dim, std::byte* rows, std::int32_t row) noexcept {
    std::byte* const to = rows + row / 2 * value_bytes(head_dim);
    const bool second = row % 2 != 0;
    for (std::ptrdiff_t d = 0; d < head_dim; d += 16) {
      const __m512i numbers = _mm512_cvtepu16_epi32(to_fp16(_mm512_loadu_ps(in + d)));
      _mm512_mask_storeu_epi16(to + 4 * d, second ? 0xaaaaaaaaU : 0x55555555U,
                               second ? _mm512_slli_epi32(numbers, 16) : numbers);
    }
  }

  static __m256i to_fp16(__m512 numbers) { return _mm512_cvtps_ph(numbers, _MM_FROUND_TO_NEAREST_INT); }
};

}  // namespace
}  // namespace covey
