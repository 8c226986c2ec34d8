// What architectures say about themselves, and what a file must hold to be one.
#include "model/arch_spec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "covey/error.hpp"
#include "model/rope.hpp"
#include "model/stage.hpp"
#include "model/weights.hpp"
#include "tests/error_of.hpp"
#include "tests/model/edited_model.hpp"

namespace covey {
namespace {

std::string error_of_opening(EditedModel& model) {
  const GgufFile file = model.open();
  return error_of([&] { Stage(file, {}); });
}

TEST(Architectures, AreFoundByTheirNames) {
  std::set<std::string_view> names;
  for (const ArchSpec& spec : architectures()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(find_architecture(spec.name), &spec);
  }
  EXPECT_EQ(names.size(), 14U);
  EXPECT_EQ(find_architecture("llam"), nullptr);
}

TEST(Architectures, AnUnknownOneGetsTheKnownOnes) {
  EditedModel model("llama");
  model.metadata["general.architecture"] = std::string("mamba");
  const std::string error = error_of_opening(model);
  EXPECT_NE(error.find("'mamba' is not supported"), std::string::npos) << error;
  for (const ArchSpec& spec : architectures()) {
    EXPECT_NE(error.find(std::string(spec.name)), std::string::npos) << error;
  }
}

TEST(Architectures, EveryTensorIsAskedForOnce) {
  for (const ArchSpec& spec : architectures()) {
    std::set<std::pair<std::string_view, Role>> seen;
    std::set<Role> roles;
    for (const TensorRule& rule : spec.tensors) {
      EXPECT_TRUE(seen.emplace(rule.name, rule.role).second) << spec.name << " " << rule.name;
      roles.insert(rule.role);
    }
    for (const Role role : {Role::token_embd, Role::output_norm, Role::output, Role::attn_q, Role::attn_k, Role::attn_v,
                            Role::attn_output, Role::ffn_up, Role::ffn_down}) {
      EXPECT_TRUE(roles.contains(role)) << spec.name << " " << static_cast<int>(role);
    }
  }
}

TEST(Architectures, MissingAndMisshapenTensorsAreNamed) {
  const std::pair<const char*, const char*> needed[] = {
      {"llama", "blk.1.attn_k.weight"},         {"qwen3", "blk.0.attn_q_norm.weight"},
      {"gemma2", "blk.2.post_ffw_norm.weight"}, {"phi3", "blk.1.attn_qkv.weight"},
      {"gpt2", "position_embd.weight"},         {"phi2", "blk.0.attn_norm.bias"},
      {"mixtral", "blk.0.ffn_up_exps.weight"},  {"qwen3moe", "blk.1.ffn_gate_inp.weight"}};
  for (const auto& [name, tensor] : needed) {
    EditedModel model(name);
    model.tensors.at(tensor).dims[0] /= 2;
    model.tensors.at(tensor).values.resize(model.tensors.at(tensor).values.size() / 2);
    const std::string misshapen = error_of_opening(model);
    EXPECT_NE(misshapen.find(std::string("'") + tensor + "' is "), std::string::npos) << misshapen;
    model.tensors.erase(tensor);
    const std::string missing = error_of_opening(model);
    EXPECT_NE(missing.find("is missing"), std::string::npos) << missing;
    // Of a fused tensor, the separate ones could stand in its place.
    const char* const named = std::string(name) == "phi3" ? "blk.1.attn_q.weight" : tensor;
    EXPECT_NE(missing.find(named), std::string::npos) << missing;
  }
}

TEST(Architectures, ExpertsMustFit) {
  EditedModel model("mixtral");
  model.metadata["llama.expert_used_count"] = std::uint32_t{99};
  EXPECT_NE(error_of_opening(model).find("expert_used_count"), std::string::npos);
}

TEST(Architectures, LayersOfTwoKinds) {
  const ArchSpec& gemma3 = *find_architecture("gemma3");
  const ArchSpec& smollm3 = *find_architecture("smollm3");
  const ArchSpec& llama = *find_architecture("llama");
  for (std::int32_t layer = 0; layer < 24; ++layer) {
    EXPECT_EQ(gemma3.has_window(layer), layer % 6 != 5);
    EXPECT_EQ(smollm3.turns(layer), layer % 4 != 3);
    EXPECT_TRUE(llama.has_window(layer) && llama.turns(layer));
    EXPECT_FALSE(find_architecture("gpt2")->turns(layer));
  }
}

TEST(Architectures, LearnedPositionsEndTheContext) {
  EditedModel model("gpt2");
  const GgufFile file = model.open();
  StageOptions options;
  options.n_ctx = 256;
  EXPECT_NO_THROW(Stage(file, options));
  options.n_ctx = 257;
  EXPECT_NE(error_of([&] { Stage(file, options); }).find("learned positions for 256"), std::string::npos);
}

// Phi 3 has two lists of factors for its frequencies, and a magnitude for both.
TEST(Architectures, LongContextsHaveTheirOwnRopeFactors) {
  EditedModel model("phi3");
  const GgufValue& dims = model.metadata.at("phi3.rope.dimension_count");
  const std::uint64_t pairs = std::get<std::uint32_t>(dims) / 2;
  model.tensors["rope_factors_short.weight"] = {{pairs}, std::vector<float>(pairs, 2.0F)};
  model.tensors["rope_factors_long.weight"] = {{pairs}, std::vector<float>(pairs, 8.0F)};
  model.metadata["phi3.rope.scaling.original_context_length"] = std::uint32_t{64};
  model.metadata["phi3.rope.scaling.attn_factor"] = 1.25F;
  const GgufFile file = model.open();
  const ArchSpec& spec = read_architecture(file);
  const HyperParams params = read_hyper_params(file, spec);
  EXPECT_EQ(load_rope_factors(file, spec, params, 64), std::vector<float>(pairs, 2.0F));
  EXPECT_EQ(load_rope_factors(file, spec, params, 65), std::vector<float>(pairs, 8.0F));
  const RopeSpec rope = make_rope(params.rope, spec.rope, load_rope_factors(file, spec, params, 65));
  EXPECT_EQ(rope.magnitude, 1.25F);
  EXPECT_EQ(rope.inverse_frequency[0], 0.125F);
  EXPECT_NO_THROW(Stage(file, {}));
  model.tensors["rope_factors_long.weight"].values[1] = 0.0F;
  EXPECT_NE(error_of_opening(model).find("rope_factors_long.weight' holds a factor"), std::string::npos);
}

TEST(Architectures, OneSizeScalesScoresByTheWidth) {
  EditedModel model("gemma2");
  const auto scale = [&] {
    const GgufFile file = model.open();
    return read_hyper_params(file, read_architecture(file)).attention_scale;
  };
  const auto n_embd = std::get<std::uint32_t>(model.metadata.at("gemma2.embedding_length"));
  const auto heads = std::get<std::uint32_t>(model.metadata.at("gemma2.attention.head_count"));
  const auto head_dim = std::get<std::uint32_t>(model.metadata.at("gemma2.attention.key_length"));
  EXPECT_FLOAT_EQ(scale(), 1.0F / std::sqrt(static_cast<float>(head_dim)));
  model.metadata["gemma2.block_count"] = std::uint32_t{46};
  EXPECT_FLOAT_EQ(scale(), 1.0F / std::sqrt(static_cast<float>(n_embd / heads)));
  model.metadata["gemma2.attention.scale"] = 0.5F;
  EXPECT_EQ(scale(), 0.5F);
}

}  // namespace
}  // namespace covey
