// Whole models on a Vulkan device against the reference logits, under the eyes of the validation layer, which looks for
// missing barriers too.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "tests/golden/golden.hpp"
#include "tests/golden/in_pieces.hpp"
#include "tests/kernels/vulkan_test_device.hpp"

namespace covey {
namespace {

class VulkanGolden : public testing::Test {
 protected:
  void SetUp() override {
    if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  }

  static StageOptions options(VulkanUse use) {
    StageOptions options;
    options.vulkan = vulkan_test_options();
    options.vulkan->use = use;
    return options;
  }

  static std::vector<float> logits_of(const Golden& golden, const StageOptions& options) {
    const GgufFile file = GgufFile::open(golden.model_path);
    Stage stage(file, options);
    LocalRunner runner(stage);
    return all_logits(runner, golden.tokens);
  }

  /// Calls `check` with the logits of all positions, in batches of each size. In small ones, software drivers take so
  /// long that few models have to show it.
  template <class Check>
  static void in_batches(const std::string& model, const Golden& golden, const StageOptions& options,
                         const Check& check) {
    const GgufFile file = GgufFile::open(golden.model_path);
    Stage stage(file, options);
    LocalRunner whole(stage);
    for (const std::int32_t batch : {1, 7, 256}) {
      if (batch < 256 && vulkan_is_software() && model != "llama" && model != "mixtral" && model != "llama-q4_k_m")
        continue;
      SCOPED_TRACE(golden.model_path + " in batches of " + std::to_string(batch));
      InPieces runner(whole, batch);
      const std::vector<float> logits = all_logits(runner, golden.tokens);
      ASSERT_EQ(logits.size(), golden.tokens.size() * golden.last_logits.size());
      check(logits, std::span(logits).last(golden.last_logits.size()));
    }
  }
};

TEST_F(VulkanGolden, FloatModelsGiveTheReferenceLogits) {
  for (const std::string& model : float_models()) {
    const Golden golden = load_golden(model);
    in_batches(
        model, golden, options(VulkanUse::fast), [&](std::span<const float> logits, std::span<const float> last) {
          EXPECT_LE(max_error(last, golden.last_logits), golden.tolerance);
          const std::size_t n_vocab = golden.last_logits.size();
          for (std::size_t p = 0; p < golden.top5.size(); ++p) {
            const auto row = logits.subspan(p * n_vocab, n_vocab);
            EXPECT_EQ(std::ranges::max_element(row) - row.begin(), golden.top5[p].front().first) << "position " << p;
          }
        });
  }
}

// Where activations stay F32, what the weights decode to is all that differs from F32 models. By Vulkan 1.1 alone they
// do on every device; software drivers take so long over its barriers that few models have to show it.
TEST_F(VulkanGolden, PackedModelsAreExactInF32) {
  for (const std::string& model : packed_models()) {
    const Golden golden = load_golden(model);
    const bool alone = model == "llama-q4_k_m" || !vulkan_is_software();
    StageOptions exact = options(alone ? VulkanUse::none : VulkanUse::fast);
    exact.kv = KvChoice::f32;
    in_batches(model, golden, exact, [&](std::span<const float>, std::span<const float> last) {
      EXPECT_LE(max_error(last, golden.exact_last_logits), 1e-4);
    });
  }
}

// By integer dot products, and by cooperative matrices or, in some formats, what stands in for them.
TEST_F(VulkanGolden, PackedModelsAreAsNearToExactAsTheReferenceByAllFeatures) {
  for (const std::string& model : packed_models()) {
    const Golden golden = load_golden(model);
    StageOptions decoded;
    decoded.cpu.exact = true;
    decoded.kv = KvChoice::f32;
    const std::vector<float> exact = logits_of(golden, decoded);
    // Beside weights in fp16, activations in fp16 are rounded as the reference's are: which is nearer is chance.
    const double allowed = model == "llama-f16" ? 1.5 : 1.2;
    in_batches(model, golden, options(VulkanUse::all), [&](std::span<const float> logits, std::span<const float>) {
      EXPECT_LE(nmse(logits, exact), allowed * golden.reference_nmse);
    });
  }
}

}  // namespace
}  // namespace covey
