#include "model/layer_stream.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "model/synth.hpp"
#include "tests/error_of.hpp"

namespace covey {
namespace {

// What grows with a batch: logits of four tokens, and the plan of attention.
constexpr std::uint64_t kLater = 4 * 320 * sizeof(float) + 256;

class LayerStreamModel : public ::testing::Test {
 protected:
  LayerStreamModel() {
    SynthOptions options;
    options.n_embd = 64;
    options.n_layer = 7;
    options.n_ff = 96;
    options.n_head = 2;
    options.n_kv = 2;
    options.n_vocab = 320;
    options.type = TensorType::q8_0;
    write_random_model(path_, options);
    file_.emplace(GgufFile::open(path_));
  }
  ~LayerStreamModel() override { std::filesystem::remove(path_); }

  static StageOptions under(std::uint64_t limit) {
    StageOptions options;
    options.cpu.threads = 1;
    options.n_ctx = 64;
    options.max_tokens = 4;
    options.memory_limit = limit;
    return options;
  }

  /// Of passes of up to four tokens.
  static std::vector<float> logits_of(Stage& stage) {
    LocalRunner runner(stage);
    return all_logits(runner, std::vector<Token>{1, 259, 291, 270, 265, 292, 290, 262, 277});
  }

  const std::string path_ = ::testing::TempDir() + "covey_layer_stream.gguf";
  std::optional<GgufFile> file_;
};

TEST_F(LayerStreamModel, GivesTheSameBitsInAnyMemoryThatHoldsALayer) {
  Stage whole(*file_, under(0));
  const std::vector<float> expected = logits_of(whole);
  const std::string refused = error_of([&] { Stage(*file_, under(1)); });
  const std::size_t at = refused.find("give it ");
  ASSERT_NE(at, std::string::npos) << refused;
  const std::uint64_t least = std::stoull(refused.substr(at + 8));
  const std::uint64_t all = whole.memory_bytes();
  ASSERT_LT(least, all);
  EXPECT_NE(error_of([&] { Stage(*file_, under(least - 1)); }).find(path_), std::string::npos);
  for (int i = 0; i <= 8; ++i) {
    const std::uint64_t limit = least + (all - least) * static_cast<std::uint64_t>(i) / 8;
    Stage stage(*file_, under(limit));
    EXPECT_EQ(logits_of(stage), expected) << limit;
    EXPECT_LE(stage.memory_bytes(), limit + kLater);
    EXPECT_GT(stage.memory_bytes(), limit - (all - least) / 3) << "room was left unused";
  }
}

TEST_F(LayerStreamModel, GoesOnAfterAPassThatBrokeOff) {
  struct Peer final : Exchange {
    void sum(std::span<float>, SumUse) override {
      if (sums_left-- == 0) throw Error("lost");
    }
    int sums_left = -1;
  };
  StageOptions half = under(0);
  half.shard.parts = 2;
  Batch batch;
  batch.tokens = {{1, 0, false}, {259, 0, true}};
  Batch again = batch;
  again.ops = {{SequenceOp::Kind::drop, 0, 0, 0}};
  Peer peer;
  Stage whole(*file_, half);
  const auto logits = whole.forward(batch, peer);
  const std::vector<float> expected(logits.begin(), logits.end());
  half.memory_limit = whole.memory_bytes() * 3 / 4;
  for (const int sums : {0, 3, 8, 13}) {
    Stage stage(*file_, half);
    peer.sums_left = sums;
    EXPECT_THROW(stage.forward(batch, peer), Error);
    peer.sums_left = -1;
    const auto rows = stage.forward(again, peer);
    EXPECT_EQ(std::vector<float>(rows.begin(), rows.end()), expected) << sums;
  }
}

}  // namespace
}  // namespace covey
