// Element-wise kernels on every instruction set that runs here: against double precision, and bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

#include "samples.hpp"

namespace covey {
namespace {

constexpr std::int64_t kLengths[] = {0, 1, 3, 15, 16, 17, 31, 32, 33, 48, 63, 64, 100, 288, 1000, 2048};

/// Relative to the larger of |expected| and `floor`.
void expect_close(std::span<const float> values, std::span<const double> expected, double tolerance, double floor,
                  std::string_view isa) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], expected[i], tolerance * std::max(std::abs(expected[i]), floor)) << isa << ", element " << i;
  }
}

TEST(Elementwise, RmsNorm) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kLengths) {
      if (n == 0) continue;
      Samples samples(n);
      const std::vector<float> in = samples.take(n, 5.0F);
      const std::vector<float> weight = samples.take(n);
      const float epsilon = 1e-5F;
      double squares = 0.0;
      for (const float x : in) squares += double{x} * x;
      std::vector<double> expected(n);
      for (std::int64_t i = 0; i < n; ++i) {
        expected[i] = in[i] / std::sqrt(squares / static_cast<double>(n) + epsilon) * weight[i];
      }
      std::vector<float> out(n + 1, -7.0F);
      isa->rms_norm(in.data(), weight.data(), epsilon, n, out.data());
      EXPECT_EQ(out[n], -7.0F);
      expect_close(std::span(out).first(n), expected, 4e-7, 0.0, isa->name);
      std::vector<float> same(n + 1, -7.0F);
      scalar().rms_norm(in.data(), weight.data(), epsilon, n, same.data());
      EXPECT_TRUE(same_bits(out, same)) << isa->name << ", " << n;
    }
  }
}

TEST(Elementwise, AddAndScale) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int64_t n : kLengths) {
      Samples samples(n);
      const std::vector<float> from = samples.take(n);
      const std::vector<float> before = samples.take(n + 1);
      std::vector<float> into = before;
      isa->add(from.data(), n, into.data());
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(into[i], before[i] + from[i]) << isa->name;
      EXPECT_EQ(into[n], before[n]);
      into = before;
      isa->scale(0.3F, n, into.data());
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(into[i], before[i] * 0.3F) << isa->name;
      EXPECT_EQ(into[n], before[n]);
    }
  }
}

TEST(Elementwise, SiluMul) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float range : {0.01F, 1.0F, 20.0F, 80.0F}) {
      for (const std::int64_t n : kLengths) {
        Samples samples(n);
        const std::vector<float> up = samples.take(n);
        const std::vector<float> before = samples.take(n + 1, range);
        std::vector<double> expected(n);
        for (std::int64_t i = 0; i < n; ++i) expected[i] = before[i] / (1.0 + std::exp(-double{before[i]})) * up[i];
        std::vector<float> gate = before;
        isa->silu_mul(up.data(), n, gate.data());
        EXPECT_EQ(gate[n], before[n]);
        expect_close(std::span(gate).first(n), expected, 4e-7, 1e-30, isa->name);
        std::vector<float> same = before;
        scalar().silu_mul(up.data(), n, same.data());
        EXPECT_TRUE(same_bits(gate, same)) << isa->name << ", " << n;
      }
    }
  }
}

TEST(Elementwise, SiluAtTheEnds) {
  for (const IsaTable* isa : tables_that_run()) {
    std::vector<float> gate = {0.0F, -0.0F, 1e-30F, 300.0F, -300.0F, 1e38F, -1e38F, kInfinity, kNan};
    const std::vector<float> up(gate.size(), 1.0F);
    isa->silu_mul(up.data(), std::ssize(gate), gate.data());
    EXPECT_EQ(gate[0], 0.0F);
    EXPECT_EQ(gate[1], 0.0F);
    EXPECT_EQ(gate[2], 0.5e-30F);
    EXPECT_EQ(gate[3], 300.0F);
    EXPECT_EQ(gate[4], 0.0F) << isa->name;
    EXPECT_EQ(gate[5], 1e38F);
    EXPECT_EQ(gate[6], 0.0F) << isa->name;
    EXPECT_EQ(gate[7], kInfinity) << isa->name;
    EXPECT_TRUE(std::isnan(gate[8])) << isa->name;
  }
}

TEST(Elementwise, Rope) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t pairs : {0, 1, 3, 4, 8, 15, 16, 32, 40, 64}) {
      Samples samples(pairs);
      std::vector<float> cosine, sine;
      for (std::int32_t i = 0; i < pairs; ++i) {
        const float angle = 10.0F * samples.next();
        cosine.push_back(std::cos(angle));
        sine.push_back(std::sin(angle));
      }
      const std::vector<float> head = samples.take(2 * pairs + 3);
      for (const bool halves : {false, true}) {
        std::vector<double> expected(head.begin(), head.end());
        for (std::int32_t i = 0; i < pairs; ++i) {
          const std::int32_t at = halves ? i : 2 * i;
          const std::int32_t other = halves ? i + pairs : 2 * i + 1;
          expected[at] = double{head[at]} * cosine[i] - double{head[other]} * sine[i];
          expected[other] = double{head[at]} * sine[i] + double{head[other]} * cosine[i];
        }
        std::vector<float> turned = head;
        (halves ? isa->rope_halves : isa->rope_adjacent)(cosine.data(), sine.data(), pairs, turned.data());
        expect_close(turned, expected, 2e-7, 1.0, isa->name);
        std::vector<float> same = head;
        (halves ? scalar().rope_halves : scalar().rope_adjacent)(cosine.data(), sine.data(), pairs, same.data());
        EXPECT_TRUE(same_bits(turned, same)) << isa->name << ", " << pairs;
      }
    }
  }
}

template <class Block>
struct Quantize : testing::Test {
  static constexpr int kColumns = sizeof(Block::q);

  static void quantize(const IsaTable& isa, const float* values, std::int64_t n, Block* out, std::size_t stride) {
    if constexpr (std::is_same_v<Block, ActivationBlock>) {
      isa.quantize(values, n, out, stride);
    } else {
      isa.quantize_wide(values, n, out, stride);
    }
  }
  static std::vector<Block> quantized(const IsaTable& isa, std::span<const float> values) {
    std::vector<Block> blocks(values.size() / kColumns);
    quantize(isa, values.data(), std::ssize(values), blocks.data(), 1);
    return blocks;
  }

  static std::int32_t sum(const std::int8_t* q, int count) { return std::accumulate(q, q + count, 0); }
  static void expect_sums(const ActivationBlock& block) {
    const std::int32_t all = sum(block.q, 32);
    EXPECT_EQ(block.negative_sum, -all);
    if (!std::isnan(block.scale)) {
      EXPECT_EQ(block.scaled_sum, block.scale * static_cast<float>(all));
    }
  }
  static void expect_sums(const WideActivationBlock& block) {
    for (int p = 0; p < WideActivationBlock::kPieces; ++p) {
      const std::int8_t* const piece = block.q + std::ptrdiff_t{32} * p;
      EXPECT_EQ(block.half_sums[2 * p], sum(piece, 16));
      EXPECT_EQ(block.half_sums[2 * p + 1], sum(piece + 16, 16));
      EXPECT_EQ(block.sums[p], sum(piece, 32));
      EXPECT_EQ(block.negative_sums[p], -sum(piece, 32));
      EXPECT_EQ(block.negative_first_sums[p], -sum(piece, 16));
    }
  }
};

using ActivationBlocks = testing::Types<ActivationBlock, WideActivationBlock>;
TYPED_TEST_SUITE(Quantize, ActivationBlocks);

TYPED_TEST(Quantize, IsNearestEvenOfTheBlocksOwnScale) {
  constexpr int kColumns = TestFixture::kColumns;
  for (const IsaTable* isa : tables_that_run()) {
    for (const float range : {1e-20F, 1.0F, 1e20F}) {
      const std::vector<float> values = Samples(9).take(kColumns * 40, range);
      const std::vector<TypeParam> blocks = this->quantized(*isa, values);
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        const float* const of = values.data() + kColumns * b;
        float amax = 0.0F;
        for (int i = 0; i < kColumns; ++i) amax = std::max(amax, std::abs(of[i]));
        ASSERT_EQ(blocks[b].scale, amax / 127.0F);
        for (int i = 0; i < kColumns; ++i) {
          ASSERT_EQ(blocks[b].q[i], std::nearbyint(of[i] * (127.0F / amax))) << isa->name;
        }
        this->expect_sums(blocks[b]);
      }
    }
  }
}

TYPED_TEST(Quantize, BlocksGoAsFarApartAsAsked) {
  const std::vector<float> values = Samples(10).take(TestFixture::kColumns * 5, 1.0F);
  for (const IsaTable* isa : tables_that_run()) {
    const std::vector<TypeParam> together = this->quantized(*isa, values);
    std::vector<TypeParam> apart(5 * 3);
    this->quantize(*isa, values.data(), std::ssize(values), apart.data() + 1, 3);
    const std::vector<std::byte> untouched(sizeof(TypeParam));
    for (std::size_t b = 0; b < 5; ++b) {
      EXPECT_EQ(std::memcmp(&apart[3 * b + 1], &together[b], sizeof(TypeParam)), 0) << isa->name;
      EXPECT_EQ(std::memcmp(&apart[3 * b], untouched.data(), sizeof(TypeParam)), 0) << "a neighbour was written";
    }
  }
}

TYPED_TEST(Quantize, TiesGoToEven) {
  std::vector<float> values(TestFixture::kColumns, 0.0F);
  values[0] = 127.0F;
  values[1] = 0.5F;
  values[2] = 1.5F;
  values[3] = -2.5F;
  values[4] = -127.0F;
  for (const IsaTable* isa : tables_that_run()) {
    const TypeParam block = this->quantized(*isa, values)[0];
    EXPECT_EQ(block.q[1], 0);
    EXPECT_EQ(block.q[2], 2);
    EXPECT_EQ(block.q[3], -2);
    EXPECT_EQ(block.q[4], -127);
    this->expect_sums(block);
  }
}

TYPED_TEST(Quantize, SameBitsOnEveryInstructionSet) {
  constexpr int kColumns = TestFixture::kColumns;
  std::vector<float> values = Samples(11).take(kColumns * 100, 3.0F);
  values[kColumns * 7] = 1e-38F;
  values[kColumns * 8 + 3] = 3e38F;
  std::fill_n(values.begin() + kColumns * 9, kColumns, 1e-39F);
  const std::vector<TypeParam> expected = this->quantized(scalar(), values);
  for (const IsaTable* isa : tables_that_run()) {
    const std::vector<TypeParam> blocks = this->quantized(*isa, values);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      ASSERT_EQ(std::memcmp(&blocks[b], &expected[b], sizeof(TypeParam)), 0) << isa->name << ", block " << b;
    }
  }
}

TYPED_TEST(Quantize, ZerosAndTinyNumbersAreZero) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float tiny : {0.0F, 1e-45F, 1e-38F, 9e-31F}) {
      const TypeParam block = this->quantized(*isa, std::vector<float>(TestFixture::kColumns, tiny))[0];
      EXPECT_EQ(block.scale, 0.0F) << isa->name;
      for (const std::int8_t q : block.q) EXPECT_EQ(q, 0);
      this->expect_sums(block);
    }
  }
}

TYPED_TEST(Quantize, WhatIsNotFiniteMakesItsBlockNan) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const float odd : {kInfinity, -kInfinity, kNan, -kNan}) {
      std::vector<float> values(2 * TestFixture::kColumns, 1.0F);
      values[TestFixture::kColumns - 12] = odd;
      const std::vector<TypeParam> blocks = this->quantized(*isa, values);
      EXPECT_TRUE(std::isnan(blocks[0].scale)) << isa->name << ", " << odd;
      this->expect_sums(blocks[0]);
      EXPECT_EQ(blocks[1].scale, 1.0F / 127.0F);
    }
  }
}

}  // namespace
}  // namespace covey
