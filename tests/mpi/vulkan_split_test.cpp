// Every architecture and every format over a rank with a GPU and one without: the reference logits.
#include "model/evaluate.hpp"
#include "tests/golden/golden.hpp"
#include "tests/golden/in_pieces.hpp"
#include "tests/kernels/vulkan_test_device.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

class VulkanSplit : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  }

  /// Calls `check` with the logits of all positions that two ranks compute, in batches of every size. Software drivers
  /// take so long over small ones that few models have to show it.
  template <class Check>
  static void in_batches(const std::string& model, const Golden& golden, int gpu_rank, const Check& check) {
    const bool slow = vulkan_is_software() && model != "llama" && model != "llama-q4_k_m";
    JobOptions job = job_on(golden.model_path);
    job.stage.n_ctx = 0;
    job.stage.max_tokens = 256;
    run_ranks(2, [&](Transport& transport) {
      Ledger ledger(transport);
      JobOptions mine = job;
      if (transport.rank() == gpu_rank) mine.stage.vulkan = vulkan_test_options();
      const auto session = find_mode(GetParam()).open(ledger, mine);
      if (transport.rank() != 0) return session->serve();
      for (const std::int32_t batch : {1, 7, 256}) {
        if (batch < 256 && slow) continue;
        InPieces runner(session->runner(), batch);
        const std::vector<float> logits = all_logits(runner, golden.tokens);
        SCOPED_TRACE(golden.model_path + " in batches of " + std::to_string(batch));
        EXPECT_EQ(logits.size(), golden.tokens.size() * golden.last_logits.size());
        check(logits);
      }
      session->close();
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, VulkanSplit, testing::Values("tensor", "pipeline"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(VulkanSplit, FloatModelsGiveTheReferenceLogits) {
  int gpu_rank = 0;
  for (const std::string& model : float_models()) {
    const Golden golden = load_golden(model);
    in_batches(model, golden, gpu_rank, [&](std::span<const float> logits) {
      EXPECT_LE(max_error(logits.last(golden.last_logits.size()), golden.last_logits), golden.tolerance);
    });
    gpu_rank = 1 - gpu_rank;
  }
}

TEST_P(VulkanSplit, PackedModelsAreAsNearToExactAsTheReference) {
  int gpu_rank = 0;
  for (const std::string& model : packed_models()) {
    const Golden golden = load_golden(model);
    JobOptions job = job_on(golden.model_path);
    job.stage.cpu.exact = true;
    job.stage.kv = KvChoice::f32;
    std::vector<float> exact;
    on_session("solo", 1, job, [&](Session& session) { exact = all_logits(session.runner(), golden.tokens); });
    in_batches(model, golden, gpu_rank,
               [&](std::span<const float> logits) { EXPECT_LE(nmse(logits, exact), 1.2 * golden.reference_nmse); });
    gpu_rank = 1 - gpu_rank;
  }
}

}  // namespace
}  // namespace covey
