#include "kernels/cpu/attention_plan.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace covey {
namespace {

constexpr std::int32_t kSpanTokens = 256;

std::span<const std::int32_t> table_of(const BatchView& batch, std::int32_t token) {
  return batch.block_tables[static_cast<std::size_t>(batch.sequence[static_cast<std::size_t>(token)])];
}

}  // namespace

std::int32_t span_tokens(std::int32_t block_tokens) { return block_tokens * std::max(1, kSpanTokens / block_tokens); }

std::span<const std::int32_t> seen_blocks(const BatchView& batch, std::int32_t token, std::int32_t span,
                                          std::int32_t block_tokens, std::int32_t window) {
  const std::int32_t position = batch.position[static_cast<std::size_t>(token)];
  const std::int64_t begin = std::int64_t{span} * span_tokens(block_tokens);
  const std::int64_t seen = position + std::int64_t{1} - begin;
  if (seen <= 0 || first_seen(position, window) >= begin + span_tokens(block_tokens)) return {};
  const std::int64_t tokens = std::min<std::int64_t>(seen, span_tokens(block_tokens));
  return table_of(batch, token)
      .subspan(static_cast<std::size_t>(begin / block_tokens),
               static_cast<std::size_t>((tokens + block_tokens - 1) / block_tokens));
}

void AttentionPlan::reserve(std::int32_t max_tokens) {
  order_.reserve(static_cast<std::size_t>(max_tokens));
  tasks_.reserve(static_cast<std::size_t>(max_tokens));
}

void AttentionPlan::prepare(std::uint64_t pass, const BatchView& batch, std::int32_t block_tokens,
                            std::int32_t most_tokens, std::int32_t window) {
  assert(block_tokens > 0 && most_tokens > 0 && window >= 0);
  if (pass == pass_ && most_tokens == most_tokens_ && window == window_) return;
  pass_ = pass;
  most_tokens_ = most_tokens;
  window_ = window;
  sort(batch);
  tasks_.clear();
  first_task_.assign(1, 0);
  std::int32_t longest = -1;
  for (const std::int32_t position : batch.position) longest = std::max(longest, position);
  for (std::int32_t span = 0; std::int64_t{span} * span_tokens(block_tokens) <= longest; ++span) {
    plan_span(batch, span, block_tokens);
    first_task_.push_back(tasks_.size());
  }
}

// By block tables as words in a dictionary: sequences that begin alike come together.
void AttentionPlan::sort(const BatchView& batch) {
  order_.resize(batch.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) {
    const std::int32_t sequence[] = {batch.sequence[static_cast<std::size_t>(a)],
                                     batch.sequence[static_cast<std::size_t>(b)]};
    if (sequence[0] != sequence[1]) {
      const auto tables = std::lexicographical_compare_three_way(table_of(batch, a).begin(), table_of(batch, a).end(),
                                                                 table_of(batch, b).begin(), table_of(batch, b).end());
      return tables != 0 ? tables < 0 : sequence[0] < sequence[1];
    }
    return batch.position[static_cast<std::size_t>(a)] < batch.position[static_cast<std::size_t>(b)];
  });
}

void AttentionPlan::plan_span(const BatchView& batch, std::int32_t span, std::int32_t block_tokens) {
  const auto tokens = static_cast<std::int32_t>(order_.size());
  bool open = false;                   // whether the last task may take another token
  std::span<const std::int32_t> last;  // what the task's tokens see between them
  for (std::int32_t i = 0; i < tokens; ++i) {
    const std::span<const std::int32_t> blocks =
        seen_blocks(batch, order_[static_cast<std::size_t>(i)], span, block_tokens, window_);
    if (blocks.empty()) {
      open = false;
      continue;
    }
    const std::size_t common = std::min(blocks.size(), last.size());
    open =
        open && tasks_.back().count < most_tokens_ && std::equal(blocks.begin(), blocks.begin() + common, last.begin());
    if (open) {
      ++tasks_.back().count;
      if (blocks.size() > last.size()) last = blocks;
    } else {
      tasks_.push_back({span, i, 1});
      last = blocks;
      open = true;
    }
  }
}

std::size_t AttentionPlan::memory_bytes() const {
  return order_.capacity() * sizeof(order_[0]) + tasks_.capacity() * sizeof(tasks_[0]) +
         first_task_.capacity() * sizeof(first_task_[0]);
}

}  // namespace covey
