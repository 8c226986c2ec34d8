// Attention over the paged KV cache.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_store.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/device.hpp"

namespace covey {

/// The query heads [first, last) of a shard that read its KV head `kv_head`; may be none.
struct QueryHeads {
  std::int32_t first;
  std::int32_t last;
};
QueryHeads query_heads(const AttendSpec& spec, std::int32_t kv_head) noexcept;

/// out = softmax(scale * q . K) V, q and out: (tokens, heads, head_dim). A token's result depends only on its own
/// query and on the cached positions that it sees: blocks are walked in order of position, by one thread.
void attend(const KvStore& kv, std::int32_t layer, const AttendSpec& spec, const BatchView& batch, const float* q,
            float* out, const IsaTable& isa, ThreadPool& pool) noexcept;

}  // namespace covey
