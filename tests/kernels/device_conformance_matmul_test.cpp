// Products with weights of every format, on every device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/expected_product.hpp"
#include "tests/kernels/whole_blocks.hpp"

namespace covey {
namespace {

class DeviceMatmul : public DeviceConformance {
 protected:
  /// Shapes take shaders of their own there, and software drivers take long to compile each: all shapes are tested, and
  /// all formats, each with some; of variants of such a device each with one.
  static bool is_vulkan() { return GetParam().name.starts_with("vulkan"); }
  static bool is_variant() { return GetParam().name.starts_with("vulkan_"); }
  /// With all features of a software driver, which has no cooperative matrices, only those that show them without have
  /// shaders of their own for prompts: see shaders/CMakeLists.txt.
  static bool varies_in_prompts(const Format& format) {
    return GetParam().name != "vulkan_all" || !vulkan_is_software() || format.type == TensorType::f16 ||
           format.type == TensorType::q4_0 || format.type == TensorType::q4_k;
  }
  /// What rounding activations of prompts to fp16 may cost, of a product's magnitude.
  static double rounding(const Format& format) {
    return GetParam().name == "vulkan_all" && format.type == TensorType::f16 ? 0x1p-11 : 0.0;
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceMatmul, testing::ValuesIn(product_cases()), device_case_name);

struct Shape {
  std::int32_t rows, cols, tokens;

  Shape in_blocks_of(const Format& format) const {
    return {rows, static_cast<std::int32_t>(whole_blocks(format.type, cols)), tokens};
  }
};

TEST_P(DeviceMatmul, MultipliesByEveryFormat) {
  for (const Format& format : formats()) {
    constexpr Shape kShapes[] = {{16, 32, 1}, {1, 64, 3}, {17, 96, 17}, {40, 256, 2}, {100, 1024, 3}, {33, 7, 4}};
    for (std::size_t i = 0; i < std::size(kShapes); ++i) {
      if (is_variant() && i != format.index % std::size(kShapes)) continue;
      if (is_vulkan() && i % 3 != format.index % 3) continue;
      const Shape shape = kShapes[i].in_blocks_of(format);
      const TestMatrix matrix(format.type, shape.rows, shape.cols, data_);
      const MatrixHandle handle = device_->add_matrix(matrix.view);
      const std::vector<float> in = data_.numbers(shape.tokens * shape.cols), bias = data_.numbers(shape.rows);
      const VectorHandle bias_handle = device_->add_vector(bias);
      reserve({{Slot::normed, shape.cols}, {Slot::q, shape.rows}, {Slot::k, shape.rows}}, shape.tokens);
      begin(shape.tokens);
      write(Slot::normed, shape.tokens, in);
      device_->matmul(Slot::normed, handle, {}, Slot::q);
      device_->matmul(Slot::normed, handle, bias_handle, Slot::k);
      const ExpectedProduct expected(format, in, matrix);
      expected.expect(read(Slot::q));
      expected.expect(read(Slot::k), bias);
    }
  }
}

TEST_P(DeviceMatmul, PromptsGiveTheSameWithinRounding) {
  for (const Format& format : formats()) {
    // Long rows where BLAS may take them in parts.
    const std::int32_t cols = format.activations == ActivationKind::f32 ? 4096 : 2048;
    for (const Shape wanted : {Shape{150, 288, 33}, {16, 32, 32}, {17, cols, 50}}) {
      if (is_variant() && (wanted.tokens != 33 || !varies_in_prompts(format))) continue;
      if (is_vulkan() && wanted.cols == cols && format.index % 5 != 0) continue;
      const Shape shape = wanted.in_blocks_of(format);
      const TestMatrix matrix(format.type, shape.rows, shape.cols, data_);
      const MatrixHandle handle = device_->add_matrix(matrix.view);
      const std::vector<float> in = data_.numbers(shape.tokens * shape.cols), bias = data_.numbers(shape.rows);
      const VectorHandle bias_handle = device_->add_vector(bias);
      reserve({{Slot::normed, shape.cols}, {Slot::q, shape.rows}}, shape.tokens);
      const ExpectedProduct expected(format, in, matrix, rounding(format));
      for (const bool prompt : {false, true}) {
        if (is_variant() && !prompt) continue;
        begin(shape.tokens, prompt);
        write(Slot::normed, shape.tokens, in);
        device_->matmul(Slot::normed, handle, bias_handle, Slot::q);
        expected.expect(read(Slot::q), bias);
      }
    }
  }
}

TEST_P(DeviceMatmul, BandsAreColumnsOfTheWhole) {
  for (const Format& format : formats()) {
    if (is_vulkan() && (is_variant() || format.index % 5 != 0)) continue;
    constexpr std::int32_t kRows = 200;
    const Shape shape = Shape{kRows, 288, 0}.in_blocks_of(format);
    const TestMatrix matrix(format.type, shape.rows, shape.cols, data_);
    const MatrixHandle handle = device_->add_matrix(matrix.view);
    const VectorHandle bias = device_->add_vector(data_.numbers(kRows));
    for (const std::int32_t tokens : {1, 5, 33}) {
      const std::vector<float> in = data_.numbers(tokens * shape.cols);
      for (const auto& [first, width] : {std::pair{0, 64}, {64, 128}, {192, 8}, {0, kRows}}) {
        reserve({{Slot::normed, shape.cols}, {Slot::partial, kRows}, {Slot::band, width}}, tokens);
        begin(tokens, false);
        write(Slot::normed, tokens, in);
        device_->matmul(Slot::normed, handle, bias, Slot::partial);
        device_->matmul_band(Slot::normed, handle, first, bias, Slot::band);
        const std::vector<float> whole = read(Slot::partial), band = read(Slot::band);
        for (std::int32_t t = 0; t < tokens; ++t) {
          for (std::int32_t r = 0; r < width; ++r) {
            ASSERT_EQ(band[t * width + r], whole[t * kRows + first + r]) << tensor_type_info(format.type).name;
          }
        }
      }
    }
  }
}

TEST_P(DeviceMatmul, MatricesWithoutRowsOrColumns) {
  for (const Format& format : formats()) {
    if (is_variant() && format.index % 5 != 0) continue;
    const auto cols = static_cast<std::int32_t>(whole_blocks(format.type, 64));
    const TestMatrix no_rows(format.type, 0, cols, data_), no_cols(format.type, 20, 0, data_);
    const MatrixHandle without_rows = device_->add_matrix(no_rows.view),
                       without_cols = device_->add_matrix(no_cols.view);
    const std::vector<float> bias = data_.numbers(20);
    const VectorHandle bias_handle = device_->add_vector(bias);
    for (const bool prompt : {false, true}) {
      constexpr std::int32_t kTokens = 40;
      reserve({{Slot::normed, cols}, {Slot::partial, 20}, {Slot::logits, 7}}, kTokens);
      begin(kTokens, prompt);
      write(Slot::normed, kTokens, data_.numbers(kTokens * cols));
      device_->map(Slot::gate, kTokens);
      device_->matmul(Slot::normed, without_rows, {}, Slot::logits);
      EXPECT_TRUE(read(Slot::logits).empty());
      device_->matmul(Slot::gate, without_cols, {}, Slot::partial);
      EXPECT_EQ(read(Slot::partial), std::vector<float>(kTokens * 20, 0.0F));
      device_->matmul(Slot::gate, without_cols, bias_handle, Slot::partial);
      const std::vector<float> out = read(Slot::partial);
      for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], bias[i % 20]);
    }
  }
}

// A device may keep a quantized copy of a product's input: every way to write the slot must make it stale.
TEST_P(DeviceMatmul, SeesEveryChangeOfItsInput) {
  constexpr std::int32_t kWidth = 64, kTokens = 2;
  const Format& format = *find_format(TensorType::q8_0);
  const TestMatrix matrix(TensorType::q8_0, kWidth, kWidth, data_), table(TensorType::f32, 4, kWidth, data_);
  const MatrixHandle handle = device_->add_matrix(matrix.view);
  const TableHandle table_handle = device_->add_table(table.view);
  const VectorHandle weight = device_->add_vector(data_.numbers(kWidth));
  const RopeHandle rope = device_->add_rope({RopePairs::halves, {1.0F, 0.1F, 0.3F}, 1.0F});
  reserve({{Slot::residual, kWidth}, {Slot::normed, kWidth}, {Slot::q, kWidth}, {Slot::heads, kWidth}}, kTokens);
  device_->reserve_kv({1, 1, kWidth, kTokens, 1, KvType::f32});
  begin(kTokens);
  write(Slot::residual, kTokens, data_.numbers(kTokens * kWidth));
  write(Slot::q, kTokens, data_.numbers(kTokens * kWidth));
  write(Slot::normed, kTokens, data_.numbers(kTokens * kWidth));
  device_->store_kv(0, Slot::residual, Slot::q);
  const auto check = [&](const char* after) {
    SCOPED_TRACE(after);
    device_->matmul(Slot::normed, handle, {}, Slot::heads);
    const std::vector<float> out = read(Slot::heads);
    ExpectedProduct(format, read(Slot::normed), matrix).expect(out);
    device_->matmul(Slot::normed, handle, {}, Slot::heads);  // what is copied now is stale after the next change
  };
  check("map");
  const std::vector<std::int32_t> rows = {1, 0};
  device_->norm({NormKind::rms, weight, {}, 1e-5F}, Slot::residual, Slot::normed);
  check("norm");
  device_->add(Slot::residual, Slot::normed);
  check("add");
  device_->rope(rope, 1, kWidth, Slot::normed);
  check("rope");
  device_->gated(Activation::silu, Slot::normed, Slot::residual);
  check("gated");
  device_->pick(rows, Slot::residual, Slot::normed);
  check("pick");
  device_->matmul(Slot::residual, handle, {}, Slot::normed);
  check("matmul");
  device_->attend(0, {1, 1, kWidth, 1, 0, 1.0F}, Slot::q, Slot::normed);
  check("attend");
  device_->embed(table_handle, 1.0F, Slot::normed);
  check("embed");
}

}  // namespace
}  // namespace covey
