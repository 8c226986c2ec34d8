// What instruction sets of x86-64 share: 16 bytes.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace covey {
namespace {

inline __m128i load16(const std::byte* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

/// Of 16 signed bytes.
inline std::int32_t sum_bytes(__m128i bytes) {
  // Sums of absolute differences are of unsigned bytes.
  const __m128i two = _mm_sad_epu8(_mm_xor_si128(bytes, _mm_set1_epi8(-128)), _mm_setzero_si128());
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_unpackhi_epi64(two, two))) - 16 * 128;
}

}  // namespace
}  // namespace covey
