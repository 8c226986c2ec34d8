// What is not converted, and how a user learns why.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/model/published_twin.hpp"

namespace covey {
namespace {

/// What converting llama fails with once `damage` was done to it.
template <class Damage>
std::string refusal_after(const Damage& damage, const char* data = "llama", const char* model = "LlamaForCausalLM") {
  PublishedTwin published(data, model);
  published.write();
  damage(published.checkpoint);
  published.checkpoint.write();
  return published.checkpoint.refusal();
}

void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST(ConvertRefuses, ModelsThatAreNotKnown) {
  const auto refusal = refusal_after([](MadeCheckpoint& made) { made.config["architectures"] = {"OtherModel"}; });
  expect_parts(refusal, {"config.json", "'OtherModel'", "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM",
                         "Qwen3ForCausalLM", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration", "Phi3ForCausalLM"});
  expect_parts(refusal_after([](MadeCheckpoint& made) { made.config.erase("architectures"); }), {"architectures"});
}

TEST(ConvertRefuses, SettingsThatWouldBeIgnored) {
  const struct {
    const char* key;
    PlainJson value;
    const char* part;
  } cases[] = {
      {"quantization_config", {{"quant_method", "gptq"}}, "quantization_config"},
      {"hidden_act", "relu", "hidden_act"},
      {"hidden_size", nullptr, "\"hidden_size\" is missing"},
      {"hidden_size", 1e30, "hidden_size"},
      {"num_hidden_layers", 0, "num_hidden_layers"},
      {"num_hidden_layers", 2.5, "num_hidden_layers"},
      {"num_hidden_layers", 3, "'model.layers.2.input_layernorm.weight' is missing"},
      {"num_hidden_layers", 1, "9 tensors are not known"},
      {"num_key_value_heads", 3, "KV heads"},
      {"num_attention_heads", 8, "self_attn"},
      {"intermediate_size", "many", "intermediate_size"},
      {"rope_theta", 0, "rope_theta"},
      {"tie_word_embeddings", "yes", "tie_word_embeddings"},
      {"partial_rotary_factor", 0.5, "partial_rotary_factor"},
      {"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}, "'dynamic'"},
      {"rope_scaling", {{"type", "linear"}}, "factor"},
      {"rope_scaling", {{"type", "yarn"}, {"factor", 2}, {"mscale", 1}}, "mscale"},
      {"rope_scaling", {{"type", "longrope"}, {"long_factor", {1, 2}}}, "long_factor"},
      {"layer_types", {"sliding_attention", "full_attention"}, "layer_types"},
  };
  for (const auto& [key, value, part] : cases) {
    const auto set = [&key = key, &value = value](MadeCheckpoint& made) { made.config[key] = value; };
    expect_parts(refusal_after(set), {"covey-checkpoint", part});
  }
  expect_parts(refusal_after([](MadeCheckpoint& made) { made.config["use_sliding_window"] = true; }, "qwen2",
                             "Qwen2ForCausalLM"),
               {"use_sliding_window"});
  expect_parts(refusal_after([](MadeCheckpoint& made) { made.config["sliding_window_pattern"] = 5; }, "gemma3",
                             "Gemma3ForCausalLM"),
               {"sliding_window_pattern", "6"});
}

TEST(ConvertRefuses, TensorsThatAreUnknownMissingOrOfTheWrongShape) {
  using Made = MadeCheckpoint;
  const std::string q = "model.layers.1.self_attn.q_proj.weight";
  expect_parts(refusal_after([](Made& made) {
                 made.tensors["model.layers.0.adapter.weight"] = {{1}, {1}};
               }),
               {"model.layers.0.adapter.weight", "LlamaForCausalLM"});
  expect_parts(refusal_after([&](Made& made) { made.tensors.erase(q); }), {q, "missing"});
  expect_parts(refusal_after([](Made& made) { made.tensors.erase("lm_head.weight"); }), {"lm_head.weight", "missing"});
  expect_parts(refusal_after([](Made& made) { made.tensors.erase("model.layers.0.self_attn.q_proj.bias"); }, "qwen2",
                             "Qwen2ForCausalLM"),
               {"q_proj.bias", "missing"});
  expect_parts(refusal_after([&](Made& made) { made.tensors[q].shape = {32, 128}; }), {q, "32 x 128", "64 x 64"});
  expect_parts(refusal_after([](Made& made) {
                 made.tensors["model.embed_tokens.weight"] = {{2, 64}, {}};
               }),
               {"model.embed_tokens.weight"});
  // Rotary frequencies follow from the settings; some files have them all the same.
  expect_parts(refusal_after([](Made& made) {
                 made.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {{1}, {1}};
               }),
               {"no error"});
}

TEST(ConvertRefuses, OtherTypesOfWeightsByName) {
  PublishedTwin model("llama", "LlamaForCausalLM");
  model.write();
  MadeSafetensors weights;
  for (const auto& [name, tensor] : model.checkpoint.tensors) {
    if (name == "lm_head.weight") {
      weights.add(name, "F8_E4M3", tensor.shape, std::string(tensor.values.size(), '\0'));
    } else {
      weights.add(name, "F32", tensor.shape, bytes_of(tensor.values));
    }
  }
  model.checkpoint.put("model.safetensors", weights.bytes());
  expect_parts(model.checkpoint.refusal(), {"model.safetensors", "lm_head.weight", "F8_E4M3", "BF16"});
}

TEST(ConvertRefuses, FoldersWithoutWhatItNeeds) {
  MadeCheckpoint made;
  expect_parts(made.refusal(), {made.folder(), "model.safetensors.index.json"});
  made.put_json("model.safetensors.index.json", {{"weight_map", {{"a", "../a.safetensors"}}}});
  expect_parts(made.refusal(), {"'a'", "same folder"});
  made.put_json("model.safetensors.index.json", {{"weight_map", {{"a", "a.safetensors"}}}});
  expect_parts(made.refusal(), {"a.safetensors"});
  made.put("model.safetensors.index.json", "{");
  expect_parts(made.refusal(), {"index.json", "no JSON"});
  made.put("model.safetensors", MadeSafetensors().bytes());
  expect_parts(made.refusal(), {"config.json"});
  std::filesystem::remove_all(made.folder());
  expect_parts(made.refusal(), {"is no folder"});
}

TEST(ConvertRefuses, ToLeaveAFileThatDoesNotLoad) {
  PublishedTwin model("llama", "LlamaForCausalLM");
  model.write();
  // Readable, but text could not be encoded: no bytes and no unknown token.
  MadeSentencePiece pieces;
  for (int i = 0; i < 300; ++i) pieces.piece("p" + std::to_string(i), 0, 1);
  pieces.trainer(3, 2);
  pieces.trainer(40, -1);
  model.checkpoint.put("tokenizer.model", pieces.bytes());
  expect_parts(model.checkpoint.refusal(), {"unknown_token_id"});
  for (const auto& entry : std::filesystem::directory_iterator(model.checkpoint.folder())) {
    EXPECT_EQ(entry.path().string().find("out.gguf"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace covey
