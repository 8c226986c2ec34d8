#include "kernels/cpu/cpu_attention.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

namespace covey {
namespace {

// Query heads that go over the cache together; more take further rounds, which lets their state live on the stack.
constexpr std::int32_t kMostQueries = 64;

// Multiplications a nanosecond, for the size of chunks only.
constexpr std::int64_t kMultiplicationsPerNanosecond = 16;

// What one token sees: its sequence's blocks, up to its own position.
struct Context {
  std::span<const std::int32_t> block_table;
  std::int32_t tokens;
};

void attend_heads(const KvStore& kv, std::int32_t layer, std::int32_t kv_head, const Context& context, float scale,
                  std::int32_t queries, const float* q, float* out, const IsaTable& isa) noexcept {
  const KvLayout& layout = kv.layout();
  const AttendRun over_run = isa.attend[static_cast<std::size_t>(layout.type)];
  std::array<float, kMostQueries> maximum;
  std::array<float, kMostQueries> sum;
  std::fill_n(maximum.begin(), queries, -std::numeric_limits<float>::infinity());
  std::fill_n(sum.begin(), queries, 0.0F);
  std::fill_n(out, std::int64_t{queries} * layout.head_dim, 0.0F);
  for (std::int32_t start = 0; start < context.tokens; start += layout.block_tokens) {
    const std::int32_t block = context.block_table[static_cast<std::size_t>(start / layout.block_tokens)];
    const KvRun run = kv.run(layer, block, kv_head, std::min(layout.block_tokens, context.tokens - start));
    over_run(q, queries, layout.head_dim, scale, run, maximum.data(), sum.data(), out);
  }
  for (std::int32_t i = 0; i < queries; ++i) {
    isa.scale(1.0F / sum[static_cast<std::size_t>(i)], layout.head_dim, out + std::int64_t{i} * layout.head_dim);
  }
}

Context context_of(const BatchView& batch, std::size_t token) noexcept {
  return {batch.block_tables[static_cast<std::size_t>(batch.sequence[token])], batch.position[token] + 1};
}

}  // namespace

QueryHeads query_heads(const AttendSpec& spec, std::int32_t kv_head) noexcept {
  const std::int64_t begin = std::int64_t{kv_head} * spec.group - spec.first_query;
  const auto clamped = [&](std::int64_t head) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(head, 0, spec.heads));
  };
  return {clamped(begin), clamped(begin + spec.group)};
}

void attend(const KvStore& kv, std::int32_t layer, const AttendSpec& spec, const BatchView& batch, const float* q,
            float* out, const IsaTable& isa, ThreadPool& pool) noexcept {
  const auto tokens = static_cast<std::int64_t>(batch.size());
  const std::int64_t items = tokens * spec.kv_heads;  // (kv_heads, tokens)
  if (spec.heads == 0 || items == 0) return;
  assert(spec.group > 0 && spec.first_query >= 0);
  assert((spec.first_query + spec.heads - 1) / spec.group < spec.kv_heads);

  std::int64_t seen = 0;
  for (const std::int32_t position : batch.position) seen += position + 1;
  const std::int64_t width = std::int64_t{spec.heads} * spec.head_dim;
  const std::int64_t cost = 2 * seen * width / items / kMultiplicationsPerNanosecond;
  pool.parallel_for(items, pool.grain(items, cost), [&](std::int64_t begin, std::int64_t end, int) noexcept {
    // KV heads outside, tokens inside: a prompt's tokens then find their KV head in the cache.
    for (std::int64_t item = begin; item < end; ++item) {
      const auto kv_head = static_cast<std::int32_t>(item / tokens);
      const std::int64_t token = item % tokens;
      const QueryHeads heads = query_heads(spec, kv_head);
      for (std::int32_t head = heads.first; head < heads.last; head += kMostQueries) {
        const std::int64_t offset = token * width + std::int64_t{head} * spec.head_dim;
        attend_heads(kv, layer, kv_head, context_of(batch, static_cast<std::size_t>(token)), spec.scale,
                     std::min(kMostQueries, heads.last - head), q + offset, out + offset, isa);
      }
    }
  });
}

}  // namespace covey
