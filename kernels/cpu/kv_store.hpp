// Memory of the paged KV cache. Which block belongs to which sequence is the model's business.
//
// Blocks lie in groups of a power of two. A group holds all layers, so that a cache that is hardly used touches little
// memory; a head's blocks of a group lie together, so that what attention reads is as long as can be:
//
//   group:  | layer 0                 | layer 1 | …
//   layer:  | head 0        | head 1 | …
//   head:   | block 0: block_tokens keys in tiles, block_tokens values in rows | block 1 | …
//
// kv_rows.hpp has the tiles and rows, isa/amx_pairs.hpp those for AMX. The last tile of a block may have room to spare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"

namespace covey {

/// Bytes of the keys of kKeyTileTokens tokens, and of one token's values.
std::size_t key_tile_bytes(KvType type, std::int32_t head_dim);
std::size_t value_row_bytes(KvType type, std::int32_t head_dim);

class KvStore {
 public:
  KvStore() = default;
  /// Reserves address space for groups of 2^log2_group blocks; memory is committed when it is written. Throws Error for
  /// an impossible layout.
  explicit KvStore(const KvLayout& layout, std::int32_t log2_group = 0);

  const KvLayout& layout() const { return layout_; }
  /// Of the blocks; the last group may have address space to spare.
  std::size_t memory_bytes() const {
    return static_cast<std::size_t>(layout_.blocks) * (steps_.group >> steps_.log2_group);
  }

  /// Writes one token's keys and values, each (kv_heads, head_dim), at `place` = block * block_tokens + offset.
  void store(std::int32_t layer, std::int32_t place, const float* k, const float* v, const IsaTable& isa) noexcept;

  /// Blocks of a head of the same layer.
  struct Next {
    std::int32_t head;
    std::span<const std::int32_t> blocks;  ///< at least one
  };
  /// The positions of one KV head that `blocks` hold; the pointers must stay valid. After them the thread will go on
  /// with `next`.
  KvRun run(std::int32_t layer, std::int32_t head, const std::int32_t* blocks, const Next& next) const noexcept;

  void copy_block(std::int32_t from, std::int32_t to) noexcept;
  /// Gives the block's memory back to the system, in whole pages: all but a few if groups are single blocks. What it
  /// held is lost.
  void forget_block(std::int32_t block) noexcept;

 private:
  /// Of the first block of a group.
  std::size_t head_offset(std::int32_t layer, std::int32_t head) const noexcept;
  /// f(offset, bytes) for each part of the block that lies together.
  template <class F>
  void for_each_part(std::int32_t block, const F& f) const noexcept;

  KvLayout layout_;
  std::size_t tile_bytes_ = 0;
  std::size_t keys_bytes_ = 0;  // of one head of one layer of a block
  KvSteps steps_{};
  AlignedBuffer memory_;
};

}  // namespace covey
