// The tokens that a draw may still choose from.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/shortlist.hpp"
#include "model/batch.hpp"

namespace covey {

struct Candidate {
  Token token = 0;
  float score = 0.0F;   ///< logit, after bias and penalties
  double weight = 0.0;  ///< probability relative to the likeliest candidate's, set by weigh()
};

/// Ordered by token until a filter sorts them likeliest first; among equal scores the lower id is the likelier. Weights
/// are summed in that order, so that results do not depend on how the standard library selects and sorts.
class Candidates {
 public:
  /// Every token with a score above minus infinity. Takes memory only if `scores` is longer than ever before.
  void assign(std::span<const float> scores);  // (n_vocab)
  /// The same of those on a shortlist, which are sorted.
  void assign(const Shortlist& shortlist);

  /// The `count` likeliest (at least one), sorted.
  void keep_likeliest(std::size_t count);
  /// Sets the weights: exp((score - largest) / temperature). `temperature` > 0.
  void weigh(float temperature, float largest);
  /// The fewest of the likeliest that reach `probability` of the whole, at least one; sorted.
  void keep_probability(double probability);
  /// Those with at least `weight`, which is at most 1.
  void keep_weight(double weight);
  /// The candidate at `uniform` of the cumulative weight, 0 <= uniform < 1.
  Token draw(double uniform) const;

  std::span<const Candidate> all() const { return candidates_; }

 private:
  void sort_first(std::size_t count);

  std::vector<Candidate> candidates_;
  std::size_t sorted_ = 0;  // so many are in their place, likeliest first
};

}  // namespace covey
