// The KV cache and attention of the Vulkan device.
#include <algorithm>
#include <bit>
#include <cassert>
#include <string>

#include "covey/error.hpp"
#include "kernels/vulkan/gpu_device.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kSpanPositions = 256;      // as in shaders/attend.comp
constexpr std::uint32_t kMostHeadDims = 1024;      // likewise
constexpr std::uint32_t kTileTokensOfPrompt = 16;  // as in shaders/attend_prefill.comp
// Workgroups that keep a large GPU busy: with fewer, spans of a sequence are taken by workgroups of their own.
constexpr std::uint32_t kBusy = 512;
// What they leave for the shader that joins them lies in memory.
constexpr std::size_t kMostSpanBytes = std::size_t{64} << 20;

}  // namespace

void GpuDevice::store_kv(std::int32_t layer, Slot k, Slot v) {
  const KvLayout& layout = kv_.layout();
  const std::int32_t width = layout.kv_heads * layout.head_dim;
  assert(slots_.width(k) == width && slots_.width(v) == width);
  const VulkanBinding keys = slots_.read(k), values = slots_.read(v);
  if (width == 0 || batch_.size() == 0) return;
  assert(static_cast<std::size_t>(slots_.rows(k)) == batch_.size() && slots_.rows(v) == slots_.rows(k));
  const VulkanBinding bindings[] = {
      keys, values, {kv_.keys(layer), true}, {kv_.values(layer), true}, {batch_memory_.memory.range(), false}};
  const std::uint32_t heads = static_cast<std::uint32_t>(layout.kv_heads);
  const std::uint32_t parts = layout.type == KvType::q8_0 ? kv_.quads() / 8 : kv_.quads();
  const std::uint32_t count = tokens() * heads * parts;
  const std::uint32_t push[] = {count,
                                heads,
                                static_cast<std::uint32_t>(layout.head_dim),
                                kv_.quads(),
                                static_cast<std::uint32_t>(layout.block_tokens),
                                kv_.head_words(),
                                words_.places};
  run("store_kv_" + std::to_string(kv_.quad_words()), bindings, push, each(count));
}

void GpuDevice::attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) {
  assert(q != out && slots_.width(q) == spec.heads * spec.head_dim && slots_.width(out) == slots_.width(q));
  assert(spec.heads == 0 || static_cast<std::size_t>(slots_.rows(q)) == batch_.size());
  assert(spec.heads == 0 || (spec.kv_heads == kv_.layout().kv_heads && spec.head_dim == kv_.layout().head_dim));
  const VulkanBinding queries = slots_.read(q);
  const VulkanBinding to = slots_.overwrite(out, static_cast<std::int32_t>(batch_.size()));
  if (slots_.count(out) == 0) return;
  const auto head_dim = static_cast<std::uint32_t>(spec.head_dim);
  if (head_dim > kMostHeadDims) {
    throw Error("a Vulkan device computes attention for heads of up to " + std::to_string(kMostHeadDims) +
                " dimensions, not " + std::to_string(head_dim));
  }
  const auto heads = static_cast<std::uint32_t>(spec.heads);
  const auto window = static_cast<std::uint32_t>(spec.window);
  const std::uint32_t rows = tokens() * heads;
  const auto last = static_cast<std::uint32_t>(*std::max_element(batch_.position.begin(), batch_.position.end()));
  const std::uint32_t spans = last / kSpanPositions + 1;
  const std::size_t span_bytes = std::size_t{rows} * spans * (head_dim + 2) * sizeof(float);
  // One piece of one prompt: neighbours share what they read.
  const bool tiled = batch_.prompt && tokens() >= kTileTokensOfPrompt / 2;
  const bool split = !tiled && spans > 1 && rows < kBusy && span_bytes <= kMostSpanBytes;

  const VulkanBinding parts = split ? VulkanBinding{room(spans_, span_bytes), true} : to;
  const VulkanBinding batch{batch_memory_.memory.range(), false};
  const VulkanBinding bindings[] = {queries, {kv_.keys(layer), false}, {kv_.values(layer), false}, batch, parts};
  const std::uint32_t push[] = {tokens(),
                                heads,
                                static_cast<std::uint32_t>(spec.kv_heads),
                                head_dim,
                                kv_.quads(),
                                static_cast<std::uint32_t>(spec.group),
                                static_cast<std::uint32_t>(spec.first_query),
                                std::bit_cast<std::uint32_t>(spec.scale),
                                std::bit_cast<std::uint32_t>(spec.softcap),
                                window,
                                static_cast<std::uint32_t>(kv_.layout().block_tokens),
                                kv_.head_words(),
                                words_.tables,
                                spans};
  const std::uint32_t constants[] = {(head_dim + 63) / 64, split ? 1U : 0U};
  if (tiled) {
    const std::uint32_t tiles = (tokens() + kTileTokensOfPrompt - 1) / kTileTokensOfPrompt;
    run("attend_prefill_" + std::to_string(kv_.quad_words()), bindings, std::span(push).first(13), {tiles * heads, 1},
        std::span(constants).first(1));
    return;
  }
  run(for_lanes("attend_" + std::to_string(kv_.quad_words())), bindings, push, {rows, split ? spans : 1}, constants);
  if (!split) return;
  const VulkanBinding joining[] = {{parts.range, false}, batch, to};
  const std::uint32_t join[] = {tokens(), heads, head_dim, window, spans};
  run("attend_join", joining, join, {rows, 1});
}

}  // namespace covey
