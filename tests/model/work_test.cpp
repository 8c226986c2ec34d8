#include "model/work.hpp"

#include <gtest/gtest.h>

#include <string>

#include "kernels/quant/formats.hpp"
#include "model/stage.hpp"
#include "tests/test_data.hpp"

namespace covey {
namespace {

StageOptions options_of(KvChoice kv) {
  StageOptions options;
  options.cpu.threads = 1;
  options.kv = kv;
  return options;
}

std::uint64_t weights_of(const GgufFile& file, bool head) {
  std::uint64_t weights = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const bool is_head = tensor.name == "output.weight" || (tensor.name == "token_embd.weight" && head);
    if (tensor.dims.size() > 1 && tensor.name != "token_embd.weight" && !is_head && !head) weights += tensor.elements();
    if (is_head && head) weights = tensor.elements();
  }
  return weights;
}

TEST(Work, CountsTheWeightsOfALoadedModel) {
  for (const std::string name : {"llama", "llama-f16", "llama-q4_0", "llama-q8_0", "llama-tied"}) {
    const GgufFile file = GgufFile::open(data_file(name));
    const Stage stage(file, options_of(KvChoice::f16));
    const StageWork work = stage.work();
    const bool quantized = name == "llama-q4_0" || name == "llama-q8_0";
    EXPECT_EQ(quantized ? work.layers.int8_weights : work.layers.float_weights, weights_of(file, false)) << name;
    EXPECT_EQ(quantized ? work.head.int8_weights : work.head.float_weights, weights_of(file, true)) << name;
    EXPECT_EQ(quantized ? work.layers.float_weights : work.layers.int8_weights, 0U) << name;
    std::uint64_t bytes = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      if (tensor.dims.size() > 1 && tensor.name.starts_with("blk.")) bytes += tensor.data.size();
    }
    EXPECT_GE(work.layers.bytes, bytes) << name;
    EXPECT_LE(work.layers.bytes, bytes + bytes * 3 / 100) << name;
  }
}

TEST(Work, CachedTokensCostTheirKeysAndValues) {
  const GgufFile file = GgufFile::open(data_file("llama-q4_0"));  // 2 layers, 1 KV head of 64
  EXPECT_EQ(Stage(file, options_of(KvChoice::f32)).work().kv_token_bytes, 2 * 2 * 64 * 4U);
  EXPECT_EQ(Stage(file, options_of(KvChoice::f16)).work().kv_token_bytes, 2 * 2 * 64 * 2U);
  EXPECT_EQ(Stage(file, options_of(KvChoice::q8_0)).work().kv_token_bytes, 2 * 2 * 64 / 32 * 34U);
}

TEST(Work, ShardsShareIt) {
  const GgufFile file = GgufFile::open(data_file("llama"));
  const StageWork whole = Stage(file, options_of(KvChoice::f32)).work();
  for (const bool pipeline : {true, false}) {
    MatrixCost layers, head;
    std::uint64_t kv = 0;
    for (std::int32_t i = 0; i < 2; ++i) {
      StageOptions options = options_of(KvChoice::f32);
      if (pipeline) {
        options.shard.stage = i;
        options.shard.stages = 2;
      } else {
        options.shard.part = i;
        options.shard.parts = 2;
      }
      const StageWork work = Stage(file, options).work();
      layers += work.layers;
      head += work.head;
      kv += work.kv_token_bytes;
    }
    EXPECT_EQ(layers.float_weights, whole.layers.float_weights);
    // Besides the first part's, which is whole, the second holds its share of 300 rows of 64: bands of 64 make 3 and 2.
    EXPECT_EQ(head.float_weights, whole.head.float_weights + (pipeline ? 0 : (300 - 192) * 64));
    EXPECT_EQ(kv, whole.kv_token_bytes);
  }
}

TEST(Work, APassReadsWeightsOnceAndComputesForEachToken) {
  const StageWork stage = {.layers = {10, 3, 100}, .head = {5, 2, 40}, .kv_token_bytes = 7};
  EXPECT_EQ(pass_work(stage, 4, 1, 20), (PassWork{2 * (40 + 5), 2 * (12 + 2), 100 + 40 + 140}));
  EXPECT_EQ(pass_work(stage, 4, 0, 0), (PassWork{80, 24, 100}));
  EXPECT_EQ(pass_work(stage, 0, 0, 0), PassWork{});
  PassWork sum = pass_work(stage, 1, 0, 1);
  sum += pass_work(stage, 1, 1, 2);
  EXPECT_EQ(sum, (PassWork{2 * (20 + 5), 2 * (6 + 2), 200 + 40 + 21}));
}

}  // namespace
}  // namespace covey
