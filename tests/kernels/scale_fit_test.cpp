// The search for a scale, with integers and with a table for values.
#include "kernels/quant/scale_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/quant/iq4_codes.hpp"
#include "samples.hpp"

namespace covey {
namespace {

TEST(ScaleFit, FindsTheScaleOfIntegers) {
  for (const float scale : {0.25F, -0.25F, 1e-4F, -3000.0F}) {
    std::vector<float> weights(16);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = scale * (static_cast<float>(i % 8) - 4.0F);
    const float found = ScaleSearch<16, IntegerCodes<-4, 3>>::best_fit(weights.data());
    EXPECT_NEAR(found, scale, 1e-5F * std::abs(scale));
  }
}

TEST(ScaleFit, FindsTheScaleOfATable) {
  for (const float scale : {0.01F, -0.01F, 1e-5F, -20.0F}) {
    std::vector<float> weights(32);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = scale * static_cast<float>(kIq4Values[i * 3 % 16]);
    const float found = ScaleSearch<32, Iq4Codes>::best_fit(weights.data());
    EXPECT_NEAR(found, scale, 1e-5F * std::abs(scale));
  }
}

TEST(ScaleFit, OfZerosIsZero) {
  const std::vector<float> weights(16);
  EXPECT_EQ((ScaleSearch<16, IntegerCodes<-4, 3>>::best_fit(weights.data())), 0.0F);
}

TEST(Iq4Codes, NearestIsNearest) {
  Samples samples(1);
  for (int i = 0; i < 20000; ++i) {
    const float x = 140.0F * samples.next();
    const float found = Iq4Codes::nearest(splat_four(x))[0];
    float least = std::abs(x - static_cast<float>(kIq4Values[0]));
    for (const std::int8_t value : kIq4Values) least = std::min(least, std::abs(x - static_cast<float>(value)));
    ASSERT_EQ(std::abs(x - found), least) << x;
    ASSERT_EQ(static_cast<float>(kIq4Values[Iq4Codes::code_of(x)]), found) << x;
  }
}

TEST(Iq4Codes, CodesOfValuesAreTheirPlaces) {
  for (int code = 0; code < 16; ++code) EXPECT_EQ(Iq4Codes::code_of(kIq4Values[code]), code);
}

}  // namespace
}  // namespace covey
