#include "mpi/wire_type.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "covey/error.hpp"
#include "kernels/half.hpp"
#include "kernels/quant/rounding.hpp"

namespace covey {

namespace {

constexpr std::array<std::string_view, 3> kWireNames{"f32", "f16", "int8"};
constexpr std::size_t kScaleBytes = 2;
constexpr float kLargestHalf = 65504.0F;

void to_halves(std::span<const float> values, std::byte* out) {
  for (const float value : values) {
    // Clamped, unless it is no number.
    const float fits = std::isnan(value) ? value : std::clamp(value, -kLargestHalf, kLargestHalf);
    store_u16(f32_to_fp16(fits), out);
    out += sizeof(std::uint16_t);
  }
}

using Block = std::array<float, kWireBlock>;
using FourInts [[gnu::vector_size(16)]] = std::int32_t;
using FourBytes [[gnu::vector_size(4)]] = std::int8_t;

// As integers the bits of floats without their signs are in the same order as magnitudes; no number is the largest.
float largest_magnitude(const Block& values) {
  FourInts largest{};
  for (std::size_t i = 0; i < kWireBlock; i += 4) {
    const FourInts bits = std::bit_cast<FourInts>(load_four(&values[i])) & 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  return std::bit_cast<float>(std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3])));
}

void to_block(const Block& values, std::size_t used, std::byte* out) {
  const float largest = largest_magnitude(values);
  const bool usable = largest <= kLargestHalf * 127.0F;
  const std::uint16_t scale = f32_to_fp16(usable ? largest / 127.0F : std::numeric_limits<float>::quiet_NaN());
  store_u16(scale, out);
  const float read = fp16_to_f32(scale);
  const FourFloats inverse = splat_four(usable && read > 0 ? 1.0F / read : 0.0F);
  std::array<std::byte, kWireBlock> codes;
  for (std::size_t i = 0; i < kWireBlock; i += 4) {
    // The scale is rounded too: the largest value may come out just beyond 127 of it.
    const FourFloats near = round_near(clamp_to(load_four(&values[i]) * inverse, -127.0F, 127.0F));
    const auto bytes = __builtin_convertvector(__builtin_convertvector(near, FourInts), FourBytes);
    std::memcpy(&codes[i], &bytes, sizeof(bytes));
  }
  std::memcpy(out + kScaleBytes, codes.data(), used);
}

void from_block(const std::byte* in, std::size_t used, Block& values) {
  const FourFloats scale = splat_four(fp16_to_f32(load_u16(in)));
  std::array<std::byte, kWireBlock> codes{};
  std::memcpy(codes.data(), in + kScaleBytes, used);
  for (std::size_t i = 0; i < kWireBlock; i += 4) {
    FourBytes bytes;
    std::memcpy(&bytes, &codes[i], sizeof(bytes));
    const FourFloats four = scale * __builtin_convertvector(bytes, FourFloats);
    std::memcpy(&values[i], &four, sizeof(four));
  }
}

void to_blocks(std::span<const float> values, std::byte* out) {
  Block block{};
  for (; values.size() >= kWireBlock; values = values.subspan(kWireBlock), out += kScaleBytes + kWireBlock) {
    std::memcpy(block.data(), values.data(), sizeof(block));
    to_block(block, kWireBlock, out);
  }
  if (values.empty()) return;
  block = {};
  std::ranges::copy(values, block.begin());
  to_block(block, values.size(), out);
}

void from_blocks(const std::byte* in, std::span<float> values) {
  Block block;
  for (; values.size() >= kWireBlock; values = values.subspan(kWireBlock), in += kScaleBytes + kWireBlock) {
    from_block(in, kWireBlock, block);
    std::memcpy(values.data(), block.data(), sizeof(block));
  }
  if (values.empty()) return;
  from_block(in, values.size(), block);
  std::copy_n(block.begin(), values.size(), values.begin());
}

}  // namespace

std::vector<std::string> wire_names() { return {kWireNames.begin(), kWireNames.end()}; }

std::string_view wire_name(WireType type) { return kWireNames.at(static_cast<std::size_t>(type)); }

WireType find_wire(std::string_view name) {
  const auto* const found = std::ranges::find(kWireNames, name);
  if (found == kWireNames.end()) {
    throw Error("--wire: there is no type '" + std::string(name) + "': choose f32, f16 or int8");
  }
  return static_cast<WireType>(found - kWireNames.begin());
}

std::size_t wire_bytes(WireType type, std::size_t values) {
  switch (type) {
    case WireType::f32:
      return values * sizeof(float);
    case WireType::f16:
      return values * sizeof(std::uint16_t);
    case WireType::int8:
      break;
  }
  return values + kScaleBytes * ((values + kWireBlock - 1) / kWireBlock);
}

void to_wire(WireType type, std::span<const float> values, std::span<std::byte> bytes) {
  if (bytes.size() != wire_bytes(type, values.size())) throw Error("wire: bytes and values don't belong together");
  if (type == WireType::f32) {
    std::ranges::copy(std::as_bytes(values), bytes.begin());
  } else if (type == WireType::f16) {
    to_halves(values, bytes.data());
  } else {
    to_blocks(values, bytes.data());
  }
}

void from_wire(WireType type, std::span<const std::byte> bytes, std::span<float> values) {
  if (bytes.size() != wire_bytes(type, values.size())) throw Error("wire: bytes and values don't belong together");
  const std::byte* in = bytes.data();
  if (type == WireType::f32) {
    std::ranges::copy(bytes, std::as_writable_bytes(values).begin());
  } else if (type == WireType::f16) {
    for (float& value : values) {
      value = fp16_to_f32(load_u16(in));
      in += sizeof(std::uint16_t);
    }
  } else {
    from_blocks(in, values);
  }
}

}  // namespace covey
