// RMS norms and products whose input comes in bands of columns, on every device.
#include <gtest/gtest.h>

#include <initializer_list>
#include <span>
#include <vector>

#include "covey/error.hpp"
#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/expected_product.hpp"
#include "tests/kernels/whole_blocks.hpp"

namespace covey {
namespace {

class DeviceColumns : public DeviceConformance {};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceColumns, testing::ValuesIn(device_cases()), device_case_name);

/// A norm and the product that reads it, of residual streams of kBands bands.
class BandedProduct {
 public:
  static constexpr std::int32_t kBands = 3, kRows = 200;

  BandedProduct(Device& device, const Format& format, RandomData& data)
      : band(static_cast<std::int32_t>(whole_blocks(format.type, 96))),
        width(kBands * band),
        weights(format.type, kRows, width, data),
        biases(data.numbers(kRows)),
        device_(device),
        weight_(device.add_vector(data.numbers(width))),
        bias_(device.add_vector(biases)),
        whole_(device.add_matrix(weights.view)),
        banded_(device.add_matrix(banded_view())) {}

  const std::int32_t band, width;
  const TestMatrix weights;
  const std::vector<float> biases;

  bool comes_in_bands() const { return device_.multiplies_columns(banded_); }

  /// Slot::q, from what is in Slot::residual and `last`, which joins its last band. Products stop after so many bands.
  void multiply_bands(std::span<const float> last, std::initializer_list<std::int32_t> stops) {
    std::int32_t multiplied = 0, taken = 0;
    for (const std::int32_t stop : stops) {
      for (; taken < stop; ++taken) {
        const Band columns{taken * band, (taken + 1) * band};
        if (taken + 1 == kBands) device_.add_columns(last, columns.first, Slot::residual);
        device_.weigh_columns(weight_, Slot::residual, columns, Slot::normed, Slot::squares, taken);
      }
      device_.matmul_columns(Slot::normed, banded_, {multiplied * band, stop * band}, Slot::q);
      multiplied = stop;
    }
    device_.divide_by_norm(Slot::squares, width, kEpsilon, bias_, Slot::q);
  }

  /// Slot::q and Slot::k, from Slot::residual, by the matrix in bands and by the same as it always lies.
  void multiply_at_once() {
    device_.norm({NormKind::rms, weight_, {}, kEpsilon}, Slot::residual, Slot::normed);
    device_.matmul(Slot::normed, banded_, bias_, Slot::q);
    device_.matmul(Slot::normed, whole_, bias_, Slot::k);
  }

 private:
  static constexpr float kEpsilon = 1e-5F;

  MatrixView banded_view() const {
    MatrixView view = weights.view;
    view.column_band = band;
    return view;
  }

  Device& device_;
  VectorHandle weight_, bias_;
  MatrixHandle whole_, banded_;
};

TEST_P(DeviceColumns, BandsAddUpToTheWhole) {
  for (const Format& format : formats()) {
    BandedProduct product(*device_, format, data_);
    if (!product.comes_in_bands()) continue;
    for (const std::int32_t tokens : {1, 5, 16, 33}) {
      SCOPED_TRACE(std::string(tensor_type_info(format.type).name) + ", " + std::to_string(tokens) + " tokens");
      reserve({{Slot::residual, product.width},
               {Slot::normed, product.width},
               {Slot::squares, BandedProduct::kBands},
               {Slot::q, BandedProduct::kRows},
               {Slot::k, BandedProduct::kRows}},
              tokens);
      begin(tokens);
      const std::vector<float> in = data_.numbers(tokens * product.width);
      const std::vector<float> last = data_.numbers(tokens * product.band);
      const auto in_pieces = [&](std::initializer_list<std::int32_t> stops) {
        write(Slot::residual, tokens, in);
        product.multiply_bands(last, stops);
        return read(Slot::q);
      };
      const std::vector<float> out = in_pieces({3});
      EXPECT_EQ(out, in_pieces({1, 2, 3}));
      EXPECT_EQ(out, in_pieces({2, 3}));

      std::vector<float> stream = in;
      for (std::size_t i = 0; i < last.size(); ++i) {
        const std::size_t token = i / product.band;
        stream[token * product.width + 2 * product.band + i % product.band] += last[i];
      }
      EXPECT_EQ(read(Slot::residual), stream);
      product.multiply_at_once();
      EXPECT_EQ(read(Slot::q), read(Slot::k)) << "how a matrix lies changes no bit";
      ExpectedProduct(format, read(Slot::normed), product.weights).expect(out, product.biases);
    }
  }
}

TEST_P(DeviceColumns, WhereTheyAreNotThereTheyAreRefused) {
  bool all_refused = true;
  for (const Format& format : formats()) {
    BandedProduct product(*device_, format, data_);
    if (format.activations == ActivationKind::f32) {
      EXPECT_FALSE(product.comes_in_bands());
    }
    all_refused = all_refused && !product.comes_in_bands();
    reserve({{Slot::residual, product.width}, {Slot::normed, product.width}, {Slot::q, 200}, {Slot::k, 200}}, 2);
    begin(2);
    write(Slot::residual, 2, data_.numbers(2 * product.width));
    product.multiply_at_once();  // a wish for bands is no more than that
    EXPECT_EQ(read(Slot::q), read(Slot::k));
  }
  EXPECT_EQ(all_refused, GetParam().name == "vulkan");
  if (!all_refused) return;
  EXPECT_THROW(device_->add_columns({}, 0, Slot::residual), Error);
  EXPECT_THROW(device_->weigh_columns({}, Slot::residual, {0, 1}, Slot::normed, Slot::squares, 0), Error);
  EXPECT_THROW(device_->matmul_columns(Slot::normed, {}, {0, 1}, Slot::q), Error);
  EXPECT_THROW(device_->divide_by_norm(Slot::squares, 1, 0, {}, Slot::q), Error);
}

}  // namespace
}  // namespace covey
