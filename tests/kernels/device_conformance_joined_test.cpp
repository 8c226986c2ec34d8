// Operations that are several in one have the bits of these.
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/kernels/device_cases.hpp"

namespace covey {
namespace {

class DeviceJoined : public DeviceConformance {
 protected:
  MatrixHandle add(TensorType type, std::int32_t rows, std::int32_t cols) {
    return device_->add_matrix(matrices_.emplace_back(type, rows, cols, data_).view);
  }
  std::vector<float> product(Slot in, MatrixHandle matrix, Slot out) {
    device_->matmul(in, matrix, {}, out);
    return read(out);
  }

 private:
  std::vector<TestMatrix> matrices_;
};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceJoined, testing::ValuesIn(device_cases()), device_case_name);

struct GatedCase {
  TensorType gate, up, reader;
  std::int32_t cols, width;
  std::vector<std::int32_t> tokens;
  Activation activation = Activation::silu;
};

// Wide enough for three threads to go by rows, and the last rows are fewer; 300 tokens are more than go together.
const GatedCase kGatedCases[] = {
    {TensorType::q4_0, TensorType::q4_0, TensorType::q4_0, 64, 1056, {0, 1, 31, 32, 45, 300}},
    {TensorType::q8_0, TensorType::q4_1, TensorType::q5_0, 32, 1056, {37}, Activation::gelu},
    {TensorType::q4_k, TensorType::q6_k, TensorType::q6_k, 256, 3328, {45}},
    {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k, 32, 3328, {45}},
    {TensorType::q4_0, TensorType::q4_k, TensorType::q4_0, 256, 1056, {37}},  // which want unlike inputs
    {TensorType::q4_0, TensorType::q4_0, TensorType::f16, 64, 1056, {37}},
    {TensorType::f16, TensorType::f16, TensorType::q4_0, 64, 1056, {37}},
    {TensorType::q4_0, TensorType::q4_0, TensorType::q4_0, 64, 96, {37}},  // not enough for three
};

TEST_P(DeviceJoined, GatedProducts) {
  for (const GatedCase& c : kGatedCases) {
    constexpr std::int32_t kRows = 19;
    const MatrixHandle gate = add(c.gate, c.width, c.cols), up = add(c.up, c.width, c.cols);
    const MatrixHandle reader = add(c.reader, kRows, c.width);
    for (const std::int32_t tokens : c.tokens) {
      SCOPED_TRACE(std::to_string(tokens) + " tokens, " + std::string(tensor_type_info(c.gate).name) + ", " +
                   std::string(tensor_type_info(c.up).name) + " for " + std::string(tensor_type_info(c.reader).name));
      reserve({{Slot::normed, c.cols}, {Slot::gate, c.width}, {Slot::up, c.width}, {Slot::partial, kRows}}, tokens);
      begin(tokens);
      write(Slot::normed, tokens, data_.numbers(tokens * c.cols));
      const auto separately = [&] {
        device_->matmul(Slot::normed, gate, {}, Slot::gate);
        device_->matmul(Slot::normed, up, {}, Slot::up);
        device_->gated(c.activation, Slot::gate, Slot::up);
        return product(Slot::gate, reader, Slot::partial);
      };
      const std::vector<float> expected = separately();
      device_->gated_products({gate, up, c.activation, reader}, Slot::normed, Slot::gate, Slot::up);
      EXPECT_EQ(product(Slot::gate, reader, Slot::partial), expected);
      EXPECT_EQ(separately(), expected) << "as before";
    }
  }
}

TEST_P(DeviceJoined, AddNorm) {
  constexpr std::int32_t kWidth = 512, kRows = 40;
  const MatrixHandle narrow = add(TensorType::q4_0, kRows, kWidth), other = add(TensorType::q8_0, kRows, kWidth);
  const MatrixHandle wide = add(TensorType::q4_k, kRows, kWidth), floats = add(TensorType::f16, kRows, kWidth);
  const VectorHandle weight = device_->add_vector(data_.numbers(kWidth));
  const VectorHandle bias = device_->add_vector(data_.numbers(kWidth));
  const VectorHandle shared = device_->add_vector(data_.numbers(kWidth / 4));
  const NormSpec specs[] = {{NormKind::rms, weight, {}, 1e-5F},
                            {NormKind::layer, weight, bias, 1e-2F},
                            {NormKind::rms, shared, {}, 1e-5F, 4}};
  const std::vector<std::vector<MatrixHandle>> readers = {{},     {narrow},       {narrow, other, narrow},
                                                          {wide}, {narrow, wide}, {floats}};
  for (const std::int32_t tokens : {1, 3, 17, 64}) {
    reserve({{Slot::residual, kWidth}, {Slot::partial, kWidth}, {Slot::normed, kWidth}, {Slot::q, kRows}}, tokens);
    for (const NormSpec& spec : specs) {
      const std::vector<float> before = data_.numbers(tokens * kWidth), added = data_.numbers(tokens * kWidth);
      for (const std::vector<MatrixHandle>& all : readers) {
        begin(tokens);
        write(Slot::residual, tokens, before);
        write(Slot::partial, tokens, added);
        device_->add(Slot::partial, Slot::residual);
        const std::vector<float> sum = read(Slot::residual);
        device_->norm(spec, Slot::residual, Slot::normed);
        const std::vector<float> normed = read(Slot::normed);
        std::vector<std::vector<float>> products;
        for (const MatrixHandle matrix : all) products.push_back(product(Slot::normed, matrix, Slot::q));

        write(Slot::residual, tokens, before);
        device_->add_norm(Slot::partial, Slot::residual, spec, all, Slot::normed);
        for (std::size_t i = 0; i < all.size(); ++i) {
          EXPECT_EQ(product(Slot::normed, all[i], Slot::q), products[i]) << tokens << " tokens, reader " << i;
        }
        EXPECT_EQ(read(Slot::residual), sum);
        if (all.empty()) {
          EXPECT_EQ(read(Slot::normed), normed) << "for anyone";
        }
      }
    }
  }
}

}  // namespace
}  // namespace covey
