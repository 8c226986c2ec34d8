// What the KV cache holds, by KvType: how keys and values are written, and how they are read back as F32.
//
// Keys lie in tiles of 16 tokens, dimension by dimension: lanes are tokens, and a score needs no sum over lanes.
// Values lie in rows, padded with zeros to a multiple of 16: lanes are dimensions.
//
//   keys, F32 and F16:    | x[0] of tokens 0 … 15 | x[1] of tokens 0 … 15 | …
//   keys, Q8_0:           | d: 16 fp16 | q[0] of tokens 0 … 15 | … | q[31] … | …    544 bytes for 32 dimensions
//   values, F32 and F16:  | x[0] | x[1] | …
//   values, Q8_0:         | d: fp16 | q[0] … q[31] | …                               34 bytes for 32
//
// In Q8_0, x[i] = d * q[i].
#pragma once

#include <cstring>

#include "kernels/cpu/elementwise.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/half.hpp"

namespace covey {

struct F32Numbers {
  static constexpr std::size_t kBytes = 4;

  template <class Isa>
  static typename Isa::Floats load(const std::byte* from) noexcept {
    return Isa::load_f32(from);
  }
  template <class Isa>
  static void store(const typename Isa::Floats& lanes, std::byte* to) noexcept {
    float numbers[16];
    lanes.store(numbers);
    std::memcpy(to, numbers, sizeof(numbers));
  }
};

struct F16Numbers {
  static constexpr std::size_t kBytes = 2;

  template <class Isa>
  static typename Isa::Floats load(const std::byte* from) noexcept {
    return Isa::load_f16(from);
  }
  template <class Isa>
  static void store(const typename Isa::Floats& lanes, std::byte* to) noexcept {
    Isa::store_f16(lanes, to);
  }
};

template <class Isa, class Numbers>
struct PlainRows {
  using Floats = typename Isa::Floats;
  static constexpr std::ptrdiff_t kBytes = Numbers::kBytes;

  static std::size_t key_tile_bytes(std::int32_t head_dim) noexcept {
    return static_cast<std::size_t>(head_dim) * 16 * kBytes;
  }
  static std::size_t value_row_bytes(std::int32_t head_dim) noexcept {
    return (static_cast<std::size_t>(head_dim) + 15) / 16 * 16 * kBytes;
  }

  /// in: (head_dim), into lane `lane` of a tile.
  static void store_key(const float* in, std::int32_t head_dim, std::byte* tile, std::int32_t lane) noexcept {
    std::byte* to = tile + lane * kBytes;
    for (std::int32_t d = 0; d < head_dim; d += 16) {
      std::byte numbers[16 * kBytes];
      Numbers::template store<Isa>(load(in, d, head_dim), numbers);
      const std::int32_t n = head_dim - d < 16 ? head_dim - d : 16;
      for (std::int32_t i = 0; i < n; ++i, to += 16 * kBytes) std::memcpy(to, numbers + i * kBytes, kBytes);
    }
  }

  static void store_value(const float* in, std::int32_t head_dim, std::byte* rows, std::int32_t row) noexcept {
    std::byte* const to = rows + static_cast<std::size_t>(row) * value_row_bytes(head_dim);
    for (std::int32_t d = 0; d < head_dim; d += 16) {
      Numbers::template store<Isa>(load(in, d, head_dim), to + d * kBytes);
    }
  }

  /// A tile's keys, 16 tokens' next dimension at a time.
  struct KeyReader {
    const std::byte* at;

    Floats next() noexcept {
      const Floats keys = Numbers::template load<Isa>(at);
      at += 16 * kBytes;
      return keys;
    }
  };
  static KeyReader read_keys(const std::byte* tile) noexcept { return {tile}; }

  /// Dimensions d to d + 16 of a row, d a multiple of 16.
  static Floats value(const std::byte* row, std::int32_t d) noexcept {
    return Numbers::template load<Isa>(row + d * kBytes);
  }

 private:
  static Floats load(const float* in, std::int32_t d, std::int32_t head_dim) noexcept {
    return d + 16 <= head_dim ? Floats::load(in + d) : Floats::load_first(in + d, head_dim - d);
  }
};

/// out: (head_dim, 16)
template <class Rows>
void load_keys(const std::byte* tile, std::int32_t head_dim, float* out) noexcept {
  auto keys = Rows::read_keys(tile);
  for (std::int32_t d = 0; d < head_dim; ++d, out += 16) keys.next().store(out);
}

/// out: (padded_head_dim(head_dim))
template <class Rows>
void load_value(const std::byte* row, std::int32_t head_dim, float* out) noexcept {
  for (std::int32_t d = 0; d < head_dim; d += 16) Rows::value(row, d).store(out + d);
}

template <class Isa>
using F32Rows = PlainRows<Isa, F32Numbers>;
template <class Isa>
using F16Rows = PlainRows<Isa, F16Numbers>;

template <class Isa>
struct Q8Rows {
  using Floats = typename Isa::Floats;
  static constexpr std::ptrdiff_t kBytes = 1;  // of a number, without its scale
  static constexpr std::ptrdiff_t kKeyBlock = 16 * 34;
  static constexpr std::ptrdiff_t kValueBlock = 34;

  static std::size_t key_tile_bytes(std::int32_t head_dim) noexcept {
    return static_cast<std::size_t>(head_dim / 32) * kKeyBlock;
  }
  static std::size_t value_row_bytes(std::int32_t head_dim) noexcept {
    return static_cast<std::size_t>(head_dim / 32) * kValueBlock;
  }

  static void store_key(const float* in, std::int32_t head_dim, std::byte* tile, std::int32_t lane) noexcept {
    for (std::int32_t d = 0; d < head_dim; d += 32, tile += kKeyBlock) {
      std::int8_t q[32];
      std::int16_t sums[2];
      store_u16(f32_to_fp16(quantize_block<Isa, 32>(in + d, q, sums)), tile + 2 * lane);
      for (std::ptrdiff_t i = 0; i < 32; ++i) tile[32 + 16 * i + lane] = static_cast<std::byte>(q[i]);
    }
  }

  static void store_value(const float* in, std::int32_t head_dim, std::byte* rows, std::int32_t row) noexcept {
    std::byte* to = rows + static_cast<std::size_t>(row) * value_row_bytes(head_dim);
    for (std::int32_t d = 0; d < head_dim; d += 32, to += kValueBlock) {
      std::int8_t q[32];
      std::int16_t sums[2];
      store_u16(f32_to_fp16(quantize_block<Isa, 32>(in + d, q, sums)), to);
      std::memcpy(to + 2, q, sizeof(q));
    }
  }

  struct KeyReader {
    const std::byte* at;
    std::int32_t left;  // of the block
    Floats scales;

    Floats next() noexcept {
      if (left == 0) {
        scales = Isa::load_f16(at);
        at += 32;
        left = 32;
      }
      const Floats keys = floats_of<Floats>(Isa::load_i8(at)) * scales;
      at += 16;
      --left;
      return keys;
    }
  };
  static KeyReader read_keys(const std::byte* tile) noexcept { return {tile, 0, Floats::splat(0.0F)}; }

  static Floats value(const std::byte* row, std::int32_t d) noexcept {
    const std::byte* block = row + d / 32 * kValueBlock;
    return floats_of<Floats>(Isa::load_i8(block + 2 + d % 32)) * Floats::splat(Isa::f16_at(block));
  }
};

}  // namespace covey
