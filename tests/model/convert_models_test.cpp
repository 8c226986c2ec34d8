// Models of tests/data as they would be published, converted: the logits of their twins, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/quant/formats.hpp"
#include "model/evaluate.hpp"
#include "model/quantize.hpp"
#include "model/stage.hpp"
#include "model/tokenizer.hpp"
#include "tests/golden/golden.hpp"
#include "tests/model/published_twin.hpp"

namespace covey {
namespace {

std::vector<float> convert_test_logits(const GgufFile& file) {
  StageOptions options;
  options.cpu.threads = 2;
  Stage stage(file, options);
  LocalRunner runner(stage);
  return all_logits(runner, load_golden("llama").tokens);
}

void expect_same_tokens(const GgufFile& converted, const GgufFile& twin) {
  const auto ours = Tokenizer::from_gguf(converted), theirs = Tokenizer::from_gguf(twin);
  ASSERT_EQ(ours->size(), theirs->size());
  for (const char* const text : {"", "hello world", "a b  c", "Grüße 漢字 <s>", " aAzZ"}) {
    EXPECT_EQ(ours->encode(text, {}), theirs->encode(text, {})) << text;
  }
}

void expect_twins(PublishedTwin& model) {
  model.write();
  const GgufFile converted = model.checkpoint.convert();
  const GgufFile twin = model.twin.open();
  ASSERT_EQ(converted.tensors().size(), twin.tensors().size());
  for (const GgufTensor& tensor : twin.tensors()) {
    const GgufTensor* const ours = converted.find_tensor(tensor.name);
    ASSERT_NE(ours, nullptr) << tensor.name;
    EXPECT_EQ(ours->dims, tensor.dims) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(ours->data, tensor.data)) << tensor.name;
  }
  EXPECT_EQ(convert_test_logits(converted), convert_test_logits(twin));
  expect_same_tokens(converted, twin);
}

struct PublishedModel {
  const char* data;
  const char* model;
};

class ConvertModels : public testing::TestWithParam<PublishedModel> {};

TEST_P(ConvertModels, GivesTheLogitsOfItsTwin) {
  PublishedTwin model(GetParam().data, GetParam().model);
  expect_twins(model);
}

constexpr PublishedModel kPublishedModels[] = {{"llama", "LlamaForCausalLM"},   {"llama-tied", "LlamaForCausalLM"},
                                               {"llama", "MistralForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"},
                                               {"qwen3", "Qwen3ForCausalLM"},   {"gemma3", "Gemma3ForCausalLM"},
                                               {"phi3", "Phi3ForCausalLM"}};

INSTANTIATE_TEST_SUITE_P(Twins, ConvertModels, testing::ValuesIn(kPublishedModels), [](const auto& suite) {
  std::string name = std::string(suite.param.data) + "_" + suite.param.model;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Converting, TakesBiases) {
  PublishedTwin model("llama", "LlamaForCausalLM");
  for (const auto& [name, length] : {std::pair("attn_q.bias", 64U),
                                     {"attn_k.bias", 32U},
                                     {"attn_v.bias", 32U},
                                     {"attn_output.bias", 64U},
                                     {"ffn_gate.bias", 96U},
                                     {"ffn_down.bias", 64U}}) {
    for (const char* const layer : {"blk.0.", "blk.1."}) {
      EditedModel::Tensor& bias = model.twin.tensors[std::string(layer) + name];
      bias.dims = {length};
      for (unsigned i = 0; i < length; ++i) bias.values.push_back(0.1F * static_cast<float>(i % 17) - 0.5F);
    }
  }
  expect_twins(model);
}

TEST(Converting, TakesWindowsAndFilesInParts) {
  PublishedTwin model("llama", "MistralForCausalLM");
  model.set("attention.sliding_window", std::uint32_t{8});
  model.files = 3;
  expect_twins(model);
}

TEST(Converting, TakesTheLanguageModelOutOfOneThatSees) {
  for (const char* const start : {"language_model.model.", "model.language_model."}) {
    PublishedTwin model("gemma3", "Gemma3ForConditionalGeneration");
    model.write();
    std::map<std::string, MadeCheckpoint::Tensor> tensors;
    for (auto& [name, tensor] : model.checkpoint.tensors) tensors[start + name.substr(6)] = std::move(tensor);
    tensors["vision_tower.embeddings.weight"] = {{2, 2}, {1, 2, 3, 4}};
    tensors["model.multi_modal_projector.weight"] = {{2}, {1, 2}};
    model.checkpoint.tensors = std::move(tensors);
    PlainJson text = model.checkpoint.config;
    text.erase("architectures");
    text.erase("tie_word_embeddings");
    model.checkpoint.config = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                               {"text_config", text},
                               {"vision_config", {{"hidden_size", 3}}}};
    model.checkpoint.write();
    const GgufFile converted = model.checkpoint.convert();
    EXPECT_EQ(convert_test_logits(converted), convert_test_logits(model.twin.open())) << start;
  }
}

TEST(Converting, TakesScalesAndCaps) {
  PublishedTwin model("gemma3", "Gemma3ForCausalLM");
  model.set("attention.scale", 0.125F);
  model.set("attn_logit_softcapping", 3.0F);
  model.set("final_logit_softcapping", 5.0F);
  model.checkpoint.config["attn_logit_softcapping"] = 3;
  model.checkpoint.config["final_logit_softcapping"] = 5;
  model.checkpoint.config["sliding_window_pattern"] = 6;
  expect_twins(model);
}

TEST(Converting, TakesTheNewerFormOfRotarySettings) {
  PublishedTwin model("gemma3", "Gemma3ForCausalLM");
  model.set("rope.scaling.type", std::string("linear"));
  model.set("rope.scaling.factor", 8.0F);
  model.write();
  PlainJson& config = model.checkpoint.config;
  config["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", config["rope_theta"]}}},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", config["rope_local_base_freq"]}}}};
  config.erase("rope_theta");
  config.erase("rope_local_base_freq");
  config["layer_types"] = {"sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention",
                           "sliding_attention", "full_attention",    "sliding_attention"};
  model.checkpoint.write();
  EXPECT_EQ(convert_test_logits(model.checkpoint.convert()), convert_test_logits(model.twin.open()));
}

TEST(Converting, StretchesLinearlyAndByYarn) {
  for (const char* const name : {"llama-linear", "llama-yarn"}) {
    PublishedTwin model(name, "LlamaForCausalLM");
    const std::string type = std::get<std::string>(model.twin.metadata.at("llama.rope.scaling.type"));
    model.checkpoint.config["rope_scaling"] = {{"rope_type", type}, {"factor", model.number("rope.scaling.factor")}};
    if (model.has("rope.scaling.original_context_length")) {
      model.checkpoint.config["rope_scaling"]["original_max_position_embeddings"] =
          model.whole("rope.scaling.original_context_length");
    }
    expect_twins(model);
  }
}

TEST(Converting, StretchesAsLlama3) {
  PublishedTwin model("llama3-rope", "LlamaForCausalLM");
  // As it is published: by wavelength, three cases.
  EditedModel::Tensor& divisors = model.twin.tensors["rope_freqs.weight"];
  const double factor = 8, low = 1, high = 4, context = 64;
  for (std::size_t i = 0; i < divisors.values.size(); ++i) {
    const double wavelength = 2 * std::numbers::pi * std::pow(500000.0, 2.0 * static_cast<double>(i) / 16);
    const double smooth = (context / wavelength - low) / (high - low);
    const double scaled = wavelength > context / low    ? 1 / factor
                          : wavelength < context / high ? 1.0
                                                        : (1 - smooth) / factor + smooth;
    divisors.values[i] = static_cast<float>(1 / scaled);
  }
  EXPECT_EQ(divisors.values.front(), 1);
  EXPECT_EQ(divisors.values.back(), 8);
  model.checkpoint.config["rope_scaling"] = {{"rope_type", "llama3"},
                                             {"factor", factor},
                                             {"low_freq_factor", low},
                                             {"high_freq_factor", high},
                                             {"original_max_position_embeddings", context}};
  model.write();
  const GgufFile converted = model.checkpoint.convert();
  const GgufTensor* const made = converted.find_tensor("rope_freqs.weight");
  ASSERT_NE(made, nullptr);
  std::vector<float> values(8);
  ASSERT_EQ(made->data.size(), sizeof(float) * 8);
  std::memcpy(values.data(), made->data.data(), made->data.size());
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(values[i], divisors.values[i], 1e-6 * divisors.values[i]) << i;
  EXPECT_LT(max_error(convert_test_logits(converted), convert_test_logits(model.twin.open())), 1e-5);
}

TEST(Converting, StretchesPhi3ByItsOwnFactors) {
  PublishedTwin model("phi3", "Phi3ForCausalLM");
  PlainJson scaling = {{"type", "longrope"}};
  for (const char* const name : {"long", "short"}) {
    EditedModel::Tensor factors{{8}, {}};
    for (int i = 0; i < 8; ++i) factors.values.push_back(1.0F + 0.25F * static_cast<float>(i) * (*name == 'l' ? 2 : 1));
    scaling[std::string(name) + "_factor"] = factors.values;
    model.twin.tensors["rope_factors_" + std::string(name) + ".weight"] = std::move(factors);
  }
  model.checkpoint.config["rope_scaling"] = scaling;
  model.checkpoint.config["original_max_position_embeddings"] = 64;
  model.set("rope.scaling.original_context_length", std::uint32_t{64});
  model.set("rope.scaling.attn_factor", static_cast<float>(std::sqrt(1 + std::log(256.0 / 64) / std::log(64.0))));
  expect_twins(model);
}

TEST(Converting, WritesTheTypesThatQuantizeWrites) {
  PublishedTwin model("llama", "LlamaForCausalLM");
  model.write();
  const GgufFile twin = model.twin.open();
  for (const char* const type : {"F16", "BF16", "Q8_0"}) {
    QuantizeRecipe recipe;
    recipe.mixture = find_mixture(type);
    write_quantized(twin, model.checkpoint.path("quantized.gguf"), recipe, 1);
    const GgufFile expected = GgufFile::open(model.checkpoint.path("quantized.gguf"));
    const GgufFile converted = model.checkpoint.convert({.type = find_tensor_type(type)->type, .pre = ""});
    EXPECT_EQ(converted.integer("general.file_type"), expected.integer("general.file_type"));
    for (const GgufTensor& tensor : expected.tensors()) {
      const GgufTensor* const ours = converted.find_tensor(tensor.name);
      ASSERT_NE(ours, nullptr) << tensor.name;
      EXPECT_EQ(ours->type, tensor.type) << tensor.name;
      EXPECT_TRUE(std::ranges::equal(ours->data, tensor.data)) << type << " " << tensor.name;
    }
  }
}

TEST(Converting, KeepsTheTypeOfMatricesUnlessAsked) {
  PublishedTwin model("llama", "LlamaForCausalLM");
  model.write();
  MadeSafetensors weights;
  for (const auto& [name, tensor] : model.checkpoint.tensors) {
    std::string bf16(tensor.values.size() * 2, '\0');
    find_format(TensorType::bf16)
        ->encode(tensor.values.data(), static_cast<std::int64_t>(tensor.values.size()),
                 reinterpret_cast<std::byte*>(bf16.data()));
    weights.add(name, "BF16", tensor.shape, bf16);
  }
  weights.header["__metadata__"] = {{"format", "pt"}};
  model.checkpoint.put("model.safetensors", weights.bytes());
  const GgufFile converted = model.checkpoint.convert();
  for (const GgufTensor& tensor : converted.tensors()) {
    EXPECT_EQ(tensor.type, tensor.dims.size() == 1 ? TensorType::f32 : TensorType::bf16) << tensor.name;
  }
  EXPECT_EQ(converted.integer("general.file_type"), 32);
}

}  // namespace
}  // namespace covey
