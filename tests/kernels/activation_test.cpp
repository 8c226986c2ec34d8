// Activations, soft-caps and softmax on every instruction set that runs here: against double precision, bit for bit.
#include "kernels/cpu/activation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "samples.hpp"

namespace covey {
namespace {

constexpr std::int64_t kActivationLengths[] = {0, 1, 3, 15, 16, 17, 31, 33, 100, 1000};

double silu(double x) { return x / (1.0 + std::exp(-x)); }
double gelu(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

using Kernel = std::function<void(const IsaTable&, std::int64_t, float*)>;

/// Of numbers up to +-20 in place, within `tolerance` of the result plus `floor`.
void expect_kernel(const Kernel& kernel, const std::function<double(double)>& reference, double tolerance,
                   double floor) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float range : {0.01F, 1.0F, 20.0F}) {
      for (const std::int64_t n : kActivationLengths) {
        const std::vector<float> before = Samples(n + 1).take(n + 1, range);
        std::vector<float> values = before;
        kernel(*isa, n, values.data());
        EXPECT_EQ(values[n], before[n]) << isa->name << ", behind the last of " << n;
        for (std::int64_t i = 0; i < n; ++i) {
          const double expected = reference(before[i]);
          ASSERT_NEAR(values[i], expected, tolerance * std::abs(expected) + floor) << isa->name << ", " << before[i];
        }
        std::vector<float> same = before;
        kernel(scalar(), n, same.data());
        EXPECT_TRUE(same_bits(values, same)) << isa->name << ", " << n;
      }
    }
  }
}

TEST(Activation, Silu) {
  expect_kernel([](const IsaTable& isa, std::int64_t n, float* values) { isa.silu(n, values); }, silu, 4e-7, 1e-30);
}

TEST(Activation, Gelu) {
  // Where GELU all but vanishes, the digits that its exponent lost count.
  expect_kernel([](const IsaTable& isa, std::int64_t n, float* values) { isa.gelu(n, values); }, gelu, 1e-6, 1e-6);
}

TEST(Activation, GeluMul) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kActivationLengths) {
      Samples samples(n);
      const std::vector<float> up = samples.take(n), before = samples.take(n + 1, 5.0F);
      std::vector<float> gate = before, plain = before;
      isa->gelu_mul(up.data(), n, gate.data());
      isa->gelu(n, plain.data());
      for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(gate[i], plain[i] * up[i]) << isa->name;
      EXPECT_EQ(gate[n], before[n]);
    }
  }
}

TEST(Activation, ExponentialSum) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kActivationLengths) {
      std::vector<float> values = Samples(n).take(n + 1, 20.0F);
      values[n] = 90.0F;  // does not count
      if (n > 2) values[1] = -kInfinity;
      double expected = 0.0;
      for (std::int64_t i = 0; i < n; ++i) expected += std::exp(static_cast<double>(values[i]) - 20.0);
      const float sum = isa->exponential_sum(values.data(), n, 20.0F);
      EXPECT_NEAR(sum, expected, 2e-6 * expected) << isa->name << ", " << n;
      EXPECT_EQ(sum, scalar().exponential_sum(values.data(), n, 20.0F)) << isa->name << ", " << n;
    }
  }
}

TEST(Activation, AtTheEnds) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const auto kernel : {isa->silu, isa->gelu}) {
      std::vector<float> values = {0.0F, 300.0F, -300.0F, 1e30F, -1e30F, kInfinity, kNan};
      kernel(std::ssize(values), values.data());
      EXPECT_EQ(values[0], 0.0F);
      EXPECT_EQ(values[1], 300.0F) << isa->name;
      EXPECT_EQ(values[2], 0.0F) << isa->name;
      EXPECT_EQ(values[3], 1e30F) << isa->name;
      EXPECT_EQ(values[4], 0.0F) << isa->name;
      EXPECT_EQ(values[5], kInfinity) << isa->name;
      EXPECT_TRUE(std::isnan(values[6])) << isa->name;
    }
  }
}

TEST(Activation, Softcap) {
  for (const float cap : {0.5F, 30.0F, 50.0F}) {
    expect_kernel([cap](const IsaTable& isa, std::int64_t n, float* values) { isa.softcap(cap, n, values); },
                  [cap](double x) { return cap * std::tanh(x / cap); }, 4e-7, 2e-7 * cap);
  }
  for (const IsaTable* isa : tables_that_run()) {
    std::vector<float> values = {1e30F, -1e30F, kInfinity, -kInfinity, kNan};
    isa->softcap(30.0F, std::ssize(values), values.data());
    for (const std::size_t i : {0, 2}) EXPECT_EQ(values[i], 30.0F) << isa->name;
    for (const std::size_t i : {1, 3}) EXPECT_EQ(values[i], -30.0F) << isa->name;
    EXPECT_TRUE(std::isnan(values[4])) << isa->name;
  }
}

TEST(Activation, Softmax) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float range : {0.1F, 5.0F, 200.0F}) {
      for (const std::int64_t n : kActivationLengths) {
        if (n == 0) continue;
        const std::vector<float> before = Samples(n).take(n + 1, range);
        const double largest = *std::max_element(before.begin(), before.begin() + n);
        double total = 0;
        for (std::int64_t i = 0; i < n; ++i) total += std::exp(before[i] - largest);
        std::vector<float> values = before;
        isa->softmax(n, values.data());
        for (std::int64_t i = 0; i < n; ++i) {
          ASSERT_NEAR(values[i], std::exp(before[i] - largest) / total, 2e-6) << isa->name << ", " << n;
        }
        EXPECT_EQ(values[n], before[n]);
        std::vector<float> same = before;
        scalar().softmax(n, same.data());
        EXPECT_TRUE(same_bits(values, same)) << isa->name << ", " << n;
      }
    }
  }
}

}  // namespace
}  // namespace covey
