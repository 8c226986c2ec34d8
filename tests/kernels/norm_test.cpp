// Norms on every instruction set that runs here: against double precision, and bit for bit.
#include "kernels/cpu/norm.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"

namespace covey {
namespace {

constexpr std::int64_t kNormLengths[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 100, 288, 1000, 2048};

std::vector<double> layer_norm_reference(const std::vector<float>& in, const std::vector<float>& weight,
                                         const std::vector<float>& bias, double epsilon) {
  const auto n = static_cast<double>(in.size());
  double mean = 0, variance = 0;
  for (const float x : in) mean += x / n;
  for (const float x : in) variance += (x - mean) * (x - mean) / n;
  std::vector<double> out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    out.push_back((in[i] - mean) / std::sqrt(variance + epsilon) * weight[i] + (bias.empty() ? 0.0 : bias[i]));
  }
  return out;
}

TEST(Norm, Layer) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kNormLengths) {
      for (const float offset : {0.0F, 50.0F}) {
        for (const bool with_bias : {false, true}) {
          Samples samples(n);
          std::vector<float> in = samples.take(n, 5.0F);
          for (float& x : in) x += offset;
          const std::vector<float> weight = samples.take(n), bias = with_bias ? samples.take(n) : std::vector<float>{};
          const float* const added = with_bias ? bias.data() : nullptr;
          const std::vector<double> expected = layer_norm_reference(in, weight, bias, double{1e-2F});
          std::vector<float> out(n + 1, -7.0F);
          isa->layer_norm(in.data(), weight.data(), added, 1e-2F, n, out.data());
          EXPECT_EQ(out[n], -7.0F);
          // A large mean takes digits from what is left without it.
          for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(out[i], expected[i], offset > 0 ? 2e-4 : 4e-6) << n;
          std::vector<float> same(n + 1, -7.0F);
          scalar().layer_norm(in.data(), weight.data(), added, 1e-2F, n, same.data());
          EXPECT_TRUE(same_bits(out, same)) << isa->name << ", " << n;
          isa->layer_norm(in.data(), weight.data(), added, 1e-2F, n, in.data());
          EXPECT_TRUE(same_bits(in, std::span(out).first(n))) << isa->name << ", in place, " << n;
        }
      }
    }
  }
}

// The squares of a row and their use, apart, are a norm.
TEST(Norm, RmsInTwoSteps) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kNormLengths) {
      Samples samples(n);
      std::vector<float> in = samples.take(n + 1, 5.0F);
      const std::vector<float> weight = samples.take(n);
      std::vector<float> whole(n + 1, in[n]);
      isa->rms_norm(in.data(), weight.data(), 1e-5F, n, whole.data());
      const float squares = isa->sum_squares(in.data(), n);
      isa->scale_by(1.0F / std::sqrt(squares / static_cast<float>(n) + 1e-5F), weight.data(), n, in.data());
      EXPECT_TRUE(same_bits(in, whole)) << isa->name << ", " << n;
      in = whole;
      isa->rms_norm(in.data(), weight.data(), 1e-5F, n, whole.data());
      isa->rms_norm(in.data(), weight.data(), 1e-5F, n, in.data());
      EXPECT_TRUE(same_bits(in, whole)) << isa->name << ", in place, " << n;
    }
    EXPECT_EQ(isa->sum_squares(nullptr, 0), 0.0F);
  }
}

}  // namespace
}  // namespace covey
