// What a device's product with a matrix of any format should give, and how far off it may be.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/quant/formats.hpp"
#include "tests/kernels/exact_dot.hpp"
#include "tests/kernels/random_data.hpp"

namespace covey {

/// Absolute values of rows, and what each of their blocks comes to.
struct Magnitudes {
  std::int64_t cols, blocks;
  std::vector<float> values;         // (rows, cols)
  std::vector<double> largest, sum;  // (rows, blocks)

  Magnitudes(const std::vector<float>& of, std::int64_t row_cols, std::int64_t block_cols)
      : cols(row_cols), blocks((cols + block_cols - 1) / block_cols), values(of) {
    const std::size_t rows = values.size() / cols;
    largest.resize(rows * blocks);
    sum.resize(rows * blocks);
    for (std::size_t i = 0; i < rows * cols; ++i) {
      const std::size_t block = i / cols * blocks + i % cols / block_cols;
      values[i] = std::abs(values[i]);
      largest[block] = std::max(largest[block], double{values[i]});
      sum[block] += values[i];
    }
  }
};

/// What a product may be off by. Devices may quantize activations to int8 for quantized weights: each is then off by
/// half a step at most, a step being the largest of its block over 127. The rest is rounding of F32 sums.
inline double allowance(const Format& format, const Magnitudes& in, std::int64_t token, const Magnitudes& weights,
                        std::int64_t row, double rounding) {
  const double product = exact_dot(in.values.data() + token * in.cols, weights.values.data() + row * in.cols, in.cols);
  const double steps =
      exact_dot(in.largest.data() + token * in.blocks, weights.sum.data() + row * in.blocks, in.blocks) / 127;
  return 1e-6 + (4e-6 + rounding) * product + (format.activations == ActivationKind::f32 ? 0.0 : 0.501 * steps);
}

/// What a product with a matrix gives, and may be off by.
class ExpectedProduct {
 public:
  ExpectedProduct(const Format& format, const std::vector<float>& in, const TestMatrix& matrix, double rounding = 0)
      : format_(format), rows_(matrix.view.rows) {
    const std::int64_t cols = matrix.view.cols, tokens = std::ssize(in) / cols;
    const std::int64_t block = activation_block(format.activations);
    const Magnitudes in_sizes(in, cols, block), weight_sizes(matrix.values, cols, block);
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t r = 0; r < rows_; ++r) {
        products_.push_back(exact_dot(in.data() + t * cols, matrix.values.data() + r * cols, cols));
        allowances_.push_back(allowance(format, in_sizes, t, weight_sizes, r, rounding));
      }
    }
  }

  void expect(const std::vector<float>& out, const std::vector<float>& bias = {}) const {
    ASSERT_EQ(out.size(), products_.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t row = i % rows_;
      ASSERT_NEAR(out[i], products_[i] + (bias.empty() ? 0.0 : bias[row]), allowances_[i])
          << tensor_type_info(format_.type).name << " row " << row << " token " << i / rows_;
    }
  }

 private:
  const Format& format_;
  std::int64_t rows_;
  std::vector<double> products_, allowances_;  // (tokens, rows)
};

}  // namespace covey
