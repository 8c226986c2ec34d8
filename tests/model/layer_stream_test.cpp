#include "model/layer_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
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

// Gives what the file holds, until it has given so many parts.
class FileSource final : public LayerSource {
 public:
  FileSource(const GgufFile& file, const std::vector<StreamedLayer>& layers, int parts)
      : file_(file), parts_left_(parts) {
    for (const StreamedLayer& layer : layers) layers_[layer.layer] = layer.parts;
  }

  bool ask(std::int32_t layer) override {
    coming_ = layers_.at(layer);
    return parts_left_ > 0;
  }
  bool read(std::span<std::byte> part) override {
    if (parts_left_ == 0) return false;
    --parts_left_;
    const TensorPart next = coming_.front();
    coming_.erase(coming_.begin());
    EXPECT_EQ(next.bytes, part.size());
    const auto bytes = file_.tensors()[next.tensor].data.subspan(next.offset, next.bytes);
    // Other weights would be noticed, and are wanted: what comes is what is multiplied.
    std::ranges::transform(bytes, part.begin(), [&](std::byte b) { return spoils ? b ^ std::byte{1} : b; });
    return true;
  }
  int left() const { return parts_left_; }

  bool spoils = false;

 private:
  const GgufFile& file_;
  int parts_left_;
  std::map<std::int32_t, std::vector<TensorPart>> layers_;
  std::vector<TensorPart> coming_;
};

TEST_F(LayerStreamModel, LayersComeFromASourceAsLongAsItGivesThem) {
  Stage whole(*file_, under(0));
  const std::vector<float> expected = logits_of(whole);
  StageOptions options = under(whole.memory_bytes() * 9 / 10);
  options.layers_from_source = true;
  for (const int parts : {1000, 17, 3, 0}) {
    Stage stage(*file_, options);
    const std::vector<StreamedLayer> layers = stage.streamed_layers();
    ASSERT_FALSE(layers.empty());
    EXPECT_LT(layers.size(), 7U);
    FileSource source(*file_, layers, parts);
    stage.read_layers_from(&source);
    EXPECT_EQ(logits_of(stage), expected) << parts;
    stage.read_layers_from(nullptr);
    EXPECT_LE(source.left(), parts == 1000 ? 1000 - 7 : 0);
    EXPECT_LE(stage.memory_bytes(), options.memory_limit + kLater);
  }
  Stage stage(*file_, options);
  FileSource source(*file_, stage.streamed_layers(), 1000);
  source.spoils = true;
  stage.read_layers_from(&source);
  EXPECT_NE(logits_of(stage), expected);
  stage.read_layers_from(nullptr);
}

}  // namespace
}  // namespace covey
