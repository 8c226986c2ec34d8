// What every device computes, operation by operation, against plain references in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "covey/error.hpp"
#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/whole_blocks.hpp"

namespace covey {
namespace {

INSTANTIATE_TEST_SUITE_P(Devices, DeviceConformance, testing::ValuesIn(device_and_memory_cases()), device_case_name);

TEST_P(DeviceConformance, EmbedLooksRowsUp) {
  for (const Format& format : formats()) {
    const auto width = static_cast<std::int32_t>(whole_blocks(format.type, 96));
    const TestMatrix matrix(format.type, 11, width, data_);
    const TableHandle table = device_->add_table(matrix.view);
    reserve({{Slot::residual, width}}, 4);
    TestBatch batch(8, {{0}});
    const std::vector<std::int32_t> tokens = {10, 0, 3, 10};
    for (std::int32_t t = 0; t < 4; ++t) batch.add(0, t, tokens[t]);
    for (const float scale : {1.0F, 2.5F}) {
      device_->begin(batch.view());
      device_->embed(table, scale, Slot::residual);
      std::vector<double> expected;
      for (const std::int32_t token : tokens) {
        for (std::int32_t i = 0; i < width; ++i) expected.push_back(double{scale} * matrix.values[token * width + i]);
      }
      expect_near(read(Slot::residual), expected, 1e-6);
    }
  }
}

TEST_P(DeviceConformance, NormDividesByTheRootMeanSquare) {
  for (const std::int32_t width : {1, 7, 33, 64, 100, 2048}) {
    constexpr std::int32_t kRows = 5;
    const std::vector<float> in = data_.numbers(kRows * width), weight = data_.numbers(width);
    const VectorHandle handle = device_->add_vector(weight);
    reserve({{Slot::residual, width}, {Slot::normed, width}}, kRows);
    begin(kRows);
    write(Slot::residual, kRows, in);
    device_->norm({NormKind::rms, handle, {}, 1e-5F}, Slot::residual, Slot::normed);
    std::vector<double> expected;
    for (std::int32_t t = 0; t < kRows; ++t) {
      double squares = 0;
      for (std::int32_t i = 0; i < width; ++i) squares += double{in[t * width + i]} * in[t * width + i];
      const double factor = 1.0 / std::sqrt(squares / width + double{1e-5F});
      for (std::int32_t i = 0; i < width; ++i) expected.push_back(in[t * width + i] * factor * weight[i]);
    }
    expect_near(read(Slot::normed), expected, 1e-5);
    EXPECT_EQ(read(Slot::residual), in);
  }
}

TEST_P(DeviceConformance, AddAccumulates) {
  for (const std::int32_t width : {1, 33, 64}) {
    const std::vector<float> from = data_.numbers(3 * width), into = data_.numbers(3 * width);
    reserve({{Slot::partial, width}, {Slot::residual, width}}, 3);
    begin(3);
    write(Slot::partial, 3, from);
    write(Slot::residual, 3, into);
    device_->add(Slot::partial, Slot::residual);
    std::vector<float> expected = into;
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += from[i];
    EXPECT_EQ(read(Slot::residual), expected);
    EXPECT_EQ(read(Slot::partial), from);
  }
}

TEST_P(DeviceConformance, GatedIsSiluTimesUp) {
  for (const std::int32_t width : {1, 33, 64, 3000}) {
    constexpr std::int32_t kRows = 4;
    std::vector<float> gate = data_.numbers(kRows * width);
    const std::vector<float> up = data_.numbers(kRows * width);
    for (float& value : gate) value *= 12.0F;
    gate[0] = 200.0F;   // where exponentials overflow
    gate[1] = -200.0F;  // and vanish
    reserve({{Slot::gate, width}, {Slot::up, width}}, kRows);
    begin(kRows);
    write(Slot::gate, kRows, gate);
    write(Slot::up, kRows, up);
    device_->gated(Activation::silu, Slot::gate, Slot::up);
    std::vector<double> expected;
    for (std::size_t i = 0; i < gate.size(); ++i) {
      expected.push_back(gate[i] / (1.0 + std::exp(-double{gate[i]})) * up[i]);
    }
    expect_near(read(Slot::gate), expected, 1e-5);
  }
}

TEST_P(DeviceConformance, PickTakesRowsInTheOrderGiven) {
  constexpr std::int32_t kWidth = 5;
  const std::vector<float> in = data_.numbers(4 * kWidth);
  reserve({{Slot::residual, kWidth}, {Slot::picked, kWidth}}, 4);
  begin(4);
  write(Slot::residual, 4, in);
  const std::vector<std::int32_t> rows = {3, 0, 3};
  device_->pick(rows, Slot::residual, Slot::picked);
  std::vector<float> expected;
  for (const std::int32_t row : rows) {
    expected.insert(expected.end(), in.begin() + row * kWidth, in.begin() + (row + 1) * kWidth);
  }
  EXPECT_EQ(read(Slot::picked), expected);
  device_->pick({}, Slot::residual, Slot::picked);
  EXPECT_TRUE(read(Slot::picked).empty());
}

TEST_P(DeviceConformance, MapGivesBackWhatTheHostWrote) {
  reserve({{Slot::residual, 7}, {Slot::logits, 1000}}, 3);
  const std::vector<float> values = data_.numbers(2 * 7), logits = data_.numbers(9 * 1000);
  write(Slot::residual, 2, values);
  EXPECT_EQ(read(Slot::residual), values);
  EXPECT_EQ(device_->map(Slot::residual).size(), 14U) << "map(slot) keeps the rows";
  write(Slot::logits, 9, logits);  // more rows than were reserved: logits grow
  EXPECT_EQ(read(Slot::logits), logits);
  device_->map(Slot::residual)[13] = 42.0F;
  EXPECT_EQ(read(Slot::residual)[13], 42.0F);
}

TEST_P(DeviceConformance, RopeTurnsPairs) {
  constexpr std::int32_t kHeads = 3, kHeadDim = 22, kTokens = 5;
  const std::vector<std::int32_t> positions = {0, 1, 77, 4095, 131071};
  for (const RopePairs kind : {RopePairs::adjacent, RopePairs::halves}) {
    for (const std::int32_t pairs : {11, 4, 0}) {
      RopeSpec spec{kind, {}, 1.25F};
      for (std::int32_t i = 0; i < pairs; ++i) spec.inverse_frequency.push_back(std::pow(0.3F, static_cast<float>(i)));
      const RopeHandle rope = device_->add_rope(spec);
      reserve({{Slot::q, kHeads * kHeadDim}}, kTokens);
      TestBatch batch(131072, {{0}});
      for (const std::int32_t position : positions) batch.add(0, position);
      const std::vector<float> in = data_.numbers(kTokens * kHeads * kHeadDim);
      device_->begin(batch.view());
      write(Slot::q, kTokens, in);
      device_->rope(rope, kHeads, kHeadDim, Slot::q);
      std::vector<double> expected(in.begin(), in.end());
      for (std::int32_t row = 0; row < kTokens * kHeads; ++row) {
        for (std::int32_t i = 0; i < pairs; ++i) {
          const double angle = double{spec.inverse_frequency[i]} * positions[row / kHeads];
          const std::int32_t a = row * kHeadDim + (kind == RopePairs::adjacent ? 2 * i : i);
          const std::int32_t b = kind == RopePairs::adjacent ? a + 1 : a + pairs;
          expected[a] = 1.25 * (in[a] * std::cos(angle) - in[b] * std::sin(angle));
          expected[b] = 1.25 * (in[a] * std::sin(angle) + in[b] * std::cos(angle));
        }
      }
      expect_near(read(Slot::q), expected, 1e-6);
    }
  }
}

TEST_P(DeviceConformance, RopeFollowsTheBatch) {
  const RopeHandle rope = device_->add_rope({RopePairs::adjacent, {1.0F}, 1.0F});
  reserve({{Slot::q, 2}}, 1);
  for (const std::int32_t position : {3, 4, 3}) {
    TestBatch batch(8, {{0}});
    batch.add(0, position);
    device_->begin(batch.view());
    write(Slot::q, 1, {1.0F, 0.0F});
    device_->rope(rope, 1, 2, Slot::q);
    expect_near(read(Slot::q), {std::cos(position), std::sin(position)}, 1e-6);
  }
}

TEST_P(DeviceConformance, SlotsOfNoWidthAreHarmless) {
  constexpr std::int32_t kTokens = 3, kWidth = 32;
  const TestMatrix from_nothing(TensorType::q4_0, kWidth, 0, data_), to_nothing(TensorType::q8_0, 0, kWidth, data_);
  const MatrixHandle narrow = device_->add_matrix(to_nothing.view), wide = device_->add_matrix(from_nothing.view);
  const RopeHandle rope = device_->add_rope({RopePairs::adjacent, {1.0F, 0.5F}, 1.0F});
  reserve({{Slot::normed, kWidth}, {Slot::partial, kWidth}}, kTokens);
  device_->reserve_kv({1, 0, 64, 4, 2, KvType::f16});
  begin(kTokens);
  write(Slot::normed, kTokens, data_.numbers(kTokens * kWidth));
  for (const Slot slot : {Slot::q, Slot::k, Slot::v, Slot::gate, Slot::up}) {
    device_->matmul(Slot::normed, narrow, {}, slot);
    EXPECT_TRUE(device_->map(slot).empty());
  }
  device_->rope(rope, 0, 64, Slot::q);
  device_->rope(rope, 0, 64, Slot::k);
  device_->store_kv(0, Slot::k, Slot::v);
  device_->attend(0, {0, 0, 64, 1, 0, 1.0F}, Slot::q, Slot::heads);
  device_->gated(Activation::silu, Slot::gate, Slot::up);
  // A part without heads or hidden units still adds its zeros to the sum over the parts.
  for (const Slot slot : {Slot::heads, Slot::gate}) {
    device_->matmul(slot, wide, {}, Slot::partial);
    EXPECT_EQ(read(Slot::partial), std::vector<float>(kTokens * kWidth, 0.0F));
  }
}

TEST_P(DeviceConformance, RowsOfNoTokensAreHarmless) {
  const TestMatrix matrix(TensorType::q8_0, 16, 32, data_);
  const MatrixHandle handle = device_->add_matrix(matrix.view);
  const VectorHandle weight = device_->add_vector(std::vector<float>(32, 1.0F));
  reserve({{Slot::residual, 32}, {Slot::picked, 32}, {Slot::normed, 32}, {Slot::logits, 16}}, 2);
  begin(2);
  write(Slot::residual, 2, data_.numbers(64));
  device_->pick({}, Slot::residual, Slot::picked);
  device_->norm({NormKind::rms, weight, {}, 1e-5F}, Slot::picked, Slot::normed);
  device_->matmul(Slot::normed, handle, {}, Slot::logits);
  EXPECT_TRUE(device_->map(Slot::logits).empty());
}

TEST_P(DeviceConformance, CountsItsMemory) {
  const std::size_t before = device_->memory_bytes();
  const TestMatrix matrix(TensorType::q8_0, 64, 256, data_);
  device_->add_matrix(matrix.view);
  const std::size_t with_weights = device_->memory_bytes();
  EXPECT_GE(with_weights, before + 64 * 256 / 32 * 34);
  reserve({{Slot::residual, 256}}, 8);
  const std::size_t with_slots = device_->memory_bytes();
  EXPECT_GE(with_slots, with_weights + 8 * 256 * sizeof(float));
  const KvLayout layout{2, 3, 64, 10, 16, KvType::f16};
  device_->reserve_kv(layout);
  EXPECT_EQ(device_->memory_bytes(), with_slots + 10 * kv_block_bytes(layout));
}

TEST_P(DeviceConformance, RefusesWhatItCannotHold) {
  const std::vector<std::byte> bytes(4096);
  const auto refuse = [&](const MatrixView& view, const std::string& word) {
    for (const bool table : {false, true}) {
      try {
        if (table) device_->add_table(view);
        if (!table) device_->add_matrix(view);
        ADD_FAILURE() << "accepted; expected an error with " << word;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
      }
    }
  };
  refuse({bytes.data(), TensorType::q8_0, 1, 33, 34}, "33");
  refuse({bytes.data(), TensorType::f32, -1, 4, 16}, "-1");
  refuse({bytes.data(), TensorType::f32, 2, 4, 15}, "15");
  refuse({bytes.data(), TensorType::f32, std::int64_t{1} << 62, 4, 16}, "4611686018427387904");
  refuse({nullptr, TensorType::f32, 2, 4, 16}, "F32");
  EXPECT_THROW(device_->reserve_kv({1, 1, 40, 4, 16, KvType::q8_0}), Error);
  EXPECT_THROW(device_->reserve_kv({1, 1, 32, -4, 16, KvType::f16}), Error);
  EXPECT_THROW(device_->reserve_kv({1 << 30, 1 << 30, 1 << 30, 4, 16, KvType::f32}), Error);
  EXPECT_THROW(device_->reserve_kv({2, 1, 32, 4, 16, KvType::f16, 3}), Error);
  EXPECT_THROW(reserve({{Slot::q, -1}}, 4), Error);
  EXPECT_THROW(reserve({{Slot::q, 4}}, -1), Error);
  EXPECT_THROW(device_->add_rope({RopePairs::adjacent, {std::nanf("")}, 1.0F}), Error);
}

}  // namespace
}  // namespace covey
