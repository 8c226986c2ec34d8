// Attention over the paged KV cache, by all threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/attention_plan.hpp"
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

class CpuAttention {
 public:
  /// Allocates for passes of up to `max_tokens` tokens of `heads` query heads. Throws Error for lack of memory.
  void reserve(const KvLayout& layout, std::int32_t heads, std::int32_t max_tokens, int threads);

  std::size_t memory_bytes() const { return memory_.size() + plans_[0].memory_bytes() + plans_[1].memory_bytes(); }

  /// out = softmax(scale * q . K) V, q and out: (tokens, heads, head_dim), for pass number `pass` with `batch`. A
  /// token's result depends only on its own query and on the cached positions that it sees.
  void attend(const KvStore& kv, std::int32_t layer, const AttendSpec& spec, std::uint64_t pass, const BatchView& batch,
              const float* q, float* out, const IsaTable& isa, ThreadPool& pool);

 private:
  struct Call;
  struct Work {
    const AttentionPlan::Task* task;
    std::int32_t kv_head;
  };

  AttendSums slot(const AttendSpec& spec, std::int64_t index, std::int32_t first_head) const noexcept;
  AttendSums so_far(const Call& call, std::int64_t token, std::int32_t first_head) const noexcept;
  static std::span<const std::int32_t> blocks_of(const Call& call, const AttentionPlan::Task& task) noexcept;
  void attend_task(const Call& call, const Work& work, const Work& next, int thread) const noexcept;
  void join_spans(const Call& call, std::int32_t token, std::int32_t kv_head) const noexcept;

  std::array<AttentionPlan, 2> plans_;  // without and with a window: layers of both kinds alternate in a pass
  std::int64_t slots_ = 0;              // sums over one span, of all heads of a token
  std::int32_t max_tokens_ = 0;
  std::int32_t heads_ = 0;
  std::size_t scratch_floats_ = 0;  // of a thread
  AlignedBuffer memory_;
  float* slot_sums_ = nullptr;  // maximum and sum (slots, heads), weighted (slots, heads, padded_head_dim)
  float* so_far_ = nullptr;     // maximum and sum (max_tokens, heads)
  float* scratch_ = nullptr;    // (threads, scratch_floats)
};

}  // namespace covey
