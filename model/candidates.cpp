#include "model/candidates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace covey {
namespace {

bool likelier(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

}  // namespace

void Candidates::assign(std::span<const float> scores) {
  candidates_.clear();
  candidates_.reserve(scores.size());
  sorted_ = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > -std::numeric_limits<float>::infinity())
      candidates_.push_back({static_cast<Token>(i), scores[i], 0.0});
  }
}

void Candidates::assign(const Shortlist& shortlist) {
  candidates_.clear();
  for (std::size_t i = 0; i < shortlist.size(); ++i) {
    if (shortlist.logit(i) == -std::numeric_limits<float>::infinity()) break;
    candidates_.push_back({shortlist.token(i), shortlist.logit(i), 0.0});
  }
  sorted_ = candidates_.size();
}

/// Puts the `count` likeliest first, in order.
void Candidates::sort_first(std::size_t count) {
  count = std::min(count, candidates_.size());
  if (count <= sorted_) return;
  const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
  if (end != candidates_.end()) std::nth_element(begin, end, candidates_.end(), likelier);
  std::sort(begin, end, likelier);
  sorted_ = count;
}

void Candidates::keep_likeliest(std::size_t count) {
  sort_first(count);
  candidates_.resize(std::min(count, candidates_.size()));
}

void Candidates::weigh(float temperature, float largest) {
  for (Candidate& candidate : candidates_) {
    candidate.weight = std::exp((static_cast<double>(candidate.score) - largest) / temperature);
  }
}

void Candidates::keep_probability(double probability) {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  // Few are needed as a rule: sort a few, and more only while they don't reach.
  constexpr std::size_t kFirst = 64;
  std::size_t kept = 0;
  for (double reached = 0.0; kept < candidates_.size() && !(reached >= probability * total); ++kept) {
    if (kept == sorted_) sort_first(std::max(kFirst, 4 * kept));
    reached += candidates_[kept].weight;
  }
  candidates_.resize(kept);
  sorted_ = kept;
}

void Candidates::keep_weight(double weight) {
  std::erase_if(candidates_, [weight](const Candidate& candidate) { return candidate.weight < weight; });
  sorted_ = std::min(sorted_, candidates_.size());
}

Token Candidates::draw(double uniform) const {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  const double target = uniform * total;
  double reached = 0.0;
  Token last = candidates_.front().token;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight == 0.0) continue;
    last = candidate.token;
    reached += candidate.weight;
    if (target < reached) break;
  }
  return last;  // rounding may leave the target at the very end
}

}  // namespace covey
