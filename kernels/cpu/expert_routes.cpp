#include "kernels/cpu/expert_routes.hpp"

#include <algorithm>

namespace covey {

// In single operations of F32: every machine chooses the same experts with the same weights.
void ExpertRoutes::choose_for_token(const ExpertsSpec& spec, const float* probabilities, Choice* choices) {
  const std::size_t experts = spec.gate.size();
  taken_.assign(experts, 0);
  float total = 0;
  for (std::int32_t rank = 0; rank < spec.used; ++rank) {
    std::size_t best = experts;
    for (std::size_t e = 0; e < experts; ++e) {
      if (taken_[e] == 0 && (best == experts || probabilities[e] > probabilities[best])) best = e;
    }
    taken_[best] = 1;
    choices[rank] = {static_cast<std::int32_t>(best), probabilities[best]};
    total += probabilities[best];
  }
  if (!spec.normalise) return;
  for (std::int32_t rank = 0; rank < spec.used; ++rank) choices[rank].weight /= total;
}

void ExpertRoutes::choose(const ExpertsSpec& spec, float* router, std::int32_t tokens, const IsaTable& isa) {
  const auto experts = static_cast<std::int64_t>(spec.gate.size());
  choices_.resize(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(spec.used));
  first_.assign(static_cast<std::size_t>(experts) + 1, 0);
  for (std::int64_t t = 0; t < tokens; ++t) {
    isa.softmax(experts, router + t * experts);
    choose_for_token(spec, router + t * experts, choices_.data() + t * spec.used);
  }

  for (const Choice& choice : choices_) ++first_[static_cast<std::size_t>(choice.expert) + 1];
  for (std::size_t e = 1; e < first_.size(); ++e) first_[e] += first_[e - 1];
  token_.resize(choices_.size());
  weight_.resize(choices_.size());
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const std::size_t at = next[static_cast<std::size_t>(choices_[i].expert)]++;
    token_[at] = static_cast<std::int32_t>(i / static_cast<std::size_t>(spec.used));
    weight_[at] = choices_[i].weight;
  }
}

}  // namespace covey
