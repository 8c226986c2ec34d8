// The search for a scale and a minimum.
#include "kernels/quant/affine_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "samples.hpp"

namespace covey {
namespace {

using Search = AffineSearch<32, 15>;

double squared_error(const std::vector<float>& weights, const AffineFit& fit) {
  double error = 0.0;
  for (const float weight : weights) {
    const float q = fit.scale > 0.0F ? clamp_to(std::round((weight - fit.min) / fit.scale), 0.0F, 15.0F) : 0.0F;
    const double difference = double{weight} - (fit.scale * q + fit.min);
    error += difference * difference;
  }
  return error;
}

TEST(AffineFit, FindsTheGridThatWeightsLieOn) {
  for (const float scale : {0.25F, 1e-4F, 3000.0F}) {
    for (const float below : {0.0F, -3.5F, -15.0F}) {
      std::vector<float> weights(32);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = scale * (static_cast<float>(i * 5 % 16) + below);
      }
      const AffineFit fit = Search::best_fit(weights.data());
      EXPECT_NEAR(fit.scale, scale, 1e-5F * scale);
      EXPECT_NEAR(fit.min, scale * below, 1e-4F * scale);
    }
  }
}

TEST(AffineFit, HasNoMinimumAboveZero) {
  Samples samples(1);
  std::vector<float> weights = samples.take(32, 0.1F);
  for (float& weight : weights) weight += 1.0F;
  const AffineFit fit = Search::best_fit(weights.data());
  EXPECT_LE(fit.min, 0.0F);
  EXPECT_GT(fit.scale, 0.0F);
}

TEST(AffineFit, IsNoWorseThanTheWholeRangeInEqualSteps) {
  Samples samples(2);
  double searched = 0.0, plain = 0.0;
  for (int block = 0; block < 200; ++block) {
    const std::vector<float> weights = samples.take(32);
    const WeightRange range = range_of(weights.data(), 32);
    searched += squared_error(weights, Search::best_fit(weights.data()));
    plain += squared_error(weights, {(range.high - range.low) / 15.0F, range.low});
  }
  EXPECT_LT(searched, 0.9 * plain);
}

TEST(AffineFit, OfEqualWeightsIsExact) {
  for (const float weight : {0.0F, -2.0F, 3.0F}) {
    const std::vector<float> weights(32, weight);
    const AffineFit fit = Search::best_fit(weights.data());
    EXPECT_NEAR(squared_error(weights, fit), 0.0, 1e-10) << weight;
  }
}

}  // namespace
}  // namespace covey
