#include "kernels/cpu/kv_store.hpp"

#include <cassert>
#include <cstring>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

void check(const KvLayout& layout) {
  if (layout.layers < 0 || layout.kv_heads < 0 || layout.head_dim < 0 || layout.blocks < 0 || layout.block_tokens < 0) {
    throw Error("a KV cache of negative size cannot be");
  }
  if (layout.type == KvType::q8_0 && layout.head_dim % 32 != 0) {
    throw Error("a Q8_0 KV cache needs a head dimension that is a multiple of 32, and here it is " +
                std::to_string(layout.head_dim) + ": use an F16 KV cache");
  }
  // Places and blocks are numbered with 32 bits.
  if (std::int64_t{layout.blocks} * layout.block_tokens > INT32_MAX) {
    throw Error("a KV cache of " + std::to_string(layout.blocks) + " blocks of " + std::to_string(layout.block_tokens) +
                " tokens is too large: use a shorter context");
  }
}

// One head's keys and values in one layer of a block.
struct HeadBytes {
  std::size_t keys;
  std::size_t all;
};

HeadBytes head_bytes(const KvLayout& layout) {
  const auto tokens = static_cast<std::size_t>(layout.block_tokens);
  const std::size_t tiles = (tokens + kKeyTileTokens - 1) / kKeyTileTokens;
  const std::size_t keys[] = {tiles, key_tile_bytes(layout.type, layout.head_dim)};
  const std::size_t values[] = {tokens, value_row_bytes(layout.type, layout.head_dim)};
  const char* const purpose = "a block of the KV cache";
  const std::size_t parts[] = {checked_product(keys, purpose), checked_product(values, purpose)};
  // Each is below 2^31 * 2^31 * 8.
  return {parts[0], parts[0] + parts[1]};
}

}  // namespace

std::size_t key_tile_bytes(KvType type, std::int32_t head_dim) {
  return kKeyTileTokens * (type == KvType::q8_0 ? value_row_bytes(type, head_dim)
                                                : static_cast<std::size_t>(head_dim) * (type == KvType::f32 ? 4 : 2));
}

std::size_t value_row_bytes(KvType type, std::int32_t head_dim) {
  const auto elements = (static_cast<std::size_t>(head_dim) + 15) / 16 * 16;
  switch (type) {
    case KvType::f32:
      return elements * 4;
    case KvType::f16:
      return elements * 2;
    case KvType::q8_0:
      return elements / 32 * 34;
  }
  return 0;
}

std::size_t kv_block_bytes(const KvLayout& layout) {
  check(layout);
  const std::size_t factors[] = {static_cast<std::size_t>(layout.layers), static_cast<std::size_t>(layout.kv_heads),
                                 head_bytes(layout).all};
  return checked_product(factors, "a block of the KV cache");
}

KvStore::KvStore(const KvLayout& layout, std::int32_t log2_group) : layout_(layout) {
  assert(log2_group >= 0 && log2_group < 16);
  const std::size_t group[] = {kv_block_bytes(layout), std::size_t{1} << log2_group};
  tile_bytes_ = key_tile_bytes(layout.type, layout.head_dim);
  keys_bytes_ = head_bytes(layout).keys;
  steps_ = {head_bytes(layout).all, checked_product(group, "the KV cache"), log2_group};
  const std::size_t blocks = static_cast<std::size_t>(layout.blocks) + (std::size_t{1} << log2_group) - 1;
  const std::size_t factors[] = {blocks >> log2_group, steps_.group};
  memory_ = AlignedBuffer(checked_product(factors, "the KV cache"), "the KV cache");
}

std::size_t KvStore::head_offset(std::int32_t layer, std::int32_t head) const noexcept {
  assert(layer >= 0 && layer < layout_.layers);
  assert(head >= 0 && head < layout_.kv_heads);
  return (static_cast<std::size_t>(layer) * static_cast<std::size_t>(layout_.kv_heads) +
          static_cast<std::size_t>(head)) *
         (steps_.block << steps_.log2_group);
}

void KvStore::store(std::int32_t layer, std::int32_t place, const float* k, const float* v,
                    const IsaTable& isa) noexcept {
  const KvKernels& kernels = kv_kernels(isa, layout_);
  const std::int32_t block = place / layout_.block_tokens;
  const std::int32_t offset = place % layout_.block_tokens;
  assert(block >= 0 && block < layout_.blocks);
  std::byte* const start = memory_.data() + steps_.to(block);
  for (std::int32_t head = 0; head < layout_.kv_heads; ++head) {
    std::byte* const keys = start + head_offset(layer, head);
    const std::size_t in = static_cast<std::size_t>(head) * static_cast<std::size_t>(layout_.head_dim);
    kernels.store_key(k + in, layout_.head_dim, keys + static_cast<std::size_t>(offset / kKeyTileTokens) * tile_bytes_,
                      offset % kKeyTileTokens);
    kernels.store_value(v + in, layout_.head_dim, keys + keys_bytes_, offset);
  }
}

KvRun KvStore::run(std::int32_t layer, std::int32_t head, const std::int32_t* blocks, const Next& next) const noexcept {
  return {memory_.data() + head_offset(layer, head),      steps_,     keys_bytes_, blocks, layout_.block_tokens,
          memory_.data() + head_offset(layer, next.head), next.blocks};
}

template <class F>
void KvStore::for_each_part(std::int32_t block, const F& f) const noexcept {
  assert(block >= 0 && block < layout_.blocks);
  if (steps_.log2_group == 0) return f(steps_.to(block), steps_.group);
  for (std::int32_t layer = 0; layer < layout_.layers; ++layer) {
    for (std::int32_t head = 0; head < layout_.kv_heads; ++head) {
      f(head_offset(layer, head) + steps_.to(block), steps_.block);
    }
  }
}

void KvStore::copy_block(std::int32_t from, std::int32_t to) noexcept {
  assert(from >= 0 && from < layout_.blocks);
  if (from == to || memory_.size() == 0) return;
  const auto distance = static_cast<std::ptrdiff_t>(steps_.to(from)) - static_cast<std::ptrdiff_t>(steps_.to(to));
  for_each_part(to, [&](std::size_t offset, std::size_t bytes) {
    std::byte* const copy = memory_.data() + offset;
    std::memcpy(copy, copy + distance, bytes);
  });
}

void KvStore::forget_block(std::int32_t block) noexcept {
  for_each_part(block, [&](std::size_t offset, std::size_t bytes) { memory_.give_back(offset, bytes); });
}

}  // namespace covey
