// Formats beside those of another program: models that it wrote, of F32 weights that are known by rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "error_bounds.hpp"
#include "kernels/quant/formats.hpp"
#include "model/synth_rule.hpp"
#include "samples.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

/// What one of its tensors was before it was converted.
struct Original {
  float scale;  // weights are below it
  std::vector<float> weights;

  explicit Original(const GgufTensor& tensor) : weights(tensor.elements()) {
    constexpr std::uint64_t kSeed = 21;
    const bool embedding = tensor.name == "token_embd.weight";
    scale = embedding ? 0.8F : static_cast<float>(std::sqrt(3.0 / static_cast<double>(tensor.cols())));
    RandomWeights(kSeed, tensor.name, 0.0F, scale).fill(0, weights);
  }
};

std::vector<float> decoded(const Format& format, std::span<const std::byte> blocks, std::size_t n) {
  std::vector<float> weights(n);
  format.decode(blocks.data(), std::ssize(weights), weights.data());
  return weights;
}

class ModelFile : public testing::TestWithParam<const char*> {};

TEST_P(ModelFile, EncodingIsAsGoodAsItsTensors) {
  const GgufFile file = GgufFile::open(std::string(COVEY_TEST_DATA "/llama-") + GetParam() + ".gguf");
  int compared = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.type == TensorType::f32) continue;
    const Format* format = find_format(tensor.type);
    ASSERT_NE(format, nullptr) << tensor.name;
    const Original original(tensor);
    std::vector<std::byte> encoded(tensor.data.size());
    format->encode(original.weights.data(), std::ssize(original.weights), encoded.data());

    const std::vector<float> theirs = decoded(*format, tensor.data, original.weights.size());
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      ASSERT_NEAR(theirs[i], original.weights[i], original.scale * error_bound(tensor.type))
          << tensor.name << ", weight " << i;
    }
    if (encode_searches(tensor.type)) {
      const std::vector<float> ours = decoded(*format, encoded, original.weights.size());
      EXPECT_LE(root_mean_square(ours, original.weights), 1.05 * root_mean_square(theirs, original.weights))
          << tensor.name << ", " << name_of(*format);
    } else {
      EXPECT_TRUE(std::equal(encoded.begin(), encoded.end(), tensor.data.begin())) << tensor.name;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 15);
}

INSTANTIATE_TEST_SUITE_P(Types, ModelFile,
                         testing::Values("f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k_m",
                                         "q4_k_m", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace covey
