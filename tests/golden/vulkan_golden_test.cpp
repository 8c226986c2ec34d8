// Whole models on a Vulkan device against the reference logits, under the eyes of the validation layer.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "kernels/vulkan_device.hpp"
#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "tests/golden/golden.hpp"

namespace covey {
namespace {

/// All models of a group of four, so that few processes load a driver: group i has models i, i + 4, ….
constexpr int kGroups = 4;

class VulkanGolden : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (vulkan_devices().empty()) GTEST_SKIP() << "there is no Vulkan device here. " << vulkan_missing();
  }

  static StageOptions options(std::int32_t batch) {
    StageOptions options;
    options.vulkan.emplace();
    options.vulkan->cache_folder = "";
    options.vulkan->on_message = [](std::string_view message) { ADD_FAILURE() << message; };
    options.max_tokens = batch;
    return options;
  }

  static std::vector<float> logits_of(const Golden& golden, const StageOptions& options) {
    const GgufFile file = GgufFile::open(golden.model_path);
    Stage stage(file, options);
    LocalRunner runner(stage);
    return all_logits(runner, golden.tokens);
  }

  static std::vector<std::string> group_of(const std::vector<std::string>& models) {
    std::vector<std::string> group;
    for (std::size_t i = static_cast<std::size_t>(GetParam()); i < models.size(); i += kGroups) {
      group.push_back(models[i]);
    }
    return group;
  }

  /// Token by token takes a driver that is software its time: a few models do, of unlike layers.
  static std::vector<std::int32_t> batches_of(const std::string& model) {
    if (model == "llama" || model == "gemma3" || model == "qwen3moe") return {1, 7, 256};
    return {7, 256};
  }

  static void expect_golden(const std::vector<float>& logits, const Golden& golden, const std::vector<float>& reference,
                            double tolerance) {
    const std::size_t n_vocab = golden.last_logits.size();
    ASSERT_EQ(logits.size(), golden.tokens.size() * n_vocab);
    EXPECT_LE(max_error(std::span(logits).last(n_vocab), reference), tolerance);
  }
};

TEST_P(VulkanGolden, FloatModelsGiveTheReferenceLogits) {
  for (const std::string& model : group_of(float_models())) {
    const Golden golden = load_golden(model);
    for (const std::int32_t batch : batches_of(model)) {
      SCOPED_TRACE(model + " in batches of " + std::to_string(batch));
      const std::vector<float> logits = logits_of(golden, options(batch));
      expect_golden(logits, golden, golden.last_logits, golden.tolerance);
      const std::size_t n_vocab = golden.last_logits.size();
      for (std::size_t p = 0; p < golden.top5.size(); ++p) {
        const auto row = std::span(logits).subspan(p * n_vocab, n_vocab);
        EXPECT_EQ(std::ranges::max_element(row) - row.begin(), golden.top5[p].front().first) << "position " << p;
      }
    }
  }
}

// Activations stay F32 there: what the weights decode to, and an F16 cache, is all that differs from F32 models.
TEST_P(VulkanGolden, PackedModelsAreExact) {
  for (const std::string& model : group_of(packed_models())) {
    SCOPED_TRACE(model);
    const Golden golden = load_golden(model);
    StageOptions exact = options(model == "llama-q4_k_m" ? 1 : 7);
    exact.kv = KvChoice::f32;
    expect_golden(logits_of(golden, exact), golden, golden.exact_last_logits, 1e-4);
    const std::vector<float> logits = logits_of(golden, options(256));
    const auto last = std::span(logits).last(golden.last_logits.size());
    EXPECT_LE(nmse(last, golden.exact_last_logits), 1.2 * golden.reference_nmse);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, VulkanGolden, testing::Range(0, kGroups));

}  // namespace
}  // namespace covey
