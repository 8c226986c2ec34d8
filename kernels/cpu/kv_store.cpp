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

}  // namespace

std::size_t kv_block_bytes(const KvLayout& layout) {
  check(layout);
  const std::size_t factors[] = {2, static_cast<std::size_t>(layout.layers), static_cast<std::size_t>(layout.kv_heads),
                                 static_cast<std::size_t>(layout.block_tokens),
                                 kv_row_bytes(layout.type, layout.head_dim)};
  return checked_product(factors, "a block of the KV cache");
}

KvStore::KvStore(const KvLayout& layout) : layout_(layout), block_bytes_(kv_block_bytes(layout)) {
  row_bytes_ = kv_row_bytes(layout.type, layout.head_dim);
  rows_bytes_ = row_bytes_ * static_cast<std::size_t>(layout.block_tokens);
  const std::size_t factors[] = {static_cast<std::size_t>(layout.blocks), block_bytes_};
  memory_ = AlignedBuffer(checked_product(factors, "the KV cache"), "the KV cache");
}

std::size_t KvStore::head_offset(std::int32_t layer, std::int32_t block, std::int32_t head) const noexcept {
  assert(layer >= 0 && layer < layout_.layers);
  assert(block >= 0 && block < layout_.blocks);
  assert(head >= 0 && head < layout_.kv_heads);
  const std::size_t heads =
      static_cast<std::size_t>(layer) * static_cast<std::size_t>(layout_.kv_heads) + static_cast<std::size_t>(head);
  return static_cast<std::size_t>(block) * block_bytes_ + heads * 2 * rows_bytes_;
}

void KvStore::store(std::int32_t layer, std::int32_t place, const float* k, const float* v,
                    const IsaTable& isa) noexcept {
  const StoreKvRow write = isa.store_kv[static_cast<std::size_t>(layout_.type)];
  const std::int32_t block = place / layout_.block_tokens;
  const std::size_t row = static_cast<std::size_t>(place % layout_.block_tokens) * row_bytes_;
  for (std::int32_t head = 0; head < layout_.kv_heads; ++head) {
    std::byte* const keys = memory_.data() + head_offset(layer, block, head);
    const std::size_t in = static_cast<std::size_t>(head) * static_cast<std::size_t>(layout_.head_dim);
    write(k + in, layout_.head_dim, keys + row);
    write(v + in, layout_.head_dim, keys + rows_bytes_ + row);
  }
}

KvRun KvStore::run(std::int32_t layer, std::int32_t block, std::int32_t head, std::int32_t tokens) const noexcept {
  assert(tokens > 0 && tokens <= layout_.block_tokens);
  const std::byte* const keys = memory_.data() + head_offset(layer, block, head);
  return {keys, keys + rows_bytes_, tokens};
}

void KvStore::copy_block(std::int32_t from, std::int32_t to) noexcept {
  assert(from >= 0 && from < layout_.blocks && to >= 0 && to < layout_.blocks);
  if (from == to || block_bytes_ == 0) return;
  std::memcpy(memory_.data() + static_cast<std::size_t>(to) * block_bytes_,
              memory_.data() + static_cast<std::size_t>(from) * block_bytes_, block_bytes_);
}

}  // namespace covey
