// Draws from shortlists where a model is split over ranks, on a CPU or on a GPU beside one.
#include "kernels/vulkan_device.hpp"
#include "tests/model/drawn_twice.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

class VulkanShortlistSplit : public testing::TestWithParam<const char*> {
 protected:
  static void expect_no_change(bool gpu, float tolerance) {
    const std::string path = model_file("llama.gguf");
    const GgufFile file = GgufFile::open(path);
    const auto tokenizer = Tokenizer::from_gguf(file);
    JobOptions job = job_on(path);
    job.stage.max_tokens = 4;
    run_ranks(2, [&](Transport& transport) {
      Ledger ledger(transport);
      JobOptions mine = job;
      if (gpu && transport.rank() == 0) {
        mine.stage.vulkan.emplace();
        mine.stage.vulkan->cache_folder = "";
        mine.stage.vulkan->check_synchronization = true;
        mine.stage.vulkan->on_message = [](std::string_view message) { ADD_FAILURE() << message; };
      }
      const auto session = find_mode(GetParam()).open(ledger, mine);
      if (transport.rank() != 0) return session->serve();
      expect_shortlists_change_nothing(session->runner(), *tokenizer, tolerance);
      session->close();
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, VulkanShortlistSplit, testing::Values("tensor", "pipeline"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(VulkanShortlistSplit, ChangesNothing) {
  expect_no_change(false, 0.0F);
  if (vulkan_devices().empty()) GTEST_SKIP() << "there is no Vulkan device here. " << vulkan_missing();
  expect_no_change(true, 1e-5F);
}

}  // namespace
}  // namespace covey
