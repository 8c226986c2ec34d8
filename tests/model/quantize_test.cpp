#include "model/quantize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "model/file_type.hpp"
#include "tests/model/recipe.hpp"
#include "tests/test_data.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

std::vector<float> floats_of(const GgufTensor& tensor) {
  std::vector<float> values(tensor.elements());
  find_format(tensor.type)->decode(tensor.data.data(), static_cast<std::int64_t>(values.size()), values.data());
  return values;
}

TEST(Quantize, EveryTypeHoldsWhatItsEncoderMakes) {
  const GgufFile file = GgufFile::open(data_file("llama-f16"));
  for (const Format& format : formats()) {
    const std::string name(tensor_type_info(format.type).name);
    const TemporaryPath path("quantized.gguf");
    const auto report = write_quantized(file, path.string(), recipe_of(name), 3);
    const GgufFile written = GgufFile::open(path.string());
    ASSERT_EQ(written.tensors().size(), file.tensors().size());
    for (std::size_t i = 0; i < report.size(); ++i) {
      const GgufTensor& before = file.tensors()[i];
      const GgufTensor& after = written.tensors()[i];
      EXPECT_EQ(after.name, before.name);
      EXPECT_EQ(after.dims, before.dims);
      EXPECT_EQ(after.type, report[i].to);
      EXPECT_EQ(after.data.size(), report[i].bytes_after);
      if (before.dims.size() == 1) {
        EXPECT_EQ(after.type, before.type) << before.name;
      }
      const std::vector<float> old_weights = floats_of(before), new_weights = floats_of(after);
      double squares = 0, power = 0, largest = 0;
      for (std::size_t w = 0; w < old_weights.size(); ++w) {
        const double difference = std::fabs(double{new_weights[w]} - double{old_weights[w]});
        squares += difference * difference;
        power += double{old_weights[w]} * double{old_weights[w]};
        largest = std::max(largest, difference);
      }
      EXPECT_NEAR(report[i].error.relative(), std::sqrt(squares / power), 1e-9) << name << " " << before.name;
      EXPECT_FLOAT_EQ(report[i].error.largest, static_cast<float>(largest)) << name << " " << before.name;
    }
    EXPECT_EQ(written.integer(kFileTypeKey), file_type_number(name));
  }
}

TEST(Quantize, ThereAndBackThroughF32LosesNothing) {
  const GgufFile file = GgufFile::open(data_file("llama-f16"));
  const TemporaryPath wide("wide.gguf"), back("back.gguf");
  write_quantized(file, wide.string(), recipe_of("F32"), 1);
  write_quantized(GgufFile::open(wide.string()), back.string(), recipe_of("F16"), 2);
  const GgufFile again = GgufFile::open(back.string());
  for (const GgufTensor& tensor : file.tensors()) {
    const GgufTensor* other = again.find_tensor(tensor.name);
    ASSERT_NE(other, nullptr);
    EXPECT_TRUE(std::ranges::equal(tensor.data, other->data)) << tensor.name;
  }
}

TEST(Quantize, TheNumberOfThreadsChangesNothing) {
  const GgufFile file = GgufFile::open(data_file("llama-f16"));
  const TemporaryPath one("one.gguf"), many("many.gguf");
  const auto a = write_quantized(file, one.string(), recipe_of("Q8_0"), 1);
  const auto b = write_quantized(file, many.string(), recipe_of("Q8_0"), 5);
  EXPECT_TRUE(file_contents(one.string()) == file_contents(many.string()));
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].error.squares, b[i].error.squares);
}

TEST(Quantize, KeepsMetadataAndSaysTheNewType) {
  const GgufFile file = GgufFile::open(data_file("llama-q4_0"));
  const TemporaryPath path("metadata.gguf");
  write_quantized(file, path.string(), recipe_of("Q8_0"), 1);
  const GgufFile written = GgufFile::open(path.string());
  EXPECT_EQ(written.integer("general.file_type"), 7);
  EXPECT_EQ(written.integer("general.quantization_version"), 2);
  EXPECT_EQ(weight_format(written), "Q8_0");
  for (const auto& [key, value] : file.metadata()) {
    if (key == "general.file_type" || key == "general.quantization_version") continue;
    ASSERT_NE(written.find(key), nullptr) << key;
    EXPECT_TRUE(*written.find(key) == value) << key;
  }
}

TEST(Quantize, RefusesToWriteOverItsInput) {
  const TemporaryPath path("input.gguf");
  std::filesystem::copy_file(data_file("llama"), path.string());
  const auto before = file_contents(path.string());
  const GgufFile file = GgufFile::open(path.string());
  EXPECT_THROW(write_quantized(file, path.string(), recipe_of("Q8_0"), 1), Error);
  EXPECT_TRUE(file_contents(path.string()) == before);
}

TEST(Quantize, AnExceptionFromProgressLeavesNoFile) {
  const TemporaryPath path("cancelled.gguf");
  const GgufFile file = GgufFile::open(data_file("llama"));
  const auto cancel = [](std::uint64_t, std::uint64_t) { throw Error("cancelled"); };
  EXPECT_THROW(write_quantized(file, path.string(), recipe_of("Q8_0"), 2, cancel), Error);
  EXPECT_FALSE(std::filesystem::exists(path.string()));
}

TEST(WeightError, SumsUp) {
  const float before[] = {1, -2, 0, 4}, after[] = {1, -2.5F, 0, 3};
  WeightError all = weight_error(before, after, 4);
  EXPECT_DOUBLE_EQ(all.relative(), std::sqrt(1.25 / 21));
  EXPECT_EQ(all.largest, 1);
  WeightError parts = weight_error(before, after, 2);
  parts.add(weight_error(before + 2, after + 2, 2));
  EXPECT_EQ(parts.squares, all.squares);
  EXPECT_EQ(parts.largest, all.largest);
  EXPECT_EQ(parts.counted, 4U);
  EXPECT_EQ(weight_error(before + 2, after + 2, 1).relative(), 0) << "zeros that stay zeros";
}

TEST(WeightError, WhatIsNotFiniteShows) {
  const float inf = std::numeric_limits<float>::infinity();
  const float before[] = {1, inf}, after[] = {1, 2};
  WeightError error = weight_error(before, after, 2);
  EXPECT_TRUE(std::isnan(error.largest));
  error.add(weight_error(before, after, 1));
  EXPECT_TRUE(std::isnan(error.largest));
  WeightError other = weight_error(before, after, 1);
  other.add(error);
  EXPECT_TRUE(std::isnan(other.largest));
}

}  // namespace
}  // namespace covey
