// Mixtures of experts, on every device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "covey/error.hpp"
#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

class DeviceExperts : public DeviceConformance {
 protected:
  static constexpr std::int32_t kTokens = 13;

  void start(std::int32_t experts, std::int32_t used, bool normalise, std::int32_t width, std::int32_t ff,
             Activation activation = Activation::silu) {
    width_ = width;
    ff_ = ff;
    matrices_.clear();
    spec_ = {};
    spec_.activation = activation;
    spec_.used = used;
    spec_.normalise = normalise;
    for (std::int32_t e = 0; e < experts; ++e) {
      spec_.gate.push_back(add(ff, width));
      spec_.up.push_back(add(ff, width));
      spec_.down.push_back(add(width, ff));
    }
    experts_ = device_->add_experts(spec_);
    reserve({{Slot::normed, width},
             {Slot::partial, width},
             {Slot::routed, width},
             {Slot::expert, width},
             {Slot::gate, ff},
             {Slot::up, ff},
             {Slot::router, experts}},
            kTokens);
  }

  MatrixHandle add(std::int32_t rows, std::int32_t cols) {
    matrices_.emplace_back(TensorType::f32, rows, cols, data_);
    return device_->add_matrix(matrices_.back().view);
  }

  std::vector<float> mix(const std::vector<float>& in, const std::vector<float>& router) {
    const auto tokens = static_cast<std::int32_t>(router.size() / spec_.gate.size());
    begin(tokens);
    write(Slot::normed, tokens, in);
    write(Slot::router, tokens, router);
    device_->mix_experts(experts_, Slot::normed, Slot::router, Slot::partial);
    return read(Slot::partial);
  }

  double product(std::size_t matrix, std::int32_t row, const std::vector<double>& x) const {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += matrices_[matrix].values[row * x.size() + i] * x[i];
    return sum;
  }

  std::vector<double> expert(std::size_t e, const std::vector<double>& x) const {
    std::vector<double> hidden, out;
    for (std::int32_t i = 0; i < ff_; ++i) {
      const double g = product(3 * e, i, x);
      const double bent = spec_.activation == Activation::silu
                              ? g / (1.0 + std::exp(-g))
                              : 0.5 * g * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (g + 0.044715 * g * g * g)));
      hidden.push_back(bent * product(3 * e + 1, i, x));
    }
    for (std::int32_t i = 0; i < width_; ++i) out.push_back(product(3 * e + 2, i, hidden));
    return out;
  }

  std::vector<double> reference(const std::vector<float>& in, const std::vector<float>& router) const {
    const std::size_t experts = spec_.gate.size();
    std::vector<double> all;
    for (std::size_t t = 0; t < router.size() / experts; ++t) {
      const float* const row = router.data() + t * experts;
      std::vector<std::size_t> order(experts);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row[a] > row[b]; });
      double total = 0, chosen = 0;
      for (std::size_t e = 0; e < experts; ++e) total += std::exp(double{row[e]} - row[order[0]]);
      for (std::int32_t r = 0; r < spec_.used; ++r) chosen += std::exp(double{row[order[r]]} - row[order[0]]);
      const std::vector<double> x(in.begin() + t * width_, in.begin() + (t + 1) * width_);
      std::vector<double> sum(width_, 0.0);
      for (std::int32_t r = 0; r < spec_.used; ++r) {
        const double weight = std::exp(double{row[order[r]]} - row[order[0]]) / (spec_.normalise ? chosen : total);
        const std::vector<double> part = expert(order[r], x);
        for (std::int32_t i = 0; i < width_; ++i) sum[i] += weight * part[i];
      }
      all.insert(all.end(), sum.begin(), sum.end());
    }
    return all;
  }

  std::int32_t width_ = 0, ff_ = 0;
  ExpertsSpec spec_;
  ExpertsHandle experts_;
  std::vector<TestMatrix> matrices_;  // gate, up, down of each expert
};

INSTANTIATE_TEST_SUITE_P(Devices, DeviceExperts, testing::ValuesIn(device_and_memory_cases()), device_case_name);

TEST_P(DeviceExperts, RunsTheBestOfEachToken) {
  for (const bool normalise : {false, true}) {
    start(5, 2, normalise, 33, 17);
    const std::vector<float> in = data_.numbers(kTokens * 33);
    std::vector<float> router = data_.numbers(kTokens * 5);
    for (float& x : router) x *= 4.0F;
    expect_near(mix(in, router), reference(in, router), 1e-5);
  }
  start(3, 3, true, 20, 50, Activation::gelu);
  const std::vector<float> in = data_.numbers(kTokens * 20), router = data_.numbers(kTokens * 3);
  expect_near(mix(in, router), reference(in, router), 1e-5);
  start(19, 1, false, 16, 8);
  const std::vector<float> other = data_.numbers(kTokens * 16), choice = data_.numbers(kTokens * 19);
  expect_near(mix(other, choice), reference(other, choice), 1e-5);
}

TEST_P(DeviceExperts, TheFirstOfEquals) {
  start(4, 2, true, 16, 16);
  const std::vector<float> in = data_.numbers(2 * 16);
  const std::vector<float> router = {1.0F, 2.0F, 2.0F, 2.0F, 0.0F, 0.0F, 0.0F, 0.0F};
  expect_near(mix(in, router), reference(in, router), 1e-5);
}

TEST_P(DeviceExperts, ATokenAloneGivesTheSameBits) {
  start(6, 3, true, 48, 40);
  const std::vector<float> in = data_.numbers(kTokens * 48), router = data_.numbers(kTokens * 6);
  const std::vector<float> together = mix(in, router);
  for (std::int32_t t = 0; t < kTokens; ++t) {
    const std::vector<float> alone =
        mix({in.begin() + t * 48, in.begin() + (t + 1) * 48}, {router.begin() + t * 6, router.begin() + (t + 1) * 6});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + t * 48)) << "token " << t;
  }
}

TEST_P(DeviceExperts, APartWithoutHiddenUnitsAddsZeros) {
  start(3, 2, true, 16, 0);
  EXPECT_EQ(mix(data_.numbers(2 * 16), data_.numbers(2 * 3)), std::vector<float>(2 * 16, 0.0F));
}

TEST_P(DeviceExperts, RefusesWhatDoesNotFit) {
  const MatrixHandle matrix = add(16, 16);
  ExpertsSpec spec{{matrix, matrix}, {matrix, matrix}, {matrix, matrix}, Activation::silu, 2, true};
  EXPECT_NO_THROW(device_->add_experts(spec));
  spec.used = 3;
  EXPECT_THROW(device_->add_experts(spec), Error);
  spec.used = 0;
  EXPECT_THROW(device_->add_experts(spec), Error);
  spec.used = 1;
  spec.down.pop_back();
  EXPECT_THROW(device_->add_experts(spec), Error);
}

}  // namespace
}  // namespace covey
