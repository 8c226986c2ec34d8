#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

/// A folder with a llama of one layer, all weights 0, and 259 tokens.
std::string published_folder(const std::string& name) {
  const std::filesystem::path folder = scratch(name);
  std::filesystem::create_directories(folder);
  nlohmann::ordered_json header;
  std::uint64_t end = 0;
  const auto add = [&](const std::string& tensor, const std::vector<std::uint64_t>& shape) {
    std::uint64_t bytes = 4;
    for (const std::uint64_t dim : shape) bytes *= dim;
    header[tensor] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
  };
  add("model.embed_tokens.weight", {259, 32});
  add("model.norm.weight", {32});
  const std::string layer = "model.layers.0.";
  for (const char* const matrix : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
    add(layer + "self_attn." + matrix + ".weight", {32, 32});
  }
  add(layer + "input_layernorm.weight", {32});
  add(layer + "post_attention_layernorm.weight", {32});
  add(layer + "mlp.gate_proj.weight", {64, 32});
  add(layer + "mlp.up_proj.weight", {64, 32});
  add(layer + "mlp.down_proj.weight", {32, 64});
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::ofstream weights(folder / "model.safetensors", std::ios::binary);
  weights.write(reinterpret_cast<const char*>(&length), sizeof length);
  weights << text << std::string(end, '\0');

  std::ofstream(folder / "config.json") << nlohmann::json{{"architectures", {"LlamaForCausalLM"}},
                                                          {"hidden_size", 32},
                                                          {"intermediate_size", 64},
                                                          {"num_hidden_layers", 1},
                                                          {"num_attention_heads", 2},
                                                          {"max_position_embeddings", 64},
                                                          {"rms_norm_eps", 1e-5},
                                                          {"tie_word_embeddings", true}};
  nlohmann::ordered_json tokenizer;
  tokenizer["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}};
  tokenizer["model"] = {{"type", "BPE"}, {"byte_fallback", true}, {"merges", nlohmann::json::array()}};
  auto& vocabulary = tokenizer["model"]["vocab"];
  vocabulary["<s>"] = 0;
  vocabulary["</s>"] = 1;
  vocabulary["▁"] = 2;
  for (int byte = 0; byte < 256; ++byte) {
    char token[8];
    std::snprintf(token, sizeof token, "<0x%02X>", static_cast<unsigned>(byte));
    vocabulary[token] = 3 + byte;
  }
  std::ofstream(folder / "tokenizer.json") << tokenizer;
  return folder.string();
}

TEST(ConvertCommand, WritesAModelThatRuns) {
  const std::string folder = published_folder("published"), out = scratch("published.gguf");
  const Finished ended = covey_run({"convert", folder, "-o", out, "--type", "q8_0"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const char* part : {"published.gguf", "LlamaForCausalLM", "llama", "11 tensors"}) {
    EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
  }
  const auto info = parsed(covey_run({"info", out, "--json", "--metadata"}).out);
  EXPECT_EQ(info["metadata"]["general.name"], "published") << info;
  EXPECT_EQ(info["metadata"]["general.file_type"], 7) << info;
  const Finished ran = covey_run({"run", "-m", out, "-p", "hello", "-n", "3", "--ignore-eos", "--no-bos"});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST(ConvertCommand, ADryRunWritesNothing) {
  const std::string folder = published_folder("dry"), out = scratch("dry.gguf");
  const Finished table = covey_run({"convert", folder, "-o", out, "--dry-run"});
  ASSERT_EQ(table.code, 0) << table.err;
  for (const char* part : {"blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight", "F32", "not written"}) {
    EXPECT_NE(table.out.find(part), std::string::npos) << part << "\n" << table.out;
  }
  const auto json = parsed(covey_run({"convert", folder, "-o", out, "--dry-run", "--json", "--type", "F16"}).out);
  EXPECT_EQ(json["written"], false);
  EXPECT_EQ(json["architecture"], "llama");
  std::uint64_t bytes = 0;
  for (const auto& tensor : json["tensors"]) bytes += tensor["bytes"].get<std::uint64_t>();
  EXPECT_EQ(json["bytes"], bytes);
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(ConvertCommand, SaysWhatIsWrong) {
  const std::string folder = published_folder("wrong"), out = scratch("wrong.gguf");
  const struct {
    std::vector<std::string> arguments;
    int code;
    const char* part;
  } cases[] = {
      {{folder}, 2, "--output"},
      {{folder, "-o", out, "--type", "Q4_0"}, 2, "quantize has more"},
      {{folder, "-o", out, "--pre", "nonsense"}, 2, "nonsense"},
      {{folder, "-o", out, "--pre", "qwen2"}, 1, "pre-tokenizer"},
      {{scratch("nowhere"), "-o", out}, 1, "is no folder"},
      {{folder, "-o", scratch("no/such/folder.gguf")}, 1, "folder.gguf"},
  };
  for (const auto& [arguments, code, part] : cases) {
    std::vector<std::string> all = {"convert"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished ended = covey_run(all);
    EXPECT_EQ(ended.code, code) << part;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  }
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace covey
