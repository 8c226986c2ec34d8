// Memory of the paged KV cache. Which block belongs to which sequence is the model's business.
//
// A block holds all layers, so that copying one is one copy, and a cache that is hardly used touches little memory:
//
//   block:  | layer 0                                              | layer 1 | …
//   layer:  | head 0: block_tokens rows of K, block_tokens rows of V | head 1 | …
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"

namespace covey {

class KvStore {
 public:
  KvStore() = default;
  /// Reserves address space; memory is committed when it is written. Throws Error for an impossible layout.
  explicit KvStore(const KvLayout& layout);

  const KvLayout& layout() const { return layout_; }
  std::size_t memory_bytes() const { return memory_.size(); }

  /// Writes one token's keys and values, each (kv_heads, head_dim), at `place` = block * block_tokens + offset.
  void store(std::int32_t layer, std::int32_t place, const float* k, const float* v, const IsaTable& isa) noexcept;

  /// The first `tokens` cached rows of a block.
  KvRun run(std::int32_t layer, std::int32_t block, std::int32_t head, std::int32_t tokens) const noexcept;

  void copy_block(std::int32_t from, std::int32_t to) noexcept;

 private:
  std::size_t head_offset(std::int32_t layer, std::int32_t block, std::int32_t head) const noexcept;

  KvLayout layout_;
  std::size_t row_bytes_ = 0;
  std::size_t rows_bytes_ = 0;  // K of one head of one layer of a block; V takes as much
  std::size_t block_bytes_ = 0;
  AlignedBuffer memory_;
};

}  // namespace covey
