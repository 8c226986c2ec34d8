#include "mpi/wire_type.hpp"

#include <algorithm>
#include <array>
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

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    const float magnitude = std::fabs(value);
    if (!(magnitude <= largest)) largest = magnitude;  // no number wins, and stays
    if (std::isnan(magnitude)) break;
  }
  return largest;
}

void to_block(std::span<const float> values, std::byte* out) {
  const float largest = largest_magnitude(values);
  const bool usable = largest <= kLargestHalf * 127.0F;
  const std::uint16_t scale = f32_to_fp16(usable ? largest / 127.0F : std::numeric_limits<float>::quiet_NaN());
  store_u16(scale, out);
  const float read = fp16_to_f32(scale);
  const float inverse = usable && read > 0 ? 1.0F / read : 0.0F;
  std::array<std::int8_t, kWireBlock> codes{};
  // The scale is rounded too: the largest value may come out just beyond 127 of it.
  for (std::size_t i = 0; i < values.size(); ++i) {
    codes[i] = static_cast<std::int8_t>(round_near(clamp_to(values[i] * inverse, -127.0F, 127.0F)));
  }
  std::memcpy(out + kScaleBytes, codes.data(), values.size());
}

void from_block(const std::byte* in, std::span<float> values) {
  const float scale = fp16_to_f32(load_u16(in));
  std::array<std::int8_t, kWireBlock> codes{};
  std::memcpy(codes.data(), in + kScaleBytes, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * static_cast<float>(codes[i]);
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
    std::byte* out = bytes.data();
    for (std::size_t i = 0; i < values.size(); i += kWireBlock, out += kScaleBytes + kWireBlock) {
      to_block(values.subspan(i, std::min(kWireBlock, values.size() - i)), out);
    }
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
    for (std::size_t i = 0; i < values.size(); i += kWireBlock, in += kScaleBytes + kWireBlock) {
      from_block(in, values.subspan(i, std::min(kWireBlock, values.size() - i)));
    }
  }
}

}  // namespace covey
