// The operations that some architectures need: norms of parts of rows and over parts of the model, scales, caps,
// learned positions.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

class DeviceLayers : public DeviceConformance {};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceLayers, testing::ValuesIn(device_and_memory_cases()), device_case_name);

constexpr std::int32_t kRows = 5;
constexpr std::int32_t kWidths[] = {1, 7, 16, 33, 100, 1030};

struct NormReference {
  NormKind kind;
  std::int32_t groups;
  double epsilon;
  std::vector<float> weight, bias;  // of a group or of a row

  std::vector<double> operator()(const std::vector<float>& in, std::int32_t rows) const {
    const auto width = static_cast<std::int32_t>(in.size()) / rows, group = width / groups;
    std::vector<double> out(in.size());
    for (std::int32_t first = 0; first < width * rows; first += group) {
      double mean = 0, variance = 0;
      for (std::int32_t i = 0; kind == NormKind::layer && i < group; ++i) mean += double{in[first + i]} / group;
      for (std::int32_t i = 0; i < group; ++i) variance += std::pow(in[first + i] - mean, 2) / group;
      for (std::int32_t i = 0; i < group; ++i) {
        const std::size_t w = static_cast<std::size_t>(first % width + i) % weight.size();
        const double added = bias.empty() ? 0.0 : bias[w];
        out[first + i] = (in[first + i] - mean) / std::sqrt(variance + epsilon) * weight[w] + added;
      }
    }
    return out;
  }
};

TEST_P(DeviceLayers, NormsOfWholeRowsAndOfHeads) {
  for (const NormKind kind : {NormKind::rms, NormKind::layer}) {
    for (const std::int32_t group : kWidths) {
      for (const std::int32_t groups : {1, 3}) {
        for (const bool own_weights : {false, true}) {
          const std::int32_t width = group * groups, weights = own_weights ? width : group;
          const bool biased = kind == NormKind::layer && groups == 1;
          const NormReference reference{kind, groups, double{1e-2F}, data_.numbers(weights),
                                        biased ? data_.numbers(weights) : std::vector<float>{}};
          const NormSpec spec{kind, device_->add_vector(reference.weight),
                              biased ? device_->add_vector(reference.bias) : VectorHandle{}, 1e-2F, groups};
          reserve({{Slot::q, width}, {Slot::heads, width}}, kRows);
          begin(kRows);
          const std::vector<float> in = data_.numbers(kRows * width);
          write(Slot::q, kRows, in);
          device_->norm(spec, Slot::q, Slot::heads);
          const std::vector<float> apart = read(Slot::heads);
          expect_near(apart, reference(in, kRows), 1e-5);
          EXPECT_EQ(read(Slot::q), in);
          device_->norm(spec, Slot::q, Slot::q);
          EXPECT_EQ(read(Slot::q), apart) << "in place";
        }
      }
    }
  }
}

TEST_P(DeviceLayers, NormOverSeveralParts) {
  for (const std::int32_t width : kWidths) {
    const NormReference reference{NormKind::rms, 1, double{1e-5F}, data_.numbers(width), {}};
    const std::vector<float> in = data_.numbers(kRows * width);
    const std::vector<double> expected = reference(in, kRows);
    const std::int32_t cuts[] = {0, width / 3, width};  // columns of two parts, the first perhaps empty
    std::vector<float> squares(kRows * 2, 0.0F);
    for (const bool summed : {false, true}) {
      for (int part = 0; part < 2; ++part) {
        const std::int32_t first = cuts[part], size = cuts[part + 1] - first;
        std::vector<float> rows, weight(reference.weight.begin() + first, reference.weight.begin() + first + size);
        std::vector<double> wanted;
        for (std::int32_t t = 0; t < kRows; ++t) {
          rows.insert(rows.end(), in.begin() + t * width + first, in.begin() + t * width + first + size);
          wanted.insert(wanted.end(), expected.begin() + t * width + first,
                        expected.begin() + t * width + first + size);
        }
        const VectorHandle handle = device_->add_vector(weight);
        reserve({{Slot::k, size}, {Slot::squares, 2}}, kRows);
        begin(kRows);
        write(Slot::k, kRows, rows);
        if (!summed) {
          device_->square_sums(Slot::k, 0, 0, Slot::squares, 0);
          device_->square_sums(Slot::k, 0, size, Slot::squares, 1);
          const std::vector<float> own = read(Slot::squares);
          for (std::size_t i = 0; i < own.size(); ++i) squares[i] += own[i];
        } else {
          write(Slot::squares, kRows, squares);
          device_->norm_by_sums(Slot::squares, 1, width, handle, 1e-5F, Slot::k);
          expect_near(read(Slot::k), wanted, 1e-5);
        }
      }
    }
    for (std::int32_t t = 0; t < kRows; ++t) EXPECT_EQ(squares[2 * t], 0.0F);
  }
}

TEST_P(DeviceLayers, ScaleCapAndActivateInPlace) {
  for (const std::int32_t width : kWidths) {
    reserve({{Slot::gate, width}, {Slot::logits, width}}, kRows);
    begin(kRows);
    std::vector<float> in = data_.numbers(kRows * width);
    for (float& x : in) x *= 6.0F;
    const auto expect = [&](Slot slot, auto operation, auto reference) {
      write(slot, kRows, in);
      operation(slot);
      std::vector<double> expected;
      for (const float x : in) expected.push_back(reference(double{x}));
      expect_near(read(slot), expected, 2e-6);
    };
    for (const Slot slot : {Slot::gate, Slot::logits}) {
      expect(
          slot, [&](Slot s) { device_->scale(0.3F, s); }, [](double x) { return double{0.3F} * x; });
      expect(
          slot, [&](Slot s) { device_->softcap(4.0F, s); }, [](double x) { return 4.0 * std::tanh(x / 4.0); });
    }
    expect(
        Slot::gate, [&](Slot s) { device_->activate(Activation::silu, s); },
        [](double x) { return x / (1.0 + std::exp(-x)); });
    expect(
        Slot::gate, [&](Slot s) { device_->activate(Activation::gelu, s); },
        [](double x) { return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x))); });
  }
}

TEST_P(DeviceLayers, GatedByGelu) {
  for (const std::int32_t width : kWidths) {
    reserve({{Slot::gate, width}, {Slot::up, width}}, kRows);
    begin(kRows);
    const std::vector<float> gate = data_.numbers(kRows * width), up = data_.numbers(kRows * width);
    write(Slot::gate, kRows, gate);
    write(Slot::up, kRows, up);
    device_->gated(Activation::gelu, Slot::gate, Slot::up);
    std::vector<double> expected;
    for (std::size_t i = 0; i < gate.size(); ++i) {
      const double x = gate[i];
      expected.push_back(0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x))) * up[i]);
    }
    expect_near(read(Slot::gate), expected, 2e-6);
  }
}

TEST_P(DeviceLayers, PositionsAreAddedByTheirNumber) {
  for (const TensorType type : {TensorType::f32, TensorType::f16, TensorType::q8_0}) {
    constexpr std::int32_t kWidth = 96;
    const TestMatrix matrix(type, 40, kWidth, data_);
    const TableHandle table = device_->add_table(matrix.view);
    reserve({{Slot::residual, kWidth}}, 4);
    const std::vector<std::int32_t> positions = {39, 0, 7, 7};
    TestBatch batch(64, {{0}});
    for (const std::int32_t position : positions) batch.add(0, position);
    device_->begin(batch.view());
    const std::vector<float> in = data_.numbers(4 * kWidth);
    write(Slot::residual, 4, in);
    device_->add_positions(table, Slot::residual);
    std::vector<double> expected;
    for (std::size_t i = 0; i < in.size(); ++i) {
      expected.push_back(double{in[i]} + matrix.values[positions[i / kWidth] * kWidth + i % kWidth]);
    }
    expect_near(read(Slot::residual), expected, 1e-6);
  }
}

}  // namespace
}  // namespace covey
