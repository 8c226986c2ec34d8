// Which tokens of a pass each expert of a mixture runs, and with what weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"

namespace covey {

class ExpertRoutes {
 public:
  /// See Device::mix_experts. `router` (tokens, experts) is overwritten.
  void choose(const ExpertsSpec& spec, float* router, std::int32_t tokens, const IsaTable& isa);

  /// Ascending.
  std::span<const std::int32_t> tokens(std::int32_t expert) const { return of(expert, token_); }
  /// Of the same tokens.
  std::span<const float> weights(std::int32_t expert) const { return of(expert, weight_); }

 private:
  struct Choice {
    std::int32_t expert;
    float weight;
  };

  void choose_for_token(const ExpertsSpec& spec, const float* probabilities, Choice* choices);

  template <class T>
  std::span<const T> of(std::int32_t expert, const std::vector<T>& all) const {
    const std::size_t first = first_[static_cast<std::size_t>(expert)];
    return std::span(all).subspan(first, first_[static_cast<std::size_t>(expert) + 1] - first);
  }

  std::vector<Choice> choices_;     // (tokens, used)
  std::vector<char> taken_;         // (experts)
  std::vector<std::size_t> first_;  // (experts + 1): where an expert's tokens begin
  std::vector<std::int32_t> token_;
  std::vector<float> weight_;
};

}  // namespace covey
