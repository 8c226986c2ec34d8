// The run-time list of formats: decode, encode, pack.
#include "kernels/quant/formats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/half.hpp"
#include "model/synth_rule.hpp"
#include "samples.hpp"
#include "third_party_free_formats/gguf.hpp"
#include "whole_blocks.hpp"

namespace covey {
namespace {

class Formats : public testing::TestWithParam<Format> {
 protected:
  const TensorTypeInfo& info() const { return tensor_type_info(GetParam().type); }
  /// Columns of a block, or of 32 where a block is one weight: a small one is judged beside larger ones.
  std::size_t block() const { return whole_blocks(GetParam().type, 32); }
  std::size_t bytes(std::int64_t n) const { return n / info().block_elements * info().block_bytes; }

  std::vector<float> decoded(std::span<const std::byte> row) const {
    std::vector<float> values(row.size() / info().block_bytes * info().block_elements);
    GetParam().decode(row.data(), values.size(), values.data());
    return values;
  }
  std::vector<std::byte> encoded(std::span<const float> values) const {
    std::vector<std::byte> row(bytes(values.size()));
    GetParam().encode(values.data(), values.size(), row.data());
    return row;
  }
};

TEST_P(Formats, IsFoundByItsType) {
  const Format* found = find_format(GetParam().type);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->index, GetParam().index);
  EXPECT_EQ(&formats()[GetParam().index], found);
}

/// Largest error of decode(encode(x)), in units of the largest |x| of a block.
double error_bound(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return 0.0;
    case TensorType::f16:
      return 0x1p-11;
    case TensorType::bf16:
      return 0x1p-8;
    case TensorType::q8_0:
      return 0.5 / 127 + 0x1.1p-11;  // half a step, and the rounding of the scale
    case TensorType::q4_0:
      return 1.0 / 8 + 0x1.1p-11;  // 8 steps on one side, 7 on the other: a whole step at its end
    case TensorType::q6_k:
      // In units of d, the largest / 4096: a scale of +128 has to be 127, and 31 steps have to reach 32 * 128. A block
      // whose largest is only 1/16 has a subnormal half as d, rounded to 9 bits.
      return (32 * 128 - 31 * 127) / 4096.0 + 0x1p-9;
    default:
      return -1.0;
  }
}

TEST_P(Formats, DecodeOfEncodeIsNear) {
  Samples samples(3);
  for (const float scale : {1.0F, 0.1F, 300.0F}) {
    const std::vector<float> values = samples.take(block() * 64, scale);
    const std::vector<float> back = decoded(encoded(values));
    for (std::size_t begin = 0; begin < values.size(); begin += block()) {
      const std::size_t end = begin + block();
      float amax = 0.0F;
      for (std::size_t i = begin; i < end; ++i) amax = std::max(amax, std::abs(values[i]));
      for (std::size_t i = begin; i < end; ++i) {
        ASSERT_LE(std::abs(back[i] - values[i]), error_bound(GetParam().type) * amax) << i;
      }
    }
  }
}

/// Of Q6_K this is true where each 16 weights reach a quarter of the block's largest, as these do. Below that, a scale
/// rounded up may leave the largest of the 16 at -31 instead of -32, and the second time it gets a smaller scale.
TEST_P(Formats, EncodingAgainChangesNothing) {
  Samples samples(4);
  const std::vector<std::byte> row = encoded(samples.take(block() * 50));
  EXPECT_EQ(encoded(decoded(row)), row);
}

TEST_P(Formats, ZerosStayZeros) {
  const std::vector<float> back = decoded(encoded(std::vector<float>(2 * block(), 0.0F)));
  for (const float value : back) EXPECT_EQ(value, 0.0F);
}

TEST_P(Formats, NumbersThatAreNotFiniteDoNoHarm) {
  for (const float odd : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max(), 1e-45F}) {
    std::vector<float> values(2 * block(), 0.5F);
    values[5] = odd;
    const std::vector<float> back = decoded(encoded(values));
    for (std::size_t i = block(); i < values.size(); ++i) {
      EXPECT_NEAR(back[i], 0.5F, 1e-4F) << "the block beside the one with " << odd;
    }
  }
}

/// Every type's blocks, taken apart by hand from the panel's bit picture.
std::vector<float> unpacked_row(const Format& format, const std::byte* panel, std::int64_t cols, int row) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < cols; ++c) {
    const TensorTypeInfo& info = tensor_type_info(format.type);
    const std::byte* block = panel + (c / info.block_elements) * 16 * info.block_bytes;
    const int i = static_cast<int>(c % info.block_elements);
    switch (format.type) {
      case TensorType::f32: {
        float value = 0.0F;
        std::memcpy(&value, panel + 4 * (16 * c + row), 4);
        values.push_back(value);
        break;
      }
      case TensorType::f16:
        values.push_back(fp16_to_f32(load_u16(panel + 2 * (16 * c + row))));
        break;
      case TensorType::bf16:
        values.push_back(bf16_to_f32(load_u16(panel + 2 * (16 * c + row))));
        break;
      case TensorType::q8_0: {
        const auto q = static_cast<std::int8_t>(block[32 + 64 * (i / 4) + 4 * row + i % 4]);
        values.push_back(fp16_to_f32(load_u16(block + 2 * row)) * q);
        break;
      }
      case TensorType::q4_0: {
        const int both = static_cast<int>(block[32 + 64 * (i % 16 / 4) + 4 * row + i % 4]);
        const auto q = static_cast<float>((i < 16 ? both & 15 : both >> 4) - 8);
        values.push_back(fp16_to_f32(load_u16(block + 2 * row)) * q);
        break;
      }
      case TensorType::q6_k: {
        const int piece = i % 128 / 32;
        const std::byte* group = block + 288 + 192 * (8 * (i / 128) + i % 32 / 4) + 4 * row + i % 4;
        const int lower = (static_cast<int>(group[piece % 2 == 0 ? 0 : 64]) >> (piece < 2 ? 0 : 4)) & 15;
        const int upper = (static_cast<int>(group[128]) >> (2 * piece)) & 3;
        const auto scale = static_cast<std::int8_t>(block[32 + 16 * (i / 16) + row]);
        values.push_back(fp16_to_f32(load_u16(block + 2 * row)) *
                         static_cast<float>(scale * (16 * upper + lower - 32)));
        break;
      }
      default:
        ADD_FAILURE() << "a panel without a picture here";
    }
  }
  return values;
}

TEST_P(Formats, PanelsHoldTheRows) {
  const std::int64_t rows = 21;
  const std::int64_t cols = 3 * static_cast<std::int64_t>(block());
  Samples samples(5);
  // A slice of a wider matrix: rows start further apart than they are long.
  const std::size_t stride = bytes(cols) + 7 * info().block_bytes;
  std::vector<std::byte> file(stride * rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::vector<std::byte> row = encoded(samples.take(cols));
    std::copy(row.begin(), row.end(), file.begin() + r * stride);
  }
  const MatrixView view{file.data(), GetParam().type, rows, cols, stride};
  EXPECT_EQ(GetParam().panel_bytes(cols), 16 * bytes(cols)) << "a panel costs what its rows cost in the file";
  for (const int first : {0, 16}) {
    std::vector<std::byte> panel(GetParam().panel_bytes(cols), std::byte{0xcd});
    GetParam().pack(view, first, panel.data());
    for (int r = 0; r < 16; ++r) {
      std::vector<float> expected(cols, 0.0F);
      if (first + r < rows) GetParam().decode(file.data() + (first + r) * stride, cols, expected.data());
      const std::vector<float> row = unpacked_row(GetParam(), panel.data(), cols, r);
      for (std::int64_t c = 0; c < cols; ++c) ASSERT_EQ(row[c], expected[c]) << "row " << first + r << ", column " << c;
    }
  }
}

TEST(FormatList, NamesNoTypeTwice) {
  for (const Format& format : formats()) EXPECT_EQ(find_format(format.type), &format);
  EXPECT_EQ(formats().size(), kFormatCount);
  EXPECT_EQ(find_format(TensorType::q2_k), nullptr);
}

/// Models that another program wrote: their F32 weights are known by rule, and were then converted.
class ModelFile : public testing::TestWithParam<const char*> {};

TEST_P(ModelFile, EncodingGivesTheBytesOfTheFile) {
  constexpr std::uint64_t kSeed = 21;
  const GgufFile file = GgufFile::open(std::string(COVEY_TEST_DATA "/llama-") + GetParam() + ".gguf");
  int compared = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const Format* format = find_format(tensor.type);
    // Such files mix types. For Q6_K, the other program searches for better scales than the format's largest weights.
    if (format == nullptr || tensor.type == TensorType::f32 || tensor.type == TensorType::q6_k) continue;
    const bool embedding = tensor.name == "token_embd.weight";
    const float scale = embedding ? 0.8F : static_cast<float>(std::sqrt(3.0 / static_cast<double>(tensor.cols())));
    std::vector<float> weights(tensor.elements());
    RandomWeights(kSeed, tensor.name, 0.0F, scale).fill(0, weights);

    std::vector<std::byte> encoded(tensor.data.size());
    format->encode(weights.data(), std::ssize(weights), encoded.data());
    EXPECT_TRUE(std::equal(encoded.begin(), encoded.end(), tensor.data.begin())) << tensor.name;

    std::vector<float> decoded(weights.size());
    format->decode(tensor.data.data(), std::ssize(weights), decoded.data());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      ASSERT_NEAR(decoded[i], weights[i], scale * error_bound(tensor.type)) << tensor.name << ", weight " << i;
    }
    ++compared;
  }
  EXPECT_GE(compared, 14);
}

/// The weights of a tensor of one of these files.
std::vector<float> weights_in(const std::string& path, std::string_view name, TensorType type) {
  const GgufFile file = GgufFile::open(path);
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.name != name) continue;
    EXPECT_EQ(tensor.type, type) << path;
    std::vector<float> weights(tensor.elements());
    find_format(tensor.type)->decode(tensor.data.data(), std::ssize(weights), weights.data());
    return weights;
  }
  ADD_FAILURE() << path << " has no " << name;
  return {};
}

double root_mean_square(std::span<const float> a, std::span<const float> minus) {
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (double{a[i]} - minus[i]) * (double{a[i]} - minus[i]);
  return std::sqrt(squares / static_cast<double>(a.size()));
}

TEST(SixBitWeights, OfAnotherProgramAreNearItsHalves) {
  const std::string name = "token_embd.weight";
  const std::vector<float> halves = weights_in(COVEY_TEST_DATA "/llama-f16.gguf", name, TensorType::f16);
  const std::vector<float> theirs = weights_in(COVEY_TEST_DATA "/llama-q4_0.gguf", name, TensorType::q6_k);
  ASSERT_EQ(halves.size(), theirs.size());
  ASSERT_FALSE(halves.empty());
  double amax = 0.0;
  for (const float half : halves) amax = std::max(amax, std::abs(double{half}));
  for (std::size_t i = 0; i < halves.size(); ++i) {
    ASSERT_NEAR(theirs[i], halves[i], amax * error_bound(TensorType::q6_k)) << "weight " << i;
  }
  // What errors spread evenly over the largest step come to.
  const double step = amax / 32;
  EXPECT_LT(root_mean_square(theirs, halves), step / std::sqrt(12.0));

  const Format& format = *find_format(TensorType::q6_k);
  const TensorTypeInfo& info = tensor_type_info(TensorType::q6_k);
  std::vector<std::byte> blocks(halves.size() / info.block_elements * info.block_bytes);
  std::vector<float> ours(halves.size());
  format.encode(halves.data(), std::ssize(halves), blocks.data());
  format.decode(blocks.data(), std::ssize(halves), ours.data());
  EXPECT_LT(root_mean_square(ours, halves), step / std::sqrt(12.0));
}

INSTANTIATE_TEST_SUITE_P(Types, ModelFile, testing::Values("f16", "bf16", "q8_0", "q4_0"),
                         [](const auto& of) { return of.param; });
INSTANTIATE_TEST_SUITE_P(Formats, Formats, testing::ValuesIn(formats().begin(), formats().end()),
                         [](const auto& of) { return name_of(of.param); });

}  // namespace
}  // namespace covey
