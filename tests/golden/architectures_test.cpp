// What must hold of whole models beyond their reference logits: results that depend on a token's own sequence alone,
// windows, tensors that hold several.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "tests/golden/golden.hpp"
#include "tests/model/edited_model.hpp"

namespace covey {
namespace {

std::vector<float> logits_of(const GgufFile& file, const std::vector<Token>& tokens, std::int32_t batch,
                             std::int32_t n_ctx = 0) {
  StageOptions options;
  options.n_ctx = n_ctx;
  options.cpu.threads = 2;
  options.cpu.blas = false;  // whose products depend on the batch
  options.max_tokens = batch;
  Stage stage(file, options);
  LocalRunner runner(stage);
  return all_logits(runner, tokens);
}

std::vector<Token> text(std::int32_t length) {
  std::vector<Token> tokens;
  for (Token t = 0; t < length; ++t) tokens.push_back(259 + t * 37 % 41);
  return tokens;
}

/// "blk.0.", "blk.1.", …
std::vector<std::string> blocks_of(const EditedModel& model) {
  std::vector<std::string> blocks;
  while (model.tensors.contains("blk." + std::to_string(blocks.size()) + ".attn_output.weight")) {
    blocks.push_back("blk." + std::to_string(blocks.size()) + ".");
  }
  return blocks;
}

/// The last of `rows` rows.
std::vector<float> last_row(const std::vector<float>& logits, std::size_t rows) {
  return {logits.end() - static_cast<std::ptrdiff_t>(logits.size() / rows), logits.end()};
}

class EveryArchitecture : public testing::TestWithParam<std::string> {};

TEST_P(EveryArchitecture, GivesTheSameBitsInAnyBatch) {
  const Golden golden = load_golden(GetParam());
  const GgufFile file = GgufFile::open(golden.model_path);
  const std::vector<float> whole = logits_of(file, golden.tokens, 256);
  for (const std::int32_t batch : {1, 7}) EXPECT_EQ(logits_of(file, golden.tokens, batch), whole) << batch;
}

TEST_P(EveryArchitecture, GivesTheSameBitsBesideAnotherSequence) {
  const Golden golden = load_golden(GetParam());
  const GgufFile file = GgufFile::open(golden.model_path);
  const auto count = golden.tokens.size();
  const std::vector<float> alone = last_row(logits_of(file, golden.tokens, 256), count);
  StageOptions options;
  options.cpu.blas = false;
  options.kv_tokens = 256;
  Stage stage(file, options);
  LocalRunner runner(stage);
  Batch batch;
  for (std::size_t i = 0; i < count; ++i) {
    batch.tokens.push_back({golden.tokens[count - 1 - i], 1, false});
    batch.tokens.push_back({golden.tokens[i], 0, i == count - 1});
  }
  const auto logits = runner.forward(batch);
  EXPECT_EQ(std::vector<float>(logits.begin(), logits.end()), alone);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryArchitecture, testing::ValuesIn(float_models()), [](const auto& of) {
  std::string name = of.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

// Layers that see eight positions each reach back seven apiece: further back nothing counts.
TEST(SlidingWindow, IsTheReachOfItsLayers) {
  EditedModel model("llama");
  const std::vector<Token> tokens = text(400);
  const std::size_t farthest = tokens.size() - 1 - 7 * blocks_of(model).size();
  std::vector<Token> other = tokens;
  other[farthest - 1] = 7;
  const GgufFile full = model.open();
  EXPECT_NE(last_row(logits_of(full, tokens, 256, 512), 400), last_row(logits_of(full, other, 256, 512), 400));
  model.metadata["llama.attention.sliding_window"] = std::uint32_t{8};
  const GgufFile windowed = model.open();
  const std::vector<float> logits = last_row(logits_of(windowed, tokens, 256, 512), 400);
  EXPECT_EQ(last_row(logits_of(windowed, other, 256, 512), 400), logits);
  other[farthest] = 7;
  EXPECT_NE(last_row(logits_of(windowed, other, 256, 512), 400), logits);
}

// Over several spans of attention, in one pass and token by token.
TEST(SlidingWindow, LongSequencesInAnyBatch) {
  for (const std::uint32_t window : {8U, 100U, 300U}) {
    EditedModel model("gemma2");
    model.metadata["gemma2.attention.sliding_window"] = window;
    const GgufFile file = model.open();
    const std::vector<float> whole = logits_of(file, text(450), 450, 512);
    for (const std::int32_t batch : {1, 7, 64}) EXPECT_EQ(logits_of(file, text(450), batch, 512), whole) << window;
  }
}

// A window that holds all of a text is none.
TEST(SlidingWindow, WiderThanTheTextChangesNothing) {
  EditedModel model("llama");
  const GgufFile full = model.open();
  const std::vector<float> expected = logits_of(full, text(60), 256);
  model.metadata["llama.attention.sliding_window"] = std::uint32_t{60};
  const GgufFile windowed = model.open();
  EXPECT_EQ(logits_of(windowed, text(60), 256), expected);
}

TEST(FusedTensors, GiveTheBitsOfSeparateOnes) {
  EditedModel model("phi2");
  const GgufFile separate = model.open();
  const std::vector<float> expected = logits_of(separate, text(20), 256);
  for (const std::string& block : blocks_of(model)) {
    for (const char* kind : {"weight", "bias"}) {
      model.fuse(block + "attn_qkv." + kind,
                 {block + "attn_q." + kind, block + "attn_k." + kind, block + "attn_v." + kind});
    }
  }
  const GgufFile fused = model.open();
  EXPECT_EQ(logits_of(fused, text(20), 256), expected);
}

// StableLM without a norm before the feed-forward layer has it beside attention; some have norms of single heads.
TEST(OptionalTensors, ChangeTheModel) {
  EditedModel model("stablelm");
  const GgufFile whole = model.open();
  const std::vector<float> expected = logits_of(whole, text(20), 256);
  const auto heads = std::get<std::uint32_t>(model.metadata.at("stablelm.attention.head_count"));
  const auto kv_heads = std::get<std::uint32_t>(model.metadata.at("stablelm.attention.head_count_kv"));
  const auto head_dim = std::get<std::uint32_t>(model.metadata.at("stablelm.embedding_length")) / heads;
  for (const std::string& block : blocks_of(model)) {
    model.tensors[block + "attn_q_norm.weight"] = {{head_dim, heads}, std::vector<float>(head_dim * heads, 1.0F)};
    model.tensors[block + "attn_k_norm.weight"] = {{head_dim, kv_heads}, std::vector<float>(head_dim * kv_heads, 1.0F)};
  }
  const GgufFile normed = model.open();
  const std::vector<float> with_norms = logits_of(normed, text(20), 256);
  EXPECT_NE(with_norms, expected);
  for (const std::string& block : blocks_of(model)) {
    model.tensors.erase(block + "ffn_norm.weight");
    model.tensors.erase(block + "ffn_norm.bias");
  }
  const GgufFile beside = model.open();
  EXPECT_NE(logits_of(beside, text(20), 256), with_norms);
}

}  // namespace
}  // namespace covey
