#include "model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace covey {
namespace {

/// The pair (fractional) that turns `rotations` times within the original context.
double pair_of_rotations(const RopeParams& params, double rotations) {
  return params.dims * std::log(params.original_context / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(static_cast<double>(params.base)));
}

}  // namespace

RopeSpec make_rope(const RopeParams& params, RopePairs pairs, std::span<const float> freq_factors) {
  RopeSpec spec;
  spec.pairs = pairs;
  spec.magnitude = params.magnitude;
  const auto count = static_cast<std::size_t>(params.dims / 2);
  spec.inverse_frequency.resize(count);

  const bool yarn = params.scaling == RopeScaling::yarn && params.yarn_extrapolation > 0.0F;
  double low = 0;
  double high = 0;
  if (yarn) {
    low = std::max(0.0, std::floor(pair_of_rotations(params, params.yarn_beta_fast)));
    high = std::min<double>(params.dims - 1, std::ceil(pair_of_rotations(params, params.yarn_beta_slow)));
    spec.magnitude = static_cast<float>(params.magnitude * (1.0 + 0.1 * std::log(params.factor)));
  }
  for (std::size_t i = 0; i < count; ++i) {
    double frequency = std::pow(static_cast<double>(params.base), -2.0 * static_cast<double>(i) / params.dims);
    if (!freq_factors.empty()) frequency /= freq_factors[i];
    const double stretched = frequency / params.factor;
    if (params.scaling == RopeScaling::none) {
      spec.inverse_frequency[i] = static_cast<float>(frequency);
    } else if (yarn) {
      const double ramp = (static_cast<double>(i) - low) / std::max(0.001, high - low);
      const double keep = (1.0 - std::clamp(ramp, 0.0, 1.0)) * params.yarn_extrapolation;
      spec.inverse_frequency[i] = static_cast<float>(stretched * (1.0 - keep) + frequency * keep);
    } else {
      spec.inverse_frequency[i] = static_cast<float>(stretched);
    }
  }
  return spec;
}

}  // namespace covey
