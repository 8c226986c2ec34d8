// Rows of the KV cache, by KvType: how they are written, and how 16 elements are read.
//
//   F32:   | x0 | x1 | …                 4 bytes each
//   F16:   | x0 | x1 | …                 2 bytes each
//   Q8_0:  | d: fp16 | q0 … q31 | …      34 bytes for 32, x[i] = d * q[i]; whole blocks only
#pragma once

#include <cstring>

#include "kernels/cpu/elementwise.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/half.hpp"

namespace covey {

struct F32Rows {
  static constexpr std::size_t row_bytes(std::int32_t head_dim) { return static_cast<std::size_t>(head_dim) * 4; }

  template <class Isa>
  static void store(const float* in, std::int32_t head_dim, std::byte* out) noexcept {
    std::memcpy(out, in, row_bytes(head_dim));
  }

  /// Elements d to d + n, 0 < n <= 16; lanes past them are zero.
  template <class Isa>
  static typename Isa::Floats load(const std::byte* row, std::int32_t d, std::int32_t n) noexcept {
    const std::byte* at = row + std::size_t{4} * static_cast<std::size_t>(d);
    if (n == 16) return Isa::load_f32(at);
    std::byte first[64] = {};
    std::memcpy(first, at, std::size_t{4} * static_cast<std::size_t>(n));
    return Isa::load_f32(first);
  }
};

struct F16Rows {
  static constexpr std::size_t row_bytes(std::int32_t head_dim) { return static_cast<std::size_t>(head_dim) * 2; }

  template <class Isa>
  static void store(const float* in, std::int32_t head_dim, std::byte* out) noexcept {
    using Floats = typename Isa::Floats;
    std::int32_t d = 0;
    for (; d + 16 <= head_dim; d += 16) Isa::store_f16(Floats::load(in + d), out + row_bytes(d));
    if (d < head_dim) {
      std::byte last[32];
      Isa::store_f16(Floats::load_first(in + d, head_dim - d), last);
      std::memcpy(out + row_bytes(d), last, row_bytes(head_dim - d));
    }
  }

  template <class Isa>
  static typename Isa::Floats load(const std::byte* row, std::int32_t d, std::int32_t n) noexcept {
    const std::byte* at = row + row_bytes(d);
    if (n == 16) return Isa::load_f16(at);
    std::byte first[32] = {};
    std::memcpy(first, at, row_bytes(n));
    return Isa::load_f16(first);
  }
};

struct Q8Rows {
  static constexpr std::size_t kBlockBytes = 34;
  static constexpr std::size_t row_bytes(std::int32_t head_dim) {
    return static_cast<std::size_t>(head_dim / 32) * kBlockBytes;
  }

  template <class Isa>
  static void store(const float* in, std::int32_t head_dim, std::byte* out) noexcept {
    for (std::int32_t d = 0; d < head_dim; d += 32, out += kBlockBytes) {
      std::int8_t q[32];
      std::int32_t sum = 0;
      store_u16(f32_to_fp16(quantize_block<Isa>(in + d, q, sum)), out);
      std::memcpy(out + 2, q, sizeof(q));
    }
  }

  /// n is always 16 here.
  template <class Isa>
  static typename Isa::Floats load(const std::byte* row, std::int32_t d, std::int32_t) noexcept {
    const std::byte* block = row + row_bytes(d);
    return Isa::load_i8(block + 2 + d % 32) * Isa::Floats::splat(Isa::f16_at(block));
  }
};

}  // namespace covey
