// The likeliest tokens of a row of logits: all that most draws look at, in a few hundred bytes instead of the whole
// row.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace covey {

/// Most tokens of a shortlist.
inline constexpr std::int32_t kMostShortlisted = 64;
/// Most logits that one is made of: F32 holds their numbers.
inline constexpr std::int32_t kMostShortlistedFrom = 1 << 24;

/// Values of a shortlist of `count` tokens:
///
///     | logit, token | logit, token | … | largest, sum |
///
/// the likeliest first, of equals the lower token; last the largest of all logits, and the sum over all of
/// exp(logit - largest).
inline constexpr std::int32_t shortlist_width(std::int32_t count) { return 2 * (count + 1); }

/// A logit that arithmetic can be done with: what is no number counts as minus infinity, plus infinity as the largest
/// number.
inline float usable_logit(double logit) {
  if (std::isnan(logit)) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(std::min(logit, static_cast<double>(std::numeric_limits<float>::max())));
}

/// How to read one.
class Shortlist {
 public:
  /// A row as described above, of shortlist_width(size()) values.
  explicit Shortlist(std::span<const float> row) : row_(row) { assert(row.size() >= 4 && row.size() % 2 == 0); }

  std::size_t size() const { return row_.size() / 2 - 1; }
  float logit(std::size_t index) const { return row_[2 * index]; }
  std::int32_t token(std::size_t index) const { return static_cast<std::int32_t>(row_[2 * index + 1]); }
  float largest() const { return row_[row_.size() - 2]; }
  float sum() const { return row_[row_.size() - 1]; }

 private:
  std::span<const float> row_;
};

/// The sum of exp(usable logit - largest), within a millionth of it, the same bits everywhere; 0 where the largest is
/// minus infinity.
float exponential_sum(std::span<const float> logits, float largest) noexcept;

/// Writes the shortlist of `count` tokens, 1 to kMostShortlisted and at most logits.size().
void make_shortlist(std::span<const float> logits, std::int32_t count, std::span<float> row) noexcept;

/// Writes the shortlist of all tokens from those of neighbouring ranges of them, in order, each at least as long.
void merge_shortlists(std::span<const Shortlist> ranges, std::span<float> row);

}  // namespace covey
