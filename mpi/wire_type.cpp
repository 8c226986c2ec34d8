#include "mpi/wire_type.hpp"

#include <algorithm>
#include <array>

#include "covey/error.hpp"
#include "kernels/cpu/isa.hpp"

namespace covey {

namespace {

constexpr std::array<std::string_view, 3> kWireNames{"f32", "f16", "int8"};
constexpr std::size_t kScaleBytes = 2;

std::size_t tail_of(std::size_t values) { return values % kWireBlock; }
std::int64_t whole_blocks(std::size_t values) { return static_cast<std::int64_t>(values - tail_of(values)); }

void to_blocks(std::span<float> values, std::span<float> lost, std::byte* out) {
  const std::int64_t whole = whole_blocks(values.size());
  host_isa().to_q8(values.data(), lost.empty() ? nullptr : lost.data(), whole, out);
  if (tail_of(values.size()) == 0) return;
  // The last block is filled up with zeros, which stay behind.
  const std::span<float> rest = values.subspan(static_cast<std::size_t>(whole));
  std::array<float, kWireBlock> block{}, block_lost{};
  std::array<std::byte, kScaleBytes + kWireBlock> bytes;
  std::ranges::copy(rest, block.begin());
  host_isa().to_q8(block.data(), block_lost.data(), kWireBlock, bytes.data());
  std::copy_n(bytes.begin(), kScaleBytes + rest.size(),
              out + wire_bytes(WireType::int8, static_cast<std::size_t>(whole)));
  std::copy_n(block.begin(), rest.size(), rest.begin());
  if (lost.empty()) return;
  for (std::size_t i = 0; i < rest.size(); ++i) lost[static_cast<std::size_t>(whole) + i] += block_lost[i];
}

void from_blocks(const std::byte* in, std::span<float> values) {
  const std::int64_t whole = whole_blocks(values.size());
  host_isa().from_q8(in, whole, values.data());
  if (tail_of(values.size()) == 0) return;
  const std::span<float> rest = values.subspan(static_cast<std::size_t>(whole));
  std::array<float, kWireBlock> block;
  std::array<std::byte, kScaleBytes + kWireBlock> bytes{};
  std::copy_n(in + wire_bytes(WireType::int8, static_cast<std::size_t>(whole)), kScaleBytes + rest.size(),
              bytes.begin());
  host_isa().from_q8(bytes.data(), kWireBlock, block.data());
  std::copy_n(block.begin(), rest.size(), rest.begin());
}

void check_sizes(WireType type, std::size_t values, std::size_t bytes) {
  if (bytes != wire_bytes(type, values)) throw Error("wire: bytes and values don't belong together");
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

void round_for_wire(WireType type, std::span<float> values, std::span<float> lost, std::span<std::byte> bytes) {
  check_sizes(type, values.size(), bytes.size());
  if (type == WireType::int8) return to_blocks(values, lost, bytes.data());
  to_wire(type, values, bytes);
  if (type == WireType::f32) return;
  constexpr std::size_t kRun = 512;
  std::array<float, kRun> read;
  for (std::size_t first = 0; first < values.size(); first += kRun) {
    const std::span<float> run = values.subspan(first, std::min(kRun, values.size() - first));
    from_wire(type, bytes.subspan(wire_bytes(type, first), wire_bytes(type, run.size())),
              std::span(read).first(run.size()));
    for (std::size_t i = 0; i < run.size() && !lost.empty(); ++i) lost[first + i] += run[i] - read[i];
    std::copy_n(read.begin(), run.size(), run.begin());
  }
}

void to_wire(WireType type, std::span<const float> values, std::span<std::byte> bytes) {
  check_sizes(type, values.size(), bytes.size());
  if (type == WireType::f32) {
    std::ranges::copy(std::as_bytes(values), bytes.begin());
  } else if (type == WireType::f16) {
    host_isa().to_f16(values.data(), static_cast<std::int64_t>(values.size()), bytes.data());
  } else {
    constexpr std::size_t kRun = 16 * kWireBlock;
    std::array<float, kRun> copy;
    for (std::size_t first = 0; first < values.size(); first += kRun) {
      const std::span<float> run = std::span(copy).first(std::min(kRun, values.size() - first));
      std::ranges::copy(values.subspan(first, run.size()), run.begin());
      to_blocks(run, {}, bytes.data() + wire_bytes(type, first));
    }
  }
}

void from_wire(WireType type, std::span<const std::byte> bytes, std::span<float> values) {
  check_sizes(type, values.size(), bytes.size());
  if (type == WireType::f32) {
    std::ranges::copy(bytes, std::as_writable_bytes(values).begin());
  } else if (type == WireType::f16) {
    host_isa().from_f16(bytes.data(), static_cast<std::int64_t>(values.size()), values.data());
  } else {
    from_blocks(bytes.data(), values);
  }
}

}  // namespace covey
