#include "model/device_layers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "model/evaluate.hpp"
#include "model/tokenizer.hpp"
#include "tests/error_of.hpp"
#include "tests/kernels/vulkan_test_device.hpp"
#include "tests/model/drawn_twice.hpp"
#include "tests/test_data.hpp"

namespace covey {
namespace {

StageOptions on_vulkan() {
  StageOptions options;
  options.vulkan = vulkan_test_options();
  return options;
}

std::vector<Token> some_tokens() { return {1, 259, 291, 270, 265, 292, 290, 262, 277, 268, 299, 281}; }

TEST(DeviceLayers, AreAllWithoutAGpuAndOfPartsOfAModel) {
  const GgufFile file = GgufFile::open(data_file("llama"));
  const std::int32_t all = model_facts(file).n_layers;
  ASSERT_GE(all, 2);
  EXPECT_EQ(layers_on_device(file, {}), all);
  StageOptions part = on_vulkan();
  part.shard.stages = 2;
  EXPECT_EQ(layers_on_device(file, part), all);
  part.vulkan_layers = 1;
  EXPECT_NE(error_of([&] { layers_on_device(file, part); }).find("--gpu-layers"), std::string::npos);
  StageOptions cpu;
  cpu.vulkan_layers = 1;
  EXPECT_NE(error_of([&] { layers_on_device(file, cpu); }).find("--device vulkan"), std::string::npos);
}

TEST(VulkanLayers, AreAsManyAsFit) {
  if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  const GgufFile file = GgufFile::open(data_file("llama"));
  const std::int32_t all = model_facts(file).n_layers;
  StageOptions options = on_vulkan();
  options.n_ctx = 32;
  EXPECT_EQ(layers_on_device(file, options), all);
  options.vulkan_layers = 1;
  EXPECT_EQ(layers_on_device(file, options), 1);
  options.vulkan_layers = 1000;
  EXPECT_EQ(layers_on_device(file, options), all);
  options.vulkan_layers = 0;
  // Less and less memory: fewer and fewer layers, one at least.
  std::int32_t before = all;
  for (std::uint64_t limit = file.file_bytes() + (std::uint64_t{193} << 20); limit > std::uint64_t{193} << 20;
       limit -= file.file_bytes() / 4) {
    options.vulkan->memory_limit = limit;
    const std::int32_t layers = layers_on_device(file, options);
    EXPECT_LE(layers, before);
    EXPECT_GE(layers, 1);
    before = layers;
  }
}

TEST(VulkanLayers, TheRestIsComputedOnTheCpu) {
  if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  for (const char* name : {"llama", "gemma2"}) {
    const GgufFile file = GgufFile::open(data_file(name));
    Stage cpu(file, {});
    LocalRunner cpu_runner(cpu);
    const std::vector<float> expected = all_logits(cpu_runner, some_tokens());
    StageOptions options = on_vulkan();
    options.vulkan_layers = 1;
    options.max_tokens = 5;
    Stage both(file, options);
    EXPECT_NE(both.device_description().find("(1 layers)"), std::string::npos) << both.device_description();
    LocalRunner runner(both);
    const float largest = std::abs(*std::ranges::max_element(expected, {}, [](float x) { return std::abs(x); }));
    // Twice: the sequence is dropped in between, on both sides.
    for (int time = 0; time < 2; ++time) {
      const std::vector<float> logits = all_logits(runner, some_tokens());
      ASSERT_EQ(logits.size(), expected.size());
      for (std::size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 1e-4F * largest) << name;
    }
    EXPECT_EQ(both.free_blocks(), both.limits().blocks);
    EXPECT_EQ(both.work().kv_token_bytes, cpu.work().kv_token_bytes);
  }
}

void expect_shortlists_change_nothing_on(const StageOptions& options, float tolerance) {
  const GgufFile file = GgufFile::open(data_file("llama"));
  const auto tokenizer = Tokenizer::from_gguf(file);
  Stage stage(file, options);
  LocalRunner runner(stage);
  expect_shortlists_change_nothing(runner, *tokenizer, tolerance);
  Batch batch;
  batch.tokens.push_back({1, 0, true});
  batch.shortlist = kMostShortlisted + 1;
  EXPECT_NE(error_of([&] { runner.forward(batch); }).find("at most 64"), std::string::npos);
}

TEST(DeviceLayers, GiveShortlistsThatChangeNothing) { expect_shortlists_change_nothing_on({}, 0.0F); }

// On a GPU, and on both.
TEST(VulkanLayers, GiveShortlistsThatChangeNothing) {
  if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  StageOptions gpu = on_vulkan();
  expect_shortlists_change_nothing_on(gpu, 1e-5F);
  gpu.vulkan_layers = 1;
  expect_shortlists_change_nothing_on(gpu, 1e-5F);
}

}  // namespace
}  // namespace covey
