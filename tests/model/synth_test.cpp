#include "model/synth.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "model/synth_rule.hpp"
#include "tests/test_data.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

constexpr SynthOptions kSmall{
    .n_embd = 64, .n_layer = 2, .n_ff = 96, .n_head = 4, .n_kv = 2, .n_vocab = 300, .n_ctx = 256};
constexpr SynthOptions kBlocks{
    .n_embd = 256, .n_layer = 2, .n_ff = 256, .n_head = 4, .n_kv = 1, .n_vocab = 300, .n_ctx = 256, .seed = 21};

// The files in tests/data were written by another program, in another language, that follows the same rule.
void expect_same_file(const std::string& name, const SynthOptions& options) {
  const TemporaryPath path("synth.gguf");
  write_random_model(path.string(), options);
  EXPECT_TRUE(file_contents(path.string()) == file_contents(data_file(name))) << name;
}

TEST(Synth, FollowsTheRuleByteForByte) {
  expect_same_file("llama", kSmall);
  SynthOptions tied = kSmall;
  tied.n_kv = 1;
  tied.seed = 101;
  tied.tied = true;
  expect_same_file("llama-tied", tied);
  SynthOptions rope = kSmall;
  rope.base = 500000.0F;
  rope.seed = 2;
  rope.rope_freqs = true;
  expect_same_file("llama3-rope", rope);
  SynthOptions yarn = kSmall;
  yarn.seed = 3;
  yarn.yarn = true;
  expect_same_file("llama-yarn", yarn);
  SynthOptions linear = kSmall;
  linear.seed = 4;
  linear.linear = 2.0F;
  expect_same_file("llama-linear", linear);
}

// Those files' tensors were reordered when they were quantized, and some have another type.
void expect_same_tensors(const std::string& name, TensorType type) {
  const TemporaryPath path("synth.gguf");
  SynthOptions options = kBlocks;
  options.type = type;
  write_random_model(path.string(), options);
  const GgufFile file = GgufFile::open(path.string());
  const GgufFile expected = GgufFile::open(data_file(name));
  int of_type = 0;
  for (const GgufTensor& tensor : expected.tensors()) {
    const GgufTensor* written = file.find_tensor(tensor.name);
    ASSERT_NE(written, nullptr) << tensor.name;
    EXPECT_EQ(written->dims, tensor.dims) << tensor.name;
    if (written->type != tensor.type) continue;
    if (tensor.type == type) ++of_type;
    EXPECT_EQ(std::memcmp(written->data.data(), tensor.data.data(), tensor.data.size()), 0)
        << name << " " << tensor.name;
  }
  EXPECT_GE(of_type, 14) << name;
}

TEST(Synth, EncodesOtherTypes) {
  expect_same_tensors("llama-f16", TensorType::f16);
  expect_same_tensors("llama-bf16", TensorType::bf16);
  expect_same_tensors("llama-q8_0", TensorType::q8_0);
  expect_same_tensors("llama-q4_0", TensorType::q4_0);
}

TEST(Synth, KeepsNormsInFull) {
  const TemporaryPath path("synth.gguf");
  SynthOptions options = kSmall;
  options.type = TensorType::f16;
  write_random_model(path.string(), options);
  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(file.tensors().size(), 21u);
  for (const GgufTensor& tensor : file.tensors()) {
    EXPECT_EQ(tensor.type, tensor.dims.size() == 1 ? TensorType::f32 : TensorType::f16) << tensor.name;
  }
}

// A tensor of several pieces, the last one shorter, equals the rule applied in one go.
TEST(Synth, JoinsPiecesWithoutASeam) {
  const TemporaryPath path("synth.gguf");
  SynthOptions options = kSmall;
  options.n_vocab = 50001;
  options.tied = true;
  std::uint64_t last = 0, total = 0;
  write_random_model(path.string(), options, [&](std::uint64_t done, std::uint64_t all) {
    last = done;
    total = all;
  });
  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(last, file.file_bytes());
  EXPECT_EQ(total, file.file_bytes());
  std::vector<float> expected(std::size_t{64} * 50001);
  RandomWeights(1, "token_embd.weight", 0.0F, 0.8F).fill(0, expected);
  const auto data = file.find_tensor("token_embd.weight")->data;
  ASSERT_EQ(data.size(), expected.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(data.data(), expected.data(), data.size()), 0);
}

TEST(Synth, MakesWeightsOfTheRange) {
  std::vector<float> weights(10000);
  RandomWeights(7, "name", 1.0F, 0.5F).fill(0, weights);
  double sum = 0.0;
  for (const float weight : weights) {
    EXPECT_GE(weight, 0.5F);
    EXPECT_LT(weight, 1.5F);
    sum += weight;
  }
  EXPECT_NEAR(sum / 10000, 1.0, 0.02);

  std::vector<float> tail(100), other(10000);
  RandomWeights(7, "name", 1.0F, 0.5F).fill(9900, tail);
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), weights.end() - 100));
  RandomWeights(7, "eman", 1.0F, 0.5F).fill(0, other);
  EXPECT_NE(weights, other);
}

TEST(Synth, MakesVocabulariesOfAnySizeWithoutDuplicates) {
  for (const std::size_t size : {259u, 300u, 3301u, 32000u}) {
    const RandomVocabulary vocabulary = random_vocabulary(size);
    EXPECT_EQ(vocabulary.tokens.size(), size);
    EXPECT_EQ(vocabulary.scores.size(), size);
    EXPECT_EQ(vocabulary.types.size(), size);
    std::vector<std::string> sorted = vocabulary.tokens;
    std::ranges::sort(sorted);
    EXPECT_EQ(std::ranges::adjacent_find(sorted), sorted.end());
  }
}

TEST(Synth, RefusesShapesThatFitNoModel) {
  const TemporaryPath path("synth.gguf");
  const auto refused = [&](auto change, const std::string& part) {
    SynthOptions options = kSmall;
    change(options);
    const std::string message = message_of<Error>([&] { write_random_model(path.string(), options); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_TRUE(std::filesystem::is_empty(path.folder()));
  };
  refused([](SynthOptions& o) { o.n_embd = 0; }, "at least 1");
  refused([](SynthOptions& o) { o.n_kv = 0; }, "at least 1");
  refused([](SynthOptions& o) { o.n_ctx = 0; }, "at least 1");
  refused([](SynthOptions& o) { o.n_layer = 0; }, "n_layer");
  refused([](SynthOptions& o) { o.n_ff = 1u << 31; }, "at most");
  refused([](SynthOptions& o) { o.n_vocab = 258; }, "n_vocab is 258");
  refused([](SynthOptions& o) { o.n_vocab = ~0u; }, "n_vocab is 4294967295");
  refused([](SynthOptions& o) { o.n_head = 3; }, "does not divide into 3 heads");
  refused([](SynthOptions& o) { o.n_head = 64; }, "heads of an even size");
  refused([](SynthOptions& o) { o.n_kv = 3; }, "not a multiple of n_kv 3");
  refused([](SynthOptions& o) { o.base = 0.0F; }, "base");
  refused([](SynthOptions& o) { o.linear = -1.0F; }, "linear");
  refused([](SynthOptions& o) { o.linear = NAN; }, "linear");
  refused([](SynthOptions& o) { o.linear = 2.0F, o.yarn = true; }, "exclude each other");
  refused([](SynthOptions& o) { o.n_ctx = 3, o.yarn = true; }, "yarn needs");
  refused([](SynthOptions& o) { o.n_ff = 100, o.type = TensorType::q8_0; }, "'blk.0.ffn_down.weight'");
}

TEST(Synth, NamesATypeWithoutEncoder) {
  const TemporaryPath path("synth.gguf");
  for (const TensorTypeInfo& info : tensor_types()) {
    if (find_format(info.type) != nullptr) continue;
    SynthOptions options = kBlocks;
    options.type = info.type;
    const std::string message = message_of<Error>([&] { write_random_model(path.string(), options); });
    EXPECT_NE(message.find("no encoder for " + std::string(info.name)), std::string::npos) << message;
  }
}

TEST(Synth, OffersPresets) {
  ASSERT_GE(synth_presets().size(), 2u);
  EXPECT_EQ(synth_presets()[0].name, "tiny");
  EXPECT_EQ(synth_presets()[0].options.n_embd, SynthOptions().n_embd);
  EXPECT_EQ(synth_presets()[1].name, "1.1b");
  EXPECT_EQ(synth_presets()[1].options.n_layer, 22u);
}

}  // namespace
}  // namespace covey
