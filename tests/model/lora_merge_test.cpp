// Adapters against models whose weights were changed in double precision.
#include "model/lora_merge.hpp"

#include <limits>

#include "covey/error.hpp"
#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "tests/golden/golden.hpp"
#include "tests/model/made_lora.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"

namespace covey {
namespace {

const std::vector<Token> kLoraText = {1, 290, 17, 259, 298, 42, 265, 271};

StageOptions with_adapters(const std::vector<LoraAdapter>& adapters) {
  StageOptions options;
  options.cpu.threads = 2;
  options.cpu.blas = false;
  options.kv = KvChoice::f32;
  options.lora = adapters;
  return options;
}

std::vector<float> adapted_logits(const GgufFile& file, const StageOptions& options) {
  Stage stage(file, options);
  LocalRunner runner(stage);
  return all_logits(runner, kLoraText);
}

std::vector<float> adapted_logits(const GgufFile& file, const std::vector<LoraAdapter>& adapters = {}) {
  return adapted_logits(file, with_adapters(adapters));
}

GgufFile open_data(const std::string& name) { return GgufFile::open(COVEY_TEST_DATA "/" + name + ".gguf"); }

class AdaptedModel : public testing::TestWithParam<std::string> {};

TEST_P(AdaptedModel, HasTheLogitsOfMergedWeights) {
  EditedModel model(GetParam());
  const GgufFile file = open_data(GetParam());
  MadeLora lora(*file.string("general.architecture"));
  adapt_all(lora, file, 5);
  const std::vector<float> plain = adapted_logits(file);
  const std::vector<float> adapted = adapted_logits(file, {lora.at(0.7F)});
  lora.merge_into(model, 0.7F);
  const GgufFile merged = model.open();
  EXPECT_LE(max_error(adapted, adapted_logits(merged)), 2e-5);
  EXPECT_GT(max_error(plain, adapted), 1e-2) << "the adapter is strong enough to be seen";
}

INSTANTIATE_TEST_SUITE_P(Models, AdaptedModel,
                         testing::Values("llama", "mixtral", "qwen3moe", "phi3", "phi2", "gpt2", "gemma2"));

TEST(LoraMerge, AdaptersAddUp) {
  EditedModel model("llama");
  const GgufFile file = open_data("llama");
  MadeLora all, some("llama", 3);
  adapt_all(all, file, 4, TensorType::f16);
  some.adapt("blk.1.ffn_down.weight", file.find_tensor("blk.1.ffn_down.weight")->dims, 32, TensorType::q8_0);
  const std::vector<float> adapted = adapted_logits(file, {all.at(0.5F), some.at(-2), some.at(0)});
  all.merge_into(model, 0.5);
  some.merge_into(model, -2);
  const GgufFile merged = model.open();
  EXPECT_LE(max_error(adapted, adapted_logits(merged)), 2e-5);
}

TEST(LoraMerge, AScaleOfZeroChangesNoBit) {
  for (const char* name : {"llama", "llama-q4_0"}) {
    const GgufFile file = open_data(name);
    MadeLora lora;
    adapt_all(lora, file, 4);
    EXPECT_EQ(adapted_logits(file, {lora.at(0)}), adapted_logits(file)) << name;
  }
}

// Quantized matrices become Q8_0, which is nearer to exact than four bits are, and larger.
TEST(LoraMerge, QuantizedModelsKeepTheChange) {
  const GgufFile file = open_data("llama-q4_0");
  MadeLora lora;
  adapt_all(lora, file, 4);
  StageOptions options = with_adapters({lora.at(0.2F)});
  StageOptions exact = options;
  exact.cpu.exact = true;
  const std::vector<float> expected = adapted_logits(file, exact);
  EXPECT_LE(nmse(adapted_logits(file, options), expected), 1e-3);
  EXPECT_GT(nmse(adapted_logits(file), expected), 1e-2);
  Stage plain(file, with_adapters({})), adapted(file, options);
  EXPECT_GT(adapted.memory_bytes(), plain.memory_bytes());
  EXPECT_EQ(plain.adapters_fingerprint(), 0U);
  EXPECT_NE(adapted.adapters_fingerprint(), 0U);
}

TEST(LoraMerge, TheSameBitsWithoutRepackingAndOnAnyNumberOfThreads) {
  const GgufFile file = open_data("llama-q4_0");
  MadeLora lora;
  adapt_all(lora, file, 4);
  StageOptions options = with_adapters({lora.at()});
  const std::vector<float> expected = adapted_logits(file, options);
  options.cpu.repack = false;
  EXPECT_EQ(adapted_logits(file, options), expected);
  options.cpu.threads = 1;
  EXPECT_EQ(adapted_logits(file, options), expected);
}

TEST(LoraMerge, SlicesHaveTheBitsOfTheWhole) {
  const GgufFile file = open_data("llama-q4_0");
  const ArchSpec& spec = read_architecture(file);
  const HyperParams params = read_hyper_params(file, spec);
  MadeLora lora;
  adapt_all(lora, file, 6);
  const LoraAdapter adapter = lora.at();
  LoraMerge merge(file, spec, params, std::span(&adapter, 1), {});
  const GgufTensor& tensor = *file.find_tensor("blk.0.ffn_down.weight");
  ASSERT_TRUE(merge.changes(tensor));
  EXPECT_FALSE(merge.changes(*file.find_tensor("token_embd.weight")));
  const auto rows = static_cast<std::int64_t>(tensor.rows()), cols = static_cast<std::int64_t>(tensor.cols());
  const MergedMatrix whole = merge.merge(tensor, {0, rows, 0, cols});
  EXPECT_EQ(whole.view.type, TensorType::q8_0);
  const MergedMatrix part = merge.merge(tensor, {3, 10, 32, 64});
  for (std::int64_t r = 0; r < 10; ++r) {
    const std::byte* const of_whole = whole.view.data + (r + 3) * static_cast<std::int64_t>(whole.view.row_stride) + 34;
    EXPECT_EQ(std::memcmp(part.view.data + r * 68, of_whole, 68), 0) << r;
  }
}

TEST(LoraMerge, WhatDoesNotSuitTheModelIsNamed) {
  struct Unsuited {
    const char* part;  // of the message
    std::function<void(MadeLora&)> change;
  };
  const std::vector<Unsuited> all = {
      {"of architecture 'qwen2'", [](MadeLora& m) { m.metadata["general.architecture"] = std::string("qwen2"); }},
      {"'blk.7.attn_q.weight', which",
       [](MadeLora& m) {
         m.adapt("blk.7.attn_q.weight", {64, 64}, 4);
       }},
      {"not embeddings",
       [](MadeLora& m) {
         m.adapt("token_embd.weight", {64, 320}, 4);
       }},
      {"not embeddings",
       [](MadeLora& m) {
         m.adapt("blk.0.attn_norm.weight", {64, 1}, 4);
       }},
      {"don't make a change of 'blk.0.ffn_up.weight'",
       [](MadeLora& m) {
         m.adapt("blk.0.ffn_up.weight", {64, 64}, 4);
       }},
      {"don't make a change of 'blk.0.ffn_up.weight'",
       [](MadeLora& m) {
         m.adapt("blk.0.ffn_up.weight", {32, 192}, 4);
       }},
      {"don't make a change of 'blk.0.ffn_up.weight'",
       [](MadeLora& m) {
         m.adapt("blk.0.ffn_up.weight", {64, 192, 2}, 4);
       }},
  };
  const GgufFile file = open_data("llama");
  for (const Unsuited& unsuited : all) {
    MadeLora lora;
    lora.adapt("blk.0.attn_q.weight", file.find_tensor("blk.0.attn_q.weight")->dims, 4);
    unsuited.change(lora);
    const LoraAdapter adapter = lora.at(0);
    const std::string message = message_of<Error>([&] { Stage(file, with_adapters({adapter})); });
    EXPECT_NE(message.find(unsuited.part), std::string::npos) << message;
    EXPECT_TRUE(message.starts_with(adapter.path + ": ")) << message;
  }
}

TEST(LoraMerge, ScalesAreFinite) {
  const GgufFile file = open_data("llama");
  MadeLora lora;
  adapt_all(lora, file, 4);
  for (const float scale : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_NE(message_of<Error>([&] { Stage(file, with_adapters({lora.at(scale)})); }).find("finite"),
              std::string::npos);
  }
}

TEST(LoraMerge, FilesInTheWrongPlaceAreNamed) {
  const GgufFile file = open_data("llama");
  EXPECT_NE(message_of<Error>([&] {
              Stage(file, with_adapters({{file.path(), 1}}));
            }).find("is not an adapter"),
            std::string::npos);
  EXPECT_NE(message_of<Error>([&] {
              Stage(file, with_adapters({{"/nowhere.gguf", 1}}));
            }).find("/nowhere.gguf"),
            std::string::npos);
  MadeLora lora;
  adapt_all(lora, file, 4);
  const GgufFile adapter = GgufFile::open(lora.write());
  EXPECT_NE(message_of<Error>([&] { Stage(adapter, with_adapters({})); }).find("is an adapter, not a model"),
            std::string::npos);
}

TEST(LoraMerge, FingerprintsTellAdaptersAndScalesApart) {
  const GgufFile file = open_data("llama");
  MadeLora one, other;
  adapt_all(one, file, 4);
  adapt_all(other, file, 3);
  const auto print = [&](const std::vector<LoraAdapter>& adapters) {
    return Stage(file, with_adapters(adapters)).adapters_fingerprint();
  };
  const std::uint64_t first = print({one.at()});
  EXPECT_EQ(print({one.at()}), first);
  for (const std::uint64_t different : {print({other.at()}), print({one.at(0.5F)}), print({one.at(), other.at()})}) {
    EXPECT_NE(different, first);
  }
}

// The library's own option.
TEST(LoraMerge, IsAnOptionOfModels) {
  MadeLora lora;
  const GgufFile file = open_data("llama");
  adapt_all(lora, file, 4);
  ModelOptions options;
  options.threads = 2;
  Model plain(file.path(), options);
  options.lora = {lora.at()};
  Model adapted(file.path(), options);
  EXPECT_NE(plain.logits(kLoraText), adapted.logits(kLoraText));
}

}  // namespace
}  // namespace covey
