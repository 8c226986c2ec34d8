// The likeliest tokens of rows of logits, on the Vulkan device.
#include <algorithm>
#include <bit>
#include <cassert>

#include "kernels/shortlist.hpp"
#include "kernels/vulkan/gpu_device.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kMostEntries = 1024;  // that a workgroup sorts: as in shaders/shortlist.comp

}  // namespace

// In rounds: of parts of each row, then of what was found in several of them, until a row has one.
std::span<const float> GpuDevice::shortlist(Slot slot, std::int32_t count) {
  assert(count >= 1 && count <= std::min(kMostShortlisted, slots_.width(slot)));
  assert(slots_.width(slot) <= kMostShortlistedFrom);
  const auto rows = static_cast<std::uint32_t>(slots_.rows(slot)), keep = static_cast<std::uint32_t>(count);
  VulkanBinding in = slots_.read(slot);
  if (rows == 0) {
    recorder_.finish();
    return {};
  }
  const std::size_t row_bytes = static_cast<std::size_t>(shortlist_width(count)) * sizeof(float);
  auto values = static_cast<std::uint32_t>(slots_.width(slot));
  std::uint32_t of_part = kMostEntries, round = 0;
  do {
    const std::uint32_t parts = (values + of_part - 1) / of_part, entries = std::min(values, of_part);
    const std::uint32_t sorted = std::bit_ceil(round == 0 ? entries : entries * keep);
    const VulkanBinding bindings[] = {in, {room(shortlists_[round % 2], row_bytes * rows * parts), true}};
    const std::uint32_t push[] = {rows * parts, parts, values, of_part, keep, round == 0 ? 0U : 1U, sorted};
    run(for_lanes("shortlist"), bindings, push, {rows * parts, 1});
    in = {bindings[1].range, false};
    values = parts;
    of_part = kMostEntries / keep;
    ++round;
  } while (values > 1);
  return download(in.range.part(0, row_bytes * rows));
}

std::span<const float> GpuDevice::download(const VulkanRange& from) {
  const std::byte* host = from.host;
  if (host == nullptr) {
    if (!downloaded_ || downloaded_.range().size < from.size) {
      downloaded_.reset();
      downloaded_ = memory_.allocate(VulkanMemoryKind::download, from.size, "what comes from the device");
    }
    recorder_.copy(from, downloaded_.range().part(0, from.size));
    host = downloaded_.range().host;
  }
  recorder_.finish();
  return {reinterpret_cast<const float*>(host), static_cast<std::size_t>(from.size) / sizeof(float)};
}

}  // namespace covey
