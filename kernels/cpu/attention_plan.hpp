// Which tokens of a pass attend to the same cached positions together: the same for all layers and heads.
//
// Positions are cut in spans, at the same places for every sequence. Attention is computed span by span, each by
// itself, and joined in order of position; so how spans are shared out to threads, and which tokens are beside a token,
// changes no bit of its result. A task is one span for some tokens that find it in the same blocks: neighbours of a
// prompt, or sequences forked from one prompt.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"

namespace covey {

/// Positions of a span: about 256, whole blocks.
std::int32_t span_tokens(std::int32_t block_tokens);

/// The first position that a token sees through a window of so many positions (0: all).
constexpr std::int32_t first_seen(std::int32_t position, std::int32_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

/// The blocks of a span up to the last that a token sees through such a window; none if it sees nothing of the span.
std::span<const std::int32_t> seen_blocks(const BatchView& batch, std::int32_t token, std::int32_t span,
                                          std::int32_t block_tokens, std::int32_t window);

class AttentionPlan {
 public:
  struct Task {
    std::int32_t span;
    std::int32_t first;  ///< its tokens are order()[first .. first + count)
    std::int32_t count;
  };

  /// Allocates for passes of up to `max_tokens` tokens; the list of tasks grows to the longest context seen.
  void reserve(std::int32_t max_tokens);

  /// Plans `batch`, in tasks of up to `most_tokens` tokens that see `window` positions (0: all), unless that is what it
  /// planned last. Passes are numbered from 1.
  void prepare(std::uint64_t pass, const BatchView& batch, std::int32_t block_tokens, std::int32_t most_tokens,
               std::int32_t window = 0);

  /// The batch's tokens, those that share blocks side by side.
  std::span<const std::int32_t> order() const { return order_; }
  /// Spans that the token of the longest context sees.
  std::int32_t spans() const { return static_cast<std::int32_t>(first_task_.size()) - 1; }
  /// The tasks of spans begin to end.
  std::span<const Task> tasks(std::int32_t begin, std::int32_t end) const {
    const std::size_t first = first_task_[static_cast<std::size_t>(begin)];
    return std::span(tasks_).subspan(first, first_task_[static_cast<std::size_t>(end)] - first);
  }

  std::size_t memory_bytes() const;

 private:
  void sort(const BatchView& batch);
  void plan_span(const BatchView& batch, std::int32_t span, std::int32_t block_tokens);

  std::uint64_t pass_ = 0;
  std::int32_t most_tokens_ = 0;
  std::int32_t window_ = 0;
  std::vector<std::int32_t> order_;      // (tokens)
  std::vector<Task> tasks_;              // by span
  std::vector<std::size_t> first_task_;  // (spans + 1)
};

}  // namespace covey
